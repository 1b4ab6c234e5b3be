"""Registering in a real browser, against a server that checks everything."""

import pytest
from playwright.sync_api import Page

from tests.unit.citizen_app.fake_api import FakeApi
from tests.unit.citizen_app.walk import register, sees, unlock

pytestmark = pytest.mark.browser


def test_a_person_registers_unlocks_and_sees_the_card(page: Page, api: FakeApi) -> None:
    register(page, api)
    sees(page, "done-home")
    unlock(page)
    assert page.get_by_test_id("name-khmer").inner_text() == "សុខ ស្រីពៅ"
    posted = {path: body for _, path, body in api.seen}
    assert posted["/registrations"]["phone"] == "+85512345678"
    assert posted["/registrations/reg-1/details"]["issue_date"] == "2021-01-01"
