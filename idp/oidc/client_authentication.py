"""Who calls the back channel: a relying party, by the one method it registered.

client_secret_basic   Authorization: Basic (RFC 6749, 2.3.1: form-encoded parts)
client_secret_post    client_id and client_secret in the form
none                  client_id in the form; PKCE carries the proof
"""

from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote_plus

from idp.domain.relying_parties import BASIC, NONE, POST, RelyingParty
from idp.errors import RelyingPartyUnknown
from idp.oidc.errors import ProtocolRefusal
from idp.services import Services

MAX_HEADER = 2048


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a request says of its caller; nothing of it is checked."""

    method: str
    client_id: str
    secret: str = field(default="", repr=False)


async def authenticate_client(
    services: Services, headers: Mapping[str, str], form: Mapping[str, str]
) -> RelyingParty:
    """Return the calling party; raises RelyingPartyUnknown, ProtocolRefusal."""
    unverified = read_credentials(headers.get("authorization"), form)
    async with services.store.read() as tx:
        party = await services.relying_parties.find(tx, unverified.client_id)
    if party.auth_method != unverified.method:
        raise RelyingPartyUnknown("not the registered method")
    if unverified.method != NONE:
        services.relying_parties.check_secret(party, unverified.secret)
    return party


def read_credentials(header: str | None, form: Mapping[str, str]) -> Credentials:
    """Return the one set of credentials of a request. Pure.

    Raises RelyingPartyUnknown without any and ProtocolRefusal for two.
    """
    client_id, secret = form.get("client_id"), form.get("client_secret")
    if header is not None:
        basic = _read_basic(header)
        if secret is not None or client_id not in {None, basic.client_id}:
            raise ProtocolRefusal("invalid_request", "two client authentications")
        return basic
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
    client_id, colon, secret = text.partition(":")
    found = Credentials(BASIC, unquote_plus(client_id), unquote_plus(secret))
    if not colon or not (found.client_id + (found.secret or "")).isprintable():
        raise RelyingPartyUnknown("malformed Basic")
    return found
