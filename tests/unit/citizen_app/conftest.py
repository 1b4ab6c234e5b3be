"""One headless browser a module; a server, a context and a page a test.

The browser ends with its module: Playwright's loop runs in this thread while it is
open, and tests of other modules run loops of their own.
"""

import socket
import threading
from collections.abc import Iterator

import pytest
import uvicorn
from playwright.sync_api import (
    Browser,
    BrowserContext,
    CDPSession,
    Page,
    sync_playwright,
)

from tests.unit.citizen_app.fake_api import FakeApi

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
# A moving pattern, allowed without asking.
FAKE_CAMERA = [
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(
            executable_path="/usr/bin/chromium-headless-shell", args=ARGUMENTS
        )
        yield launched
        launched.close()


@pytest.fixture
def api() -> Iterator[FakeApi]:
    listener = socket.create_server(("localhost", 0))
    fake = FakeApi(f"http://localhost:{listener.getsockname()[1]}")
    server = uvicorn.Server(
        uvicorn.Config(
            fake.application(), log_level="warning", timeout_graceful_shutdown=1
        )
    )
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    yield fake
    server.should_exit = True
    thread.join()
    listener.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    made = browser.new_context(viewport={"width": 360, "height": 740})
    made.set_default_timeout(8000)
    yield made
    made.close()


@pytest.fixture
def finger(page: Page) -> CDPSession:
    """A platform authenticator whose person always agrees."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable", {"enableUI": False})
    options = {
        "protocol": "ctap2",
        "ctap2Version": "ctap2_1",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    return session


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    opened = context.new_page()
    faults: list[str] = []
    opened.on("pageerror", lambda error: faults.append(str(error)))
    opened.on("console", lambda said: _note(said.type, said.text, faults))
    yield opened
    assert not faults, faults


def _note(kind: str, text: str, faults: list[str]) -> None:
    # Refused requests are reported as failed resources; those are meant.
    if kind == "error" and "Failed to load resource" not in text:
        faults.append(text)
