"""Registering in a real browser, against a server that checks everything."""

import re

import pytest
from playwright.sync_api import CDPSession, Page, expect

from tests.unit.citizen_app.fake_api import FakeApi
from tests.unit.citizen_app.fake_checks import Refused
from tests.unit.citizen_app.walk import (
    PIN,
    choose_picture,
    fill,
    register,
    sees,
    set_pin,
    tap,
    unlock,
)

pytestmark = pytest.mark.browser
MARKS = {
    "phone": "phone",
    "code": "code",
    "card": "card-file",
    "details": "field-number",
    "face": "liveness-open",
    "pin": "pin-repeat",
    "done": "done-home",
}


def test_a_person_registers_unlocks_and_sees_the_card(page: Page, api: FakeApi) -> None:
    register(page, api)
    sees(page, "done-home")
    unlock(page)
    assert page.get_by_test_id("name-khmer").inner_text() == "សុខ ស្រីពៅ"
    posted = {path: body for _, path, body in api.seen}
    assert posted["/registrations"]["phone"] == "+85512340678"
    assert posted["/registrations/reg-1/details"]["issue_date"] == "2021-01-01"


@pytest.mark.parametrize("step", MARKS)
def test_it_resumes_at_this_step_after_a_reload(
    page: Page, api: FakeApi, step: str
) -> None:
    register(page, api, until=step)
    sees(page, MARKS[step])
    page.reload(wait_until="domcontentloaded")
    sees(page, MARKS[step])


def test_what_was_typed_is_still_there_after_a_reload(page: Page, api: FakeApi) -> None:
    register(page, api, until="phone")
    fill(page, "phone", "012 345")
    page.reload(wait_until="domcontentloaded")
    expect(page.get_by_test_id("phone")).to_have_value("012 345")


def test_typed_details_survive_a_reload(page: Page, api: FakeApi) -> None:
    register(page, api, until="details")
    fill(page, "field-surname_khmer", "សុខ")
    page.reload(wait_until="domcontentloaded")
    expect(page.get_by_test_id("field-surname_khmer")).to_have_value("សុខ")


def test_a_wrong_code_says_how_many_tries_are_left(page: Page, api: FakeApi) -> None:
    register(page, api, until="code")
    fill(page, "code", "000000")
    tap(page, "code-next")
    expect(page.get_by_test_id("error")).to_contain_text("៤")


def test_a_refused_picture_says_what_to_do(page: Page, api: FakeApi) -> None:
    register(page, api, until="card-preview")
    advice = ["glare", "never-heard-of"]
    api.refuse["document"] = Refused(422, "evidence-insufficient", advice=advice)
    tap(page, "card-use")
    sees(page, "advice")
    expect(page.get_by_test_id("advice").locator("li")).to_have_count(2)
    tap(page, "card-again")
    choose_picture(page, "card")
    tap(page, "card-use")
    sees(page, "field-number")


def test_a_file_that_is_no_picture_is_refused_on_the_phone(
    page: Page, api: FakeApi
) -> None:
    register(page, api, until="card")
    text = {"name": "a.jpg", "mimeType": "image/jpeg", "buffer": b"hello"}
    page.get_by_test_id("card-file").set_input_files(files=[text])  # type: ignore[list-item]
    expect(page.get_by_test_id("error")).not_to_be_empty()
    assert not [path for _, path, _ in api.seen if path.endswith("/document")]


def test_fields_proved_by_the_card_cannot_be_typed_into(
    page: Page, api: FakeApi
) -> None:
    register(page, api, until="details")
    for name in ("number", "birth_date", "expiry_date"):
        expect(page.get_by_test_id(f"field-{name}")).not_to_be_editable()
    expect(page.get_by_test_id("field-surname_latin")).to_be_editable()


@pytest.mark.parametrize("polls", [0, 1])
def test_a_register_that_disagrees_sends_back_to_the_marked_fields(
    page: Page, api: FakeApi, polls: int
) -> None:
    api.register_answers = [["surname_khmer"]]
    api.slow_register = polls
    api.register_at_once = polls == 0
    register(page, api, until="face")
    wrong = page.get_by_test_id("field-surname_khmer")
    expect(wrong).to_have_attribute("aria-invalid", "true")
    expect(wrong).to_have_value("សុខ")
    fill(page, "field-surname_khmer", "សោក")
    tap(page, "details-next")
    sees(page, "liveness-open")


