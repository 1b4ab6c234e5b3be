"""A citizen app without a screen, as tests use it: real keys, real requests."""

import asyncio
import time
from typing import Any

import httpx2

from camdigikey.demo.film import film
from camdigikey.demo.run import SPECIMENS
from camdigikey.phone import Phone, PhoneKeys, Problem
from tests.e2e.stack import Stack

__all__ = ["Phone", "PhoneKeys", "Problem", "details_of", "new_phone", "register"]


def new_phone(stack: Stack, http: httpx2.AsyncClient) -> Phone:
    """Return a fresh phone of this stack."""
    return Phone(http, stack.demo.app_origin, stack.demo.issuer)


def details_of(document: dict[str, Any], person: dict[str, str]) -> dict[str, str]:
    """Return what a person confirms and adds to the fields of the zone."""
    read = ("number", "surname_latin", "given_name_latin", "birth_date")
    added = ("surname_khmer", "given_name_khmer", "issue_date")
    return {
        **{name: str(document[name]) for name in (*read, "sex", "expiry_date")},
        **{name: person[name] for name in added},
    }


async def start(stack: Stack, phone: Phone, *, number: str) -> str:
    """Register up to the proved telephone number; return the path."""
    seen = stack.printed()
    view = await phone.start(number)
    path = f"/registrations/{view['id']}"
    code = await asyncio.to_thread(stack.sms_code, seen)
    await phone.post(f"{path}/phone-code", {"code": code})
    return path


async def answered(phone: Phone, view: dict[str, Any]) -> dict[str, Any]:
    """Wait until the register has answered."""
    deadline = time.monotonic() + 60
    while view["state"] == "register" and time.monotonic() < deadline:
        await asyncio.sleep(0.3)
        view = await phone.call("GET", "/registrations/current")
    return view


async def register(
    stack: Stack, phone: Phone, person: dict[str, str], *, number: str
) -> dict[str, Any]:
    """Walk the whole registration of a specimen; return the last view."""
    path = await start(stack, phone, number=number)
    card = (SPECIMENS / person["card"]).read_bytes()
    view = await phone.picture(f"{path}/document", card)
    details = details_of(view["document"], person)
    view = await answered(phone, await phone.post(f"{path}/details", details))
    assert view["state"] == "face", view
    await phone.clip(path, film)
    return await phone.bind(view["id"])
