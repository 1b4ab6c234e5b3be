"""oidc-client-ts in Chromium logs in, renews silently and logs out."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright
from starlette.applications import Starlette
from starlette.responses import FileResponse
from starlette.routing import Route

from tests.interop.node_program import FOLDER as NODE
from tests.interop.real_op import RealOp
from tests.unit.sdk_web.serving import address, listen, serving

FOLDER = Path(__file__).parent / "browser_portal"
LIBRARY = NODE / "node_modules/oidc-client-ts/dist/browser/oidc-client-ts.min.js"
CHROMIUM = "/usr/bin/chromium-headless-shell"

pytestmark = [pytest.mark.foreign, pytest.mark.browser]


@pytest.fixture
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        yield browser
        browser.close()


@contextmanager
def portal() -> Iterator[str]:
    def page(_request: Any) -> FileResponse:
        return FileResponse(FOLDER / "index.html")

    app = Starlette(
        routes=[
            Route("/oidc-client-ts.min.js", lambda _: FileResponse(LIBRARY)),
            Route("/portal.js", lambda _: FileResponse(FOLDER / "portal.js")),
            *[Route(path, page) for path in ("/", "/callback", "/silent", "/bye")],
        ]
    )
    listener = listen()
    with serving(app, listener):
        yield address(listener)


def told(page: Page, what: str) -> dict[str, Any]:
    page.wait_for_function(
        "() => (document.querySelector('#told')?.textContent ?? '') !== ''"
        " && JSON.parse(document.querySelector('#told').textContent).what !== 'ready'"
    )
    found: dict[str, Any] = json.loads(page.text_content("#told") or "{}")
    assert found["what"] == what, found
    return found


def clear(page: Page) -> None:
    page.evaluate("document.querySelector('#told').textContent = ''")


@pytest.mark.parametrize("scope", ["openid profile", "openid profile offline_access"])
def test_oidc_client_ts_logs_in_renews_silently_and_logs_out(
    real_op: RealOp, chromium: Browser, scope: str
) -> None:
    with portal() as base:
        real_op.register(
            client_id="page",
            redirect_uris=[f"{base}/callback", f"{base}/silent"],
            post_logout_redirect_uris=[f"{base}/bye"],
            secret=None,
        )
        page = chromium.new_page()
        query = f"authority={real_op.issuer}&client_id=page&scope={scope}"
        page.goto(f"{base}/?{query}")
        page.click("#login")
        page.click("[data-testid=sandbox-citizen]")
        signed_in = told(page, "signed-in")
        assert signed_in["profile"]["given_name"] == "CITIZEN"
        clear(page)
        page.click("#renew")
        renewed = told(page, "renewed")
        assert renewed["token"] != signed_in["token"]
        assert renewed["profile"]["sub"] == signed_in["profile"]["sub"]
        page.click("#logout")
        told(page, "signed-out")
        page.goto(f"{base}/")
        page.click("#login")
        page.wait_for_url(f"{real_op.issuer}/login/**")
