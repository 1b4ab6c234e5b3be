"""Token revocation (RFC 7009).

    refresh token, access token of a login    ends the whole grant
    exchanged token, a party's own            ends that token alone

Every use of a token reads the database, so a revocation is true at every node at once.
"""

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response

from idp.domain.relying_parties import RelyingParty
from idp.errors import GrantSpent, IdentityError, Malformed
from idp.oidc.access_tokens import AccessToken, read_access_token
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
        await revoke_token(services, party, form)
    except (IdentityError, ProtocolRefusal) as fact:
        return refusal_response(fact, realm=services.settings.issuer)
    return json_response({})


async def revoke_token(
    services: Services, party: RelyingParty, form: Mapping[str, str]
) -> None:
    """Revoke the token of a form if it is the caller's (RFC 7009, 2.1)."""
    text = required(form, "token")
    try:
        grant_id = services.grants.open_refresh_token(text, client_id=party.id).grant_id
    except GrantSpent:
        token = await _own_access_token(services, party, text)
        if token is None:
            return
        if token.dies_alone:
            await _revoke_alone(services, token)
            return
        grant_id = token.grant_id
    async with services.store.begin() as tx:
        await services.grants.revoke(tx, grant_id)


async def _own_access_token(
    services: Services, party: RelyingParty, text: str
) -> AccessToken | None:
    try:
        token = await read_access_token(services, text)
    except Malformed:
        return None
    return token if token.client_id == party.id else None


async def _revoke_alone(services: Services, token: AccessToken) -> None:
    async with services.store.begin() as tx:
        await services.token_status.revoke(
            tx,
            token.id,
            relying_party_id=token.client_id,
            expires_at=token.expires_at * 1000,
        )
