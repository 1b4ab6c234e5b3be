"""From a card to a portal and out again, in two real browsers."""

import pytest
from playwright.sync_api import expect

from tests.e2e.browsing import (
    PIN,
    Desk,
    Handset,
    finger,
    go_home,
    register,
    shipped,
)

pytestmark = [
    pytest.mark.browser,
    pytest.mark.e2e,
    pytest.mark.xdist_group("browser"),
]


def test_from_a_card_before_the_camera_to_a_portal_and_out_again(
    new_phone: Handset, desk: Desk
) -> None:
    sreypov = shipped("sreypov")
    finger(new_phone.page.context, new_phone.page)
    new_phone.speak("en")
    register(new_phone, sreypov)
    new_phone.tap("biometric-yes")
    new_phone.fill("pin", PIN)
    new_phone.tap("pin-next")
    go_home(new_phone)
    expect(new_phone.find("name-latin")).to_have_text(sreypov.name)
    expect(new_phone.find("name-khmer")).to_have_text(sreypov.khmer_name)
    desk.open_login()
    new_phone.scan(desk)
    domain = desk.stack.demo.portal.removeprefix("http://")
    expect(new_phone.find("request-domain")).to_have_text(domain)
    new_phone.approve()
    desk.lands_at_the_portal(sreypov)
    desk.logs_out()
