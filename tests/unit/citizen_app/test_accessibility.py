"""Every screen, in both languages, without a fault that axe can find."""

import re
import time

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.unit.citizen_app.fake_account import OTHER, document, message
from tests.unit.citizen_app.fake_api import FakeApi
from tests.unit.citizen_app.fake_checks import Refused
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


ROUTES = {
    "activity": "activity-row",
    "devices": "device-suspended",
    f"devices/{OTHER}": "device-rename",
    f"devices/{OTHER}/name": "device-name",
    f"devices/{OTHER}/end": "confirm-biometric",
    "devices/others": "confirm-biometric",
    "settings": "lock",
    "pin": "pin-repeat",
    "messages": "message-new",
    "documents": "document-past",
    "renewal": "renewal-start",
    "contacts": "remove-email",
    "contacts/phone": "number-next",
    "contacts/email": "email-next",
    "contacts/removal": "confirm-yes",
    "contacts/new": "code",
    "contacts/waits": "contact-wait",
    "contacts/waits/old": "code",
    "contacts/waits/stop": "confirm-yes",
    "help": "help-anew",
    "help/anew": "anew-yes",
    "recovery/rec-1": "recovery-yes",
    "recovery/rec-1/yes": "binding-code",
    "recovery/rec-1/no": "confirm-yes",
    "recovery/over": "recovery-over",
    "home": "recovery-banner",
}


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
        self.faults += [f"{mark}: no words for {key}" for key in self.unsaid()]

    def unsaid(self) -> list[str]:
        """Return what is shown as a key of the texts because it has no words."""
        shown = self.page.locator("body").inner_text().split()
        return [word for word in shown if re.fullmatch(r"[a-z]+[._][a-z_.]+", word)
                and not word.endswith(".example")]  # fmt: skip


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
    look_at_the_account(page, api, seen)
    look_at_a_request(page, api, seen)
    look_at_a_stopped_phone(page, api, seen)
    assert seen.faults == []


@pytest.mark.parametrize(("language", "width"), [("km", 320), ("en", 1280)])
def test_no_screen_of_a_recovery_has_a_fault(
    page: Page, api: FakeApi, language: str, width: int
) -> None:
    page.set_viewport_size({"width": width, "height": 740})
    seen = Inspector(page)
    page.goto(api.origin, wait_until="domcontentloaded")
    tap(page, f"lang-{language}")
    tap(page, "start-recover")
    seen.look("phone")
    fill(page, "phone", "012340678")
    tap(page, "phone-next")
    fill(page, "code", "493027")
    tap(page, "code-next")
    seen.look("recovery-digits")
    tap(page, "recover-by-card")
    seen.look("recover-by-phone")
    api.move_to_face()
    page.reload(wait_until="domcontentloaded")
    sees(page, "liveness-open")
    no_account = Refused(422, "evidence-insufficient", advice=["no-account"])
    api.refuse["face"] = no_account
    api.move("document", binding_code="42")
    tap(page, "development-film")
    seen.look("moved")
    for left, mark in {90_000: "recovery-wait", 0: "pin-repeat"}.items():
        api.move("waiting", waiting={"ready_at": int(time.time()) + left})
        page.reload(wait_until="domcontentloaded")
        seen.look(mark)
    api.move("stopped")
    page.reload(wait_until="domcontentloaded")
    seen.look("recovery-again")
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
    tap(page, "assisted")
    seen.look("assisted-code")
    tap(page, "assisted-alone")
    tap(page, "details-next")
    seen.look("field-surname_khmer")
    fill_details(page)
    tap(page, "details-next")
    seen.look("waiting")
    look_at_the_face(page, api, seen)


def look_at_the_face(page: Page, api: FakeApi, seen: Inspector) -> None:
    """No camera here; test_liveness.py has one and looks at the other screens."""
    seen.look("liveness-open")
    tap(page, "liveness-open")
    seen.look("liveness-counter")
    tap(page, "liveness-retry")
    api.refuse["face"] = api.faces.refuse("blink-not-seen", "too-dark")
    tap(page, "development-film")
    seen.look("liveness-again")
    for state, mark in {"review": "review", "refused": "refused"}.items():
        api.move(state, advice=["under-age"])
        page.reload(wait_until="domcontentloaded")
        seen.look(mark)
    api.move_to_face()
    page.reload(wait_until="domcontentloaded")
    tap(page, "development-film")


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


def fill_the_account(page: Page, api: FakeApi) -> None:
    """Something of everything that the account can show."""
    account = api.account
    account.add_other(suspended=True, hardware=True)
    detail = {"device": "Android · Chrome"}
    account.messages = [message("m1", "device-bound", detail=detail)]
    account.documents.append(document("0", replaced_at=1, is_valid=False))
    account.contacts["email"] = "sok.sreypov@example.com"
    change = {"kind": "phone", "value": "+85511222333", "ready_at": None}
    waits = {"state": "waiting", "ready_at": 1_780_000_000}
    account.contacts["changes"] = [
        {**change, "id": "new", "state": "pending"},
        {**change, "id": "waits", **waits},
    ]
    account.recovered_elsewhere()
    page.reload(wait_until="domcontentloaded")
    sees(page, "recovery-banner")


def look_at_the_account(page: Page, api: FakeApi, seen: Inspector) -> None:
    seen.look("identity-card")
    fill_the_account(page, api)
    for route, mark in ROUTES.items():
        page.evaluate(f"location.hash = '#/{route}'")
        seen.look(mark)


def look_at_a_stopped_phone(page: Page, api: FakeApi, seen: Inspector) -> None:
    for standing, mark in {"suspended": "suspended", "revoked": "lost"}.items():
        api.account.standing = standing
        page.reload(wait_until="domcontentloaded")
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
