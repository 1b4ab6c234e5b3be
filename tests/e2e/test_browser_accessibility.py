"""Every page on the way, in both languages, without a fault that axe can find."""

import pytest
from playwright.sync_api import Browser, expect

from idp.translations import translate
from tests.e2e.browsing import PIN, Desk, Handset, open_desk
from tests.e2e.stack import Stack

pytestmark = [
    pytest.mark.browser,
    pytest.mark.e2e,
    pytest.mark.xdist_group("browser"),
]
LANGUAGES = ["km", "en"]
SIZES = {"desktop": (1280, 900), "small": (320, 640)}


def looks_right(desk: Desk, language: str) -> None:
    """It speaks the language, axe is content, it fits large and small screens."""
    expect(desk.page.locator("html")).to_have_attribute("lang", language)
    for width, height in SIZES.values():
        desk.page.set_viewport_size({"width": width, "height": height})
        desk.is_accessible()


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_login_and_a_logout(phone: Handset, desk: Desk, language: str) -> None:
    desk.open_portal(language)
    looks_right(desk, language)
    desk.open_login(language)
    looks_right(desk, language)
    phone.scan(desk)
    expect(desk.page.locator("#claimed-heading")).to_be_visible()
    looks_right(desk, language)
    phone.is_accessible()
    phone.approve()
    phone.is_accessible()
    expect(desk.page.locator("#approved-heading")).to_be_visible()
    looks_right(desk, language)
    desk.tap("finish")
    expect(desk.page.locator(".person")).to_be_visible()
    looks_right(desk, language)
    issuer = desk.stack.demo.issuer
    desk.page.goto(f"{issuer}/logout?ui_locales={language}")
    expect(desk.page.locator("h1")).to_have_text(translate("logout.heading", language))
    looks_right(desk, language)
    desk.page.get_by_role("button").click()
    said = translate("logged_out.title", language)  # kept through the question
    expect(desk.page.locator("h1")).to_have_text(said)
    looks_right(desk, language)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_login_that_was_denied(phone: Handset, desk: Desk, language: str) -> None:
    desk.open_login(language)
    phone.scan(desk)
    phone.tap("deny")
    phone.sees("result-denied")
    phone.is_accessible()
    expect(desk.page.locator("#closed-heading")).to_be_visible()
    looks_right(desk, language)
    desk.tap("leave")
    expect(desk.page.locator(".failed")).to_be_visible()
    looks_right(desk, language)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_login_on_one_device(phone: Handset, desk: Desk, language: str) -> None:
    desk.open_login(language)
    issuer = desk.stack.demo.issuer
    app = f"{desk.stack.demo.app_origin}/s/**"
    desk.page.route(app, lambda route: route.fulfill(body="the app"))
    with desk.page.expect_request(app) as opened:
        desk.tap("same-device")
    link = opened.value.url
    desk.page.wait_for_url(app)
    desk.page.go_back()
    desk.sees("app-link")
    looks_right(desk, language)
    phone.page.goto(link, wait_until="domcontentloaded")
    phone.sees("request-domain")
    phone.is_accessible()
    expect(desk.find("app-link")).to_be_hidden()
    looks_right(desk, language)
    phone.page.route(f"{issuer}/return/**", lambda route: route.fulfill(body="back"))
    phone.fill("pin", PIN)
    phone.tap("approve-pin")
    phone.page.wait_for_url(f"{issuer}/return/**")
    desk.page.goto(f"{phone.page.url[:-43]}{'A' * 43}")
    expect(desk.page.locator("h1")).to_be_visible()
    looks_right(desk, "km")
    desk.page.goto(phone.page.url)
    expect(desk.page.locator(".person")).to_be_visible()


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_provider_itself(
    chromium: Browser, browser_stack: Stack, language: str
) -> None:
    with open_desk(chromium, browser_stack, locale=language) as desk:
        issuer = browser_stack.demo.issuer
        pages = {
            f"/?lang={language}": "home.heading",
            f"/login/nothing?lang={language}": "start_again.title",
            f"/nowhere?lang={language}": "error.not-found.title",
            f"/logout?ui_locales={language}": "logged_out.title",
            "/return/AAAAAAAAAAAAAAAAAAAAAA": "return.refused.title",
            f"/authorize?client_id=nobody&ui_locales={language}": (
                "error.relying-party-unknown.title"
            ),
        }
        for path, heading in pages.items():
            desk.page.goto(f"{issuer}{path}")
            said = translate(heading, language)
            expect(desk.page.locator("h1")).to_have_text(said)
            looks_right(desk, language)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_screens_of_the_account(phone: Handset, language: str) -> None:
    for screen in ("settings", "activity", "devices", "home", "scan"):
        phone.tap(screen)
        if screen == "settings":
            phone.tap(f"lang-{language}")
        expect(phone.page.locator("html")).to_have_attribute("lang", language)
        phone.is_accessible()
    phone.tap("scan-back")
    phone.tap("settings")
    phone.tap("lang-en")
    phone.tap("lock")
    phone.sees("unlock-pin")
    phone.is_accessible()
