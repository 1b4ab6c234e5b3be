"""A lost phone is reported by the number alone, and little can go wrong by it."""

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace

import httpx2
import pytest

from camdigikey.phone import Phone
from idp.domain.assertions import Kind
from idp.domain.messages import Notice
from idp.interfaces import Sent
from tests.login import refused
from tests.world import ISSUER, Browser, World, open_world

pytestmark = pytest.mark.anyio
NUMBER = "012 345 678"


@pytest.fixture
async def world(store_url: str) -> AsyncIterator[World]:
    async with open_world(store_url) as opened:
        yield opened


async def post(browser: Browser, path: str, **fields: str) -> httpx2.Response:
    url = f"{ISSUER}/{path}"
    return await browser.http.post(url, headers={"Origin": ISSUER}, data=fields)


async def report(browser: Browser, number: str = NUMBER) -> str:
    """Report a number as lost; return the case."""
    answer = await post(browser, "lost-phone", phone=number)
    assert answer.status_code == 200
    found = re.search(r'name="case" value="([^"]+)"', answer.text)
    assert found is not None
    return found[1]


async def sent(world: World) -> None:
    """Wait until the codes have left that leave beside the answers."""
    await asyncio.gather(*world.services.code_delivery.under_way)


def codes_in(capsys: pytest.CaptureFixture[str]) -> list[str]:
    """Return the codes that were texted since the last look."""
    printed = capsys.readouterr()
    return re.findall(r"\b\d{6}\b", printed.out + printed.err)


async def resume(phone: Phone) -> None:
    target = phone.keys.device_id
    signed = await phone.signed(Kind.DEVICE, action="resume", target=target)
    await phone.post("/devices/resumption", signed)


async def test_a_lost_phone_is_locked_by_a_code_to_its_number(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    phone = await world.phone()
    browser = world.browser()
    case = await report(browser)
    await sent(world)
    (code,) = set(codes_in(capsys))
    answer = await post(browser, "lost-phone/code", case=case, code=code)
    assert answer.status_code == 200
    await refused(phone.unlock(), "device-suspended")
    async with world.services.store.read() as tx:
        told = await world.services.messages.notices_of(tx, phone.account_id)
    assert [one.notice for one in told] == [Notice.DEVICES_SUSPENDED]
    await resume(phone)
    await phone.unlock()


async def test_the_page_says_the_same_of_a_number_without_an_account(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    await world.phone()
    known = await post(world.browser(), "lost-phone", phone=NUMBER)
    await sent(world)
    assert codes_in(capsys)
    unknown = await post(world.browser(), "lost-phone", phone="012 345 679")
    assert not codes_in(capsys)
    case = re.compile(r'value="[A-Za-z0-9_-]{22}"')
    assert case.sub("", known.text) == case.sub("", unknown.text)


async def test_a_guessed_code_locks_nothing_and_the_tries_end(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    phone = await world.phone()
    browser = world.browser()
    case = await report(browser)
    await sent(world)
    (code,) = set(codes_in(capsys))
    wrong = f"{(int(code) + 1) % 1_000_000:06}"
    for left in ("៤", "៣", "២", "១", ""):
        answer = await post(browser, "lost-phone/code", case=case, code=wrong)
        assert answer.status_code == 422
        assert (f"នៅសល់ {left} ដង" in answer.text) is bool(left)
    late = await post(browser, "lost-phone/code", case=case, code=code)
    assert late.status_code == 422
    await phone.unlock()


async def test_a_number_is_reported_three_times_an_hour_at_most(world: World) -> None:
    await world.phone()
    for _ in range(3):
        await report(world.browser())
    answer = await post(world.browser(), "lost-phone", phone=NUMBER)
    assert answer.status_code == 429
    assert answer.headers["retry-after"]


async def test_another_sites_page_reports_nothing(world: World) -> None:
    browser = world.browser()
    headers = {"Origin": "https://evil.test"}
    for path in ("lost-phone", "lost-phone/code"):
        url = f"{ISSUER}/{path}"
        answer = await browser.http.post(url, headers=headers, data={"phone": NUMBER})
        assert answer.status_code == 403


@pytest.mark.parametrize("typed", ["", "abc", "023 456 789", "0" * 60])
async def test_what_is_no_mobile_number_is_asked_again(
    world: World, typed: str
) -> None:
    answer = await post(world.browser(), "lost-phone", phone=typed)
    assert answer.status_code == 422
    assert 'data-testid="error-phone"' in answer.text


@pytest.mark.parametrize("case", ["", "x", "A" * 22, "../" * 8])
async def test_a_case_that_is_none_is_asked_to_begin_again(
    world: World, case: str
) -> None:
    answer = await post(world.browser(), "lost-phone/code", case=case, code="123456")
    assert answer.status_code == 422
    assert 'data-testid="error-late"' in answer.text


@dataclass
class Held:
    """A gateway that answers when it is told to."""

    free: asyncio.Event = field(default_factory=asyncio.Event)

    async def send_code(self, *, to: str, code: str, locale: str) -> Sent:
        del to, code, locale
        await self.free.wait()
        return Sent("held", "1")


async def test_how_long_a_gateway_takes_does_not_tell_that_there_is_an_account(
    world: World,
) -> None:
    await world.phone()
    gateway = Held()
    codes = replace(world.services.code_delivery, codes_by=gateway)
    world.use(replace(world.services, code_delivery=codes))
    async with asyncio.timeout(20):
        assert await report(world.browser())
    gateway.free.set()
    await asyncio.gather(*codes.under_way)
