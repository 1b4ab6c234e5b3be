"""Registrations on both databases: limits, races and the queue across processes."""

import asyncio
import multiprocessing
from collections.abc import Awaitable, Callable
from concurrent.futures import ProcessPoolExecutor

import pytest

from idp.domain.registration_rows import State
from idp.errors import AlreadyRegistered, IdentityError, WrongStep
from idp.storage.database import migrate
from tests.unit.idp.domain.registration_world import (
    PHONE,
    SETTINGS,
    World,
    open_world_at,
)
from tests.unit.idp.domain.test_registrations import count, reach, step


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


def work(attempt: Attempt, url: str, first: int, times: int) -> int:
    """Try some times; return how often a budget was spent."""

    async def walk() -> int:
        world, spent = await open_world_at(url), 0
        for n in range(first, first + times):
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
    store_url: str, attempt: Attempt, allowed: int
) -> None:
    migrate(store_url)
    if attempt is guess:
        work(same_device, store_url, 0, 1)
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(2, mp_context=spawn) as pool:
        jobs = [pool.submit(work, attempt, store_url, first, 13) for first in (0, 100)]
        assert sum(job.result(timeout=120) for job in jobs) == allowed


def run(url: str, walk: Callable[[World, World], Awaitable[None]]) -> None:
    """Walk with two nodes on one database."""

    async def whole() -> None:
        migrate(url)
        one = await open_world_at(url)
        other = await open_world_at(url, one.clock)
        await walk(one, other)
        await one.store.close()
        await other.store.close()

    asyncio.run(whole())


def test_a_journey_ends_in_one_account_on_either_database(store_url: str) -> None:
    async def walk(one: World, other: World) -> None:
        done = await reach(one, State.DONE)
        async with other.store.read() as tx:
            assert await other.registrations.current(tx, "device") == done
        assert await count(other, "account") == 1

    run(store_url, walk)


@pytest.mark.parametrize(
    "state", [State.DOCUMENT, State.DETAILS, State.REGISTER, State.FACE, State.DEVICE]
)
def test_of_two_nodes_one_takes_the_step(store_url: str, state: State) -> None:
    async def walk(one: World, other: World) -> None:
        found = await reach(one, state)
        results = await asyncio.gather(
            step(one, found), step(other, found), return_exceptions=True
        )
        refused = [r for r in results if isinstance(r, Exception)]
        assert len(refused) == 1
        assert isinstance(refused[0], WrongStep | AlreadyRegistered)
        assert await count(one, "account") == (state is State.DEVICE)

    run(store_url, walk)


def test_one_document_opens_one_account_on_two_nodes(store_url: str) -> None:
    async def walk(one: World, other: World) -> None:
        first = await reach(one, State.DEVICE)
        second = await reach(one, State.DEVICE, "another")
        results = await asyncio.gather(
            step(one, first), step(other, second), return_exceptions=True
        )
        assert sum(isinstance(r, AlreadyRegistered) for r in results) == 1
        assert await count(one, "account") == await count(one, "device") == 1

    run(store_url, walk)


def test_of_two_nodes_one_claims_a_question(store_url: str) -> None:
    async def walk(one: World, other: World) -> None:
        await reach(one, State.REGISTER)

        async def claim(world: World) -> object:
            async with world.store.begin() as tx:
                return await world.services.register_questions.claim(tx)

        claimed = await asyncio.gather(claim(one), claim(other), claim(one))
        assert sum(question is not None for question in claimed) == 1

    run(store_url, walk)


def test_what_has_expired_is_swept_on_either_database(store_url: str) -> None:
    async def walk(one: World, other: World) -> None:
        await reach(one, State.REGISTER)
        one.clock.pass_time(days=8)
        services = other.services
        async with other.store.begin() as tx:
            assert await services.registrations.sweep(tx) == 1
            assert await services.evidence.sweep(tx) == 0
            assert await services.budgets.sweep(tx) > 0
        for table in ("registration", "one_time_code", "register_question", "budget"):
            assert await count(one, table) == 0

    run(store_url, walk)
