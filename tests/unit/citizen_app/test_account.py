"""The account once it is open: devices, PIN, messages, documents."""

import re

import pytest
from playwright.sync_api import CDPSession, Page, expect

from tests.unit.citizen_app.fake_account import AT, OTHER, document, message
from tests.unit.citizen_app.fake_api import FakeApi
from tests.unit.citizen_app.fake_checks import Refused
from tests.unit.citizen_app.walk import (
    PIN,
    fill,
    register,
    says,
    sees,
    tap,
    unlock,
)

pytestmark = pytest.mark.browser
NEW = "620483"


@pytest.fixture
def citizen(page: Page, api: FakeApi) -> Page:
    register(page, api)
    sees(page, "done-home")
    unlock(page)
    return page


def confirm(page: Page, pin: str = PIN) -> None:
    fill(page, "pin", pin)
    tap(page, "confirm-yes")


def open_other(page: Page, api: FakeApi, **facts: object) -> None:
    api.account.add_other(**facts)
    tap(page, "devices")
    page.get_by_test_id("device-row").nth(1).get_by_role("link").click()
    sees(page, "device-end")


def test_the_list_tells_this_phone_from_others_and_says_what_was_reported_lost(
    citizen: Page, api: FakeApi
) -> None:
    open_other(citizen, api, suspended=True, hardware=True, biometric=True)
    for mark in ("hardware", "biometric", "suspended_means"):
        sees(citizen, f"device-{mark}")
    tap(citizen, "devices-back")
    rows = citizen.get_by_test_id("device-row")
    expect(rows.nth(0)).to_contain_text("ឧបករណ៍នេះ")
    expect(rows.nth(0).get_by_test_id("device-suspended")).to_have_count(0)
    expect(rows.nth(1).get_by_test_id("device-suspended")).to_be_visible()


def test_a_device_gets_another_name_and_the_screen_survives_a_reload(
    citizen: Page, api: FakeApi
) -> None:
    open_other(citizen, api)
    tap(citizen, "device-rename")
    citizen.reload(wait_until="domcontentloaded")
    fill(citizen, "device-name", "  ទូរសព្ទ   នៅផ្ទះ ")
    tap(citizen, "name-next")
    sees(citizen, "said")
    expect(citizen.get_by_test_id("device-row").nth(1)).to_contain_text("ទូរសព្ទ នៅផ្ទះ")
    assert api.account.others[0]["name"] == "ទូរសព្ទ នៅផ្ទះ"


def test_an_empty_name_is_not_sent(citizen: Page, api: FakeApi) -> None:
    open_other(citizen, api)
    tap(citizen, "device-rename")
    fill(citizen, "device-name", "   ")
    tap(citizen, "name-next")
    says(citizen, "fault.required")
    assert not [path for _, path, _ in api.seen if path.endswith("/name")]


def test_a_device_is_removed_with_the_pin_only(citizen: Page, api: FakeApi) -> None:
    open_other(citizen, api)
    tap(citizen, "device-end")
    confirm(citizen, "000111")
    says(citizen, "problem.pin-wrong")
    expect(citizen.get_by_test_id("error")).to_contain_text("៤")
    expect(citizen.get_by_test_id("pin")).to_have_value("")
    confirm(citizen)
    sees(citizen, "said")
    expect(citizen.get_by_test_id("device-row")).to_have_count(1)
    assert api.account.said == [("revoke", OTHER)]


def test_a_device_is_removed_with_the_phones_own_lock(
    page: Page, api: FakeApi, finger: CDPSession
) -> None:
    assert finger
    register(page, api)
    tap(page, "biometric-yes")
    fill(page, "pin", PIN)
    tap(page, "pin-next")
    sees(page, "done-home")
    unlock(page)
    open_other(page, api)
    tap(page, "device-end")
    tap(page, "confirm-biometric")
    sees(page, "said")
    assert api.account.others == []


def test_all_other_devices_are_removed_at_once(citizen: Page, api: FakeApi) -> None:
    api.account.add_other()
    tap(citizen, "devices")
    tap(citizen, "end-others")
    confirm(citizen)
    sees(citizen, "said")
    expect(citizen.get_by_test_id("end-others")).to_have_count(0)
    assert api.account.said == [("revoke_others", api.account.own_id())]


