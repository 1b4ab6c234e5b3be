"""One ASGI application out of the provider and the citizen app's back end.

Both share one process, one event loop and one `Services`; the Host header tells
them apart, so they are two origins to every browser, on two ports or on one.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from camdigikey.camdx import CamdxSettings, national_register, open_transport
from camdigikey.demo.film_route import film_route
from camdigikey.housekeeping import housekeeping
from idp.app import create_app as create_provider
from idp.services import Services, open_services
from idp.settings import IdpSettings
from mobile_api.app import create_app as create_mobile_api
from mobile_api.app import running
from mobile_api.engines import EngineNames, PoolLimits, Workers
from mobile_api.national_register import BridgeRegister
from mobile_api.policy import load_policy
from mobile_api.services import MobileServices
from mobile_api.settings import MobileSettings


@dataclass(frozen=True, slots=True)
class AllSettings:
    """The settings of every package that the server is made of."""

    idp: IdpSettings
    mobile: MobileSettings
    camdx: CamdxSettings


@dataclass(frozen=True, slots=True)
class ByHost:
    """Send each request to the application of its origin; 421 for any other."""

    settings: AllSettings
    apps: dict[str, ASGIApp] = field(default_factory=dict)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Dispatch one scope."""
        if scope["type"] == "lifespan":
            await Starlette(lifespan=self._lifespan)(scope, receive, send)
            return
        app = self.apps.get(Headers(scope=scope).get("host", "").lower())
        if app is None or scope["type"] != "http":
            app = PlainTextResponse("misdirected request\n", 421)
        await app(scope, receive, send)

    @asynccontextmanager
    async def _lifespan(self, _app: Starlette) -> AsyncIterator[dict[str, object]]:
        settings = self.settings
        async with AsyncExitStack() as stack:
            services = await stack.enter_async_context(open_services(settings.idp))
            mobile = await stack.enter_async_context(open_mobile(settings))
            await stack.enter_async_context(running(services, mobile))
            drawn = drawn_head(settings.idp)
            self._serve(services, create_mobile_api(services, mobile, drawn_head=drawn))
            tasks = [asyncio.create_task(task) for task in housekeeping(services)]
            stack.push_async_callback(_stop, tasks)
            yield {"services": services}

    def _serve(self, services: Services, mobile_api: ASGIApp) -> None:
        settings = services.settings
        provider = create_provider(settings, services)
        for origin in filter(None, (settings.issuer, settings.mtls_origin)):
            self.apps[urlsplit(origin).netloc] = provider
        self.apps[urlsplit(settings.app_origin).netloc] = mobile_api


def create_application(settings: AllSettings) -> ASGIApp:
    """Return the whole server; its lifespan opens and closes everything."""
    return ByHost(settings)


@asynccontextmanager
async def open_mobile(settings: AllSettings) -> AsyncIterator[MobileServices]:
    """Open the image workers and the way to the register; close them again."""
    mobile = settings.mobile
    names = EngineNames(
        mrz_reader=mobile.mrz_reader,
        face_matcher=mobile.face_matcher,
        second_face_matcher=mobile.second_face_matcher,
        landmarks=mobile.landmarks,
        passive_check=mobile.passive_check,
        environment=settings.idp.environment,
    )
    limits = PoolLimits(workers=mobile.image_workers, waiting=mobile.image_waiting)
    workers = Workers(names, limits)
    async with open_transport(settings.camdx) as transport:
        register = BridgeRegister(
            national_register(settings.camdx, transport), mobile.register_least_score
        )
        workers.warm()
        try:
            yield MobileServices(
                workers=workers,
                register=register,
                policy=load_policy(mobile.policy_file),
                patience=mobile.register_patience,
            )
        finally:
            await asyncio.to_thread(workers.close)


def drawn_head(settings: IdpSettings) -> Route | None:
    """Return where a developer gets the film of a drawn head; None for citizens."""
    if settings.environment != "development":
        return None
    return film_route(settings.environment)


async def _stop(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    for task in tasks:
        with suppress(asyncio.CancelledError, Exception):
            await task
