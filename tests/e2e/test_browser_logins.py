"""The other ways a login goes: one device, no JavaScript, and every refusal."""

import re

import pytest
from playwright.sync_api import Browser, Request, Route, expect

from camdigikey.portal.texts import TEXTS
from idp.translations import translate
from tests.e2e.browsing import (
    PHONE_SCREEN,
    PIN,
    Citizen,
    Desk,
    Handset,
    open_desk,
    read_code,
    texts,
    watched,
)
from tests.e2e.stack import Stack

pytestmark = [
    pytest.mark.browser,
    pytest.mark.e2e,
    pytest.mark.xdist_group("browser"),
]
APP = texts("en")


def test_one_browser_is_portal_app_and_portal_again(
    phone: Handset, citizen: Citizen, browser_stack: Stack
) -> None:
    seen = watched(phone.page.context.new_page())
    same = Desk(seen.page, phone.faults, browser_stack)
    same.open_login()
    same.tap("same-device")
    same.sees("request-domain")
    expect(same.find("request-facts")).to_contain_text(APP["channel.same_device"])
    assert same.page.url == f"{browser_stack.demo.app_origin}/#/request"
    same.fill("pin", PIN)
    with same.page.expect_navigation(url=f"{browser_stack.demo.portal}/"):
        same.tap("approve-pin")
    expect(same.page.locator(".person")).to_contain_text(citizen.name)
    same.logs_out()


def test_the_app_brings_the_login_back_to_the_browser_where_it_began(
    phone: Handset, desk: Desk, citizen: Citizen
) -> None:
    back = approved_in_the_app(phone, app_link(desk))
    desk.page.goto(back, wait_until="domcontentloaded")
    assert desk.page.url == f"{desk.stack.demo.portal}/"
    expect(desk.page.locator(".person")).to_contain_text(citizen.name)
    desk.page.goto(back, wait_until="domcontentloaded")  # and it is good only once
    assert not desk.page.url.startswith(desk.stack.demo.portal)
    desk.open_portal()
    desk.logs_out()


def test_a_login_brought_to_another_browser_is_cancelled(
    phone: Handset, desk: Desk, chromium: Browser, browser_stack: Stack
) -> None:
    back = approved_in_the_app(phone, app_link(desk))
    with open_desk(chromium, browser_stack, locale="en") as other:
        other.page.goto(back, wait_until="domcontentloaded")
        expect(other.page.locator("h1")).to_have_text(
            translate("return.wrong_browser.title", "en")
        )
        other.open_portal()
        expect(other.page.locator(".camdigikey-button")).to_be_visible()
    desk.page.goto(back, wait_until="domcontentloaded")
    assert not desk.page.url.startswith(desk.stack.demo.portal)
    desk.open_portal()
    expect(desk.page.locator(".camdigikey-button")).to_be_visible()


def test_the_app_opens_although_the_code_ends_before_the_link_arrives(
    desk: Desk,
) -> None:
    def slow(route: Route) -> None:
        answer = route.fetch()
        desk.page.wait_for_timeout(500)  # the page hears that its code has ended
        route.fulfill(response=answer)

    desk.page.route("**/same-device", slow)
    assert app_link(desk).startswith("/s/")


def app_link(desk: Desk) -> str:
    """Press the same-device button; return the path of the link it opens."""
    demo = desk.stack.demo
    caught: list[str] = []

    def catch(route: Route, request: Request) -> None:
        caught.append(request.url.removeprefix(demo.app_origin))
        route.fulfill(body="the app opens", content_type="text/plain")

    desk.page.route(f"{demo.app_origin}/s/**", catch)
    desk.open_login()
    desk.tap("same-device")
    desk.page.wait_for_url(f"{demo.app_origin}/s/**")
    return caught[0]


def approved_in_the_app(phone: Handset, link: str) -> str:
    """Open the link in the app and approve; return where the app goes then."""
    pattern = f"{phone.stack.demo.issuer}/return/**"
    phone.page.route(pattern, lambda route: route.fulfill(body="elsewhere"))
    phone.open(link)
    phone.sees("request-domain")
    phone.fill("pin", PIN)
    phone.tap("approve-pin")
    phone.page.wait_for_url(pattern)
    return phone.page.url


