"""The same promises on SQLite and PostgreSQL."""

import asyncio
import multiprocessing
from collections.abc import AsyncIterator

import pytest

from idp.errors import CodeWrong
from idp.storage.opening import open_store
from idp.storage.store import Store

pytestmark = pytest.mark.anyio
TABLE = "CREATE TABLE counter (id TEXT PRIMARY KEY, n BIGINT NOT NULL)"
ADD = "INSERT INTO counter (id, n) VALUES ($1, $2) ON CONFLICT DO NOTHING"
NEXT = "UPDATE counter SET n = n + 1 WHERE id = $1 RETURNING n"
READ = "SELECT n FROM counter WHERE id = $1"


@pytest.fixture
async def store(store_url: str) -> AsyncIterator[Store]:
    opened = await open_store(store_url)
    async with opened.begin() as tx:
        await tx.run(TABLE)
    yield opened
    await opened.close()


async def value_of(store: Store, key: str) -> object:
    async with store.read() as tx:
        row = await tx.one(READ, key)
    return None if row is None else row[0]


async def test_what_a_block_wrote_is_there_when_it_is_left(store: Store) -> None:
    async with store.begin() as tx:
        assert await tx.run(ADD, "a", 1) == 1
        assert await tx.run(ADD, "a", 2) == 0
    assert await value_of(store, "a") == 1


async def test_a_refusal_commits_and_is_raised_again(store: Store) -> None:
    async def spend() -> None:
        async with store.begin() as tx:
            await tx.run(ADD, "spent", 1)
            raise CodeWrong(attempts_left=4)

    with pytest.raises(CodeWrong):
        await spend()
    assert await value_of(store, "spent") == 1


async def test_any_other_error_rolls_back_only_its_own_block(store: Store) -> None:
    async def fails() -> None:
        async with store.begin() as tx:
            await tx.run(ADD, "lost", 1)
            await asyncio.sleep(0)
            raise ZeroDivisionError

    async def works() -> None:
        async with store.begin() as tx:
            await tx.run(ADD, "kept", 1)

    found = await asyncio.gather(fails(), works(), return_exceptions=True)
    assert isinstance(found[0], ZeroDivisionError)
    assert await value_of(store, "lost") is None
    assert await value_of(store, "kept") == 1


async def test_a_reader_never_sees_an_open_block(store: Store) -> None:
    async with store.begin() as tx:
        await tx.run(ADD, "open", 1)
        assert await value_of(store, "open") is None


async def test_of_many_at_once_each_counts(store: Store) -> None:
    async with store.begin() as tx:
        await tx.run(ADD, "n", 0)

    async def count() -> int:
        async with store.begin() as tx:
            row = await tx.one(NEXT, "n")
            assert row is not None
            return int(row[0] or 0)

    assert sorted(await asyncio.gather(*(count() for _ in range(40)))) == list(
        range(1, 41)
    )


async def test_transactions_that_wait_together_share_one_commit(
    sqlite_url: str,
) -> None:
    store = await open_store(sqlite_url)
    async with store.begin() as tx:
        await tx.run(TABLE)
    before = store.counters.commits

    async def add(n: int) -> None:
        async with store.begin() as tx:
            await tx.run(ADD, str(n), n)

    await asyncio.gather(*(add(n) for n in range(20)))
    assert store.counters.commits - before <= 2
    await store.close()


def count_in_process(url: str, times: int) -> None:
    async def work() -> None:
        store = await open_store(url)
        for _ in range(times):
            async with store.begin() as tx:
                await tx.one(NEXT, "shared")
        await store.close()

    asyncio.run(work())


async def test_two_processes_share_one_database(store: Store, store_url: str) -> None:
    async with store.begin() as tx:
        await tx.run(ADD, "shared", 0)
    spawn = multiprocessing.get_context("spawn")
    others = [
        spawn.Process(target=count_in_process, args=(store_url, 25)) for _ in range(2)
    ]
    for other in others:
        other.start()
    for other in others:
        await asyncio.to_thread(other.join, 60)
        assert other.exitcode == 0
    assert await value_of(store, "shared") == 50
