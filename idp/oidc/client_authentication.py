"""Who calls the back channel: a relying party, by the one method it registered.

client_secret_basic          Authorization: Basic (RFC 6749, 2.3.1: encoded parts)
client_secret_post           client_id and client_secret in the form
private_key_jwt              a signed assertion in the form (RFC 7523, 2.2)
tls_client_auth              client_id in the form, a certificate below it (RFC 8705)
self_signed_tls_client_auth  the same, with a key of the party's JWKS
none                         client_id in the form; PKCE carries the proof
"""

from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote_plus

from starlette.requests import Request

from idp.domain.relying_parties import (
    BASIC,
    NONE,
    POST,
    PRIVATE_KEY_JWT,
    SECRET_METHODS,
    SELF_SIGNED_TLS,
    TLS,
    RelyingParty,
)
from idp.errors import RelyingPartyUnknown
from idp.oidc.client_assertions import verify_client_assertion
from idp.oidc.client_certificates import verify_client_certificate
from idp.oidc.errors import ProtocolRefusal
from idp.services import Services

Form = Mapping[str, str]
MAX_HEADER = 2048
TLS_METHODS = frozenset({TLS, SELF_SIGNED_TLS})


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a request says of its caller; nothing of it is checked."""

    method: str
    client_id: str = ""
    secret: str = field(default="", repr=False)


async def authenticate_client(
    services: Services, request: Request, form: Form
) -> RelyingParty:
    """Return the calling party; raises RelyingPartyUnknown, ProtocolRefusal.

    A certificate beside another method is no second authentication: it binds tokens
    (RFC 8705, 3).
    """
    unverified = read_credentials(request.headers.get("authorization"), form)
    if unverified.method == PRIVATE_KEY_JWT:
        endpoint = services.settings.issuer + request.url.path
        return await verify_client_assertion(services, form, endpoint=endpoint)
    async with services.store.read() as tx:
        party = await services.relying_parties.find(tx, unverified.client_id)
    if unverified.method == NONE and party.auth_method in TLS_METHODS:
        await verify_client_certificate(services, request, party)
    elif party.auth_method != unverified.method:
        raise RelyingPartyUnknown("not the registered method")
    elif unverified.method in SECRET_METHODS:
        services.relying_parties.check_secret(party, unverified.secret)
    return party


def read_credentials(header: str | None, form: Form) -> Credentials:
    """Return the one set of credentials of a request. Pure.

    `NONE` stands for a client_id alone. Raises RelyingPartyUnknown without any and
    ProtocolRefusal for two (RFC 6749, 2.3).
    """
    client_id, secret = form.get("client_id"), form.get("client_secret")
    has_assertion = "client_assertion" in form or "client_assertion_type" in form
    if (header is not None) + (secret is not None) + has_assertion > 1:
        raise ProtocolRefusal("invalid_request", "two client authentications")
    if header is not None:
        basic = _read_basic(header)
        if client_id not in {None, basic.client_id}:
            raise ProtocolRefusal("invalid_request", "two client authentications")
        return basic
    if has_assertion:
        return Credentials(PRIVATE_KEY_JWT)  # it names the client itself
    if client_id is None:
        raise RelyingPartyUnknown("no client authentication")
    if secret is not None:
        return Credentials(POST, client_id, secret)
    return Credentials(NONE, client_id)


def _read_basic(header: str) -> Credentials:
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic" or len(header) > MAX_HEADER:
        raise RelyingPartyUnknown("not Basic")
    try:
        text = b64decode(encoded.strip(), validate=True).decode()
    except ValueError as error:
        raise RelyingPartyUnknown("malformed Basic") from error
    client_id, _, secret = text.partition(":")
    found = Credentials(BASIC, unquote_plus(client_id), unquote_plus(secret))
    if not found.client_id.isprintable():
        raise RelyingPartyUnknown("malformed Basic")
    return found
