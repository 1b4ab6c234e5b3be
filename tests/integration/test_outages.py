"""What is lost for a moment comes back by itself: databases, Redis, background work."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from camdigikey import housekeeping
from idp.domain.audit import EventTag
from idp.errors import Unavailable
from idp.storage import ephemeral as ephemeral_records
from idp.storage.ephemeral import MemoryEphemeral
from idp.storage.redis import open_redis
from tests.servers import redis_on
from tests.world import World, open_world

pytestmark = pytest.mark.anyio


@pytest.fixture
async def world(postgres_url: str) -> AsyncIterator[World]:
    async with open_world(postgres_url) as opened:
        yield opened


KILL_THE_OTHERS = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
)


@pytest.mark.postgresql
async def test_sealing_goes_on_after_the_database_dropped_every_connection(
    world: World, postgres_url: str
) -> None:
    sealing = asyncio.create_task(world.services.audit_chain.run())
    for n in range(3):
        await asyncio.to_thread(_run, postgres_url, KILL_THE_OTHERS)
        await asyncio.sleep(0.6)
        assert not sealing.done(), n
    for _ in range(20):
        try:
            async with world.services.store.begin() as tx:
                await world.services.audit.record(
                    tx, EventTag.ACCOUNT_OPENED, account="after"
                )
            break
        except Unavailable:
            await asyncio.sleep(0.1)
    for _ in range(60):
        await asyncio.sleep(0.1)
        if (await world.services.audit_chain.verify()).sealed >= 1:
            break
    report = await world.services.audit_chain.verify()
    sealing.cancel()
    assert report.sealed >= 1
    assert report.first_bad is None


def _run(url: str, statement: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute(statement)


@pytest.mark.postgresql
async def test_sealing_goes_on_after_a_statement_failed(postgres_url: str) -> None:
    async with open_world(postgres_url) as world:
        chain, store = world.services.audit_chain, world.services.store
        async with store.begin() as tx:
            await world.services.audit.record(tx, EventTag.ACCOUNT_OPENED, account="a")
            await tx.run("ALTER TABLE audit_link RENAME TO away")
        sealing = asyncio.create_task(chain.run())
        await asyncio.sleep(1.5)  # one turn, which fails
        assert not sealing.done()
        async with store.begin() as tx:
            await tx.run("ALTER TABLE away RENAME TO audit_link")
        for _ in range(100):
            await asyncio.sleep(0.1)
            if (await chain.verify()).sealed:
                break
        sealing.cancel()
        assert (await chain.verify()).sealed == 1


@pytest.mark.redis
async def test_waiting_browsers_are_woken_again_after_redis_came_back(
    tmp_path: Path,
) -> None:
    socket = tmp_path / "r.sock"
    with redis_on(socket) as url:
        records, signals = open_redis(url)
        async with signals.waiting("first") as wait:
            await signals.wake("first")
            assert await wait(5)
    await signals.wake("nobody")  # a lost wake-up does no harm
    with pytest.raises(Unavailable):
        await records.get("x")
    with redis_on(socket):
        for _ in range(50):
            async with signals.waiting("again") as wait:
                await signals.wake("again")
                if await wait(0.3):
                    break
        else:
            raise AssertionError("nobody was woken")
        await signals.close()
        await records.close()


async def test_a_flood_never_drives_out_what_remembers_a_replay(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ephemeral_records, "CAPACITY", 10)
    records = MemoryEphemeral()
    assert await records.add_once("proof", seconds=60)
    for n in range(9):
        await records.put(f"flood{n}", {}, seconds=1800)
    with pytest.raises(Unavailable):
        await records.put("one too many", {}, seconds=1800)
    assert not await records.add_once("proof", seconds=60)


@pytest.mark.postgresql
async def test_a_connection_lost_inside_a_block_is_unavailable(
    world: World, postgres_url: str
) -> None:
    async def write() -> None:
        async with world.services.store.begin() as tx:
            await tx.one("SELECT 1")
            await asyncio.to_thread(_run, postgres_url, KILL_THE_OTHERS)
            await tx.one("SELECT 1")

    with pytest.raises(Unavailable):
        await write()
    async with world.services.store.read() as tx:
        assert await tx.one("SELECT 1") == (1,)


@pytest.mark.postgresql
async def test_sweeping_goes_on_after_a_statement_failed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(housekeeping, "SWEEP_EVERY", timedelta(seconds=0.05))
    store = world.services.store
    async with store.begin() as tx:
        await tx.run("ALTER TABLE decision RENAME TO away")
    sweeping = asyncio.create_task(housekeeping.sweep_forever(world.services))
    await asyncio.sleep(0.5)
    is_over = sweeping.done()
    sweeping.cancel()
    assert not is_over
