"""A person with a phone and a desktop, both real browsers.

A `Handset` is the phone's browser with its own profile and camera; a `Desk` is the
other screen. Both fail their test when their page throws or writes an error.
"""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import httpx2
import orjson
import zxingcpp
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import (
    Browser,
    CDPSession,
    Error,
    Locator,
    Page,
    Playwright,
    expect,
)

from camdigikey.demo.run import SPECIMENS
from tests.e2e.camera import Camera
from tests.e2e.stack import Stack, person
from tests.specimens import make
from tests.specimens.camera import jpeg
from tests.specimens.persons import Person, invent

CHROMIUM = "/usr/bin/chromium-headless-shell"
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
DENIED = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream=deny"]
LOCALES = SPECIMENS.parent.parent / "mobile_api" / "citizen_app" / "locales"
PIN = "493027"
PATIENCE = 20_000
PROOFING = 80_000  # pictures are read by a pool of processes, on a busy machine
PHONE_SCREEN = {"width": 360, "height": 740}
DESK_SCREEN = {"width": 1280, "height": 900}


@dataclass(frozen=True, slots=True)
class Citizen:
    """A person who holds a specimen card: its fields and its picture."""

    fields: dict[str, str]
    card: bytes

    @property
    def name(self) -> str:
        return f"{self.fields['surname_latin']} {self.fields['given_name_latin']}"

    @property
    def khmer_name(self) -> str:
        return f"{self.fields['surname_khmer']} {self.fields['given_name_khmer']}"


def shipped(name: str) -> Citizen:
    """Return a person whose card the package ships."""
    fields = person(name)
    return Citizen(fields, (SPECIMENS / fields["card"]).read_bytes())


def invented(stack: Stack, seed: int) -> Citizen:
    """Draw a card for somebody new and enter them in the register."""
    return enter(stack, invent(seed), seed)


def renewed(stack: Stack, seed: int) -> Citizen:
    """Draw the next card of the person of `seed`, under another number."""
    first, other = invent(seed), invent(seed + 5000)
    ends = first.expiry_date.replace(year=first.expiry_date.year + 5)
    return enter(stack, replace(first, number=other.number, expiry_date=ends), seed + 1)


def enter(stack: Stack, drawn: Person, seed: int) -> Citizen:
    """Photograph a person's card and enter them in the register."""
    fields = dict(drawn.register_entry())
    answer = httpx2.post(f"{stack.register}/control/citizens", json=fields)
    assert answer.status_code == 201, answer.text
    return Citizen(fields, jpeg(make.photo(drawn, seed)))


@cache
def texts(language: str) -> dict[str, str]:
    """Return the app's own words."""
    loaded: dict[str, str] = orjson.loads((LOCALES / f"{language}.json").read_bytes())
    return loaded


@dataclass(slots=True)
class Screen:
    """A page, and the faults it has shown."""

    page: Page
    faults: list[str]

    def find(self, name: str) -> Locator:
        return self.page.get_by_test_id(name)

    def tap(self, name: str) -> None:
        self.find(name).click()

    def fill(self, name: str, text: str) -> None:
        self.find(name).fill(text)

    def sees(self, name: str) -> None:
        expect(self.find(name)).to_be_visible(timeout=PATIENCE)

    def gets(self, name: str) -> None:
        """Wait for a screen that needs the server's work; fail with its refusal."""
        refused = self.page.locator("[data-testid=error]:not(:empty)")
        expect(self.find(name).or_(refused).first).to_be_visible(timeout=PROOFING)
        expect(self.find(name), self.words()).to_be_visible(timeout=1000)

    def gets_one_of(self, *names: str) -> None:
        """Wait for the first of several screens."""
        first, *others = (self.find(name) for name in names)
        for other in others:
            first = first.or_(other)
        expect(first.first, self.words()).to_be_visible(timeout=PROOFING)

    def words(self) -> str:
        return self.page.locator("body").inner_text()

    def is_accessible(self) -> None:
        """Fail when axe finds a fault or the page scrolls sideways."""
        found = Axe().run(self.page).response["violations"]
        assert [one["id"] for one in found] == []
        wide = "document.documentElement.scrollWidth > innerWidth"
        assert not self.page.evaluate(wide), "scrolls sideways"


def watched(page: Page) -> Screen:
    """Return the page as a screen that collects what goes wrong in it."""
    faults: list[str] = []
    page.set_default_timeout(PATIENCE)
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda said: _note(said.type, said.text, faults))
    return Screen(page, faults)


def _note(kind: str, text: str, faults: list[str]) -> None:
    # A refused request is reported as a failed resource; those are meant.
    if kind == "error" and "Failed to load resource" not in text:
        faults.append(text)


