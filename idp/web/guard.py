"""Who may see a login page: the browser that holds its interaction's cookie."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import wraps
from http import HTTPStatus
from urllib.parse import parse_qsl

from starlette.requests import HTTPConnection, Request
from starlette.responses import Response

from idp.domain.interactions import Interaction, cookie_name
from idp.errors import IdentityError, NotFound
from idp.services import Services
from idp.web import pages

MOST_FIELDS = 20
Endpoint = Callable[[Request], Awaitable[Response]]


def services_of(connection: HTTPConnection) -> Services:
    """Return the services that the lifespan opened."""
    found: Services = connection.state.services
    return found


def cookie_of(connection: HTTPConnection, interaction_id: str) -> str:
    """Return the interaction's cookie; raises NotFound when there is none."""
    secure = services_of(connection).settings.is_secure
    name = cookie_name(interaction_id, secure=secure)
    cookie = connection.cookies.get(name)
    if not cookie:
        raise NotFound("no cookie")
    return cookie


async def own_interaction(connection: HTTPConnection) -> Interaction:
    """Return the interaction of this path and browser; raises NotFound.

    When its short-lived record was lost (a restart), it is brought back from the
    decision that the page names by its `challenge` parameter.
    """
    interaction_id = str(connection.path_params["interaction"])
    cookie = cookie_of(connection, interaction_id)
    interactions = services_of(connection).interactions
    try:
        return await interactions.find(interaction_id, cookie=cookie)
    except NotFound:
        challenge_id = connection.query_params.get("challenge", "")
        kept = await kept_interaction(services_of(connection), challenge_id)
        if kept is None or kept.id != interaction_id or not kept.owns(cookie):
            raise
        await interactions.restore(kept)
        return await interactions.find(interaction_id, cookie=cookie)


async def kept_interaction(services: Services, challenge_id: str) -> Interaction | None:
    """Return the interaction that a fresh approval kept, if there is one."""
    if not challenge_id:
        return None
    async with services.store.read() as tx:
        decision = await services.decisions.find(tx, challenge_id)
    if decision is None or not services.decisions.may_finish(decision):
        return None
    # The decision froze the interaction as it was before it named its challenge.
    return replace(decision.interaction, challenge_id=challenge_id)


async def form_of(request: Request) -> dict[str, str]:
    """Return the fields of a form; what is no form, or repeats a field, has none."""
    body = (await request.body()).decode("ascii", errors="replace")
    try:
        pairs = parse_qsl(body, max_num_fields=MOST_FIELDS)
    except ValueError:
        return {}
    fields = dict(pairs)
    return fields if len(fields) == len(pairs) else {}


def for_its_browser(endpoint: Endpoint) -> Endpoint:
    """Answer refusals with a page; a login of another browser with "start again"."""

    @wraps(endpoint)
    async def guarded(request: Request) -> Response:
        locale = pages.locale_of(request)
        try:
            return await endpoint(request)
        except NotFound:
            return pages.start_again(locale=locale)
        except IdentityError as error:
            return pages.refusal(error, locale=locale)

    return guarded


def from_our_page(endpoint: Endpoint) -> Endpoint:
    """Refuse a POST that another site's page sent (the Origin check)."""

    @wraps(endpoint)
    async def guarded(request: Request) -> Response:
        if request.headers.get("origin") != services_of(request).settings.issuer:
            return pages.problem(
                "wrong-origin",
                locale=pages.locale_of(request),
                status=HTTPStatus.FORBIDDEN,
            )
        return await endpoint(request)

    return guarded
