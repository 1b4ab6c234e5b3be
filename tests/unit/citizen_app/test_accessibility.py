"""Every screen, in both languages, without a fault that axe can find."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.unit.citizen_app.fake_api import FakeApi
from tests.unit.citizen_app.walk import (
    PIN,
    choose_picture,
    fill,
    fill_details,
    sees,
    set_pin,
    tap,
)

pytestmark = pytest.mark.browser


class Inspector:
    def __init__(self, page: Page) -> None:
        self.page = page
        self.axe = Axe()
        self.faults: list[str] = []

    def look(self, mark: str) -> None:
        sees(self.page, mark)
        result = self.axe.run(self.page)
        for fault in result.response["violations"]:
            self.faults.append(f"{mark}: {fault['id']}")
        wide = "document.documentElement.scrollWidth > innerWidth"
        if self.page.evaluate(wide):
            self.faults.append(f"{mark}: scrolls sideways")


@pytest.mark.usefixtures("finger")
@pytest.mark.parametrize(("language", "width"), [("km", 320), ("en", 1280)])
def test_no_screen_has_a_fault(
    page: Page, api: FakeApi, language: str, width: int
) -> None:
    page.set_viewport_size({"width": width, "height": 740})
    seen = Inspector(page)
    api.slow_register = 1
    look_at_registration(page, api, seen, language)
    look_at_the_device(page, seen)
    look_at_the_account(page, seen)
    look_at_a_request(page, api, seen)
    assert seen.faults == []


def look_at_registration(
    page: Page, api: FakeApi, seen: Inspector, language: str
) -> None:
    page.goto(api.origin, wait_until="domcontentloaded")
    tap(page, f"lang-{language}")
    seen.look("start-register")
    tap(page, "about")
    seen.look("about-back")
    tap(page, "about-back")
    tap(page, "start-register")
    seen.look("phone")
    fill(page, "phone", "012340678")
    tap(page, "phone-next")
    seen.look("code")
    fill(page, "code", "493027")
    tap(page, "code-next")
    seen.look("camera-problem")
    choose_picture(page, "card")
    seen.look("card-use")
    tap(page, "card-use")
    seen.look("field-number")
    tap(page, "details-next")
    seen.look("field-surname_khmer")
    fill_details(page)
    tap(page, "details-next")
    seen.look("waiting")
    seen.look("selfie-file")
    choose_picture(page, "selfie")
    tap(page, "selfie-use")


def look_at_the_device(page: Page, seen: Inspector) -> None:
    seen.look("pin-repeat")
    set_pin(page)
    seen.look("biometric-yes")
    tap(page, "biometric-yes")
    seen.look("pin")
    fill(page, "pin", PIN)
    tap(page, "pin-next")
    seen.look("done-home")
    tap(page, "done-home")
    seen.look("unlock-biometric")
    tap(page, "unlock-biometric")


def look_at_the_account(page: Page, seen: Inspector) -> None:
    seen.look("identity-card")
    for name, mark in {
        "activity": "activity-row",
        "devices": "device-row",
        "settings": "lock",
    }.items():
        tap(page, name)
        seen.look(mark)


def look_at_a_request(page: Page, api: FakeApi, seen: Inspector) -> None:
    tap(page, "home")
    tap(page, "scan")
    seen.look("scan-paste")
    tap(page, "scan-paste")
    seen.look("scan-text")
    challenge = api.challenge(warnings=["new-browser"])
    fill(page, "scan-text", f"{api.origin}/q/{challenge}.3.{'A' * 22}")
    tap(page, "scan-paste-submit")
    seen.look("request-warning")
    tap(page, "deny")
    seen.look("result-denied")
