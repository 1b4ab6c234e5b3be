"""The number and the address of the account: typed, signed for, proved, waited for."""

import pytest
from playwright.sync_api import Page, expect

from tests.unit.citizen_app.fake_account import CODE
from tests.unit.citizen_app.fake_api import FakeApi
from tests.unit.citizen_app.fake_checks import Refused
from tests.unit.citizen_app.walk import PIN, fill, register, says, sees, tap, unlock

pytestmark = pytest.mark.browser
ADDRESS = "sok.sreypov@example.com"


@pytest.fixture
def contacts(page: Page, api: FakeApi) -> Page:
    """The screen of the contacts, on an unlocked phone."""
    register(page, api)
    sees(page, "done-home")
    unlock(page)
    tap(page, "settings")
    tap(page, "contacts")
    sees(page, "contact-phone")
    return page


def confirm(page: Page, pin: str = PIN) -> None:
    fill(page, "pin", pin)
    tap(page, "confirm-yes")


def begin_number(page: Page, number: str = "០១១ ២២២ ៣៣៣") -> None:
    tap(page, "change-phone")
    fill(page, "phone", number)
    tap(page, "number-next")


def wait_for_number(page: Page) -> None:
    begin_number(page)
    confirm(page)
    fill(page, "code", CODE)
    tap(page, "code-next")
    sees(page, "contact-wait")


def begin_address(page: Page, address: str = ADDRESS) -> None:
    tap(page, "change-email")
    fill(page, "email", address)
    tap(page, "email-next")


def test_a_number_is_signed_for_proved_and_waits(contacts: Page, api: FakeApi) -> None:
    wait_for_number(contacts)
    assert api.account.said == [("change_phone", "+85511222333")]
    contacts.reload(wait_until="domcontentloaded")
    sees(contacts, "contact-wait")
    tap(contacts, "contact-back")
    expect(contacts.get_by_test_id("contact-change")).to_contain_text("+៨៥៥១១២២២៣៣៣")
    expect(contacts.get_by_test_id("contact-phone")).to_contain_text("៦៧៨")


def test_a_code_to_the_old_number_ends_the_wait(contacts: Page) -> None:
    wait_for_number(contacts)
    tap(contacts, "old-code")
    sees(contacts, "code")
    contacts.reload(wait_until="domcontentloaded")
    fill(contacts, "code", "000000")
    tap(contacts, "code-next")
    says(contacts, "problem.code-wrong")
    fill(contacts, "code", CODE)
    tap(contacts, "code-next")
    sees(contacts, "said")
    expect(contacts.get_by_test_id("contact-phone")).to_contain_text("៣៣៣")
    expect(contacts.get_by_test_id("contact-change")).to_have_count(0)


def test_a_change_under_way_is_stopped_with_the_pin(
    contacts: Page, api: FakeApi
) -> None:
    wait_for_number(contacts)
    tap(contacts, "contact-stop")
    confirm(contacts)
    sees(contacts, "said")
    expect(contacts.get_by_test_id("contact-change")).to_have_count(0)
    assert api.account.said[-1] == ("object", "c-phone")


def test_a_change_that_somebody_else_began_is_seen_and_stopped(
    contacts: Page, api: FakeApi
) -> None:
    thief = {"id": "c-phone", "kind": "phone", "state": "waiting"}
    change = {**thief, "value": "+85599999999", "ready_at": 1_780_000_000}
    api.account.contacts["changes"] = [change]
    contacts.reload(wait_until="domcontentloaded")
    tap(contacts, "contact-open")
    expect(contacts.locator("main")).to_contain_text("+៨៥៥៩៩៩៩៩៩៩៩")
    tap(contacts, "contact-stop")
    confirm(contacts)
    sees(contacts, "said")
    assert api.account.contacts["changes"] == []


def test_a_wrong_code_says_how_many_tries_are_left(contacts: Page) -> None:
    begin_number(contacts)
    confirm(contacts)
    fill(contacts, "code", "111111")
    tap(contacts, "code-next")
    says(contacts, "problem.code-wrong")
    expect(contacts.get_by_test_id("error")).to_contain_text("៤")
    expect(contacts.get_by_test_id("code")).to_have_value("")


def test_without_a_code_the_change_begins_again(contacts: Page, api: FakeApi) -> None:
    begin_number(contacts)
    confirm(contacts)
    tap(contacts, "contact-again")
    fill(contacts, "phone", "012 999 888")
    tap(contacts, "number-next")
    tap(contacts, "contact-edit")
    tap(contacts, "number-next")
    confirm(contacts)
    sees(contacts, "code")
    assert [one["value"] for one in api.account.contacts["changes"]] == ["+85512999888"]


def test_a_number_that_is_none_is_not_signed_for(contacts: Page, api: FakeApi) -> None:
    begin_number(contacts, "12")
    says(contacts, "phone.missing")
    fill(contacts, "phone", "012 345 000")
    tap(contacts, "number-next")
    confirm(contacts)
    says(contacts, "problem.phone-invalid")
    assert api.account.contacts["changes"] == []


def test_an_address_is_added_proved_and_removed(contacts: Page, api: FakeApi) -> None:
    begin_address(contacts)
    confirm(contacts)
    fill(contacts, "code", CODE)
    tap(contacts, "code-next")
    sees(contacts, "said")
    expect(contacts.get_by_test_id("contact-email")).to_have_text(ADDRESS)
    tap(contacts, "remove-email")
    confirm(contacts, "000111")
    says(contacts, "problem.pin-wrong")
    confirm(contacts)
    sees(contacts, "said")
    assert api.account.contacts["email"] is None
    actions = [action for action, _ in api.account.said]
    assert actions == ["change_email", "remove_email"]


def test_what_is_no_address_is_not_signed_for(contacts: Page, api: FakeApi) -> None:
    begin_address(contacts, "sok at example")
    says(contacts, "problem.email-invalid")
    assert api.account.said == []


@pytest.mark.parametrize(
    ("refusal", "key"),
    [
        (Refused(422, "email-invalid"), "problem.email-invalid"),
        (Refused(503, "unavailable", retry_after=30), "problem.unavailable"),
        (Refused(429, "exhausted", retry_after=86_400), "problem.exhausted"),
    ],
)
def test_a_refused_address_says_why(
    contacts: Page, api: FakeApi, refusal: Refused, key: str
) -> None:
    begin_address(contacts)
    api.refuse["email"] = refusal
    confirm(contacts)
    says(contacts, key)
    expect(contacts.get_by_test_id("contact-wanted")).to_have_text(ADDRESS)