def test_a_desktop_without_javascript_logs_in(
    phone: Handset, chromium: Browser, citizen: Citizen, browser_stack: Stack
) -> None:
    with open_desk(chromium, browser_stack, java_script_enabled=False) as plain:
        plain.open_login()
        phone.scan(plain)
        expect(plain.page.locator("#claimed-heading")).to_be_visible(timeout=10_000)
        phone.approve()
        expect(plain.page.locator("#approved-heading")).to_be_visible(timeout=10_000)
        plain.lands_at_the_portal(citizen)
        plain.logs_out()


def test_a_frozen_picture_of_the_code_is_worth_nothing(
    phone: Handset, desk: Desk, citizen: Citizen
) -> None:
    assert phone.camera is not None
    desk.open_login()
    frozen = desk.qr()
    drawn = desk.page.locator("#qr path")
    for _ in range(8):  # seconds: one code each
        last = drawn.get_attribute("d") or ""
        expect(drawn).not_to_have_attribute("d", re.compile(re.escape(last) + "$"))
    phone.camera.show(frozen, fill=0.8)
    phone.tap("scan")
    expect(phone.find("error")).to_have_text(APP["problem.qr-stale"])
    expect(phone.find("request-domain")).to_have_count(0)
    expect(desk.page.locator("#scan-heading")).to_be_visible()
    phone.tap("scan-back")
    phone.scan(desk)  # the living one is still good
    phone.approve()
    desk.lands_at_the_portal(citizen)


def test_a_second_phone_is_told_that_it_comes_too_late(
    phone: Handset, other_phone: Handset, desk: Desk, citizen: Citizen
) -> None:
    other_phone.tap("scan")
    other_phone.tap("scan-paste")
    desk.open_login()
    text = read_code(desk.qr())
    phone.tap("scan")
    phone.tap("scan-paste")
    phone.fill("scan-text", text)
    phone.tap("scan-paste-submit")
    phone.sees("request-domain")
    other_phone.fill("scan-text", text)
    other_phone.tap("scan-paste-submit")
    expect(other_phone.find("error")).to_have_text(APP["problem.challenge-taken"])
    phone.approve()
    desk.lands_at_the_portal(citizen)


@pytest.mark.parametrize("button", ["deny", "deny-not-me"])
def test_a_login_denied_on_the_phone_ends_at_the_portal_with_a_no(
    phone: Handset, desk: Desk, button: str
) -> None:
    desk.open_login()
    phone.scan(desk)
    phone.tap(button)
    phone.sees("result-denied")
    kind = "reported" if button == "deny-not-me" else "denied"
    expect(phone.page.locator("h1")).to_have_text(APP[f"result.{kind}"])
    closed = desk.page.locator("#closed-heading")
    expect(closed).to_have_text(translate("closed.denied.title", "en"))
    desk.tap("leave")
    desk.page.wait_for_url(f"{desk.stack.demo.portal}/**")
    expect(desk.page.locator(".failed")).to_contain_text(TEXTS["en"]["denied"])
    phone.tap("result-home")
    phone.tap("activity")
    event = "login:not-me" if button == "deny-not-me" else "login:denied"
    newest = phone.find("activity-row").first
    expect(newest).to_contain_text(APP[f"event.{event}"])


def test_the_desktop_may_say_that_this_is_somebody_else(
    phone: Handset, desk: Desk
) -> None:
    desk.open_login()
    phone.scan(desk)
    phone.approve()
    desk.tap("cancel-not_me")
    closed = desk.page.locator("#closed-heading")
    expect(closed).to_have_text(translate("closed.cancelled.title", "en"))
    desk.open_portal()
    expect(desk.page.locator(".camdigikey-button")).to_be_visible()


def test_a_desktop_the_size_of_a_phone_offers_the_app_first(
    chromium: Browser, browser_stack: Stack
) -> None:
    with open_desk(
        chromium, browser_stack, viewport=PHONE_SCREEN, is_mobile=True, user_agent=AGENT
    ) as small:
        small.open_login()
        offer, code = small.find("same-device"), small.page.locator("#qr")
        above, below = offer.bounding_box(), code.bounding_box()
        assert above is not None
        assert below is not None
        assert above["y"] < below["y"]


AGENT = "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Chrome/140 Mobile"
