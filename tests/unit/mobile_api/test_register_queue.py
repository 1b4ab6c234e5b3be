import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest

from mobile_api.register_queue import attempt, register_worker, wait_after
from mobile_api.services import Backoff
from tests.unit.idp.domain.registration_world import DETAILS
from tests.unit.mobile_api.mobile_world import (
    Phone,
    World,
    away,
    open_workers,
    open_world,
)

Walk = Callable[[World, Phone], Awaitable[None]]


def run(folder: Path, walk: Walk, *answers: tuple[str, ...] | Exception) -> None:
    """Bring a registration to `register` while the register is away, then walk."""

    async def whole() -> None:
        workers = open_workers()
        try:
            async with open_world(folder, workers) as world:
                phone = world.phone()
                await phone.reach("details")
                world.register.answers = [away(), *answers]
                assert (await phone.confirm()).json()["state"] == "register"
                await walk(world, phone)
        finally:
            workers.close()

    asyncio.run(whole())


async def state_of(phone: Phone) -> str:
    return str((await phone.get("/registrations/current")).json()["state"])


async def work(world: World) -> bool:
    return await attempt(world.services, world.mobile)


def test_a_question_is_asked_again_when_it_is_due(tmp_path: Path) -> None:
    async def walk(world: World, phone: Phone) -> None:
        assert not await work(world)
        world.clock.pass_time(seconds=3)
        assert await work(world)
        assert await state_of(phone) == "face"
        assert world.register.asked == [DETAILS, DETAILS]
        assert not await work(world)

    run(tmp_path, walk)


def test_no_failure_ever_becomes_an_answer(tmp_path: Path) -> None:
    failures = [away(), away(is_temporary=False), TimeoutError(), KeyError("broken")]

    async def walk(world: World, phone: Phone) -> None:
        for _ in failures:
            world.clock.pass_time(hours=1)
            assert await work(world)
            assert await state_of(phone) == "register"
        world.clock.pass_time(hours=1)
        assert await work(world)
        assert await state_of(phone) == "face"

    run(tmp_path, walk, *failures)


def test_a_late_disagreement_sends_the_person_back(tmp_path: Path) -> None:
    async def walk(world: World, phone: Phone) -> None:
        world.clock.pass_time(seconds=3)
        assert await work(world)
        view = (await phone.get("/registrations/current")).json()
        assert view["state"] == "details"
        assert view["incorrect_fields"] == ["birth_date"]

    run(tmp_path, walk, ("birth_date",))


def test_a_question_of_a_cancelled_registration_is_gone(tmp_path: Path) -> None:
    async def walk(world: World, phone: Phone) -> None:
        await phone.step("cancellation")
        world.clock.pass_time(hours=1)
        assert not await work(world)
        assert len(world.register.asked) == 1

    run(tmp_path, walk)


def test_another_node_goes_on_where_the_first_one_died(tmp_path: Path) -> None:
    async def walk(world: World, phone: Phone) -> None:
        questions = world.services.register_questions
        world.clock.pass_time(seconds=3)
        async with world.services.store.begin() as tx:
            dead = await questions.claim(tx)
        assert dead is not None
        assert not await work(world), "the lease is the other node's"
        world.clock.pass_time(seconds=60)
        async with open_world(tmp_path, world.mobile.workers, world.clock) as other:
            assert await work(other)
        assert await state_of(phone) == "face"
        async with world.services.store.begin() as tx:
            assert not await questions.close(tx, dead), "its lease is over"

    run(tmp_path, walk)


def test_of_two_nodes_one_asks(tmp_path: Path) -> None:
    async def walk(world: World, phone: Phone) -> None:
        world.clock.pass_time(seconds=3)
        async with open_world(tmp_path, world.mobile.workers, world.clock) as other:
            worked = await asyncio.gather(work(world), work(other))
        assert sorted(worked) == [False, True]
        assert await state_of(phone) == "face"

    run(tmp_path, walk)


def test_an_answer_that_comes_after_the_lease_changes_nothing(tmp_path: Path) -> None:
    async def walk(world: World, phone: Phone) -> None:
        questions = world.services.register_questions

        class Slow:
            async def verify(self, _: object) -> object:
                world.clock.pass_time(seconds=61)
                async with world.services.store.begin() as tx:
                    assert await questions.claim(tx) is not None
                return await world.register.verify({})

        world.clock.pass_time(seconds=3)
        slow = type(world.mobile)(world.mobile.workers, Slow())
        assert await attempt(world.services, slow)
        assert await state_of(phone) == "register"

    run(tmp_path, walk, ("sex",))


def test_the_worker_works_until_it_is_stopped(tmp_path: Path) -> None:
    async def walk(world: World, phone: Phone) -> None:
        world.clock.pass_time(seconds=3)
        worker = asyncio.create_task(register_worker(world.services, world.mobile))
        while await state_of(phone) != "face":  # noqa: ASYNC110 - seen over HTTP
            await asyncio.sleep(0.01)
        worker.cancel()
        with pytest.raises(asyncio.CancelledError):
            await worker

    run(tmp_path, walk)


def test_waits_double_up_to_a_limit_and_are_never_the_same() -> None:
    backoff = Backoff()
    for attempts, seconds in ((1, 2), (2, 4), (5, 32), (9, 300), (10**6, 300)):
        waits = {wait_after(backoff, attempts) for _ in range(50)}
        assert len(waits) > 1
        for wait in waits:
            spread = timedelta(seconds=seconds) / 4
            assert abs(wait - timedelta(seconds=seconds)) <= spread
