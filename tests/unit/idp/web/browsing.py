"""The pages on real sockets, in a real Chromium, in the test's own event loop."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import uvicorn
import zxingcpp
from PIL import Image
from playwright.async_api import Browser, Page, async_playwright
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.types import ASGIApp

from idp.domain.interactions import Interaction, cookie_name
from idp.interfaces import SystemClock
from idp.services import Services
from tests.unit.idp.web.world import application, park, seed, wire_services

ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
CHROMIUM = "/usr/bin/chromium-headless-shell"


@dataclass
class Site:
    """The provider and a portal, each on its port, and a browser."""

    services: Services
    issuer: str
    portal: str
    browser: Browser
    account_id: str
    server: uvicorn.Server

    async def drop_connections(self) -> None:
        """Cut every open connection, as a lost network does."""
        for connection in list(self.server.server_state.connections):
            connection.transport.abort()  # type: ignore[union-attr]

    @asynccontextmanager
    async def visit(
        self, *, params: dict[str, object] | None = None, **options: object
    ) -> AsyncIterator[tuple[Page, Interaction]]:
        """Open a login page in a new context; fail on any fault in its console."""
        asked = {"redirect_uri": f"{self.portal}/callback", **(params or {})}
        interaction, cookie = await park(self.services, **asked)
        context = await self.browser.new_context(**options)  # type: ignore[arg-type]
        context.set_default_timeout(15_000)
        name = cookie_name(interaction.id, secure=False)
        await context.add_cookies([{"name": name, "value": cookie, "url": self.issuer}])
        page = await context.new_page()
        faults: list[str] = []
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda said: _note(said.type, said.text, faults))
        await page.goto(
            f"{self.issuer}/login/{interaction.id}", wait_until="domcontentloaded"
        )
        yield page, await self.services.interactions.find(interaction.id, cookie=cookie)
        await context.close()
        assert not faults, faults


def _note(kind: str, text: str, faults: list[str]) -> None:
    # A lost connection is reported as a failed resource; those are meant.
    if kind == "error" and "Failed to load resource" not in text:
        faults.append(text)


async def read_qr(page: Page, path: Path) -> str | None:
    """Return what a camera would read from the screen."""
    await page.locator(".qr").screenshot(path=path)
    with Image.open(path) as picture:
        found = zxingcpp.read_barcode(picture.convert("L"))
    return found.text if found else None


@asynccontextmanager
async def listening(
    listener: socket.socket, app: ASGIApp
) -> AsyncIterator[uvicorn.Server]:
    """Serve an application on a bound socket, in this loop."""
    config = uvicorn.Config(
        app, log_level="warning", timeout_graceful_shutdown=1, lifespan="off"
    )
    server = uvicorn.Server(config)
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield server
    finally:
        server.should_exit = True
        await task
        listener.close()


async def callback(request: Request) -> PlainTextResponse:
    return PlainTextResponse(f"logged in with {request.query_params['code']}")


@asynccontextmanager
async def open_site(folder: Path) -> AsyncIterator[Site]:
    """Serve the provider and the portal, and start Chromium."""
    ours, theirs = (socket.create_server(("127.0.0.1", 0)) for _ in range(2))
    issuer = f"http://localhost:{ours.getsockname()[1]}"
    portal = f"http://localhost:{theirs.getsockname()[1]}"
    services = wire_services(folder, clock=SystemClock(), issuer=issuer)
    account_id = await seed(services)
    portal_app = Starlette(routes=[Route("/callback", callback)])
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(listening(ours, application(services)))
        await stack.enter_async_context(listening(theirs, portal_app))
        playwright = await stack.enter_async_context(async_playwright())
        browser = await playwright.chromium.launch(
            executable_path=CHROMIUM, args=ARGUMENTS
        )
        stack.push_async_callback(services.store.close)
        stack.push_async_callback(browser.close)
        yield Site(services, issuer, portal, browser, account_id, server)
