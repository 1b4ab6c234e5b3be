"""The provider as one ASGI application: protocol, pages, and what guards both."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

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

    return Starlette(
        routes=[
            *protocol_routes(ProtocolPages()),
            *page_routes(),
            Route("/health", health, methods=["GET"]),
        ],
        middleware=list(web_middleware(settings)),
        exception_handlers=faults(),
        lifespan=lifespan,
    )


async def health(request: Request) -> Response:
    """Say whether the database answers."""
    services: Services = request.state.services
    async with services.store.read() as tx:
        await tx.one("SELECT 1")
    return JSONResponse({"status": "ok"})
