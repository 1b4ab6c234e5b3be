"""Pushed authorization requests (RFC 9126): checked before the browser comes.

    POST /par → 201 {"request_uri": "urn:ietf:params:oauth:request_uri:…",
                     "expires_in": 90}

The caller authenticates as at the token endpoint; the request passes every check of
/authorize here, so that a browser is sent only with one that was accepted. A DPoP
proof or `dpop_jkt` binds the code to a key (RFC 9449, 10 and 10.1).
"""

from dataclasses import replace

from starlette.requests import Request
from starlette.responses import Response

from idp.domain.relying_parties import RelyingParty
from idp.errors import IdentityError, LoginNeeded
from idp.oidc.authorization_checks import check_redirect_uri
from idp.oidc.authorization_request import REQUEST_URI, Asked, read_pushed_form
from idp.oidc.checked_request import checked_request
from idp.oidc.client_authentication import authenticate_client
from idp.oidc.context import services_of
from idp.oidc.dpop import check_dpop, nonce_headers
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
        asked = await with_key(services, request, asked)
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
    headers = nonce_headers(services, request)
    return json_response(body, status=CREATED, headers=headers)


async def check_pushed_request(services: Services, asked: Asked) -> None:
    """Run the checks of /authorize; raises what they raise (RFC 9126, 2.1)."""
    check_redirect_uri(asked.party, asked.parameters)
    wanted = checked_request(asked, now=services.clock.now())
    try:
        await with_required_account(services, wanted, asked)
    except LoginNeeded:
        # A hint of a login that is long gone: whoever comes with it is told so.
        return


async def with_key(services: Services, request: Request, asked: Asked) -> Asked:
    """Return the request bound to the key of its DPoP proof, if it has one.

    Proof and `dpop_jkt` name the same key (RFC 9449, 10.1). Raises ProtocolRefusal.
    """
    proven = await check_dpop(services, request, expected_jkt=asked.get("dpop_jkt"))
    return replace(asked, dpop_jkt=proven or "")


async def _spend(services: Services, party: RelyingParty, request: Request) -> None:
    """Count a push of a party that cannot prove who it is; raises Exhausted."""
    if party.is_public:
        address = request.client.host if request.client else None
        requester = requester_of(address=address, headers=request.headers)
        await spend_login(services, f"par:{requester.network}")
