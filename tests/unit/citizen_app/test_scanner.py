"""The scanner reads a code that a camera sees, and sends each text once."""

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import qrcode
from PIL import Image
from playwright.sync_api import Page, expect, sync_playwright

from tests.unit.citizen_app.conftest import ARGUMENTS
from tests.unit.citizen_app.fake_api import FakeApi
from tests.unit.citizen_app.walk import register, sees, tap

pytestmark = pytest.mark.browser
SIZE = (640, 480)
HEADER = b"YUV4MPEG2 W640 H480 F15:1 Ip A1:1 C420jpeg\n"
CODE = "B" * 22


class Camera:
    """A camera of one frame: writing it in place is what the browser sees next."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.path.write_bytes(HEADER + b"FRAME\n" + frame(None))

    def show(self, text: str) -> None:
        with self.path.open("r+b") as film:
            film.seek(len(HEADER) + len(b"FRAME\n"))
            film.write(frame(text))


def frame(text: str | None) -> bytes:
    """One I420 frame: grey, or a QR code on grey."""
    picture = Image.new("L", SIZE, 150)
    if text is not None:
        drawn = qrcode.make(text, border=4).convert("L").resize((400, 400))
        picture.paste(drawn, (120, 40))
    luma = np.asarray(picture, dtype=np.uint8).tobytes()
    return luma + bytes([128]) * (SIZE[0] * SIZE[1] // 2)


@pytest.fixture
def camera(tmp_path: Path) -> Camera:
    return Camera(tmp_path / "camera.y4m")


@pytest.fixture
def phone(camera: Camera) -> Iterator[Page]:
    fake = [
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-video-capture={camera.path}",
    ]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium-headless-shell", args=[*ARGUMENTS, *fake]
        )
        page = browser.new_page(viewport={"width": 360, "height": 740})
        page.set_default_timeout(8000)
        yield page
        browser.close()


def test_the_camera_claims_a_live_code_and_a_refused_one_only_once(
    phone: Page, api: FakeApi, camera: Camera
) -> None:
    register(phone, api, until="card")
    sees(phone, "card-shoot")
    tap(phone, "card-shoot")
    sees(phone, "card-again")
    api.move("done", result={"account_id": "acct-1"})
    phone.reload(wait_until="domcontentloaded")
    tap(phone, "done-home")
    tap(phone, "scan")
    sees(phone, "scan-video")
    challenge = api.challenge()
    stale = f"{api.origin}/q/{challenge}.0.{CODE}"
    camera.show(stale)
    expect(phone.get_by_test_id("error")).to_have_text(re.compile("."))
    camera.show("https://example.org/menu")
    phone.wait_for_timeout(600)
    camera.show(stale)
    phone.wait_for_timeout(600)
    camera.show(f"{api.origin}/q/{challenge}.7.{CODE}")
    sees(phone, "request-domain")
    sent = [body["code"] for _, path, body in api.seen if path.endswith("/claim")]
    assert sent == [f"0.{CODE}", f"7.{CODE}"]
