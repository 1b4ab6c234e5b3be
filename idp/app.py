"""The provider as one ASGI application: protocol, pages, and what guards both."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route, Router
from starlette.types import Lifespan, Receive, Scope, Send

from idp.oidc.discovery import Shortcut
from idp.oidc.routes import routes as protocol_routes
from idp.services import Services, open_services
from idp.settings import IdpSettings
from idp.web.middleware import web_middleware
from idp.web.protocol_pages import ProtocolPages
from idp.web.routes import faults
from idp.web.routes import routes as page_routes

__all__ = ["create_app"]


def create_app(settings: IdpSettings, services: Services | None = None) -> Starlette:
    """Return the application; without `services` its lifespan opens them."""

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[Mapping[str, object]]:
        if services is not None:
            yield {"services": services}
            return
        async with open_services(settings) as opened:
            yield {"services": opened}

    routes = [
        *protocol_routes(ProtocolPages()),
        *page_routes(),
        Route("/health", health, methods=["GET"]),
    ]
    app = Starlette(
        middleware=[*web_middleware(settings), Middleware(Shortcut)],
        exception_handlers=faults(),
    )
    app.router = Directory(routes=routes, lifespan=lifespan)
    return app


class Directory(Router):
    """Looks for a route only among those that begin alike: `/login/…`, `/token`."""

    def __init__(
        self, *, routes: Sequence[BaseRoute], lifespan: Lifespan[Starlette]
    ) -> None:
        """Sort the routes by the first segment of their paths."""
        super().__init__(routes=routes, lifespan=lifespan)
        sorted_routes: dict[str, list[BaseRoute]] = {}
        for route in routes:
            assert isinstance(route, Route | Mount)
            sorted_routes.setdefault(first_segment(route.path), []).append(route)
        self._parts = {
            segment: Router(routes=found) for segment, found in sorted_routes.items()
        }

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer from the routes of the path's first segment."""
        segment = first_segment(scope.get("path", ""))
        part = self._parts.get(segment) if scope["type"] == "http" else None
        answer = super().app if part is None else part.app
        await answer(scope, receive, send)


def first_segment(path: str) -> str:
    """Return what stands between the first slash and the second."""
    return path.split("/", 2)[1] if path.startswith("/") else ""


async def health(request: Request) -> Response:
    """Say whether the database answers."""
    services: Services = request.state.services
    async with services.store.read() as tx:
        await tx.one("SELECT 1")
    return JSONResponse({"status": "ok"})
