"""What a relying party may register beyond names and addresses. Pure.

The names are those of RFC 7591 (client metadata), OpenID Connect Registration 1.0,
RFC 8705, RFC 9126, RFC 9449, JARM, CIBA Core 1.0 and Back-Channel Logout 1.0. One
frozen value, kept as JSON beside the party's row: members that have their default
are left out, unknown ones are refused.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import orjson

from idp.errors import FieldsInvalid

AUTHORIZATION_CODE = "authorization_code"
REFRESH_TOKEN = "refresh_token"  # noqa: S105 - a grant type
CLIENT_CREDENTIALS = "client_credentials"
CIBA = "urn:openid:params:grant-type:ciba"
TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"  # noqa: S105 - a grant type
GRANT_TYPES = (
    AUTHORIZATION_CODE,
    REFRESH_TOKEN,
    CLIENT_CREDENTIALS,
    CIBA,
    TOKEN_EXCHANGE,
)

SIGNING_ALGORITHMS = ("ES256", "PS256", "EdDSA", "RS256")
FAPI_ALGORITHMS = ("ES256", "PS256", "EdDSA")
KEY_WRAPPING = (
    "ECDH-ES",
    "ECDH-ES+A128KW",
    "ECDH-ES+A256KW",
    "RSA-OAEP-256",
)
CONTENT_ENCRYPTION = ("A128GCM", "A256GCM", "A128CBC-HS256", "A256CBC-HS512")
DELIVERY_MODES = ("poll", "ping", "push")
APPLICATION_TYPES = ("web", "native")


@dataclass(frozen=True, slots=True, kw_only=True)
class PartyMetadata:
    """Everything a party may register that the protocol asks about.

    `jwks` is a JWK Set, `jwks_uri` where it is read from (one of the two). Algorithms
    are empty where nothing is signed or encrypted. `resources` are the resource
    indicators (RFC 8707) it may ask tokens for, `api_scopes` what it may ask for in
    its own name (client_credentials), `claims` what it may ask for one by one,
    `may_act_at` the parties whose services it may call in a citizen's name,
    `audience` what its own API is called in tokens. `legal_basis` is the text that
    allows it to ask. `names_itself` says that nobody has vouched for its names.
    `is_pkce_exempt` counts in a sandbox alone (`may_omit_pkce`).
    """

    application_type: str = "web"
    grant_types: tuple[str, ...] = (AUTHORIZATION_CODE, REFRESH_TOKEN)
    contacts: tuple[str, ...] = ()
    logo_uri: str = ""
    policy_uri: str = ""
    legal_basis: str = ""
    software_id: str = ""
    is_development: bool = False
    names_itself: bool = False
    is_pkce_exempt: bool = False

    jwks: Mapping[str, Any] | None = None
    jwks_uri: str = ""
    token_endpoint_auth_signing_alg: str = ""
    tls_client_auth_subject_dn: str = ""
    tls_client_auth_san_dns: str = ""
    tls_client_auth_san_uri: str = ""
    tls_client_certificate_bound_access_tokens: bool = False
    dpop_bound_access_tokens: bool = False

    require_pushed_authorization_requests: bool = False
    require_signed_request_object: bool = False
    request_object_signing_alg: str = ""
    authorization_signed_response_alg: str = "ES256"
    authorization_encrypted_response_alg: str = ""
    authorization_encrypted_response_enc: str = ""
    default_max_age: int | None = None
    require_auth_time: bool = False

    id_token_signed_response_alg: str = "ES256"  # noqa: S105 - an algorithm
    id_token_encrypted_response_alg: str = ""
    id_token_encrypted_response_enc: str = ""
    userinfo_signed_response_alg: str = ""
    userinfo_encrypted_response_alg: str = ""
    userinfo_encrypted_response_enc: str = ""
    introspection_signed_response_alg: str = ""
    introspection_encrypted_response_alg: str = ""
    introspection_encrypted_response_enc: str = ""

    backchannel_logout_uri: str = ""
    backchannel_logout_session_required: bool = False
    backchannel_token_delivery_mode: str = ""
    backchannel_client_notification_endpoint: str = ""
    backchannel_authentication_request_signing_alg: str = ""

    claims: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    api_scopes: tuple[str, ...] = ()
    may_act_at: tuple[str, ...] = ()
    audience: str = ""

    def may_use(self, grant_type: str) -> bool:
        """Say whether the party registered this grant type."""
        return grant_type in self.grant_types


DEFAULT = PartyMetadata()
_LISTS = frozenset(
    field.name
    for field in fields(PartyMetadata)
    if isinstance(getattr(DEFAULT, field.name), tuple)
)


def write_metadata(metadata: PartyMetadata) -> str:
    """Return the JSON text of what differs from the defaults."""
    changed = {
        field.name: getattr(metadata, field.name)
        for field in fields(metadata)
        if getattr(metadata, field.name) != getattr(DEFAULT, field.name)
    }
    return orjson.dumps(changed).decode()


def read_metadata(text: str) -> PartyMetadata:
    """Return what `write_metadata` wrote."""
    raw: dict[str, Any] = orjson.loads(text or "{}")
    values: Any = {k: tuple(v) if k in _LISTS else v for k, v in raw.items()}
    return PartyMetadata(**values)


def check_metadata(metadata: PartyMetadata) -> None:
    """Refuse what contradicts itself or names what is not known.

    Raises FieldsInvalid with the members' names. Addresses are judged by whoever
    knows whether this is a development provider.
    """
    facts = {**_choices(metadata), **_key_facts(metadata), **_delivery(metadata)}
    wrong = {name: "not-acceptable" for name, is_fine in facts.items() if not is_fine}
    if wrong:
        raise FieldsInvalid(wrong)


def _choices(metadata: PartyMetadata) -> dict[str, bool]:
    signing = {
        name: getattr(metadata, name) in {"", *SIGNING_ALGORITHMS}
        for name in _named("_signed_response_alg", "_signing_alg")
    }
    wrapping = {
        name: getattr(metadata, name) in {"", *KEY_WRAPPING}
        for name in _named("_encrypted_response_alg")
    }
    content = {
        name: getattr(metadata, name) in {"", *CONTENT_ENCRYPTION}
        and (not getattr(metadata, name) or bool(getattr(metadata, name[:-3] + "alg")))
        for name in _named("_encrypted_response_enc")
    }
    return {
        **signing,
        **wrapping,
        **content,
        "application_type": metadata.application_type in APPLICATION_TYPES,
        "grant_types": bool(metadata.grant_types)
        and set(metadata.grant_types) <= set(GRANT_TYPES),
        "id_token_signed_response_alg": metadata.id_token_signed_response_alg
        in SIGNING_ALGORITHMS,
    }


def _key_facts(metadata: PartyMetadata) -> dict[str, bool]:
    named = (
        metadata.tls_client_auth_subject_dn,
        metadata.tls_client_auth_san_dns,
        metadata.tls_client_auth_san_uri,
    )
    has_keys = bool(metadata.jwks) or bool(metadata.jwks_uri)
    encrypts = any(
        getattr(metadata, name) for name in _named("_encrypted_response_alg")
    )
    return {
        "jwks": not (metadata.jwks and metadata.jwks_uri)
        and (has_keys or not encrypts),
        "tls_client_auth_subject_dn": sum(map(bool, named)) <= 1,
    }


def _delivery(metadata: PartyMetadata) -> dict[str, bool]:
    mode = metadata.backchannel_token_delivery_mode
    endpoint = metadata.backchannel_client_notification_endpoint
    return {
        "backchannel_token_delivery_mode": mode in {"", *DELIVERY_MODES}
        and (metadata.may_use(CIBA) == bool(mode)),
        "backchannel_client_notification_endpoint": bool(endpoint)
        == (mode in {"ping", "push"}),
    }


def _named(*endings: str) -> list[str]:
    return [
        field.name for field in fields(PartyMetadata) if field.name.endswith(endings)
    ]
