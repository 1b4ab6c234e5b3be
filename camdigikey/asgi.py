"""One ASGI application out of the provider and the citizen app's back end.

Both share one process, one event loop and one `Services`; the Host header tells
them apart, so they are two origins to every browser, on two ports or on one.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from camdigikey.housekeeping import housekeeping
from idp.app import create_app as create_provider
from idp.services import open_services
from idp.settings import IdpSettings
from mobile_api.app import create_app as create_mobile_api
from mobile_api.settings import MobileSettings


@dataclass(frozen=True, slots=True)
class ByHost:
    """Send each request to the application of its origin; 421 for any other."""

    lifespan_app: ASGIApp
    apps: Mapping[str, ASGIApp]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Dispatch one scope."""
        if scope["type"] == "lifespan":
            await self.lifespan_app(scope, receive, send)
            return
        app = self.apps.get(Headers(scope=scope).get("host", "").lower())
        if app is None or scope["type"] != "http":
            app = PlainTextResponse("misdirected request\n", 421)
        await app(scope, receive, send)


def create_application(settings: IdpSettings, mobile: MobileSettings) -> ASGIApp:
    """Return the whole server; its lifespan opens and closes everything."""
    provider = create_provider(settings)
    mobile_api = create_mobile_api(settings, mobile)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[Mapping[str, object]]:
        async with AsyncExitStack() as stack:
            services = await stack.enter_async_context(open_services(settings))
            state = {"services": services}
            inner = mobile_api.router.lifespan_context
            state |= dict(await stack.enter_async_context(inner(mobile_api)) or {})
            tasks = [asyncio.create_task(task) for task in housekeeping(services)]
            stack.push_async_callback(_stop, tasks)
            yield state

    origins = {settings.issuer: provider, settings.app_origin: mobile_api}
    apps = {urlsplit(origin).netloc: app for origin, app in origins.items()}
    return ByHost(Starlette(lifespan=lifespan), apps)


async def _stop(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    for task in tasks:
        with suppress(asyncio.CancelledError):
            await task
