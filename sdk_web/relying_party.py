"""What a portal agreed with CamDigiKey when it was registered."""

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from secrets import token_urlsafe
from typing import Protocol
from urllib.parse import quote_plus

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from sdk_web.errors import Misconfigured
from sdk_web.fetching import require_secure

ASSERTION_SECONDS = 60
SIGNATURE_ALGORITHMS = frozenset({"ES256", "ES384", "ES512", "PS256", "PS384", "PS512"})


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a request carries to show who is asking."""

    headers: Mapping[str, str]
    form: Mapping[str, str]


class ClientAuthentication(Protocol):
    """Shows the token endpoint who is asking (OIDC Core, 9)."""

    def credentials(self, *, client_id: str, issuer: str, now: float) -> Credentials:
        """Return what to add to one request made at `now` (seconds, UTC)."""
        ...


@dataclass(frozen=True, slots=True)
class PublicClient:
    """No secret: a native or single-page application; PKCE is its proof."""

    def credentials(self, *, client_id: str, issuer: str, now: float) -> Credentials:
        """Name the client, prove nothing."""
        del issuer, now
        return Credentials({}, {"client_id": client_id})


@dataclass(frozen=True, slots=True)
class ClientSecretBasic:
    """The secret in the Authorization header (RFC 6749, 2.3.1)."""

    secret: str = field(repr=False)

    def credentials(self, *, client_id: str, issuer: str, now: float) -> Credentials:
        """Encode id and secret as form values first, as the RFC wants."""
        del issuer, now
        pair = f"{quote_plus(client_id)}:{quote_plus(self.secret)}".encode()
        return Credentials({"Authorization": f"Basic {b64encode(pair).decode()}"}, {})


@dataclass(frozen=True, slots=True)
class ClientSecretPost:
    """The secret in the body."""

    secret: str = field(repr=False)

    def credentials(self, *, client_id: str, issuer: str, now: float) -> Credentials:
        """Send id and secret as form fields."""
        del issuer, now
        return Credentials({}, {"client_id": client_id, "client_secret": self.secret})


@dataclass(frozen=True, slots=True)
class PrivateKeyJwt:
    """An assertion signed with the portal's own P-256 key (RFC 7523).

    `key` is the private key as PEM or JWK; `key_id` is the `kid` under which its
    public half was registered.
    """

    key: bytes | str | dict[str, str | list[str]] = field(repr=False)
    key_id: str

    def __post_init__(self) -> None:
        """Refuse a key that cannot sign.

        Raises:
            Misconfigured: not a private P-256 key.

        """
        try:
            key = ECKey.import_key(self.key)
        except (JoseError, ValueError) as error:
            raise Misconfigured("the client's key cannot be read") from error
        if not key.is_private or key.curve_name != "P-256":
            raise Misconfigured("the client's key is not a private P-256 key")

    def credentials(self, *, client_id: str, issuer: str, now: float) -> Credentials:
        """Sign a fresh assertion; its audience is the issuer and nothing else."""
        claims: dict[str, object] = {
            "iss": client_id,
            "sub": client_id,
            "aud": issuer,
            "iat": int(now),
            "exp": int(now) + ASSERTION_SECONDS,
            "jti": token_urlsafe(16),
        }
        header = {"alg": "ES256", "kid": self.key_id}
        assertion = jwt.encode(header, claims, ECKey.import_key(self.key))
        kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
        form = {"client_id": client_id, "client_assertion_type": kind}
        return Credentials({}, {**form, "client_assertion": assertion})


@dataclass(frozen=True, slots=True, kw_only=True)
class RelyingParty:
    """A portal as CamDigiKey knows it.

    `leeway` is in seconds and is allowed on every instant. The algorithm list is
    exact: a token signed with any other is refused before a key is looked up.
    """

    issuer: str
    client_id: str
    redirect_uri: str
    authentication: ClientAuthentication = field(default_factory=PublicClient)
    scopes: tuple[str, ...] = ("openid", "profile")
    post_logout_redirect_uri: str | None = None
    id_token_algorithms: frozenset[str] = frozenset({"ES256"})
    leeway: float = 30.0

    def __post_init__(self) -> None:
        """Check what can be checked without asking the provider.

        Raises:
            Misconfigured: an unsafe address, no `openid`, or an algorithm that
                is not an asymmetric signature.

        """
        require_secure(self.issuer, what="issuer")
        require_secure(self.redirect_uri, what="redirect_uri")
        if self.post_logout_redirect_uri is not None:
            what = "post_logout_redirect_uri"
            require_secure(self.post_logout_redirect_uri, what=what)
        if not self.client_id or "openid" not in self.scopes:
            raise Misconfigured("client_id and the scope openid are required")
        if not self.id_token_algorithms <= SIGNATURE_ALGORITHMS:
            raise Misconfigured("only asymmetric signatures are accepted")

    def acr(self, level: str) -> str:
        """Return the acr value of an assurance level, which is a URI of the issuer."""
        return f"{self.issuer.rstrip('/')}/acr/{level}"
