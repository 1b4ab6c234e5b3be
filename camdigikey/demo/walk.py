"""The whole path in the terminal: a phone without a screen and a portal's browser.

Real keys, real HTTP, the shipped specimens; nothing is skipped that a person would
do but looking at a screen.
"""

import asyncio
import re
import time
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import TypeVar

import httpx2
from rich.console import Console

from camdigikey.demo.film import film
from camdigikey.demo.processes import DemoFailed, trusting
from camdigikey.demo.run import SPECIMENS, Demo
from camdigikey.phone import Phone

T = TypeVar("T")
PHONE = "012 345 678"
PATIENCE = 30.0


@dataclass(slots=True)
class Steps:
    """Says each step and how long it took."""

    console: Console
    seconds: float = 0.0

    async def step(self, name: str, work: Awaitable[T]) -> T:
        """Do one step of the path and print it."""
        started = time.perf_counter()
        result = await work
        took = time.perf_counter() - started
        self.seconds += took
        self.console.print(f"  ✓ {name} [dim]{took * 1000:.0f} ms[/]", highlight=False)
        return result


async def walk(demo: Demo, console: Console) -> None:
    """Register, log in to the portal, log out; raises DemoFailed."""
    certificates = demo.certificates
    verify = trusting(certificates[0] if certificates else None)
    limits = httpx2.Timeout(60)
    async with (
        httpx2.AsyncClient(verify=verify, timeout=limits) as http,
        httpx2.AsyncClient(
            verify=verify, timeout=limits, follow_redirects=True
        ) as browser,
    ):
        phone = Phone(http, demo.app_origin, demo.issuer)
        steps = Steps(console)
        console.print("\n[bold]Registration[/]")
        await register(phone, demo, steps)
        console.print("[bold]Login[/]")
        await log_in(phone, browser, demo, steps)
    console.print(f"\nThe whole path took {steps.seconds:.1f} s.")


async def register(phone: Phone, demo: Demo, steps: Steps) -> None:
    """Register the specimen Sok Sreypov."""
    before = len(demo.outbox())
    view = await steps.step("phone number", phone.start(PHONE))
    path = f"/registrations/{view['id']}"
    code = await _code(demo, before)
    await steps.step(
        "code of the text message", phone.post(f"{path}/phone-code", {"code": code})
    )
    card = (SPECIMENS / "sreypov-card.jpg").read_bytes()
    view = await steps.step(
        "photo of the card, MRZ read", phone.picture(f"{path}/document", card)
    )
    details = _details(view["document"])
    view = await steps.step(
        "fields confirmed, the register agrees",
        _until_answered(phone, path, details),
    )
    await steps.step("a living person, the one on the card", phone.clip(path, film))
    await steps.step("PIN and device bound", phone.bind(view["id"]))
    profile = (await steps.step("unlocked", phone.unlock()))["profile"]
    steps.console.print(
        f"  {profile['surname_latin']} {profile['given_name_latin']},"
        f" CamDigiKey {profile['camdigikey_id']}, level {profile['level']}",
        highlight=False,
    )


async def log_in(
    phone: Phone, browser: httpx2.AsyncClient, demo: Demo, steps: Steps
) -> None:
    """Log in to the portal by the text of the QR code, and out again."""
    page = await steps.step("login page", browser.get(f"{demo.portal}/login"))
    shown = (await browser.get(f"{_address(page)}/status")).json()
    if shown["event"] != "codes":
        raise DemoFailed("the login page shows no code")
    text = shown["data"]["codes"][0][1]
    claimed = await steps.step("QR scanned", phone.scan(text))
    await steps.step("approved with the PIN", phone.approve(claimed))
    portal = await steps.step("back at the portal", _finish(browser, page))
    if "SREYPOV" not in portal.text:
        raise DemoFailed("the portal does not know who logged in")
    headers = {"Origin": demo.portal}
    await steps.step(
        "logged out", browser.post(f"{demo.portal}/logout", headers=headers)
    )


async def _finish(
    browser: httpx2.AsyncClient, page: httpx2.Response
) -> httpx2.Response:
    origin = f"{page.url.scheme}://{page.url.netloc.decode()}"
    headers = {"Origin": origin}
    return await browser.post(f"{_address(page)}/finish", headers=headers, data={})


def _address(page: httpx2.Response) -> str:
    return str(page.url).partition("?")[0]


async def _until_answered(
    phone: Phone, path: str, details: dict[str, str]
) -> dict[str, object]:
    view = await phone.post(f"{path}/details", details)
    deadline = time.monotonic() + PATIENCE
    while view["state"] == "register" and time.monotonic() < deadline:
        await asyncio.sleep(1)
        view = await phone.call("GET", "/registrations/current")
    if view["state"] != "face":
        raise DemoFailed(f"the register did not agree: {view}")
    return view


def _details(document: dict[str, str]) -> dict[str, str]:
    known = ("number", "surname_latin", "given_name_latin", "birth_date", "sex")
    return {
        **{name: document[name] for name in (*known, "expiry_date")},
        "surname_khmer": "សុខ",
        "given_name_khmer": "ស្រីពៅ",
        "issue_date": "2021-01-02",
    }


async def _code(demo: Demo, before: int) -> str:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        found = re.findall(r"\b(\d{6})\b", demo.outbox()[before:])
        if found:
            return str(found[-1])
        await asyncio.sleep(0.1)
    raise DemoFailed("no text message came")
