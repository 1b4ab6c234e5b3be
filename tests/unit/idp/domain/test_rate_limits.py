import asyncio
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idp.domain.rate_limits import Budgets, network_of, within
from idp.errors import Exhausted
from tests.unit.idp.domain.registration_world import PHONE, World, open_world

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
