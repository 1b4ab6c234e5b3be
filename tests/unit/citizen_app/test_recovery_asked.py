"""The old phone while somebody recovers its account: seen, answered, over."""

import re
import time

import pytest
from playwright.sync_api import Page, expect

from tests.unit.citizen_app.fake_api import FakeApi
from tests.unit.citizen_app.fake_checks import Refused
from tests.unit.citizen_app.walk import PIN, fill, register, says, sees, tap, words

pytestmark = pytest.mark.browser


@pytest.fixture
def locked(page: Page, api: FakeApi) -> Page:
    """A phone that is registered and locked."""
    register(page, api)
    tap(page, "done-home")
    sees(page, "unlock-pin")
    return page


def look(page: Page) -> None:
    page.reload(wait_until="domcontentloaded")
    tap(page, "recovery-look")


def say_yes(page: Page, digits: str, pin: str = PIN) -> None:
    fill(page, "binding-code", digits)
    fill(page, "pin", pin)
    tap(page, "confirm-yes")


def test_a_locked_phone_says_yes_with_the_two_digits(
    locked: Page, api: FakeApi
) -> None:
    api.account.recovered_elsewhere()
    look(locked)
    tap(locked, "recovery-yes")
    locked.reload(wait_until="domcontentloaded")
    say_yes(locked, "៤២")
    sees(locked, "recovery-approved")
    assert api.account.said == [("approve", "rec-1")]
    tap(locked, "recovery-approved")
    expect(locked.get_by_test_id("recovery-banner")).to_have_count(0)


def test_a_phone_lets_one_more_join_and_goes_on(locked: Page, api: FakeApi) -> None:
    api.account.recovered_elsewhere()
    look(locked)
    tap(locked, "recovery-add")
    expect(locked.get_by_role("heading")).to_have_text(words("asked.add_title"))
    say_yes(locked, "42")
    sees(locked, "recovery-added")
    expect(locked.locator("main")).to_contain_text(words("asked.end_added_lead"))
    assert api.account.said == [("add", "rec-1")]


def test_wrong_digits_end_it_and_say_so(locked: Page, api: FakeApi) -> None:
    api.account.recovered_elsewhere()
    look(locked)
    tap(locked, "recovery-yes")
    say_yes(locked, "24")
    sees(locked, "recovery-ended")
    assert api.account.recoveries == []


def test_digits_that_are_missing_and_a_wrong_pin_end_nothing(
    locked: Page, api: FakeApi
) -> None:
    api.account.recovered_elsewhere()
    look(locked)
    tap(locked, "recovery-yes")
    say_yes(locked, "4")
    says(locked, "asked.code_short")
    say_yes(locked, "42", "000111")
    says(locked, "problem.pin-wrong")
    expect(locked.get_by_test_id("binding-code")).to_have_value("42")
    assert len(api.account.recoveries) == 1


def test_a_phone_says_no_with_its_pin(locked: Page, api: FakeApi) -> None:
    ready = int(time.time()) + 80_000
    api.account.recovered_elsewhere("waiting", ready_at=ready)
    look(locked)
    expect(locked.get_by_test_id("recovery-yes")).to_have_count(0)
    expect(locked.get_by_test_id("recovery-ready")).to_contain_text("២២ ម៉ោង")
    tap(locked, "recovery-no")
    fill(locked, "pin", PIN)
    tap(locked, "confirm-yes")
    sees(locked, "recovery-objected")
    assert api.account.said == [("object", "rec-1")]


def test_it_stands_on_every_screen_of_an_open_phone(locked: Page, api: FakeApi) -> None:
    fill(locked, "pin", PIN)
    tap(locked, "unlock-pin")
    sees(locked, "identity-card")
    api.account.recovered_elsewhere()
    locked.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    for tab in ("home", "activity", "devices", "settings"):
        tap(locked, tab)
        sees(locked, "recovery-banner")
    tap(locked, "recovery-look")
    tap(locked, "recovery-later")
    sees(locked, "identity-card")


def test_one_that_is_over_meanwhile_says_so(locked: Page, api: FakeApi) -> None:
    api.account.recovered_elsewhere()
    look(locked)
    tap(locked, "recovery-no")
    api.refuse["objection"] = Refused(404, "not-found")
    fill(locked, "pin", PIN)
    tap(locked, "confirm-yes")
    says(locked, "problem.not-found")
    api.account.recoveries = []
    locked.reload(wait_until="domcontentloaded")
    tap(locked, "recovery-over")
    sees(locked, "unlock-pin")


def test_after_its_account_has_moved_the_old_phone_says_so(
    page: Page, api: FakeApi
) -> None:
    register(page, api)
    tap(page, "done-home")
    unlock_again(page)
    api.account.standing = "revoked"
    tap(page, "devices")
    sees(page, "lost")
    expect(page.locator("h1")).to_have_text(re.compile("លែងភ្ជាប់"))


def unlock_again(page: Page) -> None:
    fill(page, "pin", PIN)
    tap(page, "unlock-pin")
    sees(page, "identity-card")
