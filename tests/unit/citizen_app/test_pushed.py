"""A pushed login: the open app learns of it, and the shown digits are typed."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.unit.citizen_app.fake_api import FakeApi
from tests.unit.citizen_app.walk import PIN, fill, register, sees, tap, unlock

pytestmark = pytest.mark.browser


@pytest.fixture
def citizen(page: Page, api: FakeApi) -> Page:
    register(page, api)
    sees(page, "done-home")
    unlock(page)
    return page


@pytest.mark.parametrize("streams", [True, False])
def test_an_open_app_shows_a_pushed_login_and_the_digits_are_typed(
    citizen: Page, api: FakeApi, streams: bool
) -> None:
    api.streams = streams
    challenge = api.push(message="Order 17: ១៧")
    expect(citizen.get_by_test_id("request-domain")).to_have_text("portal.gov.example")
    expect(citizen.get_by_test_id("request-message")).to_have_text("Order 17: ១៧")
    fill(citizen, "pin", PIN)
    tap(citizen, "approve-pin")
    expect(citizen.get_by_test_id("error")).not_to_be_empty()
    fill(citizen, "binding-code", "៤២9")
    fill(citizen, "pin", PIN)
    tap(citizen, "approve-pin")
    sees(citizen, "result-approved")
    claims = api.challenges[challenge]["claims"]
    assert (claims["binding_code"], claims["channel"]) == ("42", "push")


def test_a_wrong_number_ends_the_request(citizen: Page, api: FakeApi) -> None:
    api.push()
    fill(citizen, "binding-code", "24")
    fill(citizen, "pin", PIN)
    tap(citizen, "approve-pin")
    sees(citizen, "result-denied")
    expect(citizen.locator("h1")).to_have_text(re.compile("លេខមិនត្រូវ"))


def test_a_locked_app_is_asked_too(page: Page, api: FakeApi) -> None:
    register(page, api)
    tap(page, "done-home")
    sees(page, "unlock-pin")
    api.push()
    sees(page, "binding-code")


def test_a_push_interrupts_nothing_and_waits(citizen: Page, api: FakeApi) -> None:
    tap(citizen, "scan")
    tap(citizen, "scan-paste")
    api.push()
    citizen.wait_for_timeout(400)
    sees(citizen, "scan-text")
    tap(citizen, "scan-back")
    sees(citizen, "binding-code")


def test_a_blocked_service_is_seen_and_allowed_again(
    citizen: Page, api: FakeApi
) -> None:
    api.blocks = ["portal"]
    tap(citizen, "settings")
    sees(citizen, "block-row")
    tap(citizen, "lift-block")
    expect(citizen.get_by_test_id("block-row")).to_have_count(0)
    assert api.blocks == []
