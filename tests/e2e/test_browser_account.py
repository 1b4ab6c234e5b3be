"""The account in a real browser against the real server: devices, PIN, a lost phone."""

import asyncio
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from typing import Any

import httpx2
import pytest
from playwright.sync_api import Browser, Playwright, expect

from idp.services import open_services
from tests.e2e.browsing import (
    PIN,
    Handset,
    invented,
    open_desk,
    open_handset,
    renewed,
    texts,
)
from tests.e2e.registering import go_home, number, register, show_document
from tests.e2e.stack import Stack
from tests.phone import Phone, Problem, new_phone

pytestmark = [
    pytest.mark.browser,
    pytest.mark.e2e,
    pytest.mark.xdist_group("browser"),
    pytest.mark.filterwarnings("ignore::idp.engines.DevelopmentModeWarning"),
]
OTHER_PIN = "802615"
SEEDS = count(900)
NAME = "ទូរសព្ទនៅផ្ទះ"


@pytest.fixture
def own_number() -> str:
    return number()


@pytest.fixture
def own_seed() -> int:
    """Whom this test invents."""
    return next(SEEDS)


@pytest.fixture
def own_phone(
    playwright: Playwright,
    browser_stack: Stack,
    tmp_path: Path,
    own_number: str,
    own_seed: int,
) -> Iterator[Handset]:
    """An unlocked phone of somebody whom only this test knows."""
    citizen = invented(browser_stack, own_seed)
    folder = tmp_path / "own"
    with open_handset(playwright, browser_stack, folder, camera=False) as opened:
        opened.speak("en")
        register(opened, citizen, phone_number=own_number)
        go_home(opened)
        yield opened


async def bind_another(stack: Stack, device_id: str) -> Phone:
    """Bind a phone without a screen to the account of a device."""
    async with httpx2.AsyncClient(timeout=60) as http:
        phone = new_phone(stack, http)
    async with (
        open_services(stack.demo.settings()) as services,
        services.store.begin() as tx,
    ):
        first = await services.devices.find(tx, device_id)
        await services.devices.bind(
            tx,
            device_id=phone.keys.device_id,
            account_id=first.account_id,
            public_key=phone.keys.jwk,
            pin_key=phone.keys.pin_jwk(phone.pin),
            name="Second phone",
        )
    phone.account_id = first.account_id
    return phone


async def code_of_unlocking(phone: Phone) -> str:
    """Return "" when the phone unlocks, else the code of the refusal."""
    async with httpx2.AsyncClient(timeout=60) as http:
        phone.http = http
        try:
            await phone.unlock()
        except Problem as problem:
            return problem.code
    return ""


