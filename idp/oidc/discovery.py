"""What this provider can do, said truthfully, as prebuilt bytes with an ETag.

OpenID Connect Discovery 1.0, 3; RFC 8414; RFC 9207. RS256 is left out on purpose:
every key here is ES256.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from idp.domain.assurance import REACHABLE, acr_uri
from idp.domain.consents import CLAIMS_OF_SCOPE, MEMBERS
from idp.domain.party_metadata import DELIVERY_MODES, SIGNING_ALGORITHMS
from idp.domain.relying_parties import AUTH_METHODS
from idp.oidc.backchannel_authentication import PATH as BACKCHANNEL_PATH
from idp.oidc.context import services_of
from idp.oidc.token import GRANT_TYPES

MAX_AGE = 300
TOKEN_CLAIMS = (
    "iss",
    "sub",
    "aud",
    "iat",
    "exp",
    "auth_time",
    "nonce",
    "acr",
    "amr",
    "sid",
    "at_hash",
)


def metadata(issuer: str) -> dict[str, Any]:
    """Return the provider's metadata. Pure."""
    members = dict.fromkeys(name for names in MEMBERS.values() for name in names)
    return {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/authorize",
        "token_endpoint": f"{issuer}/token",
        "userinfo_endpoint": f"{issuer}/userinfo",
        "revocation_endpoint": f"{issuer}/revoke",
        "end_session_endpoint": f"{issuer}/logout",
        "jwks_uri": f"{issuer}/jwks",
        "backchannel_authentication_endpoint": f"{issuer}{BACKCHANNEL_PATH}",
        "backchannel_token_delivery_modes_supported": list(DELIVERY_MODES),
        "backchannel_authentication_request_signing_alg_values_supported": list(
            SIGNING_ALGORITHMS
        ),
        "backchannel_user_code_parameter_supported": False,
        "scopes_supported": list(CLAIMS_OF_SCOPE),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": list(GRANT_TYPES),
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["ES256"],
        "token_endpoint_auth_methods_supported": list(AUTH_METHODS),
        "revocation_endpoint_auth_methods_supported": list(AUTH_METHODS),
        "code_challenge_methods_supported": ["S256"],
        "acr_values_supported": [acr_uri(level, issuer=issuer) for level in REACHABLE],
        "claim_types_supported": ["normal"],
        "claims_supported": [*TOKEN_CLAIMS, *members],
        "prompt_values_supported": ["none", "login", "consent", "select_account"],
        "ui_locales_supported": ["km", "en"],
        "claims_locales_supported": ["en", "km"],
        "claims_parameter_supported": False,
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
        "require_request_uri_registration": False,
        "authorization_response_iss_parameter_supported": True,
    }


@dataclass(frozen=True, slots=True)
class Document:
    """JSON that was built once, and its ETag."""

    body: bytes
    etag: str

    @classmethod
    def of(cls, value: Mapping[str, Any]) -> "Document":
        """Build it."""
        body = orjson.dumps(value)
        return cls(body, f'"{sha256(body).hexdigest()[:32]}"')

    def answer(self, request: Request) -> Response:
        """Answer the document, or 304 for one that the caller has."""
        headers = {
            "ETag": self.etag,
            "Cache-Control": f"public, max-age={MAX_AGE}",
            "Access-Control-Allow-Origin": "*",
        }
        if request.headers.get("if-none-match") == self.etag:
            return Response(status_code=304, headers=headers)
        return Response(self.body, media_type="application/json", headers=headers)


@dataclass(slots=True)
class DiscoveryEndpoint:
    """`/.well-known/openid-configuration` and `/jwks`."""

    _metadata: dict[str, Document] = field(default_factory=dict)
    _keys: tuple[tuple[str, ...], Document] | None = None

    async def configuration(self, request: Request) -> Response:
        """Answer the metadata."""
        issuer = services_of(request).settings.issuer
        if issuer not in self._metadata:
            self._metadata[issuer] = Document.of(metadata(issuer))
        return self._metadata[issuer].answer(request)

    async def jwks(self, request: Request) -> Response:
        """Answer the public keys; built again only when the set has changed."""
        published = await services_of(request).keys.jwks()
        kids = tuple(key["kid"] for key in published["keys"])
        if self._keys is None or self._keys[0] != kids:
            self._keys = (kids, Document.of(published))
        return self._keys[1].answer(request)
