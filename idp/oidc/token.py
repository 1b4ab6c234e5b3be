"""The token endpoint: a code, a refresh token, a name in; tokens out.

    parse → authenticate the client → whose key is it → what answers the grant type
          → spend, decide, save (one transaction) → sign

The client and its key are proved before anything is spent; a code is spent before its
verifier is looked at, so a stolen code has one try and its owner learns of it.
"""

from collections.abc import Mapping
from typing import Protocol

from starlette.requests import Request
from starlette.responses import Response

from idp.domain.party_metadata import (
    AUTHORIZATION_CODE,
    CIBA,
    CLIENT_CREDENTIALS,
    REFRESH_TOKEN,
    TOKEN_EXCHANGE,
)
from idp.domain.relying_parties import RelyingParty
from idp.errors import IdentityError
from idp.oidc.backchannel_grant import redeem_backchannel
from idp.oidc.client_authentication import authenticate_client
from idp.oidc.client_credentials import own_token
from idp.oidc.code_grant import redeem_code
from idp.oidc.context import services_of
from idp.oidc.errors import ProtocolRefusal, json_response, refusal_response
from idp.oidc.issuing import Issued, IssuedApart, answer_of
from idp.oidc.parameters import read_form, required
from idp.oidc.refresh_grant import refresh
from idp.oidc.sender_constraint import sender_of
from idp.oidc.token_exchange import exchange
from idp.services import Services

Form = Mapping[str, str]


class GrantType(Protocol):
    """What answers one grant type."""

    async def __call__(
        self,
        services: Services,
        party: RelyingParty,
        form: Form,
        *,
        confirmation: str = "",
    ) -> Issued | IssuedApart:
        """Return what is to be signed; raises IdentityError, ProtocolRefusal.

        `confirmation` is the key that the request was proved with: "", `jkt:…`,
        `x5t#S256:…`.
        """
        ...


GRANT_TYPES: Mapping[str, GrantType] = {
    AUTHORIZATION_CODE: redeem_code,
    REFRESH_TOKEN: refresh,
    CLIENT_CREDENTIALS: own_token,
    TOKEN_EXCHANGE: exchange,
    CIBA: redeem_backchannel,
}


async def token(request: Request) -> Response:
    """Answer `POST /token`."""
    services = services_of(request)
    try:
        form = await read_form(request)
        party = await authenticate_client(services, request, form)
        answers = grant_type(form)
        confirmation = await sender_of(services, request, party)
        issued = await answers(services, party, form, confirmation=confirmation)
        return json_response(await answer_of(services, party, issued))
    except (IdentityError, ProtocolRefusal) as fact:
        return refusal_response(fact, realm=services.settings.issuer)


def grant_type(form: Form) -> GrantType:
    """Return what answers the grant type; raises ProtocolRefusal."""
    known = GRANT_TYPES.get(required(form, "grant_type"))
    if known is None:
        raise ProtocolRefusal("unsupported_grant_type")
    return known
