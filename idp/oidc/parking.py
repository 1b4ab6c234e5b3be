"""Park an authorization request and send its browser to a page of ours.

/login/<interaction>      nobody is signed in, or a fresh login is asked
/consent/<interaction>    a session would do: the person decides what to release,
                          or that somebody else shall log in
"""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from idp.domain.interactions import AuthorizationRequest, Login, cookie_name
from idp.errors import Exhausted
from idp.oidc.context import services_of
from idp.oidc.errors import NO_STORE
from idp.oidc.requester import requester_of
from idp.services import Services

HEADERS = {**NO_STORE, "Referrer-Policy": "no-referrer"}


async def park(
    request: Request, wanted: AuthorizationRequest, *, proposed: Login | None = None
) -> Response:
    """Park the request, with the login that would do if there is one."""
    services = services_of(request)
    address = request.client.host if request.client else None
    requester = requester_of(address=address, headers=request.headers)
    await spend_login(services, requester.network)
    interaction, cookie = await services.interactions.park(wanted, requester=requester)
    page = "login"
    if proposed is not None:
        await services.interactions.propose(interaction, proposed)
        page = "consent"
    response = RedirectResponse(f"/{page}/{interaction.id}", 303, headers=HEADERS)
    secure = services.settings.is_secure
    response.set_cookie(
        cookie_name(interaction.id, secure=secure),
        cookie,
        max_age=int(services.settings.interaction_life.total_seconds()),
        path="/",
        secure=secure,
        httponly=True,
        samesite="lax",
    )
    return response


async def spend_login(services: Services, network: str) -> None:
    """Count one more login of this network; raises Exhausted."""
    counted = await services.ephemeral.count(f"logins:{network}", seconds=60)
    if counted > services.settings.logins_per_prefix_a_minute:
        raise Exhausted("logins a prefix", retry_after=60)
