"""An answer that is posted, in a real Chromium: by its script, and by its button."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qsl, urlencode

import httpx2
import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page, Route, async_playwright

from tests.integration.test_authorization import asked
from tests.unit.idp.web.browsing import ARGUMENTS, CHROMIUM
from tests.world import ISSUER, PORTAL, World, open_world

pytestmark = pytest.mark.browser
ERROR = urlencode(asked(response_mode="form_post", scope="x", state='a"<b>&'))
Work = Callable[[Page, list[dict[str, str]]], Awaitable[None]]


class Wire:
    """Answers every request of a browser from the applications in this process."""

    def __init__(self, world: World) -> None:
        self.http = httpx2.AsyncClient(transport=world.network)
        world.opened.append(self.http)
        self.posted: list[dict[str, str]] = []

    async def answer(self, route: Route) -> None:
        request = route.request
        if request.url.startswith(PORTAL):
            if request.method == "POST":
                self.posted.append(dict(parse_qsl(request.post_data or "")))
            await route.fulfill(status=200, body="thank you", content_type="text/html")
            return
        found = await self.http.request(
            request.method, request.url, headers=await request.all_headers()
        )
        headers = {
            name: value
            for name, value in found.headers.items()
            if name not in {"content-length", "content-encoding"}
        }
        await route.fulfill(
            status=found.status_code, headers=headers, body=found.content
        )


def browse(store_url: str, work: Work, **options: Any) -> None:
    async def main() -> None:
        async with open_world(store_url) as world, async_playwright() as playwright:
            await world.portal()
            wire = Wire(world)
            browser = await playwright.chromium.launch(
                executable_path=CHROMIUM, args=ARGUMENTS
            )
            context = await browser.new_context(**options)
            context.set_default_timeout(15_000)
            await context.route("**/*", wire.answer)
            page = await context.new_page()
            faults: list[str] = []
            page.on("pageerror", lambda error: faults.append(str(error)))
            page.on(
                "console",
                lambda said: faults.append(said.text) if said.type == "error" else None,
            )
            await work(page, wire.posted)
            assert not faults, faults
            await browser.close()

    asyncio.run(main())


def test_the_page_posts_the_answer_by_itself(sqlite_url: str) -> None:
    async def work(page: Page, posted: list[dict[str, str]]) -> None:
        await page.goto(f"{ISSUER}/authorize?{ERROR}", wait_until="commit")
        await page.wait_for_url(f"{PORTAL}/callback")
        assert len(posted) == 1
        assert posted[0]["error"] == "invalid_scope"
        assert (posted[0]["state"], posted[0]["iss"]) == ('a"<b>&', ISSUER)

    browse(sqlite_url, work)


def test_without_javascript_the_button_posts_it(sqlite_url: str) -> None:
    async def work(page: Page, posted: list[dict[str, str]]) -> None:
        await page.goto(f"{ISSUER}/authorize?{ERROR}&ui_locales=en")
        assert await page.locator("html").get_attribute("lang") == "en"
        await page.get_by_role("button").click()
        await page.wait_for_url(f"{PORTAL}/callback")
        assert posted[0]["error"] == "invalid_scope"

    browse(sqlite_url, work, java_script_enabled=False)


@pytest.mark.parametrize("locale", ["km", "en"])
def test_the_page_is_accessible_in_both_languages(sqlite_url: str, locale: str) -> None:
    async def work(page: Page, posted: list[dict[str, str]]) -> None:
        await page.route("**/form_post.js", lambda route: route.fulfill(body=""))
        await page.goto(f"{ISSUER}/authorize?{ERROR}&lang={locale}")
        assert await page.locator("html").get_attribute("lang") == locale
        found = await Axe().run(page)
        assert [one["id"] for one in found.response["violations"]] == []
        assert posted == []

    browse(sqlite_url, work, bypass_csp=True)
