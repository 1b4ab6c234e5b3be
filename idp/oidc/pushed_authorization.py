"""Pushed authorization requests (RFC 9126): checked before the browser comes.

    POST /par → 201 {"request_uri": "urn:ietf:params:oauth:request_uri:…",
                     "expires_in": 90}

The caller authenticates as at the token endpoint; the request passes every check of
/authorize here, so that a browser is sent only with one that was accepted.
"""

from starlette.requests import Request
from starlette.responses import Response

from idp.domain.relying_parties import RelyingParty
from idp.errors import IdentityError, LoginNeeded
from idp.oidc.authorization_checks import check_redirect_uri
from idp.oidc.authorization_request import REQUEST_URI, Asked, read_pushed_form
from idp.oidc.checked_request import checked_request
from idp.oidc.client_authentication import authenticate_client
from idp.oidc.context import services_of
from idp.oidc.errors import ProtocolRefusal, json_response, refusal_response
from idp.oidc.parameters import read_form
from idp.oidc.parking import spend_login
from idp.oidc.requester import requester_of
from idp.oidc.standing_login import with_required_account
from idp.services import Services

PATH = "/par"
CREATED = 201


async def push(request: Request) -> Response:
    """Answer `POST /par`."""
    services = services_of(request)
    try:
        form = await read_form(request)
        party = await authenticate_client(services, request, form)
        await _spend(services, party, request)
        asked = await read_pushed_form(services, party, form)
        await check_pushed_request(services, asked)
        request_id = await services.pushed_requests.push(
            asked.parameters,
            client_id=party.id,
            is_signed=asked.is_signed,
            dpop_jkt=asked.dpop_jkt,
        )
    except (IdentityError, ProtocolRefusal) as fact:
        return refusal_response(fact, realm=services.settings.issuer)
    life = services.pushed_requests.life
    body = {
        "request_uri": REQUEST_URI + request_id,
        "expires_in": int(life.total_seconds()),
    }
    return json_response(body, status=CREATED)


async def check_pushed_request(services: Services, asked: Asked) -> None:
    """Run the checks of /authorize; raises what they raise (RFC 9126, 2.1)."""
    check_redirect_uri(asked.party, asked.parameters)
    wanted = checked_request(asked, now=services.clock.now())
    try:
        await with_required_account(services, wanted, asked)
    except LoginNeeded:
        # A hint of a login that is long gone: whoever comes with it is told so.
        return


async def _spend(services: Services, party: RelyingParty, request: Request) -> None:
    """Count a push of a party that cannot prove who it is; raises Exhausted."""
    if party.is_public:
        address = request.client.host if request.client else None
        requester = requester_of(address=address, headers=request.headers)
        await spend_login(services, f"par:{requester.network}")
