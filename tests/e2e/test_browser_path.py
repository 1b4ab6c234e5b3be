"""From a card to a portal and out again, in two real browsers."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Playwright, expect

from camdigikey.portal.texts import TEXTS
from idp.translations import translate
from tests.e2e.browsing import (
    PIN,
    Citizen,
    Desk,
    Handset,
    finger,
    invented,
    open_handset,
    shipped,
    texts,
)
from tests.e2e.registering import go_home, khmer, register
from tests.e2e.stack import Stack

pytestmark = [
    pytest.mark.browser,
    pytest.mark.e2e,
    pytest.mark.xdist_group("browser"),
]
PARTY = {
    "km": "ការចុះបញ្ជីអាជីវកម្មតាមអនឡាញ (សាកល្បង)",
    "en": "Online Business Registration (demo)",
}
UNSENT = {"card-look"}  # a picture that was not sent is never kept


@pytest.fixture
def blind_phone(
    playwright: Playwright, browser_stack: Stack, tmp_path: Path
) -> Iterator[Handset]:
    """A phone whose person does not allow the camera."""
    profile = tmp_path / "blind"
    with open_handset(playwright, browser_stack, profile, camera=False) as opened:
        yield opened


def test_from_a_card_before_the_camera_to_a_portal_and_out_again(
    new_phone: Handset, desk: Desk
) -> None:
    sreypov = shipped("sreypov")
    finger(new_phone)
    new_phone.speak("en")
    register(new_phone, sreypov, filmed=True)
    new_phone.tap("biometric-yes")
    new_phone.fill("pin", PIN)
    new_phone.tap("pin-next")
    go_home(new_phone)
    shows_the_card_of(sreypov, new_phone)
    desk.open_login()
    new_phone.scan(desk)
    domain = desk.stack.demo.portal.removeprefix("http://")
    expect(new_phone.find("request-domain")).to_have_text(domain)
    expect(new_phone.find("request-party")).to_have_text(PARTY["en"])
    new_phone.approve()
    desk.lands_at_the_portal(sreypov)
    desk.logs_out()
    desk.open_login()  # the provider forgot this browser too: a code, not a session


def camera_is_denied(handset: Handset) -> None:
    said = texts("en")["problem.camera-denied"]
    expect(handset.find("camera-problem")).to_have_text(said)


def no_file_stands_in_for_a_face(handset: Handset) -> None:
    """Without a camera: what to do, where to go, and no way to send a file."""
    handset.tap("liveness-open")
    camera_is_denied(handset)
    handset.is_accessible()
    expect(handset.page.locator("input[type=file]")).to_have_count(0)
    expect(handset.find("liveness-counter")).to_be_visible()
    handset.tap("liveness-retry")


def test_without_the_camera_files_are_chosen_and_the_text_is_pasted(
    blind_phone: Handset, desk: Desk
) -> None:
    dara = shipped("dara")
    screens: list[str] = []

    def look(screen: str) -> None:
        screens.append(screen)
        blind_phone.is_accessible()
        if screen == "face":
            no_file_stands_in_for_a_face(blind_phone)
        if screen == "card":
            camera_is_denied(blind_phone)

    blind_phone.speak("en")
    register(blind_phone, dara, look=look)
    go_home(blind_phone, look=look)
    assert {"phone", "code", "card", "details", "face", "pin"} < set(screens)
    shows_the_card_of(dara, blind_phone)
    desk.open_login()
    blind_phone.paste(desk)
    blind_phone.is_accessible()
    blind_phone.approve()
    blind_phone.is_accessible()
    desk.lands_at_the_portal(dara)
    desk.logs_out()


def test_with_the_page_reloaded_at_every_step_nothing_is_typed_twice(
    new_phone: Handset, desk: Desk
) -> None:
    sophea = shipped("sophea")
    marks = {
        "welcome": "start-register",
        "phone": "phone-next",
        "code": "code-next",
        "card": "card-shoot",
        "details": "details-next",
        "face": "liveness-open",
        "pin": "pin-repeat",
        "biometric": "biometric-skip",
        "done": "done-home",
        "unlock": "unlock-pin",
        "home": "identity-card",
    }
    seen: set[str] = set()

    def reload(screen: str) -> None:
        if screen in UNSENT:
            return
        seen.add(screen)
        new_phone.page.reload(wait_until="domcontentloaded")
        new_phone.sees(marks[screen])

    finger(new_phone)
    new_phone.speak("en")
    register(new_phone, sophea, look=reload)
    new_phone.sees("biometric-skip")
    reload("biometric")
    new_phone.tap("biometric-skip")
    go_home(new_phone, look=reload)
    assert seen == set(marks)
    desk.open_login()
    new_phone.scan(desk)
    new_phone.page.reload(wait_until="domcontentloaded")
    new_phone.sees("request-domain")
    desk.page.reload(wait_until="domcontentloaded")
    expect(desk.page.locator("#claimed-heading")).to_be_visible()
    new_phone.approve()
    desk.page.reload(wait_until="domcontentloaded")
    desk.lands_at_the_portal(sophea)
    desk.logs_out()


def test_the_whole_path_speaks_khmer(
    new_phone: Handset, desk: Desk, browser_stack: Stack
) -> None:
    citizen = invented(browser_stack, 90)
    speaks = KhmerOnly(new_phone)
    new_phone.open()  # Khmer is what a person gets who asked for nothing
    register(new_phone, citizen, look=speaks, write=khmer)
    go_home(new_phone, look=speaks)
    shows_the_card_of(citizen, new_phone)
    desk.open_login("km")
    desk_says_khmer(desk, "h1", "login.heading", party=PARTY["km"])
    desk_says_khmer(desk, "#scan-heading", "login.scan.heading")
    new_phone.scan(desk)
    speaks("request")
    expect(new_phone.find("request-party")).to_have_text(PARTY["km"])
    desk_says_khmer(desk, "#claimed-heading", "login.claimed.heading")
    new_phone.approve()
    speaks("result")
    initials = f"{citizen.fields['surname_khmer'][0]}. "
    heading = desk.page.locator("#approved-heading")
    expect(heading).to_contain_text(initials)
    said = translate("login.approved.heading", "km", initials="").strip(" ?")
    expect(heading).to_contain_text(said.split()[0])
    desk.lands_at_the_portal(citizen)
    expect(desk.page.locator("html")).to_have_attribute("lang", "km")
    expect(desk.page.locator("h1")).to_have_text(citizen.khmer_name)
    expect(desk.page.locator(".person")).to_contain_text(TEXTS["km"]["verified"])
    desk.logs_out()
    expect(desk.page.locator("h1")).to_have_text(TEXTS["km"]["hero"])


class KhmerOnly:
    """Looks at a screen of the app: its words are the Khmer ones of the catalogue."""

    def __init__(self, handset: Handset) -> None:
        self.handset = handset
        km, en = texts("km"), texts("en")
        self.headings = {km[name] for name in km if "title" in name}
        others = ("card.look", "biometric.confirm", "result.approved")
        self.headings |= {km[name] for name in others}
        self.english = [en[name] for name in en if len(en[name]) > 8]
        self.english = [text for text in self.english if text not in km.values()]

    def __call__(self, screen: str) -> None:
        page = self.handset.page
        expect(page.locator("html")).to_have_attribute("lang", "km")
        heading = page.get_by_role("heading", level=1).inner_text()
        assert heading in self.headings, (screen, heading)
        words = page.locator("body").inner_text()
        assert [text for text in self.english if text in words] == [], screen
        self.handset.is_accessible()


def desk_says_khmer(desk: Desk, place: str, key: str, **values: str) -> None:
    expect(desk.page.locator("html")).to_have_attribute("lang", "km")
    expect(desk.page.locator(place)).to_have_text(translate(key, "km", **values))


def shows_the_card_of(citizen: Citizen, handset: Handset) -> None:
    expect(handset.find("name-latin")).to_have_text(citizen.name)
    expect(handset.find("name-khmer")).to_have_text(citizen.khmer_name)
    expect(handset.find("profile-number")).to_have_text(citizen.fields["number"])
