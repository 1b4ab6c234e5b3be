"""The portal's own session: who is logged in, kept sealed in cookies.

A browser holds about 4 KiB a cookie, so the sealed text is cut into numbered
parts. Every part is needed; a mixture of two sessions does not open.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from sdk_web.errors import LoginError, SealBroken
from sdk_web.sealing import CookieSealer
from sdk_web.tokens import Tokens, VerifiedIdToken

PART_CHARACTERS = 3800
MAX_PARTS = 4
CONTEXT = "session"


@dataclass(frozen=True, slots=True, kw_only=True)
class PortalSession:
    """A person logged in at this portal until `ends_at` (seconds since 1970).

    `claims` are those of the ID token and of userinfo together.
    """

    id_token: VerifiedIdToken
    claims: Mapping[str, object]
    refresh_token: str | None = field(repr=False)
    ends_at: float

    @property
    def subject(self) -> str:
        """Who it is, as this relying party sees the person."""
        return self.id_token.subject

    def refreshed(
        self, tokens: Tokens, *, claims: Mapping[str, object]
    ) -> "PortalSession":
        """Return the session with fresh tokens and claims; it ends no later."""
        merged = MappingProxyType({**tokens.id_token.claims, **claims})
        return replace(
            self,
            id_token=tokens.id_token,
            claims=merged,
            refresh_token=tokens.refresh_token,
        )

    def to_parts(self, sealer: CookieSealer) -> list[str]:
        """Return the sealed session, cut to fit into cookies.

        Raises:
            SealBroken: it would need more than four cookies.

        """
        content = {
            "id_token": dict(self.id_token.claims),
            "raw": self.id_token.raw,
            "claims": dict(self.claims),
            "refresh_token": self.refresh_token,
            "ends_at": self.ends_at,
        }
        text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
        sealed = sealer.seal(text.encode(), context=CONTEXT)
        starts = range(0, len(sealed), PART_CHARACTERS)
        parts = [sealed[start : start + PART_CHARACTERS] for start in starts]
        if len(parts) > MAX_PARTS:
            raise SealBroken("the session does not fit into cookies")
        return parts

    @classmethod
    def from_parts(
        cls, parts: list[str], *, sealer: CookieSealer, now: float
    ) -> "PortalSession | None":
        """Open a sealed session; None when it is broken or has ended."""
        try:
            content = json.loads(sealer.open("".join(parts), context=CONTEXT))
            session = cls(
                id_token=VerifiedIdToken.of_verified(
                    content["id_token"], raw=content["raw"]
                ),
                claims=MappingProxyType(content["claims"]),
                refresh_token=content["refresh_token"],
                ends_at=content["ends_at"],
            )
        except (LoginError, ValueError, KeyError, TypeError):
            return None
        return session if now < session.ends_at else None
