"""A pending login: what the portal must remember until the browser is back."""

import json
from base64 import urlsafe_b64encode
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from secrets import token_urlsafe
from typing import Protocol

from sdk_web.errors import SealBroken

# The provider parks a login for thirty minutes; ours need not live longer.
LIFETIME_SECONDS = 1800
SKEW_SECONDS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginTransaction:
    """One login on its way. Keep it sealed, or in the portal's session.

    `return_to` is where the portal sends the person afterwards; it is never
    sent to the provider.
    """

    issuer: str
    redirect_uri: str
    started_at: float
    acr: str | None = None
    max_age: int | None = None
    return_to: str = "/"
    state: str = field(default_factory=lambda: token_urlsafe(32))
    nonce: str = field(default_factory=lambda: token_urlsafe(32), repr=False)
    code_verifier: str = field(default_factory=lambda: token_urlsafe(48), repr=False)

    @property
    def code_challenge(self) -> str:
        """The S256 challenge of the verifier (RFC 7636, 4.2)."""
        digest = sha256(self.code_verifier.encode("ascii")).digest()
        return urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")

    def has_expired(self, now: float) -> bool:
        """Tell whether the login was started too long ago, or in the future."""
        return not -SKEW_SECONDS <= now - self.started_at <= LIFETIME_SECONDS

    def to_json(self) -> bytes:
        """Return the transaction as JSON, to be sealed: it holds secrets."""
        return json.dumps(asdict(self)).encode()

    @classmethod
    def from_json(cls, content: bytes) -> "LoginTransaction":
        """Read what `to_json` wrote and the portal kept safe.

        Raises:
            SealBroken: the content was never written by `to_json`.

        """
        try:
            return cls(**json.loads(content))
        except (ValueError, TypeError) as error:
            raise SealBroken("not a login transaction") from error


class SpentTransactions(Protocol):
    """Remembers which logins were finished."""

    async def spend(self, state: str, *, until: float) -> bool:
        """Remember `state` until that instant; False when it was known already."""
        ...


@dataclass(slots=True)
class SpentInMemory:
    """Remembers finished logins in this process.

    With several processes the provider's single-use code still stops a second
    finish; share a store by implementing `SpentTransactions` to stop it earlier.
    """

    _until: dict[str, float] = field(default_factory=dict)

    async def spend(self, state: str, *, until: float) -> bool:
        """Remember `state`, dropping what a full lifetime has passed over."""
        if state in self._until:
            return False
        oldest = until - 2 * LIFETIME_SECONDS
        for known in [key for key, end in self._until.items() if end < oldest]:
            del self._until[known]
        self._until[state] = until
        return True