@dataclass(slots=True)
class Desk(Screen):
    """The screen that wants to log in."""

    stack: Stack

    def open_portal(self, language: str = "en") -> None:
        demo = self.stack.demo
        cookie = {"name": "portal-language", "value": language, "url": demo.portal}
        self.page.context.add_cookies([cookie])  # type: ignore[list-item]
        self.page.goto(demo.portal, wait_until="domcontentloaded")

    def open_login(self, language: str = "en") -> None:
        """Press the portal's button: the login page, with a code."""
        self.open_portal(language)
        self.page.locator(".camdigikey-button").click()
        self.page.wait_for_url(f"{self.stack.demo.issuer}/login/**")
        expect(self.page.locator("#scan-heading")).to_be_visible()

    def qr(self) -> bytes:
        """Return the pixels of the code as they are now, with their quiet zone."""
        return self.page.locator(".qr").screenshot(timeout=2000)

    def lands_at_the_portal(self, citizen: Citizen) -> None:
        """Continue, and be known by name."""
        with self.page.expect_navigation(url=f"{self.stack.demo.portal}/"):
            self.tap("finish")
        expect(self.page.locator(".person")).to_contain_text(citizen.name)
        expect(self.page.locator(".person")).to_contain_text(citizen.khmer_name)

    def logs_out(self) -> None:
        self.page.locator(".leave").click()
        expect(self.page.locator(".camdigikey-button")).to_be_visible()
        expect(self.page.locator(".person")).to_have_count(0)


@dataclass(slots=True)
class Handset(Screen):
    """A phone's browser: one profile, one camera, one page."""

    stack: Stack
    camera: Camera | None

    def open(self, path: str = "/") -> None:
        address = f"{self.stack.demo.app_origin}{path}"
        self.page.goto(address, wait_until="domcontentloaded")

    def speak(self, language: str) -> None:
        """Choose the language on the first screen."""
        self.open()
        self.tap(f"lang-{language}")

    def unlock(self) -> None:
        self.fill("pin", PIN)
        self.tap("unlock-pin")
        self.sees("identity-card")

    def scan(self, desk: Desk) -> None:
        """Point the camera at the other screen until a request is shown."""
        assert self.camera is not None
        self.camera.show(None)
        self.tap("scan")
        self.sees("scan-video")
        for _ in range(40):
            self.look_at(desk)
            if self._is_asked(500):
                return
        raise AssertionError(f"nothing was read: {self.find('error').inner_text()}")

    def paste(self, desk: Desk) -> None:
        """Paste the text of the code that the other screen shows now."""
        self.tap("scan")
        self.tap("scan-paste")
        for _ in range(10):
            self.fill("scan-text", read_code(desk.qr()))
            self.tap("scan-paste-submit")
            if self._is_asked(3000):
                return
        raise AssertionError(f"not accepted: {self.find('error').inner_text()}")

    def look_at(self, desk: Desk) -> None:
        """Film the desktop as it is now; a code that has just gone is not there."""
        assert self.camera is not None
        try:
            seen = desk.qr()
        except Error:
            return
        self.camera.show(seen, fill=0.8)

    def _is_asked(self, patience: float) -> bool:
        try:
            self.find("request-domain").wait_for(timeout=patience)
        except Error:
            return False
        return True

    def approve(self, pin: str = PIN) -> None:
        self.fill("pin", pin)
        self.tap("approve-pin")
        self.sees("result-approved")


@contextmanager
def open_handset(
    playwright: Playwright,
    stack: Stack,
    profile: Path,
    *,
    camera: bool = True,
    scale: float = 1,
) -> Iterator[Handset]:
    """Start a phone on its profile folder; without `camera` the use is denied."""
    profile.mkdir(parents=True, exist_ok=True)
    film = Camera.at(profile / "camera.y4m") if camera else None
    context = playwright.chromium.launch_persistent_context(
        profile / "browser",
        executable_path=CHROMIUM,
        args=[*ARGUMENTS, *(film.arguments if film else DENIED)],
        viewport=PHONE_SCREEN,  # type: ignore[arg-type]
        device_scale_factor=scale,
    )
    try:
        seen = watched(context.pages[0])
        yield Handset(seen.page, seen.faults, stack, film)
        assert not seen.faults, seen.faults
    finally:
        context.close()


@contextmanager
def open_desk(browser: Browser, stack: Stack, **options: Any) -> Iterator[Desk]:
    """Open a fresh browser context on the desktop."""
    context = browser.new_context(**{"viewport": DESK_SCREEN, **options})
    try:
        seen = watched(context.new_page())
        yield Desk(seen.page, seen.faults, stack)
        assert not seen.faults, seen.faults
    finally:
        context.close()


def read_code(picture: bytes) -> str:
    """Return the text of the QR code in a picture."""
    with Image.open(io.BytesIO(picture)) as opened:
        found = zxingcpp.read_barcode(opened.convert("L"))
    assert found is not None, "no code in the picture"
    return str(found.text)


def finger(screen: Screen) -> tuple[CDPSession, str]:
    """Give the screen's page a finger that it can ask for."""
    return add_finger(screen.page)


def add_finger(page: Page) -> tuple[CDPSession, str]:
    """Give a page a platform authenticator whose person always agrees."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable", {"enableUI": False})
    options = {
        "protocol": "ctap2",
        "ctap2Version": "ctap2_1",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    made = session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    return session, str(made["authenticatorId"])
