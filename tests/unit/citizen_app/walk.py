"""A person who walks through the app."""

import io
import json

from PIL import Image, ImageDraw
from playwright.sync_api import Page, expect

from tests.unit.citizen_app.fake_api import APP, FakeApi

PIN = "493027"
PATIENCE = 8000


def card() -> bytes:
    """A sharp picture with nothing on it that belongs to anybody."""
    picture = Image.new("RGB", (1000, 640), "#dfe6ee")
    draw = ImageDraw.Draw(picture)
    for row in range(20, 640, 24):
        for column in range(20, 1000, 24):
            draw.rectangle((column, row, column + 10, row + 10), fill="#223344")
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=90)
    return out.getvalue()


def choose_picture(page: Page, kind: str) -> None:
    file = {"name": "p.jpg", "mimeType": "image/jpeg", "buffer": card()}
    page.get_by_test_id(f"{kind}-file").set_input_files(files=[file])  # type: ignore[list-item]


def tap(page: Page, name: str) -> None:
    page.get_by_test_id(name).click()


def fill(page: Page, name: str, text: str) -> None:
    page.get_by_test_id(name).fill(text)


def sees(page: Page, name: str) -> None:
    expect(page.get_by_test_id(name)).to_be_visible(timeout=PATIENCE)


def says(page: Page, key: str, language: str = "km") -> None:
    """Wait for a refusal with the words of this key."""
    said = words(key, language)
    expect(page.get_by_test_id("error")).to_contain_text(said, timeout=PATIENCE)


def words(key: str, language: str = "km") -> str:
    """The app's own words for a key."""
    found: str = json.loads((APP / f"locales/{language}.json").read_text())[key]
    return found


def fill_details(page: Page) -> None:
    fill(page, "field-surname_khmer", "សុខ")
    fill(page, "field-given_name_khmer", "ស្រីពៅ")
    fill(page, "field-issue_date", "០១.០១.២០២១")


def register(page: Page, api: FakeApi, *, until: str = "done") -> None:
    """Walk from the welcome screen until the screen named; reads like a form."""
    page.goto(api.origin, wait_until="domcontentloaded")
    steps = {
        "phone": lambda: tap(page, "start-register"),
        "code": lambda: (fill(page, "phone", "០១២ ៣៤០ ៦៧៨"), tap(page, "phone-next")),
        "card": lambda: (fill(page, "code", "៤៩៣០២៧"), tap(page, "code-next")),
        "card-preview": lambda: choose_picture(page, "card"),
        "details": lambda: tap(page, "card-use"),
        "face": lambda: (fill_details(page), tap(page, "details-next")),
        "pin": lambda: tap(page, "development-film"),
        "done": lambda: set_pin(page),
    }
    for name, step in steps.items():
        step()
        if name == until:
            return


def set_pin(page: Page, pin: str = PIN) -> None:
    fill(page, "pin", pin)
    fill(page, "pin-repeat", pin)
    tap(page, "pin-next")


def unlock(page: Page) -> None:
    tap(page, "done-home")
    fill(page, "pin", PIN)
    tap(page, "unlock-pin")
    sees(page, "identity-card")
