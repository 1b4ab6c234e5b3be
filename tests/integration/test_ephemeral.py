"""The same promises in memory and in Redis."""

import asyncio
import secrets
from collections.abc import AsyncIterator

import pytest

from idp.storage.ephemeral import Ephemeral, MemoryEphemeral
from idp.storage.redis import open_redis
from idp.storage.signals import LocalSignals, Signals

pytestmark = pytest.mark.anyio
Both = tuple[Ephemeral, Signals]


@pytest.fixture(params=["memory", pytest.param("redis", marks=pytest.mark.redis)])
async def both(request: pytest.FixtureRequest) -> AsyncIterator[Both]:
    engines: Both = (MemoryEphemeral(), LocalSignals())
    if request.param == "redis":
        engines = open_redis(request.getfixturevalue("redis_url"))
    yield engines
    await engines[1].close()
    await engines[0].close()


def key() -> str:
    return secrets.token_hex(8)


async def test_a_record_is_read_back_until_its_time_is_over(both: Both) -> None:
    ephemeral, name = both[0], key()
    await ephemeral.put(name, {"state": "pending"}, seconds=0.2)
    assert await ephemeral.get(name) == {"state": "pending"}
    await asyncio.sleep(0.25)
    assert await ephemeral.get(name) is None
    assert not await ephemeral.swap(name, expect={}, change={"a": "b"})


async def test_of_many_racers_exactly_one_swaps(both: Both) -> None:
    ephemeral, name = both[0], key()
    await ephemeral.put(name, {"state": "pending"}, seconds=5)

    async def claim(n: int) -> bool:
        change = {"state": "claimed", "device": str(n)}
        return await ephemeral.swap(name, expect={"state": "pending"}, change=change)

    won = await asyncio.gather(*(claim(n) for n in range(20)))
    assert sum(won) == 1
    found = await ephemeral.get(name)
    assert found == {"state": "claimed", "device": str(won.index(True))}


async def test_an_empty_expectation_means_absent(both: Both) -> None:
    ephemeral, name = both[0], key()
    await ephemeral.put(name, {"a": "1"}, seconds=5)
    assert await ephemeral.swap(name, expect={"used": ""}, change={"used": "1"})
    assert not await ephemeral.swap(name, expect={"used": ""}, change={"used": "1"})


async def test_a_key_is_added_once(both: Both) -> None:
    ephemeral, name = both[0], key()
    added = await asyncio.gather(
        *(ephemeral.add_once(name, seconds=5) for _ in range(10))
    )
    assert sum(added) == 1


async def test_a_secret_stays_the_same_while_the_records_live(both: Both) -> None:
    first, again = await both[0].secret("nonce"), await both[0].secret("nonce")
    assert first == again
    assert len(first) == 32
    assert first != await both[0].secret("other")


async def test_a_signal_wakes_those_who_wait_and_nobody_else(both: Both) -> None:
    signals, name = both[1], key()
    async with signals.waiting(name) as wait, signals.waiting("other") as other:
        waiting = asyncio.create_task(wait(5))
        await asyncio.sleep(0)
        await signals.wake(name)
        assert await waiting
        assert not await other(0.05)
        assert not await wait(0.05)


async def test_a_signal_sent_before_the_wait_is_not_missed(both: Both) -> None:
    signals, name = both[1], key()
    async with signals.waiting(name) as wait:
        await signals.wake(name)
        assert await wait(1)
