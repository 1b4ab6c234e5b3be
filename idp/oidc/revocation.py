"""Token revocation (RFC 7009): either token ends the whole grant."""

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response

from idp.domain.relying_parties import RelyingParty
from idp.errors import GrantSpent, IdentityError, Malformed
from idp.oidc.claims import ACCESS_TOKEN
from idp.oidc.client_authentication import authenticate_client
from idp.oidc.context import services_of
from idp.oidc.errors import ProtocolRefusal, json_response, refusal_response
from idp.oidc.parameters import read_form, required
from idp.services import Services


async def revoke(request: Request) -> Response:
    """Answer `POST /revoke`: 200 also for a token that means nothing to us."""
    services = services_of(request)
    try:
        form = await read_form(request)
        party = await authenticate_client(services, request, form)
        grant_id = await _grant_id(services, party, form)
        if grant_id is not None:
            async with services.store.begin() as tx:
                await services.grants.revoke(tx, grant_id)
    except (IdentityError, ProtocolRefusal) as fact:
        return refusal_response(fact, realm=services.settings.issuer)
    return json_response({})


async def _grant_id(
    services: Services, party: RelyingParty, form: Mapping[str, str]
) -> str | None:
    text = required(form, "token")
    try:
        token = services.grants.open_refresh_token(text, client_id=party.id)
    except GrantSpent:
        return await _grant_of_access_token(services, party, text)
    return token.grant_id


async def _grant_of_access_token(
    services: Services, party: RelyingParty, text: str
) -> str | None:
    try:
        claims = await services.keys.verify(text, typ=ACCESS_TOKEN)
    except Malformed:
        return None
    if claims.get("client_id") != party.id:
        return None
    return str(claims["jti"]).partition(".")[0]