def test_removing_this_phone_warns_and_starts_the_app_anew(
    citizen: Page, api: FakeApi
) -> None:
    tap(citizen, "devices")
    citizen.get_by_test_id("device-row").get_by_role("link").click()
    tap(citizen, "device-end")
    expect(citizen.locator(".follows li")).to_have_count(3)
    confirm(citizen)
    sees(citizen, "lost")
    tap(citizen, "lost-start")
    sees(citizen, "start-register")
    assert api.account.standing == "revoked"


def test_a_refused_removal_leaves_the_list(citizen: Page, api: FakeApi) -> None:
    open_other(citizen, api)
    tap(citizen, "device-end")
    api.refuse["revocation"] = Refused(429, "exhausted", retry_after=600)
    confirm(citizen)
    expect(citizen.get_by_test_id("error")).to_contain_text("១០ នាទី")
    assert len(api.account.others) == 1


def test_the_pin_is_changed_and_only_the_new_one_unlocks(
    citizen: Page, api: FakeApi
) -> None:
    change_pin(citizen, new=NEW)
    sees(citizen, "pin-done")
    tap(citizen, "pin-done")
    tap(citizen, "lock")
    fill(citizen, "pin", PIN)
    tap(citizen, "unlock-pin")
    says(citizen, "problem.pin-wrong")
    fill(citizen, "pin", NEW)
    tap(citizen, "unlock-pin")
    sees(citizen, "lock")
    assert api.account.said == [("change", "")]


@pytest.mark.parametrize(
    ("typed", "key"),
    [
        (("49302", NEW, NEW), "pin.short"),
        ((PIN, "123456", "123456"), "pin.refused_trivial"),
        ((PIN, "010199", "010199"), "pin.refused_personal"),
        ((PIN, "340678", "340678"), "pin.refused_personal"),
        ((PIN, PIN, PIN), "pin_change.same"),
        ((PIN, NEW, "620484"), "pin.different"),
    ],
)
def test_a_new_pin_that_breaks_a_rule_is_never_sent(
    citizen: Page, api: FakeApi, typed: tuple[str, str, str], key: str
) -> None:
    pin, new, again = typed
    change_pin(citizen, pin=pin, new=new, again=again)
    says(citizen, key)
    assert "/pin" not in [path for _, path, _ in api.seen]


def test_a_wrong_present_pin_says_how_many_tries_are_left(
    citizen: Page, api: FakeApi
) -> None:
    change_pin(citizen, pin="777888", new=NEW)
    says(citizen, "problem.pin-wrong")
    expect(citizen.get_by_test_id("pin")).to_have_value("")
    expect(citizen.get_by_test_id("pin-new")).to_have_value(NEW)
    assert api.account.said == []


def change_pin(page: Page, *, new: str, pin: str = PIN, again: str = "") -> None:
    tap(page, "settings")
    tap(page, "change-pin")
    fill(page, "pin", pin)
    fill(page, "pin-new", new)
    fill(page, "pin-repeat", again or new)
    tap(page, "pin-next")


def test_unread_messages_are_counted_shown_and_then_seen(
    citizen: Page, api: FakeApi
) -> None:
    detail = {"device": "Android · Chrome", "until": AT, "unheard-of": "x"}
    api.account.messages = [
        message("m1", "recovery-started", detail=detail),
        message("m2", "never-heard-of", seen=True),
    ]
    tap(citizen, "activity")
    tap(citizen, "home")
    expect(citizen.get_by_test_id("messages-unread")).to_contain_text("១")
    tap(citizen, "messages")
    rows = citizen.get_by_test_id("message-row")
    expect(rows).to_have_count(2)
    boxes = [rows.nth(i).bounding_box() for i in (0, 1)]
    assert boxes[0] is not None
    assert boxes[1] is not None
    assert boxes[0]["y"] + boxes[0]["height"] <= boxes[1]["y"]
    expect(rows.nth(0)).to_contain_text("Android · Chrome")
    expect(rows.nth(0)).to_contain_text("ឧសភា ២០២៦")
    expect(rows.nth(0)).not_to_contain_text("unheard-of")
    expect(citizen.get_by_test_id("message-new")).to_have_count(1)
    tap(citizen, "messages-back")
    sees(citizen, "identity-card")
    expect(citizen.get_by_test_id("messages-unread")).to_have_count(0)
    assert api.account.messages[0]["seen"]


