"""Several pictures of one document, cards and passports, what not everybody has."""

import pytest
from playwright.sync_api import Page, expect

from tests.unit.citizen_app.fake_api import FakeApi
from tests.unit.citizen_app.fake_checks import Refused
from tests.unit.citizen_app.walk import (
    choose_picture,
    fill,
    fill_details,
    register,
    sees,
    tap,
)

pytestmark = pytest.mark.browser
PASSPORT = {
    "kind": "passport",
    "issuer": "FRA",
    "nationality": "FRA",
    "number": "12AB34567",
    "surname_latin": "MARTIN",
    "given_name_latin": "",
    "birth_date": "1950-XX-XX",
    "sex": "",
    "expiry_date": "2031-01-01",
    "proved": ["number", "expiry_date"],
    "optional": [
        *("given_name_khmer", "given_name_latin", "issue_date", "surname_khmer"),
    ],
}


def show_again(page: Page) -> None:
    tap(page, "card-again")
    choose_picture(page, "card")
    tap(page, "card-use")


def test_a_picture_that_was_not_enough_is_kept_and_joined_with_the_next(
    page: Page, api: FakeApi
) -> None:
    register(page, api, until="card-preview")
    api.refuse["document"] = api.unsure(1, "check-digit-wrong")
    tap(page, "card-use")
    sees(page, "advice")
    expect(page.get_by_test_id("pictures")).to_contain_text("១")
    page.reload(wait_until="domcontentloaded")
    expect(page.get_by_test_id("pictures")).to_contain_text("១")
    choose_picture(page, "card")
    api.refuse["document"] = api.unsure(2, "check-digit-wrong")
    tap(page, "card-use")
    expect(page.get_by_test_id("pictures")).to_contain_text("២")
    api.reads["pictures"] = 3
    show_again(page)
    expect(page.get_by_test_id("proved-note")).to_contain_text("៣")


def test_a_picture_that_was_judged_is_not_sent_twice_but_a_lost_one_is(
    page: Page, api: FakeApi
) -> None:
    register(page, api, until="card-preview")
    api.refuse["document"] = Refused(503, "unavailable", retry_after=2)
    tap(page, "card-use")
    expect(page.get_by_test_id("error")).not_to_be_empty()
    api.refuse["document"] = api.unsure(1, "glare")
    tap(page, "card-use")
    sees(page, "advice")
    expect(page.get_by_test_id("card-use")).to_have_count(0)


def test_another_picture_in_the_details_keeps_what_no_picture_shows(
    page: Page, api: FakeApi
) -> None:
    register(page, api, until="details")
    fill_details(page)
    fill(page, "field-surname_latin", "SOOK")
    tap(page, "card-retake")
    choose_picture(page, "card")
    tap(page, "card-use")
    expect(page.get_by_test_id("field-surname_khmer")).to_have_value("សុខ")
    expect(page.get_by_test_id("field-issue_date")).to_have_value("០១.០១.២០២១")
    expect(page.get_by_test_id("field-surname_latin")).to_have_value("SOK")


def test_a_refused_picture_in_the_details_loses_nothing(
    page: Page, api: FakeApi
) -> None:
    register(page, api, until="details")
    tap(page, "card-retake")
    choose_picture(page, "card")
    api.refuse["document"] = Refused(422, "evidence-insufficient", advice=["glare"])
    tap(page, "card-use")
    sees(page, "advice")
    tap(page, "card-again")
    tap(page, "card-keep")
    expect(page.get_by_test_id("field-number")).to_have_value("012345678")


def test_a_passport_is_chosen_and_stays_chosen(page: Page, api: FakeApi) -> None:
    register(page, api, until="card")
    heading = page.get_by_role("heading", level=1)
    expect(page.get_by_test_id("kind-card")).to_have_attribute("aria-pressed", "true")
    card = heading.inner_text()
    tap(page, "kind-passport")
    expect(heading).not_to_have_text(card)
    page.reload(wait_until="domcontentloaded")
    chosen = page.get_by_test_id("kind-passport")
    expect(chosen).to_have_attribute("aria-pressed", "true")


def test_a_foreigner_is_not_asked_for_what_she_does_not_have(
    page: Page, api: FakeApi
) -> None:
    api.reads = dict(PASSPORT)
    register(page, api, until="details")
    sees(page, "field-number")
    expect(page.get_by_test_id("field-surname_khmer")).to_have_count(0)
    expect(page.get_by_test_id("field-birth_date")).to_have_value("1950-XX-XX")
    page.get_by_test_id("field-sex").select_option("X")
    tap(page, "details-next")
    sees(page, "liveness-open")
    (posted,) = (body for _, path, body in api.seen if path.endswith("/details"))
    assert posted == {
        "number": "12AB34567",
        "surname_latin": "MARTIN",
        "given_name_latin": "",
        "surname_khmer": "",
        "given_name_khmer": "",
        "birth_date": "1950-XX-XX",
        "sex": "X",
        "issue_date": "",
        "expiry_date": "2031-01-01",
    }


def test_a_citizen_with_a_full_name_must_write_it_in_khmer(
    page: Page, api: FakeApi
) -> None:
    register(page, api, until="details")
    fill(page, "field-surname_khmer", "សុខ")
    fill(page, "field-issue_date", "2021-01-01")
    tap(page, "details-next")
    name = page.get_by_test_id("field-given_name_khmer")
    expect(name).to_have_attribute("aria-invalid", "true")
    assert not [path for _, path, _ in api.seen if path.endswith("/details")]
