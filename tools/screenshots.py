"""Draw the pictures of the README and the docs: `make screenshots`.

The demo runs on its own ports, so stop another demo first (or name other ports:
`python -m tools.screenshots 9000`). A specimen registers, logs in and out, and each
screen on the way becomes a small PNG in `docs/images/`. Needs what the tests need
(Chromium and its fonts).
"""

import io
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from playwright.sync_api import Playwright, Route, expect, sync_playwright

from camdigikey.demo.run import Demo, Ports
from tests.e2e.browsing import (
    ARGUMENTS,
    CHROMIUM,
    PHONE_SCREEN,
    PIN,
    Desk,
    Handset,
    Screen,
    finger,
    open_desk,
    open_handset,
    shipped,
)
from tests.e2e.living import STRAIGHT, grain, playing
from tests.e2e.registering import film, go_home, khmer, register
from tests.e2e.stack import Stack

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "images"
SCALE = 2
DESK = {"width": 1100, "height": 760}
COLOURS = 128
TOGETHER = 2_000_000  # octets, all pictures
ANDROID = "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Chrome/140 Mobile"


@dataclass(frozen=True, slots=True)
class Album:
    """Where the pictures go."""

    folder: Path

    def keep(self, screen: Screen, name: str, *, whole: bool = False) -> None:
        """Take a picture when the fonts are there and nothing moves any more."""
        screen.page.evaluate("document.fonts.ready.then(() => true)")
        screen.page.evaluate("scrollTo(0, 0)")
        taken = screen.page.screenshot(full_page=whole, animations="disabled")
        with Image.open(io.BytesIO(taken)) as picture:
            few = picture.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
        few.save(self.folder / f"{name}.png", optimize=True)
        print(f"  {name}.png")


def main() -> None:
    """Run everything once and write every picture."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    album = Album(FOLDER)
    with (
        tempfile.TemporaryDirectory() as folder,
        running_demo(Path(folder) / "demo") as stack,
        sync_playwright() as playwright,
        open_handset(playwright, stack, Path(folder) / "phone", scale=SCALE) as phone,
    ):
        finger(phone)
        draw_registration(phone, album)
        for language in ("km", "en"):
            draw_login(playwright, stack, phone, album, language)
    written = sum(path.stat().st_size for path in FOLDER.glob("*.png"))
    print(f"{written / 1000:.0f} kB in {FOLDER}")
    if written > TOGETHER:
        raise SystemExit("the pictures are too large together")


@contextmanager
def running_demo(folder: Path) -> Iterator[Stack]:
    """Run the demo where a person would find it."""
    first = int(sys.argv[1]) if len(sys.argv) > 1 else Ports().issuer
    demo = Demo(folder=folder, ports=Ports(*range(first, first + 4)))
    try:
        demo.start()
        yield Stack(demo)
    finally:
        demo.stop()


def draw_registration(phone: Handset, album: Album) -> None:
    """Register a specimen in Khmer."""
    sreypov = shipped("sreypov")
    wanted = {"welcome", "code", "pin", "done"}

    def look(screen: str) -> None:
        if screen == "card":
            film(phone, sreypov.card)
        if screen in wanted | {"card"}:
            album.keep(phone, f"app-{screen}-km")
        if screen == "details":
            album.keep(phone, "app-details-km", whole=True)
        if screen == "face":
            draw_instruction(phone, album)

    phone.open()
    register(phone, sreypov, look=look, write=khmer, phone_number="012345678")
    phone.sees("biometric-yes")
    album.keep(phone, "app-biometric-km")
    phone.tap("biometric-yes")
    phone.fill("pin", PIN)
    phone.tap("pin-next")
    go_home(phone, look=look)


def draw_instruction(phone: Handset, album: Album) -> None:
    """Begin a film, look at its first instruction, and stop: it costs no try."""
    assert phone.camera is not None
    phone.camera.film(next(playing(STRAIGHT, STRAIGHT)), grain=grain()[0])
    phone.tap("liveness-open")
    phone.tap("liveness-start")
    expect(phone.page.locator(".told.doing")).to_be_visible()
    album.keep(phone, "app-told-km")
    phone.tap("liveness-stop")


def draw_login(
    playwright: Playwright, stack: Stack, phone: Handset, album: Album, language: str
) -> None:
    """Log in and out in one language, on a desktop."""
    phone.tap("settings")
    phone.tap(f"lang-{language}")
    phone.tap("home")
    album.keep(phone, f"app-home-{language}", whole=True)
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
    with open_desk(browser, stack, viewport=DESK, device_scale_factor=1.5) as desk:
        desk.open_portal(language)
        album.keep(desk, f"portal-{language}")
        desk.open_login(language)
        album.keep(desk, f"login-{language}", whole=True)
        scan_and_approve(phone, desk, album, language)
        album.keep(desk, f"login-approved-{language}", whole=True)
        desk.lands_at_the_portal(shipped("sreypov"))
        album.keep(desk, f"portal-in-{language}", whole=True)
        desk.logs_out()
    small = {"viewport": PHONE_SCREEN, "device_scale_factor": SCALE}
    with open_desk(browser, stack, user_agent=ANDROID, **small) as desk:
        desk.open_login(language)
        album.keep(desk, f"login-phone-{language}", whole=True)
    browser.close()


def scan_and_approve(phone: Handset, desk: Desk, album: Album, language: str) -> None:
    """Scan the desk's code and approve, with a picture of each screen."""
    held: list[Route] = []
    phone.page.route("**/claim", lambda route: held.append(route))  # noqa: PLW0108 - it must be a function
    phone.tap("scan")
    phone.sees("scan-video")
    while not held:  # the code has been read: now the picture shows it
        phone.look_at(desk)
        phone.page.wait_for_timeout(200)
    album.keep(phone, f"app-scan-{language}")
    held[0].continue_()
    phone.page.unroute("**/claim")
    phone.sees("request-domain")
    album.keep(phone, f"app-request-{language}", whole=True)
    expect(desk.page.locator("#claimed-heading")).to_be_visible()
    album.keep(desk, f"login-claimed-{language}", whole=True)
    phone.approve()
    album.keep(phone, f"app-approved-{language}")
    expect(desk.page.locator("#approved-heading")).to_be_visible()
    phone.tap("result-home")


if __name__ == "__main__":
    main()