def test_messages_follow_the_language(citizen: Page, api: FakeApi) -> None:
    api.account.messages = [message("m1", "recovery-started")]
    tap(citizen, "settings")
    tap(citizen, "lang-en")
    tap(citizen, "home")
    tap(citizen, "messages")
    row = citizen.get_by_test_id("message-row")
    expect(row).to_contain_text("Somebody recovers your account")


def test_documents_are_shown_over_time_with_the_end_of_the_level(
    citizen: Page, api: FakeApi
) -> None:
    api.profile["level_until"] = AT
    api.account.documents = [
        document("012345678"),
        document("N77", kind="passport", issuer="FRA", is_valid=False, level="low"),
        document("011111111", replaced_at=AT),
        document("Z1", kind="visa", expires=""),
    ]
    citizen.reload(wait_until="domcontentloaded")
    tap(citizen, "documents")
    expect(citizen.get_by_test_id("document-row")).to_have_count(3)
    expect(citizen.get_by_test_id("document-past")).to_have_count(1)
    expect(citizen.get_by_test_id("document-expired")).to_have_count(1)
    expect(citizen.get_by_test_id("level-note")).to_contain_text("ឧសភា ២០២៦")
    expect(citizen.get_by_test_id("document-row").nth(1)).to_contain_text("FRA")


def test_an_expiring_document_leads_to_a_new_one(citizen: Page, api: FakeApi) -> None:
    api.profile["document_expires"] = "2020-01-01"
    citizen.reload(wait_until="domcontentloaded")
    tap(citizen, "expiry-renew")
    sees(citizen, "renewal-start")
    tap(citizen, "renewal-back")
    sees(citizen, "document-row")


def test_a_screen_of_the_account_waits_for_the_pin_and_is_there_after_it(
    citizen: Page, api: FakeApi
) -> None:
    tap(citizen, "documents")
    sees(citizen, "document-row")
    api.unlocked_until = 0
    citizen.reload(wait_until="domcontentloaded")
    fill(citizen, "pin", PIN)
    tap(citizen, "unlock-pin")
    sees(citizen, "document-row")


def test_the_way_to_the_page_for_lost_phones_is_the_issuers(
    page: Page, api: FakeApi
) -> None:
    page.goto(api.origin, wait_until="domcontentloaded")
    link = page.get_by_test_id("lost-phone")
    expect(link).to_have_attribute("href", f"{api.issuer}/lost-phone")
    expect(link).to_have_attribute("rel", re.compile("noopener"))
    register(page, api)
    tap(page, "done-home")
    tap(page, "help")
    expect(link).to_have_attribute("href", f"{api.issuer}/lost-phone")


def test_a_phone_reported_lost_is_brought_back_with_its_pin(
    citizen: Page, api: FakeApi
) -> None:
    api.account.standing = "suspended"
    tap(citizen, "devices")
    sees(citizen, "suspended")
    citizen.reload(wait_until="domcontentloaded")
    sees(citizen, "suspended")
    confirm(citizen, "000111")
    says(citizen, "problem.pin-wrong")
    assert api.account.standing == "suspended"
    confirm(citizen)
    tap(citizen, "home")
    sees(citizen, "identity-card")
    assert api.account.said == [("resume", api.account.own_id())]


def test_a_phone_removed_elsewhere_says_so_when_it_is_opened(
    citizen: Page, api: FakeApi
) -> None:
    api.account.standing = "revoked"
    citizen.reload(wait_until="domcontentloaded")
    sees(citizen, "lost")
    sees(citizen, "lost-recover")


def test_a_forgotten_pin_leads_to_a_phone_set_up_anew(page: Page, api: FakeApi) -> None:
    register(page, api)
    tap(page, "done-home")
    tap(page, "help")
    tap(page, "help-anew")
    tap(page, "anew-no")
    tap(page, "help-anew")
    before = api.account.own_id()
    tap(page, "anew-yes")
    sees(page, "phone")
    page.reload(wait_until="domcontentloaded")
    sees(page, "phone")
    fill(page, "phone", "012340678")
    tap(page, "phone-next")
    sees(page, "code")
    assert api.account.own_id() != before  # new keys: the old ones are forgotten
