"""Back to an account from a new phone: by the old phone or by the document."""

import time

import pytest
from playwright.sync_api import Page, expect

from tests.unit.citizen_app.fake_api import FakeApi
from tests.unit.citizen_app.fake_checks import Refused
from tests.unit.citizen_app.walk import (
    choose_picture,
    fill,
    fill_details,
    says,
    sees,
    set_pin,
    tap,
    unlock,
    words,
)

pytestmark = pytest.mark.browser


def start(page: Page, api: FakeApi) -> None:
    """Go on until the two digits are shown."""
    page.goto(api.origin, wait_until="domcontentloaded")
    tap(page, "start-recover")
    fill(page, "phone", "០១២ ៣៤០ ៦៧៨")
    tap(page, "phone-next")
    fill(page, "code", "493027")
    tap(page, "code-next")
    sees(page, "recovery-digits")


def by_card(page: Page) -> None:
    tap(page, "recover-by-card")
    choose_picture(page, "card")
    tap(page, "card-use")
    fill_details(page)
    tap(page, "details-next")
    tap(page, "development-film")
    sees(page, "recovery-wait")


def wait_is_over(api: FakeApi) -> None:
    api.move("waiting", waiting={"ready_at": int(time.time())})


def test_the_old_phone_says_yes_and_only_the_face_is_asked(
    page: Page, api: FakeApi
) -> None:
    start(page, api)
    posted = {path: body for method, path, body in api.seen if method == "POST"}
    assert posted["/recoveries"] == {"phone": "+85512340678", "locale": "km"}
    expect(page.get_by_test_id("recovery-digits")).to_have_text("៤២")
    api.move_to_face()
    sees(page, "liveness-open")
    wait_is_over(api)
    page.reload(wait_until="domcontentloaded")
    set_pin(page)
    sees(page, "done-home")
    expect(page.locator("h1")).to_have_text(words("recover.done"))
    unlock(page)


def test_by_the_document_the_person_waits_and_comes_back(
    page: Page, api: FakeApi
) -> None:
    start(page, api)
    by_card(page)
    expect(page.get_by_test_id("recovery-wait")).to_contain_text("២៤ ម៉ោង")
    page.reload(wait_until="domcontentloaded")
    sees(page, "recovery-wait")
    wait_is_over(api)
    page.reload(wait_until="domcontentloaded")
    sees(page, "pin-repeat")
    set_pin(page, "340678")  # the end of the number, as at a registration
    says(page, "pin.refused_personal")
    set_pin(page, "010199")
    says(page, "pin.refused_personal")
    set_pin(page)
    sees(page, "done-home")


def test_the_wait_ends_before_the_eyes_of_who_stays(page: Page, api: FakeApi) -> None:
    start(page, api)
    api.move("waiting", waiting={"ready_at": int(time.time()) + 2})
    page.reload(wait_until="domcontentloaded")
    sees(page, "pin-repeat")


@pytest.mark.parametrize("step", ["digits", "card", "wait"])
def test_it_resumes_after_a_reload(page: Page, api: FakeApi, step: str) -> None:
    start(page, api)
    mark = "recovery-digits"
    if step != "digits":
        tap(page, "recover-by-card")
        mark = "card-file"
    if step == "wait":
        api.move("waiting", waiting={"ready_at": int(time.time()) + 4000})
        mark = "recovery-wait"
    page.reload(wait_until="domcontentloaded")
    sees(page, mark)


def test_who_has_found_the_old_phone_goes_back_to_the_digits(
    page: Page, api: FakeApi
) -> None:
    start(page, api)
    tap(page, "recover-by-card")
    sees(page, "card-file")
    tap(page, "recover-by-phone")
    sees(page, "recovery-digits")


def test_an_old_phone_that_says_no_stops_it_and_it_can_begin_again(
    page: Page, api: FakeApi
) -> None:
    start(page, api)
    api.move("stopped")
    sees(page, "stopped")
    expect(page.locator("h1")).to_have_text(words("recover.stopped"))
    tap(page, "recovery-again")
    sees(page, "phone")
    fill(page, "phone", "012340678")
    tap(page, "phone-next")
    sees(page, "code")


def test_it_is_given_up_in_its_own_words(page: Page, api: FakeApi) -> None:
    start(page, api)
    expect(page.get_by_test_id("register-cancel")).to_have_text(words("recover.cancel"))
    tap(page, "register-cancel")
    tap(page, "register-cancel-yes")
    sees(page, "start-recover")
    assert api.registration is None


def test_a_document_without_an_account_leads_to_a_registration(
    page: Page, api: FakeApi
) -> None:
    start(page, api)
    api.move_to_face()
    sees(page, "liveness-open")
    api.refuse["face"] = Refused(422, "evidence-insufficient", advice=["no-account"])
    api.move("document", binding_code="42")
    tap(page, "development-film")
    sees(page, "moved")
    expect(page.get_by_test_id("advice")).to_contain_text(words("advice.no-account"))
    tap(page, "moved-change")
    sees(page, "phone")
    assert api.registration is None
    fill(page, "phone", "012340678")
    tap(page, "phone-next")
    sees(page, "code")
    assert api.registration["purpose"] == "registration"


@pytest.mark.parametrize(
    ("refusal", "key"),
    [
        (Refused(422, "phone-invalid"), "problem.phone-invalid"),
        (Refused(429, "exhausted", retry_after=3600), "problem.exhausted"),
        (Refused(503, "unavailable", retry_after=9), "problem.unavailable"),
    ],
)
def test_a_start_that_is_refused_says_why(
    page: Page, api: FakeApi, refusal: Refused, key: str
) -> None:
    page.goto(api.origin, wait_until="domcontentloaded")
    tap(page, "start-recover")
    fill(page, "phone", "012340678")
    api.refuse["recoveries"] = refusal
    tap(page, "phone-next")
    says(page, key)
    expect(page.get_by_test_id("phone")).to_have_value("012340678")


@pytest.mark.parametrize(
    ("state", "key"),
    [("review", "review.lead_recovery"), ("refused", "refused.title_recovery")],
)
def test_a_person_who_decides_and_a_no_have_words_of_their_own(
    page: Page, api: FakeApi, state: str, key: str
) -> None:
    start(page, api)
    api.move(state, advice=["review"])
    page.reload(wait_until="domcontentloaded")
    sees(page, state)
    expect(page.locator("main")).to_contain_text(words(key))
