"""Who may see the account page: a browser with a live session."""

from collections.abc import Awaitable, Callable
from functools import wraps
from http import HTTPStatus
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from idp.domain.sessions import Session, cookie_name
from idp.errors import IdentityError
from idp.translations import translate
from idp.web import pages
from idp.web.guard import Endpoint, services_of

AccountEndpoint = Callable[[Request, Session], Awaitable[Response]]


def for_signed_in(endpoint: AccountEndpoint) -> Endpoint:
    """Give the endpoint the live session; without one, say how to sign in."""

    @wraps(endpoint)
    async def guarded(request: Request) -> Response:
        services = services_of(request)
        name = cookie_name(secure=services.settings.is_secure)
        try:
            async with services.store.read() as tx:
                session = await services.sessions.live(tx, request.cookies.get(name))
            if session is None:
                return nobody(request)
            return await endpoint(request, session)
        except IdentityError as error:
            return pages.refusal(error, locale=pages.locale_of(request))

    return guarded


def nobody(request: Request) -> Response:
    """Say how to come to have a session here."""
    locale = pages.locale_of(request)
    said = pages.Notice(
        title=translate("account.nobody.title", locale),
        text=translate("account.nobody.text", locale),
        next=translate("account.nobody.next", locale),
    )
    status = HTTPStatus.FORBIDDEN
    return pages.notice(said, locale=locale, status=status, switch=True)


def to_account(request: Request, said: str) -> Response:
    """Send the browser back to its account page, which says what was done."""
    query = {"said": said}
    if "lang" in request.query_params:
        query["lang"] = pages.locale_of(request)
    return RedirectResponse(
        f"/account?{urlencode(query)}",
        status_code=HTTPStatus.SEE_OTHER,
        headers={"cache-control": "no-store"},
    )
