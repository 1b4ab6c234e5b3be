import asyncio
import multiprocessing
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idp.domain.rate_limits import Budgets, network_of, within
from idp.errors import Exhausted, IdentityError
from tests.unit.idp.domain.registration_world import (
    PHONE,
    SETTINGS,
    MovingClock,
    World,
    make_tables,
    open_world,
)

HOUR = timedelta(hours=1)


async def spend(world: World, key: str = "a", *, limit: int = 3) -> None:
    budgets = Budgets(world.clock, world.sealer)
    async with world.store.begin() as tx:
        await budgets.spend(tx, "test", key, limit=limit, window=HOUR)


def test_a_budget_is_spent_and_comes_back_one_by_one(tmp_path: Path) -> None:
    async def walk() -> None:
        world = open_world(tmp_path / "db")
        for _ in range(3):
            await spend(world)
            world.clock.pass_time(minutes=10)
        with pytest.raises(Exhausted) as refused:
            await spend(world)
        assert refused.value.retry_after == 30 * 60
        world.clock.pass_time(minutes=30)
        await spend(world)
        with pytest.raises(Exhausted):
            await spend(world)
        await world.store.close()

    asyncio.run(walk())


def test_what_was_refused_does_not_keep_the_door_closed(tmp_path: Path) -> None:
    async def walk() -> None:
        world = open_world(tmp_path / "db")
        await spend(world, limit=1)
        for _ in range(5):
            world.clock.pass_time(minutes=11)
            with pytest.raises(Exhausted):
                await spend(world, limit=1)
        world.clock.pass_time(minutes=5)
        await spend(world, limit=1)
        await world.store.close()

    asyncio.run(walk())


def test_keys_have_budgets_of_their_own_and_stand_nowhere_in_the_file(
    tmp_path: Path,
) -> None:
    async def walk() -> None:
        world = open_world(tmp_path / "db")
        await spend(world, PHONE, limit=1)
        await spend(world, "203.0.113.9", limit=1)
        await world.store.close()

    asyncio.run(walk())
    everything = b"".join(p.read_bytes() for p in tmp_path.iterdir())
    assert PHONE.encode() not in everything
    assert b"203.0.113" not in everything


def test_budgets_that_nothing_counts_in_are_swept(tmp_path: Path) -> None:
    async def walk() -> None:
        world = open_world(tmp_path / "db")
        await spend(world)
        budgets = Budgets(world.clock, world.sealer)
        async with world.store.begin() as tx:
            assert await budgets.sweep(tx) == 0
        world.clock.pass_time(hours=1)
        async with world.store.begin() as tx:
            assert await budgets.sweep(tx) == 1
        await world.store.close()

    asyncio.run(walk())


@given(
    gaps=st.lists(st.integers(0, 2_000), min_size=1, max_size=25),
    limit=st.integers(1, 4),
)
@settings(deadline=None, max_examples=20)
def test_no_hour_ever_holds_more_than_the_limit(
    tmp_path_factory: pytest.TempPathFactory, gaps: list[int], limit: int
) -> None:
    async def walk() -> list[float]:
        world = open_world(tmp_path_factory.mktemp("budget") / "db")
        spent = []
        for gap in gaps:
            world.clock.pass_time(seconds=gap)
            try:
                await spend(world, limit=limit)
            except Exhausted:
                continue
            spent.append(world.clock.now().timestamp())
        await world.store.close()
        return spent

    spent = asyncio.run(walk())
    for start in spent:
        assert sum(start <= at < start + 3600 for at in spent) <= limit


def test_prefixes_are_what_one_subscriber_may_roam_in() -> None:
    assert network_of("203.0.113.9") == network_of("203.0.113.200")
    assert network_of("203.0.113.9") != network_of("203.0.114.9")
    assert network_of("2001:db8:1:2::1") == network_of("2001:db8:1:ffff::9")
    assert network_of("2001:db8:1::1") != network_of("2001:db8:2::1")
    assert network_of("::ffff:203.0.113.9") == network_of("203.0.113.1")
    assert network_of("testclient") == "unknown"


def test_only_what_is_inside_the_window_counts() -> None:
    packed = b"".join(at.to_bytes(8, "big") for at in (1, 5, 9))
    assert within(packed, after=5) == [9]
    assert within(b"", after=0) == []


# Each limit of a registration, spent by two processes on one file.


async def start(world: World, n: int, *, phone: str, device: str, network: str) -> None:
    async with world.store.begin() as tx:
        await world.registrations.start(
            tx, device_id=device.format(n), phone=phone.format(n % 10), locale="km",
            network=network.format(n),
        )  # fmt: skip


async def same_device(world: World, n: int) -> None:
    await start(world, n, phone="+8551234567{}", device="device", network="net{}")


async def same_number(world: World, n: int) -> None:
    await start(world, n, phone=PHONE, device="device{}", network="net{}")


async def same_prefix(world: World, n: int) -> None:
    await start(world, n, phone="+8551234567{}", device="device{}", network="net")


async def guess(world: World, n: int) -> None:
    wrong = "no" + str(n)
    async with world.store.begin() as tx:
        found = await world.registrations.current(tx, "device")
        await world.registrations.prove_phone(tx, found, wrong)


Attempt = Callable[[World, int], Awaitable[None]]


def work(attempt: Attempt, path: Path, first: int, count: int) -> int:
    """Try `count` times; return how often a budget was spent."""

    async def walk() -> int:
        world, spent = open_world(path), 0
        for n in range(first, first + count):
            try:
                await attempt(world, n)
            except IdentityError as refusal:
                spent += refusal.code == "code-wrong"
            else:
                spent += 1
        await world.store.close()
        return spent

    return asyncio.run(walk())


@pytest.mark.parametrize(
    ("attempt", "allowed"),
    [
        (same_device, SETTINGS.registrations_per_device_a_day),
        (same_number, SETTINGS.codes_per_number_an_hour),
        (same_prefix, SETTINGS.codes_per_prefix_an_hour),
        (guess, SETTINGS.code_attempts),
    ],
)
def test_two_processes_share_every_limit(
    tmp_path: Path, attempt: Attempt, allowed: int
) -> None:
    path = tmp_path / "db"
    make_tables(path)
    if attempt is guess:
        work(same_device, path, 0, 1)
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        jobs = [(attempt, path, first, 13) for first in (0, 100)]
        assert sum(pool.starmap(work, jobs)) == allowed


def test_the_clock_of_these_tests_only_moves_when_told() -> None:
    clock = MovingClock()
    assert clock.now() == clock.now()
