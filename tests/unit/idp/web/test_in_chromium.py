"""The login page in a real Chromium: what it draws, says, and does by itself."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page, expect

from idp.domain.challenge_records import State
from idp.domain.qr_codes import check_code, parse_code
from tests.unit.idp.web.browsing import Site, open_site, read_qr
from tests.unit.idp.web.world import APP, claim, decide

pytestmark = [pytest.mark.anyio, pytest.mark.browser]


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with open_site(tmp_path) as opened:
        yield opened


async def axe(page: Page) -> list[str]:
    found = await Axe().run(page)
    return [one["id"] for one in found.response["violations"]]


async def test_the_screen_shows_a_live_code_that_turns(
    site: Site, tmp_path: Path
) -> None:
    async with site.visit() as (page, interaction):
        challenge = await site.services.challenges.find(interaction.challenge_id)
        seen: set[str] = set()

        async def look() -> None:
            text = await read_qr(page, tmp_path / "qr.png")
            assert text is not None
            assert text.startswith(f"{APP}/q/{challenge.id}.")
            scanned = parse_code(text.partition(f"{challenge.id}.")[2])
            now = site.services.clock.now().timestamp() * 1000
            check_code(
                challenge_id=challenge.id,
                secret=challenge.secret,
                scanned=scanned,
                age=(now - challenge.made_at) / 1000,
            )
            seen.add(text)

        while len(seen) < 4:
            await look()


async def test_the_first_frame_of_the_server_is_the_same_picture(
    site: Site, tmp_path: Path
) -> None:
    async with site.visit(java_script_enabled=False) as (page, interaction):
        text = await read_qr(page, tmp_path / "qr.png")
        assert text is not None
        assert text.startswith(f"{APP}/q/{interaction.challenge_id}.")


async def test_a_page_that_loses_its_connection_goes_dark_and_comes_back(
    site: Site, tmp_path: Path
) -> None:
    async with site.visit() as (page, _):
        await expect(page.locator("#qr path")).to_have_attribute("d", re.compile("M"))
        await page.context.set_offline(True)
        await site.drop_connections()
        dark = page.locator("#dark")
        await expect(dark).to_be_visible(timeout=8000)
        await expect(dark).to_have_text("Connection lost. Reconnecting…")
        assert await read_qr(page, tmp_path / "qr.png") is None
        await page.context.set_offline(False)
        await expect(dark).to_be_hidden(timeout=15_000)
        assert await read_qr(page, tmp_path / "qr.png") is not None


@pytest.mark.parametrize("stream", ["events", "poll"])
async def test_a_login_from_the_scan_to_the_portal(site: Site, stream: str) -> None:
    async with site.visit() as (page, interaction):
        if stream == "poll":
            await page.route("**/events*", lambda route: route.abort())
            async with page.expect_response("**/status?*"):
                await page.reload(wait_until="domcontentloaded")
        challenge_id = interaction.challenge_id
        await expect(page.locator("#qr path")).to_have_attribute("d", re.compile("M"))
        await claim(site.services, challenge_id, site.account_id)
        heading = page.get_by_role("heading", name="A phone has scanned this code")
        await expect(heading).to_be_visible()
        await expect(page.locator("#qr")).to_be_hidden()
        await expect(page.get_by_role("status")).to_have_text(
            "A phone has scanned this code"
        )
        await decide(site.services, challenge_id, site.account_id)
        asks = page.get_by_role("heading", name="Continue as ស. ដ.?")
        await expect(asks).to_be_focused()
        await page.get_by_test_id("finish").click()
        await page.wait_for_url(f"{site.portal}/callback**")
        await expect(page.locator("body")).to_have_text("logged in with 1")
        names = {one["name"] for one in await page.context.cookies()}
        assert "session" in names


async def test_a_login_without_javascript(site: Site) -> None:
    async with site.visit(java_script_enabled=False) as (page, interaction):
        await claim(site.services, interaction.challenge_id, site.account_id)
        await expect(page.locator("#claimed-heading")).to_be_visible()
        await decide(site.services, interaction.challenge_id, site.account_id)
        await expect(page.locator("#approved-heading")).to_contain_text("ស. ដ.")
        await page.get_by_test_id("finish").click()
        await page.wait_for_url(f"{site.portal}/callback**")


async def test_the_keyboard_alone_is_enough(site: Site) -> None:
    async with site.visit() as (page, interaction):
        await claim(site.services, interaction.challenge_id, site.account_id)
        await decide(site.services, interaction.challenge_id, site.account_id)
        await expect(page.locator("#approved-heading")).to_be_focused()
        await page.keyboard.press("Tab")
        await expect(page.get_by_test_id("finish")).to_be_focused()
        await page.keyboard.press("Enter")
        await page.wait_for_url(f"{site.portal}/callback**")


async def test_not_me_and_a_denial_end_on_a_page_that_says_so(site: Site) -> None:
    async with site.visit() as (page, interaction):
        await claim(site.services, interaction.challenge_id, site.account_id)
        await decide(site.services, interaction.challenge_id, site.account_id)
        await page.get_by_test_id("cancel-not_me").click()
        await expect(page.locator("#closed-heading")).to_have_text(
            "The login was cancelled"
        )
        await page.get_by_test_id("renew").click()
        await expect(page.locator("#qr")).to_be_visible()
    async with site.visit() as (page, interaction):
        await claim(site.services, interaction.challenge_id, site.account_id)
        await expect(page.locator("#claimed-heading")).to_be_visible()
        await decide(
            site.services,
            interaction.challenge_id,
            site.account_id,
            state=State.DENIED,
        )
        closed = page.locator("#closed-heading")
        await expect(closed).to_have_text("The login was refused on the phone")
        await expect(closed).to_be_focused()
        await page.get_by_test_id("leave").click()
        await page.wait_for_url(f"{site.portal}/callback**")


async def test_a_code_that_runs_out_is_renewed_while_somebody_looks(
    site: Site, tmp_path: Path
) -> None:
    async with site.visit() as (page, interaction):
        await expect(page.locator("#qr path")).to_have_attribute("d", re.compile("M"))
        await page.evaluate("document.querySelector('main').dataset.kept = 'yes'")
        challenge = await site.services.challenges.find(interaction.challenge_id)
        # Its time is over: the record says so, as it would after 180 s.
        key = f"challenge:{challenge.id}"
        await site.services.ephemeral.swap(key, expect={}, change={"deadline": "0"})
        await site.services.signals.wake(key)
        main = page.locator("main")
        await expect(main).not_to_have_attribute("data-challenge", challenge.id)
        await expect(main).to_have_attribute("data-kept", "yes")  # no reload
        text = None
        for _ in range(20):
            text = await read_qr(page, tmp_path / "qr.png")
            if text is not None and challenge.id not in text:
                break
            await page.wait_for_timeout(200)
        assert text is not None
        assert challenge.id not in text


async def test_the_app_on_the_same_device_is_opened_by_one_tap(site: Site) -> None:
    async with site.visit() as (page, _):
        links: list[str] = []

        async def opened(route) -> None:  # type: ignore[no-untyped-def]
            links.append(route.request.url)
            await route.fulfill(status=200, body="the app", content_type="text/plain")

        await page.route(f"{APP}/s/**", opened)
        await page.get_by_test_id("same-device").click()
        await page.wait_for_url(f"{APP}/s/**")
        assert re.fullmatch(rf"{APP}/s/[\w-]{{22}}\.[\w-]{{22}}", links[0])
        await page.go_back()
        link = page.get_by_test_id("app-link")
        await expect(link).to_have_attribute("href", links[0])
        challenge_id = links[0].rpartition("/")[2].partition(".")[0]
        await claim(site.services, challenge_id, site.account_id)
        await expect(link).to_be_hidden()
        assert await axe(page) == []


SIZES = [(320, 640), (360, 740), (1280, 800)]


@pytest.mark.parametrize("locale", ["km", "en"])
async def test_every_state_is_accessible_and_fits_every_width(
    site: Site, locale: str
) -> None:
    """Axe finds nothing, and nothing is wider than the screen."""
    for width, height in SIZES:
        size = {"width": width, "height": height}
        async with site.visit(params={"locale": locale}, viewport=size) as (
            page,
            interaction,
        ):
            await check_state(page)
            await claim(site.services, interaction.challenge_id, site.account_id)
            await expect(page.locator("#claimed-heading")).to_be_visible()
            await check_state(page)
            await decide(site.services, interaction.challenge_id, site.account_id)
            await expect(page.locator("#approved-heading")).to_be_visible()
            await check_state(page)
            await page.get_by_test_id("cancel-not_me").click()
            await expect(page.locator("#closed-heading")).to_be_visible()
            await check_state(page)
            for address in ("/", "/login/nothing"):
                await page.goto(f"{site.issuer}{address}?lang={locale}")
                await check_state(page)


async def check_state(page: Page) -> None:
    assert await axe(page) == []
    wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert await page.evaluate(wide) <= 0


async def test_khmer_is_drawn_with_our_own_font(site: Site) -> None:
    async with site.visit(params={"locale": "km"}) as (page, _):
        await page.evaluate("document.fonts.ready.then(() => true)")
        session = await page.context.new_cdp_session(page)
        await session.send("DOM.enable")
        await session.send("CSS.enable")
        root = await session.send("DOM.getDocument")
        node = await session.send(
            "DOM.querySelector", {"nodeId": root["root"]["nodeId"], "selector": "h1"}
        )
        fonts = await session.send("CSS.getPlatformFontsForNode", node)
        assert {one["familyName"] for one in fonts["fonts"]} == {
            "Kantumruy Pro SemiBold"
        }
        height = "parseFloat(getComputedStyle(document.querySelector('{}')).{})"
        for name in ("h1", "h2", "p", ".button", "li"):
            line = await page.evaluate(height.format(name, "lineHeight"))
            size = await page.evaluate(height.format(name, "fontSize"))
            assert line / size >= 1.59
