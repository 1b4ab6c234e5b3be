"""The five clients of the drill, each kept running with the caches it has by default.

`login()` walks one whole login with a fresh browser and returns the ID token, when
the client shows it; it raises AssertionError with what the client says otherwise.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin

import httpx2
import orjson
from playwright.sync_api import Browser, BrowserContext, Page

from idp.storage.columns import b64decode
from tests.interop.node_program import Program
from tests.interop.op import walk

SECRET = "only-for-this-drill"
SLACK = 60  # seconds between the clocks of a client and the provider


def claimed(id_token: str) -> int:
    """Return when a token says that it was issued."""
    return int(orjson.loads(b64decode(id_token.split(".")[1]))["iat"])


@dataclass
class Drilled:
    """The provider, for the walks: a test citizen approves."""

    issuer: str

    def register(self, **_: Any) -> None:
        """Do nothing: the provider's process registers."""

    def approve(self, login_url: str, browser: httpx2.Client) -> str:
        """Press the sandbox's button as a browser without JavaScript does."""
        answer = browser.post(
            f"{login_url.partition('?')[0]}/sandbox",
            headers={"Origin": self.issuer},
            data={"citizen": "citizen"},
            follow_redirects=False,
        )
        assert answer.status_code == 303, answer.text
        return urljoin(login_url, answer.headers["location"])


def follow(op: Drilled, url: str, browser: httpx2.Client) -> httpx2.Response:
    """Follow a page of a portal, through the provider and back, to its end."""
    answer = browser.get(url)
    while answer.has_redirect_location:
        url = walk(op, urljoin(url, answer.headers["location"]), browser)
        answer = browser.get(url)
    return answer


@dataclass
class Apache:
    """mod_auth_openidc: keeps our keys for an hour."""

    op: Drilled
    base: str
    name: str = "mod_auth_openidc"

    def login(self) -> str | None:
        """Log in and read the page."""
        with httpx2.Client(timeout=30) as browser:
            page = follow(self.op, f"{self.base}/private/index.html", browser)
        assert page.text == "only for you", page.text[:300]
        return None


@dataclass
class Authlib:
    """Authlib's Starlette client: keeps our keys until one is missing."""

    op: Drilled
    base: str
    name: str = "authlib"

    def login(self) -> str | None:
        """Log in; Authlib checks the ID token's signature."""
        with httpx2.Client(timeout=30) as browser:
            told = follow(self.op, f"{self.base}/login", browser).json()
        assert told.get("sub"), told
        assert abs(told["now"] - claimed(told["id_token"])) < SLACK, told
        return str(told["id_token"])


@dataclass
class Django:
    """mozilla-django-oidc: asks for our keys at every login. RS256."""

    op: Drilled
    base: str
    name: str = "mozilla-django-oidc"

    def login(self) -> str | None:
        """Log in; the library checks the ID token's signature."""
        with httpx2.Client(timeout=30) as browser:
            page = follow(self.op, f"{self.base}/oidc/authenticate/", browser)
        assert page.status_code == 200, page.text[:300]
        assert page.json()["first"] == "CITIZEN", page.text
        return None


@dataclass
class OpenidClient:
    """openid-client in Node, with signatures checked."""

    op: Drilled
    program: Program
    name: str = "openid-client"

    def login(self) -> str | None:
        """Log in; the library checks the signature and asks for userinfo."""
        started = self.program.ask({"start": True})
        with httpx2.Client(timeout=30) as browser:
            back = walk(self.op, started["authorize"], browser)
        told = self.program.ask({"callback": back})
        assert told.get("sub"), told
        assert abs(told["now"] / 1000 - claimed(told["id_token"])) < SLACK, told
        return str(told["id_token"])


@dataclass
class OidcClientTs:
    """oidc-client-ts in Chromium: checks times and claims, not the signature."""

    op: Drilled
    base: str
    chromium: Browser
    name: str = "oidc-client-ts"

    def login_at(self, now: float) -> None:
        """Log in and renew, with the page's clock at `now` (seconds)."""
        context = self.chromium.new_context()
        try:
            context.clock.install(time=now * 1000)
            told = self._walk(context)
            assert abs(told["profile"]["iat"] - now) < SLACK, (told["profile"], now)
        finally:
            context.close()

    def _walk(self, context: BrowserContext) -> dict[str, Any]:
        page = context.new_page()
        query = f"authority={self.op.issuer}&client_id=page&scope=openid profile"
        page.goto(f"{self.base}/?{query}")
        page.click("#login")
        page.click("[data-testid=sandbox-citizen]")
        told(page, "signed-in")
        page.evaluate("document.querySelector('#told').textContent = ''")
        page.click("#renew")
        return told(page, "renewed")


def told(page: Page, what: str) -> dict[str, Any]:
    """Wait for what the page says of itself."""
    said = page.locator("#told", has_text=f'"what":"{what}"')
    fault = page.locator("#told", has_text='"what":"fault"')
    said.or_(fault).wait_for(state="attached", timeout=20_000)
    found: dict[str, Any] = json.loads(page.text_content("#told") or "{}")
    assert found["what"] == what, found
    return found


@contextmanager
def process(module: str, wanted: dict[str, Any]) -> Iterator[None]:
    """Run a Python module until the block ends; it says "ready" first."""
    command = [sys.executable, "-m", module, json.dumps(wanted)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        try:
            line = running.stdout.readline()
            assert line == "ready\n", f"{module}: {line!r}"
            yield
        finally:
            running.kill()
