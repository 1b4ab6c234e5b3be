"""The addresses of the pages."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from idp.errors import NotFound
from idp.web import (
    account,
    consent,
    live,
    login,
    lost_phone,
    message_reports,
    pages,
    passkeys,
    returning,
    sandbox,
)
from idp.web.guard import services_of

STATIC = Path(__file__).parent / "static"
PAGE = "/login/{interaction}"


def routes() -> list[BaseRoute]:
    """Return the routes of every page."""
    # HEAD would finish a login: this GET spends what its address carries.
    come_back = Route("/return/{challenge}", returning.come_back, methods=["GET"])
    come_back.methods = {"GET"}
    return [
        Route("/", home, methods=["GET"]),
        Route(PAGE, login.show, methods=["GET"]),
        Route(f"{PAGE}/events", live.Events(), methods=["GET"]),
        Route(f"{PAGE}/status", live.status, methods=["GET"]),
        Route(f"{PAGE}/renew", login.renew, methods=["POST"]),
        Route(f"{PAGE}/same-device", login.same_device, methods=["POST"]),
        Route(f"{PAGE}/cancel", login.cancel, methods=["POST"]),
        Route(f"{PAGE}/leave", login.leave, methods=["POST"]),
        Route(f"{PAGE}/finish", login.finish, methods=["POST"]),
        Route(f"{PAGE}/sandbox", sandbox.decide, methods=["POST"]),
        Route("/sandbox", sandbox.about, methods=["GET"]),
        Route("/sandbox/backchannel", sandbox.answer_backchannel, methods=["POST"]),
        Route(f"{PAGE}/passkey", passkeys.options, methods=["GET"]),
        Route(f"{PAGE}/passkey", passkeys.answer, methods=["POST"]),
        Route("/consent/{interaction}", consent.show, methods=["GET"]),
        Route("/consent/{interaction}", consent.decide, methods=["POST"]),
        Route("/consent/{interaction}/refuse", consent.refuse, methods=["POST"]),
        Route("/consent/{interaction}/another", consent.another, methods=["POST"]),
        *account.routes(),
        *lost_phone.routes(),
        Route(
            "/messages/reports/{provider}",
            message_reports.take,
            methods=["GET", "POST"],
        ),
        come_back,
        Mount("/static", StaticFiles(directory=STATIC), name="static"),
    ]


def faults() -> dict[int | type[Exception], Callable[..., Awaitable[Response]]]:
    """Return what draws the answers that no endpoint gave."""
    return {404: not_found, 500: unexpected}


async def not_found(request: Request, _fact: Exception) -> Response:
    """Say that there is nothing at this address."""
    locale = pages.locale_of(request)
    return pages.refusal(NotFound("address"), locale=locale)


async def unexpected(request: Request, _fact: Exception) -> Response:
    """Say that something went wrong, and nothing of what it was."""
    locale = pages.locale_of(request)
    status = HTTPStatus.INTERNAL_SERVER_ERROR
    return pages.problem("unexpected", locale=locale, status=status)


async def home(request: Request) -> Response:
    """Say what this site is."""
    return pages.render(
        "home.html",
        locale=pages.locale_of(request),
        app_origin=services_of(request).settings.app_origin,
    )
