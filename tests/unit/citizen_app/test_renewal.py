"""A new document for an account: from its picture to the face, and what stops it."""

import pytest
from playwright.sync_api import Page, expect

from tests.unit.citizen_app.fake_account import document
from tests.unit.citizen_app.fake_api import FakeApi
from tests.unit.citizen_app.fake_checks import Refused
from tests.unit.citizen_app.walk import (
    choose_picture,
    fill_details,
    register,
    says,
    sees,
    tap,
    unlock,
    words,
)

pytestmark = pytest.mark.browser


@pytest.fixture
def renewing(page: Page, api: FakeApi) -> Page:
    """A citizen who has begun with a new document."""
    register(page, api)
    sees(page, "done-home")
    unlock(page)
    tap(page, "documents")
    tap(page, "renew")
    tap(page, "renewal-start")
    sees(page, "card-file")
    return page


def show_card(page: Page) -> None:
    choose_picture(page, "card")
    tap(page, "card-use")
    fill_details(page)
    tap(page, "details-next")
    sees(page, "liveness-open")


def test_a_new_document_is_shown_and_the_card_follows(
    renewing: Page, api: FakeApi
) -> None:
    show_card(renewing)
    api.profile["document_expires"] = "2036-05-05"
    api.account.documents.insert(0, document("012345679", expires="2036-05-05"))
    tap(renewing, "development-film")
    sees(renewing, "renewal-done")
    expect(renewing.locator("h1")).to_have_text(words("renewal.done"))
    tap(renewing, "renewal-done")
    expect(renewing.get_by_test_id("document-row")).to_have_count(2)
    tap(renewing, "home")
    expiry = renewing.get_by_test_id("profile-expiry_date")
    expect(expiry).to_contain_text("២០៣៦")


@pytest.mark.parametrize("step", ["card-file", "liveness-open"])
def test_it_resumes_after_a_reload(renewing: Page, step: str) -> None:
    if step != "card-file":
        show_card(renewing)
    renewing.reload(wait_until="domcontentloaded")
    sees(renewing, step)


def test_its_steps_are_three(renewing: Page) -> None:
    expect(renewing.locator("progress.steps")).to_have_attribute("max", "3")
    expect(renewing.locator("progress.steps")).to_have_attribute("value", "1")


def test_it_is_stopped_in_its_own_words_and_begins_again(
    renewing: Page, api: FakeApi
) -> None:
    cancel = renewing.get_by_test_id("register-cancel")
    expect(cancel).to_have_text(words("renewal.cancel"))
    tap(renewing, "register-cancel")
    tap(renewing, "register-cancel-yes")
    sees(renewing, "document-row")
    assert api.registration is None
    tap(renewing, "renew")
    tap(renewing, "renewal-start")
    sees(renewing, "card-file")


def test_too_many_tries_leave_the_account_as_it_is(
    renewing: Page, api: FakeApi
) -> None:
    show_card(renewing)
    api.refuse["face"] = Refused(422, "evidence-insufficient", attempts_left=0)
    api.move("stopped")
    tap(renewing, "development-film")
    sees(renewing, "stopped")
    expect(renewing.locator("h1")).to_have_text(words("renewal.stopped"))
    tap(renewing, "stopped-home")
    sees(renewing, "document-row")


def test_somebody_elses_document_is_refused_without_a_way_to_recover(
    renewing: Page, api: FakeApi
) -> None:
    show_card(renewing)
    api.refuse["face"] = Refused(409, "already-registered", advice=["recover"])
    api.move("stopped")
    tap(renewing, "development-film")
    sees(renewing, "moved")
    expect(renewing.get_by_test_id("moved-change")).to_have_count(0)


def test_a_start_that_is_refused_says_why(page: Page, api: FakeApi) -> None:
    register(page, api)
    sees(page, "done-home")
    unlock(page)
    tap(page, "documents")
    tap(page, "renew")
    api.refuse["renewals"] = Refused(409, "wrong-step")
    tap(page, "renewal-start")
    says(page, "problem.wrong-step")
