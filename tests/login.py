"""Steps of a login that many tests share."""

from typing import Any

import pytest

from camdigikey.phone import Phone, Problem
from tests.portal import HeadlessPortal
from tests.world import Browser, World


async def shown_login(world: World) -> tuple[HeadlessPortal, Browser, str]:
    portal, browser = await world.portal(), world.browser()
    page = await browser.open_login(await portal.start())
    return portal, browser, page


async def refused(work: Any, code: str) -> dict[str, Any]:
    with pytest.raises(Problem) as caught:
        await work
    assert caught.value.code == code, caught.value.body
    return caught.value.body


async def device_of(world: World, phone: Phone) -> Any:
    async with world.services.store.read() as tx:
        return await world.services.devices.find(tx, phone.keys.device_id)


def wait(world: World, phone: Phone, seconds: float) -> None:
    world.clock.pass_time(seconds)
    phone.nonce = ""  # the phone asks for the time again


async def follow(browser: Browser, answer: Any) -> str:
    while answer.is_redirect:
        target = str(answer.url.join(answer.headers["location"]))
        if target.startswith("https://portal.test"):
            return target
        answer = await browser.http.get(target)
    raise AssertionError(answer.text[:300])
