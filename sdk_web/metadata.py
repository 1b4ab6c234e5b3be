"""What a provider says about itself: its discovery document and its keys.

Both documents are kept as long as their server allows (between a minute and a
day), asked for again with their ETag, and fetched by one task at a time.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import anyio
import httpx2
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

from sdk_web.errors import KeyUnknown, Misconfigured, UnexpectedAnswer
from sdk_web.fetching import Fetcher, require_secure

DEFAULT_AGE = 300.0
LEAST_AGE = 60.0
GREATEST_AGE = 86_400.0
# An attacker who invents kids must not make us hammer the provider.
REFETCH_SECONDS = 30.0
MAX_KEYS = 64
MAX_AGE = re.compile(r"(?:^|[\s,])max-age=\"?([0-9]{1,9})")

PublicKey = ECKey | RSAKey


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderMetadata:
    """The part of a discovery document that this package uses."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None
    end_session_endpoint: str | None
    revocation_endpoint: str | None
    names_issuer_in_response: bool

    @classmethod
    def of(cls, document: dict[str, object], *, issuer: str) -> "ProviderMetadata":
        """Read a discovery document (OIDC Discovery 1.0, 3 and 4.3).

        Raises:
            UnexpectedAnswer: another issuer, an endpoint that is missing or not
                https, or a provider without the code flow or PKCE S256.

        """
        if document.get("issuer") != issuer:
            raise UnexpectedAnswer("the discovery document names another issuer")
        _require_member(document, "response_types_supported", "code")
        _require_member(document, "code_challenge_methods_supported", "S256")
        return cls(
            issuer=issuer,
            authorization_endpoint=_endpoint(document, "authorization_endpoint"),
            token_endpoint=_endpoint(document, "token_endpoint"),
            jwks_uri=_endpoint(document, "jwks_uri"),
            userinfo_endpoint=_optional(document, "userinfo_endpoint"),
            end_session_endpoint=_optional(document, "end_session_endpoint"),
            revocation_endpoint=_optional(document, "revocation_endpoint"),
            names_issuer_in_response=document.get(
                "authorization_response_iss_parameter_supported"
            )
            is True,
        )


def _require_member(document: dict[str, object], name: str, value: str) -> None:
    found = document.get(name)
    if not isinstance(found, list) or value not in found:
        raise UnexpectedAnswer(f"{name} lacks {value}")


def _endpoint(document: dict[str, object], name: str) -> str:
    try:
        return require_secure(document.get(name), what=name)
    except Misconfigured as error:
        raise UnexpectedAnswer(str(error)) from error


def _optional(document: dict[str, object], name: str) -> str | None:
    return _endpoint(document, name) if name in document else None


@dataclass(slots=True)
class CachedDocument:
    """One JSON document, kept as long as its server allows."""

    fetcher: Fetcher
    clock: Callable[[], float]
    url: str
    _value: dict[str, object] | None = None
    _etag: str | None = None
    _fetched_at: float = 0.0
    _fresh_until: float = 0.0
    _lock: anyio.Lock = field(default_factory=anyio.Lock)

    async def get(self) -> dict[str, object]:
        """Return the document, fetching it when it is missing or stale."""
        async with self._lock:
            if self._value is None or self.clock() >= self._fresh_until:
                return await self._fetch()
            return self._value

    async def get_newer(self) -> dict[str, object]:
        """Fetch the document again, but never twice within 30 seconds."""
        async with self._lock:
            recent = self.clock() < self._fetched_at + REFETCH_SECONDS
            if self._value is not None and recent:
                return self._value
            return await self._fetch()

    async def _fetch(self) -> dict[str, object]:
        headers = {"If-None-Match": self._etag} if self._etag else {}
        answer = await self.fetcher.fetch(self.url, headers=headers)
        known = self._value
        if answer.status == httpx2.codes.NOT_MODIFIED and known is not None:
            value = known
        elif answer.status == httpx2.codes.OK:
            value = answer.json_object()
            self._etag = answer.headers.get("etag")
        else:
            raise UnexpectedAnswer(f"{self.url} answered {answer.status}")
        self._value = value
        self._fetched_at = self.clock()
        self._fresh_until = self._fetched_at + _lifetime(answer.headers)
        return value


def _lifetime(headers: Mapping[str, str]) -> float:
    value = headers.get("cache-control", "").lower()
    found = MAX_AGE.search(value)
    if "no-store" in value or "no-cache" in value:
        return LEAST_AGE
    age = float(found[1]) if found else DEFAULT_AGE
    return min(max(age, LEAST_AGE), GREATEST_AGE)


class Provider:
    """A provider's metadata and keys, fetched when needed."""

    def __init__(
        self,
        *,
        issuer: str,
        fetcher: Fetcher,
        clock: Callable[[], float],
    ) -> None:
        self._issuer = issuer
        self._fetcher = fetcher
        self._clock = clock
        well_known = f"{issuer.rstrip('/')}/.well-known/openid-configuration"
        self._discovery = CachedDocument(fetcher, clock, well_known)
        self._jwks: CachedDocument | None = None

    async def metadata(self) -> ProviderMetadata:
        """Return what the provider says about itself."""
        document = await self._discovery.get()
        return ProviderMetadata.of(document, issuer=self._issuer)

    async def key(self, key_id: str) -> PublicKey:
        """Return the signing key `key_id`, looking once more when it is unknown.

        Raises:
            KeyUnknown: the provider publishes no such key.

        """
        jwks = await self._key_document()
        found = _find(await jwks.get(), key_id)
        if found is None:
            found = _find(await jwks.get_newer(), key_id)
        if found is None:
            raise KeyUnknown("no such key is published")
        return found

    async def _key_document(self) -> CachedDocument:
        url = (await self.metadata()).jwks_uri
        if self._jwks is None or self._jwks.url != url:
            self._jwks = CachedDocument(self._fetcher, self._clock, url)
        return self._jwks


def _find(document: dict[str, object], key_id: str) -> PublicKey | None:
    keys = document.get("keys")
    if not isinstance(keys, list) or len(keys) > MAX_KEYS:
        raise UnexpectedAnswer("the key document has no usable list of keys")
    named = [key for key in keys if isinstance(key, dict) and key.get("kid") == key_id]
    if len(named) > 1:
        raise UnexpectedAnswer("the key document names two keys alike")
    if not named or named[0].get("use", "sig") != "sig":
        return None
    return _import(named[0])


def _import(value: dict[str, str | list[str]]) -> PublicKey | None:
    kinds: dict[object, type[ECKey | RSAKey]] = {"EC": ECKey, "RSA": RSAKey}
    kind = kinds.get(value.get("kty"))
    if kind is None:
        return None
    try:
        return kind.import_key(value)
    except (JoseError, ValueError, TypeError, KeyError) as error:
        raise UnexpectedAnswer("a published key cannot be read") from error