def elsewhere(work: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine beside Playwright's loop, which runs in this thread."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()


def open_second(phone: Handset) -> Phone:
    phone.tap("devices")
    link = phone.find("device-row").get_by_role("link")
    device_id = str(link.get_attribute("href")).rpartition("/")[2]
    other: Phone = elsewhere(bind_another(phone.stack, device_id))
    phone.tap("home")
    phone.tap("devices")
    phone.find("device-row").nth(1).get_by_role("link").click()
    phone.sees("device-end")
    return other


def confirm(phone: Handset, pin: str = PIN) -> None:
    phone.fill("pin", pin)
    phone.tap("confirm-yes")


def test_another_device_is_named_and_removed(own_phone: Handset) -> None:
    other = open_second(own_phone)
    own_phone.tap("device-rename")
    own_phone.fill("device-name", NAME)
    own_phone.tap("name-next")
    own_phone.sees("said")
    row = own_phone.find("device-row").nth(1)
    expect(row).to_contain_text(NAME)
    assert elsewhere(code_of_unlocking(other)) == ""
    row.get_by_role("link").click()
    own_phone.tap("device-end")
    confirm(own_phone)
    expect(own_phone.find("device-row")).to_have_count(1)
    assert elsewhere(code_of_unlocking(other)) == "device-revoked"


def test_all_others_are_removed_and_this_one_last(own_phone: Handset) -> None:
    other = open_second(own_phone)
    own_phone.tap("devices-back")
    own_phone.tap("end-others")
    confirm(own_phone)
    own_phone.sees("said")
    assert elsewhere(code_of_unlocking(other)) == "device-revoked"
    own_phone.find("device-row").get_by_role("link").click()
    own_phone.tap("device-end")
    confirm(own_phone)
    own_phone.sees("lost")
    own_phone.tap("lost-start")
    own_phone.sees("start-register")


def test_another_pin_unlocks_and_the_first_one_no_longer(own_phone: Handset) -> None:
    own_phone.tap("settings")
    own_phone.tap("change-pin")
    own_phone.fill("pin", PIN)
    own_phone.fill("pin-new", OTHER_PIN)
    own_phone.fill("pin-repeat", OTHER_PIN)
    own_phone.tap("pin-next")
    own_phone.tap("pin-done")
    own_phone.tap("lock")
    own_phone.fill("pin", PIN)
    own_phone.tap("unlock-pin")
    wrong = texts("en")["problem.pin-wrong"]
    expect(own_phone.find("error")).to_contain_text(wrong)
    own_phone.fill("pin", OTHER_PIN)
    own_phone.tap("unlock-pin")
    own_phone.sees("lock")
    own_phone.tap("home")
    own_phone.tap("messages")
    expect(own_phone.find("message-row").first).to_contain_text("PIN")


def test_a_phone_reported_lost_is_locked_and_brought_back_with_its_pin(
    own_phone: Handset, own_number: str, chromium: Browser, browser_stack: Stack
) -> None:
    own_phone.tap("devices")
    page = str(own_phone.find("lost-phone").get_attribute("href"))
    with open_desk(chromium, browser_stack) as desk:
        desk.page.goto(page)
        desk.page.locator("#phone").fill(own_number)
        printed = browser_stack.printed()
        desk.tap("send")
        desk.page.locator("#code").fill(browser_stack.sms_code(printed))
        desk.tap("suspend")
        expect(desk.page.locator("#code")).to_have_count(0)
    own_phone.open()
    own_phone.sees("suspended")
    own_phone.is_accessible()
    confirm(own_phone)
    own_phone.sees("identity-card")


def test_an_old_number_gives_way_by_its_own_code(own_phone: Handset) -> None:
    printed = own_phone.stack.printed
    fresh = number()
    own_phone.tap("settings")
    own_phone.tap("contacts")
    own_phone.tap("change-phone")
    own_phone.fill("phone", fresh)
    own_phone.tap("number-next")
    before = printed()
    confirm(own_phone)
    own_phone.sees("code")
    own_phone.fill("code", own_phone.stack.sms_code(before))
    own_phone.tap("code-next")
    own_phone.sees("contact-wait")
    before = printed()
    own_phone.tap("old-code")
    own_phone.sees("code")
    own_phone.fill("code", own_phone.stack.sms_code(before))
    own_phone.tap("code-next")
    expect(own_phone.find("contact-phone")).to_contain_text(fresh[-3:])


def test_a_new_card_takes_the_place_of_the_old_and_the_number_stays(
    own_phone: Handset, own_seed: int, browser_stack: Stack
) -> None:
    camdigikey_id = own_phone.find("camdigikey-id").inner_text()
    card = renewed(browser_stack, own_seed)
    own_phone.tap("documents")
    own_phone.tap("renew")
    own_phone.tap("renewal-start")
    show_document(own_phone, card)
    own_phone.page.reload(wait_until="domcontentloaded")
    own_phone.gets("liveness-open")
    own_phone.tap("development-film")
    own_phone.gets("renewal-done")
    own_phone.tap("renewal-done")
    row = own_phone.find("document-row")
    expect(row).to_contain_text(card.fields["number"])
    expect(own_phone.find("document-past")).to_have_count(1)
    own_phone.is_accessible()
    own_phone.tap("home")
    expect(own_phone.find("profile-number")).to_have_text(card.fields["number"])
    expect(own_phone.find("camdigikey-id")).to_have_text(camdigikey_id)