def test_field_faults_of_the_server_stand_beside_their_fields(
    page: Page, api: FakeApi
) -> None:
    register(page, api, until="details")
    fault = {"name": "issue_date", "code": "order-of-dates"}
    api.refuse["details"] = Refused(422, "fields-invalid", fields=[fault])
    fill(page, "field-surname_khmer", "សុខ")
    fill(page, "field-given_name_khmer", "ពៅ")
    fill(page, "field-issue_date", "2035-01-01")
    tap(page, "details-next")
    field = page.get_by_test_id("field-issue_date")
    expect(field).to_have_attribute("aria-invalid", "true")


def test_a_stopped_registration_names_the_other_way(page: Page, api: FakeApi) -> None:
    register(page, api, until="code")
    sees(page, "code")
    api.move("stopped")
    page.reload(wait_until="domcontentloaded")
    sees(page, "stopped")


@pytest.mark.parametrize("step", ["card", "details", "face"])
def test_an_official_helps_with_digits_that_the_person_shows(
    page: Page, api: FakeApi, step: str
) -> None:
    register(page, api, until=step)
    sees(page, MARKS[step])
    tap(page, "assisted")
    code = page.get_by_test_id("assisted-code")
    expect(code).to_have_text("០១២៣ ៤៥៦១")
    page.reload(wait_until="domcontentloaded")
    expect(code).to_have_text("០១២៣ ៤៥៦១")
    assert api.consents == 1
    api.move("review")
    sees(page, "review")


def test_who_goes_on_alone_comes_back_to_the_same_step(
    page: Page, api: FakeApi
) -> None:
    register(page, api, until="details")
    fill(page, "field-surname_khmer", "សុខ")
    tap(page, "assisted")
    sees(page, "assisted-code")
    tap(page, "assisted-alone")
    expect(page.get_by_test_id("field-surname_khmer")).to_have_value("សុខ")


def test_the_level_is_told_in_plain_words(page: Page, api: FakeApi) -> None:
    register(page, api)
    expect(page.get_by_test_id("level-words")).to_contain_text("សាធារណៈភាគច្រើន")


def test_who_has_an_account_is_led_back_to_it(page: Page, api: FakeApi) -> None:
    register(page, api, until="face")
    sees(page, "liveness-open")
    advice = ["recover"]
    api.refuse["face"] = Refused(409, "already-registered", advice=advice)
    api.move("stopped")
    tap(page, "development-film")
    sees(page, "stopped-recover")
    page.reload(wait_until="domcontentloaded")
    tap(page, "stopped-recover")
    sees(page, "phone")
    expect(page).to_have_url(re.compile("#/recover$"))


def test_stopping_asks_once_and_forgets(page: Page, api: FakeApi) -> None:
    register(page, api, until="code")
    tap(page, "register-cancel")
    tap(page, "register-cancel-yes")
    sees(page, "start-register")
    assert api.registration is None


@pytest.mark.parametrize("pin", ["123456", "010199", "340678"])
def test_an_easy_pin_is_refused_before_anything_is_sent(
    page: Page, api: FakeApi, pin: str
) -> None:
    register(page, api, until="pin")
    sees(page, "pin-repeat")
    page.reload(wait_until="domcontentloaded")
    set_pin(page, pin)
    expect(page.get_by_test_id("error")).not_to_be_empty()
    assert "pin" not in api.device


def test_two_different_pins_are_refused(page: Page, api: FakeApi) -> None:
    register(page, api, until="pin")
    fill(page, "pin", PIN)
    fill(page, "pin-repeat", "204816")
    tap(page, "pin-next")
    expect(page.get_by_test_id("error")).not_to_be_empty()
    assert "pin" not in api.device


@pytest.mark.usefixtures("finger")
def test_the_biometric_is_bound_with_the_pin(page: Page, api: FakeApi) -> None:
    register(page, api)
    tap(page, "biometric-yes")
    fill(page, "pin", "111122")
    tap(page, "pin-next")
    expect(page.get_by_test_id("error")).to_have_text(re.compile("៤"))
    fill(page, "pin", PIN)
    tap(page, "pin-next")
    sees(page, "done-home")
    assert api.credential["key"]


def test_the_biometric_can_be_skipped(
    page: Page, api: FakeApi, finger: CDPSession
) -> None:
    register(page, api)
    tap(page, "biometric-skip")
    sees(page, "done-home")
    assert finger
    assert api.credential == {}
