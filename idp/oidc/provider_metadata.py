"""What this provider can do, said truthfully: its metadata. Pure.

OpenID Connect Discovery 1.0, 3; RFC 8414; RFC 8705, 5; RFC 9101; RFC 9126; RFC 9207;
RFC 9449, 5.1; JARM 1.0; CIBA Core 1.0, 4; Back-Channel Logout 1.0, 2.1; OpenID Connect
for Identity Assurance 1.0. Each table below is the one that the endpoint itself reads,
and tests/integration/test_discovery_truth.py exercises every value.
"""

from typing import Any

from idp.domain.assurance import LEVELS, acr_uri
from idp.domain.consents import CLAIMS_OF_SCOPE, MEMBERS
from idp.domain.party_metadata import (
    CONTENT_ENCRYPTION,
    DELIVERY_MODES,
    KEY_WRAPPING,
    SIGNING_ALGORITHMS,
)
from idp.domain.relying_parties import NONE, PRIVATE_KEY_JWT, SECRET_METHODS
from idp.oidc.backchannel_authentication import PATH as BACKCHANNEL_PATH
from idp.oidc.client_certificates import mtls_metadata, mtls_methods
from idp.oidc.dpop import DPOP_ALGORITHMS
from idp.oidc.introspection import PATH as INTROSPECTION_PATH
from idp.oidc.logout import PATH as LOGOUT_PATH
from idp.oidc.pushed_authorization import PATH as PAR_PATH
from idp.oidc.registration import PATH as REGISTER_PATH
from idp.oidc.response_modes import RESPONSE_MODES
from idp.oidc.token import GRANT_TYPES
from idp.oidc.verified_claims import assurance_metadata
from idp.settings import IdpSettings

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
CODE = "code"
PROMPTS = ("none", "login", "consent", "select_account")


def metadata(settings: IdpSettings) -> dict[str, Any]:
    """Return the provider's metadata."""
    found = {
        **_endpoints(settings.issuer),
        **_requests(settings),
        **_authentication(settings),
        **_algorithms(settings),
        **_identity(),
        **_backchannel(settings.issuer),
    }
    return {**found, **mtls_metadata(settings, found)}


def _endpoints(issuer: str) -> dict[str, Any]:
    return {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/authorize",
        "pushed_authorization_request_endpoint": f"{issuer}{PAR_PATH}",
        "token_endpoint": f"{issuer}/token",
        "userinfo_endpoint": f"{issuer}/userinfo",
        "introspection_endpoint": f"{issuer}{INTROSPECTION_PATH}",
        "revocation_endpoint": f"{issuer}/revoke",
        "registration_endpoint": f"{issuer}{REGISTER_PATH}",
        "end_session_endpoint": f"{issuer}{LOGOUT_PATH}",
        "jwks_uri": f"{issuer}/jwks",
    }


def _requests(settings: IdpSettings) -> dict[str, Any]:
    return {
        "scopes_supported": list(CLAIMS_OF_SCOPE),
        "response_types_supported": [CODE],
        "response_modes_supported": list(RESPONSE_MODES),
        "grant_types_supported": list(GRANT_TYPES),
        "code_challenge_methods_supported": ["S256"],
        "prompt_values_supported": list(PROMPTS),
        "ui_locales_supported": ["km", "en"],
        "claims_parameter_supported": True,
        "request_parameter_supported": True,
        # What is pushed has a request_uri of ours; no other address is ever fetched.
        "request_uri_parameter_supported": False,
        "require_request_uri_registration": False,
        "require_pushed_authorization_requests": False,
        "require_signed_request_object": False,
        "authorization_response_iss_parameter_supported": True,
        "acr_values_supported": [
            acr_uri(level, issuer=settings.issuer) for level in LEVELS
        ],
    }


def _authentication(settings: IdpSettings) -> dict[str, Any]:
    confidential = [*SECRET_METHODS, PRIVATE_KEY_JWT, *mtls_methods(settings)]
    found: dict[str, Any] = {}
    for endpoint in ("token", "revocation", "introspection"):
        name = f"{endpoint}_endpoint_auth"
        is_for_all = endpoint != "introspection"
        methods = [*confidential, NONE] if is_for_all else confidential
        found[f"{name}_methods_supported"] = methods
        found[f"{name}_signing_alg_values_supported"] = list(SIGNING_ALGORITHMS)
    return {**found, "dpop_signing_alg_values_supported": list(DPOP_ALGORITHMS)}


def _algorithms(settings: IdpSettings) -> dict[str, Any]:
    ours, wrapping = list(settings.signing_algorithms), list(KEY_WRAPPING)
    found: dict[str, Any] = {
        "request_object_signing_alg_values_supported": list(SIGNING_ALGORITHMS)
    }
    for kind in ("id_token", "userinfo", "authorization", "introspection"):
        found[f"{kind}_signing_alg_values_supported"] = ours
        found[f"{kind}_encryption_alg_values_supported"] = wrapping
        found[f"{kind}_encryption_enc_values_supported"] = list(CONTENT_ENCRYPTION)
    return found


def _identity() -> dict[str, Any]:
    members = dict.fromkeys(name for names in MEMBERS.values() for name in names)
    return {
        "subject_types_supported": ["pairwise"],
        "claim_types_supported": ["normal"],
        "claims_supported": [*TOKEN_CLAIMS, *members],
        "claims_locales_supported": ["en", "km"],
        **assurance_metadata(),
    }


def _backchannel(issuer: str) -> dict[str, Any]:
    return {
        "backchannel_authentication_endpoint": f"{issuer}{BACKCHANNEL_PATH}",
        "backchannel_token_delivery_modes_supported": list(DELIVERY_MODES),
        "backchannel_authentication_request_signing_alg_values_supported": list(
            SIGNING_ALGORITHMS
        ),
        "backchannel_user_code_parameter_supported": False,
        "backchannel_logout_supported": True,
        "backchannel_logout_session_supported": True,
    }
