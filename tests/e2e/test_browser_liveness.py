"""A living face before the camera of a real browser, judged by the real server."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import httpx2
import pytest
from playwright.sync_api import Request, expect

from camdigikey.demo.run import SPECIMENS
from tests.e2e.browsing import Handset, invented, texts
from tests.e2e.living import contrary, show_living_face, show_photograph
from tests.e2e.registering import go_home, reach_the_face, set_the_pin
from tests.e2e.stack import Stack
from tests.phone import Problem
from tests.phone import new_phone as phone_without_screen

pytestmark = [
    pytest.mark.browser,
    pytest.mark.e2e,
    pytest.mark.xdist_group("browser"),
]
FREE_AN_HOUR = 10
PHOTOGRAPH = SPECIMENS / "sophea-selfie.jpg"


async def flood(stack: Stack) -> None:
    """Ask for codes, as many do, until the guard wants work."""
    async with httpx2.AsyncClient(timeout=60) as http:
        phone = phone_without_screen(stack, http)
        for _ in range(FREE_AN_HOUR + 1):
            try:
                await phone.post("/registrations", {"phone": "012345670"})
            except Problem as problem:
                if problem.code == "work-required":
                    return
    raise AssertionError("no work was wanted")


def says(handset: Handset, *codes: str) -> None:
    """Fail unless one of these pieces of advice is on the screen."""
    words = [texts("en")[f"advice.{code}"] for code in codes]
    shown = handset.find("advice").inner_text()
    assert any(text in shown for text in words), shown


def test_only_a_living_face_that_does_as_told_passes(
    new_phone: Handset, browser_stack: Stack
) -> None:
    with ThreadPoolExecutor() as other:
        other.submit(asyncio.run, flood(browser_stack)).result()
    asked: list[str] = []

    def note(request: Request) -> None:
        if request.url.endswith("/registrations"):
            asked.append(str(request.post_data))

    new_phone.page.on("request", note)
    new_phone.speak("en")
    reach_the_face(new_phone, invented(browser_stack, 91))
    assert '"work":{' in asked[-1]

    show_photograph(new_phone, PHOTOGRAPH.read_bytes())
    says(new_phone, "blink-not-seen", "turn-more", "take-again", "not-live")
    tries_left(new_phone, 4)
    new_phone.is_accessible()

    sitter = show_living_face(new_phone, contrary)
    assert {"ready", "straight", "blink"} <= set(sitter.told)
    says(new_phone, "other-side", "one-at-a-time")
    tries_left(new_phone, 3)

    reload_comes_back_to(new_phone, "liveness-open")
    tries_left(new_phone, 3)
    new_phone.tap("liveness-open")
    new_phone.sees("liveness-start")
    new_phone.is_accessible()
    reload_comes_back_to(new_phone, "liveness-open")

    show_living_face(new_phone)
    set_the_pin(new_phone)
    go_home(new_phone)


def tries_left(handset: Handset, count: int) -> None:
    said = texts("en")["liveness.left"].format(n=count)
    expect(handset.find("liveness-left")).to_have_text(said)


def reload_comes_back_to(handset: Handset, name: str) -> None:
    handset.page.reload(wait_until="domcontentloaded")
    handset.sees(name)
