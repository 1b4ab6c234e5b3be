import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from idp.domain.evidence import Engine, EvidenceKind
from idp.domain.registration_rows import Registration, State
from idp.errors import (
    AlreadyRegistered,
    CodeWrong,
    EvidenceInsufficient,
    Exhausted,
    NotFound,
    WrongStep,
)
from tests.unit.idp.domain.registration_world import (
    DETAILS,
    DOCUMENT,
    JUDGED,
    JWK,
    PHONE,
    World,
    open_world,
)

DEVICE = "device"
Walk = Callable[[World], Awaitable[None]]


def run(path: Path, walk: Walk) -> None:
    async def whole() -> None:
        world = open_world(path / "db")
        await walk(world)
        await world.store.close()

    asyncio.run(whole())


async def start(world: World, device: str = DEVICE) -> tuple[Registration, str]:
    async with world.store.begin() as tx:
        registration, issued = await world.registrations.start(
            tx, device_id=device, phone=PHONE, locale="km", network=f"net {device}"
        )
    return registration, issued.code


async def step(world: World, found: Registration, code: str = "") -> Registration:
    """Take the next step of the journey, whichever it is."""
    service = world.registrations
    async with world.store.begin() as tx:
        match found.state:
            case State.PHONE_CODE:
                return await service.prove_phone(tx, found, code)
            case State.DOCUMENT:
                return await service.document_read(tx, found, DOCUMENT)
            case State.DETAILS:
                return await service.details_given(tx, found, DETAILS)
            case State.REGISTER:
                return await service.register_agreed(tx, found)
            case State.FACE:
                tried = await service.spend_face_try(tx, found)
                return await service.accepted(tx, tried, JUDGED)
            case _:
                return await service.finish(
                    tx, found, public_key=JWK, pin_key=JWK, name="phone"
                )


async def reach(world: World, state: State, device: str = DEVICE) -> Registration:
    found, code = await start(world, device)
    while found.state is not state:
        found = await step(world, found, code)
    return found


async def count(world: World, table: str) -> int:
    async with world.store.read() as tx:
        row = await tx.one(f"SELECT COUNT(*) FROM {table}")
    assert row is not None
    return int(row[0] or 0)


def test_a_journey_ends_in_one_account_and_one_device(tmp_path: Path) -> None:
    async def walk(world: World) -> None:
        done = await reach(world, State.DONE)
        result = done.told.result
        async with world.store.read() as tx:
            service = world.registrations
            account = await service.accounts.find(tx, result["account_id"])
            device = await service.devices.find(tx, DEVICE)
            shown = await service.current(tx, DEVICE)
        assert account.camdigikey_id == result["camdigikey_id"]
        assert account.level == "substantial"
        assert account.facts.surname_khmer == DETAILS["surname_khmer"]
        assert account.facts.phone == PHONE
        assert device.account_id == account.id
        assert shown == done

    run(tmp_path, walk)


def test_a_finished_registration_keeps_nothing_personal(tmp_path: Path) -> None:
    async def walk(world: World) -> None:
        done = await reach(world, State.DONE)
        assert set(done.told.result) == {"account_id", "camdigikey_id", "device_id"}
        assert done.told.phone == ""
        assert done.told.details == {}
        assert done.told.document == {}

    run(tmp_path, walk)


def test_a_killed_server_loses_nothing(tmp_path: Path) -> None:
    async def walk(world: World) -> None:
        left = await reach(world, State.DETAILS)
        again = open_world(tmp_path / "db", world.clock)
        async with again.store.read() as tx:
            found = await again.registrations.current(tx, DEVICE)
        assert found == left
        assert found.told.document == DOCUMENT
        await again.store.close()

    run(tmp_path, walk)


def test_a_device_has_one_registration_at_a_time(tmp_path: Path) -> None:
    async def walk(world: World) -> None:
        await reach(world, State.DOCUMENT)
        with pytest.raises(WrongStep):
            await start(world)
        assert await count(world, "registration") == 1

    run(tmp_path, walk)


def test_a_mistyped_number_is_replaced(tmp_path: Path) -> None:
    async def walk(world: World) -> None:
        first, _ = await start(world)
        second, code = await start(world)
        assert first.id != second.id
        assert await count(world, "registration") == 1
        assert await count(world, "one_time_code") == 1
        await step(world, second, code)

    run(tmp_path, walk)


def test_the_fourth_registration_of_a_day_waits(tmp_path: Path) -> None:
    async def walk(world: World) -> None:
        for _ in range(3):
            await start(world)
        with pytest.raises(Exhausted) as refused:
            await start(world)
        assert refused.value.retry_after == 24 * 3600
        world.clock.pass_time(days=1)
        await start(world)

    run(tmp_path, walk)


def test_another_device_cannot_even_see_it(tmp_path: Path) -> None:
    async def walk(world: World) -> None:
        mine, _ = await start(world)
        async with world.store.read() as tx:
            with pytest.raises(NotFound):
                await world.registrations.at(tx, mine.id, "another")
            with pytest.raises(NotFound):
                await world.registrations.current(tx, "another")

    run(tmp_path, walk)


def test_a_wrong_code_does_not_move_it(tmp_path: Path) -> None:
    async def walk(world: World) -> None:
        found, code = await start(world)
        with pytest.raises(CodeWrong):
            await step(world, found, code[:-1] + str((int(code[-1]) + 1) % 10))
        await step(world, found, code)

    run(tmp_path, walk)


def test_a_new_picture_may_be_taken_in_details(tmp_path: Path) -> None:
    async def walk(world: World) -> None:
        found = await reach(world, State.DETAILS)
        other = {**DOCUMENT, "number": "987654321"}
        async with world.store.begin() as tx:
            moved = await world.registrations.document_read(tx, found, other)
        assert moved.state is State.DETAILS
        assert moved.told.document["number"] == "987654321"

    run(tmp_path, walk)


def test_the_register_may_disagree_five_times(tmp_path: Path) -> None:
    async def walk(world: World) -> None:
        found = await reach(world, State.REGISTER)
        evidence = world.registrations.evidence
        async with world.store.begin() as tx:
            await evidence.keep(
                tx, found.id, EvidenceKind.PORTRAIT, judged=b"card",
                engine=Engine("reader", "1"), facts={}, picture=b"portrait",
            )  # fmt: skip
        states = []
        for _ in range(5):
            async with world.store.begin() as tx:
                found = await world.registrations.register_disagreed(
                    tx, found, ("surname_khmer",)
                )
            states.append(found.state)
            assert found.told.incorrect_fields == ("surname_khmer",)
            if found.state is State.DETAILS:
                found = await step(world, found)
        assert states == [State.DETAILS] * 4 + [State.STOPPED]
        async with world.store.read() as tx:
            with pytest.raises(EvidenceInsufficient):
                await evidence.picture(tx, found.id, EvidenceKind.PORTRAIT)

    run(tmp_path, walk)


def test_five_faces_are_looked_at_and_no_more(tmp_path: Path) -> None:
    async def walk(world: World) -> None:
        found = await reach(world, State.FACE)
        service = world.registrations
        for left in (4, 3, 2, 1, 0):
            async with world.store.begin() as tx:
                found = await service.spend_face_try(tx, found)
                found = await service.face_refused(tx, found)
            assert found.face_left == left
        assert found.state is State.STOPPED
        async with world.store.begin() as tx:
            with pytest.raises(WrongStep):
                await service.spend_face_try(tx, found)

    run(tmp_path, walk)


def test_a_document_has_one_account_and_only_its_holder_is_told(
    tmp_path: Path,
) -> None:
    async def walk(world: World) -> None:
        await reach(world, State.DONE)
        found = await reach(world, State.FACE, "another")
        with pytest.raises(AlreadyRegistered):
            await step(world, found)
        async with world.store.read() as tx:
            stopped = await world.registrations.current(tx, "another")
        assert stopped.state is State.STOPPED
        assert await count(world, "account") == 1

    run(tmp_path, walk)


def test_two_registrations_of_one_document_open_one_account(tmp_path: Path) -> None:
    async def walk(world: World) -> None:
        first = await reach(world, State.DEVICE)
        second = await reach(world, State.DEVICE, "another")
        results = await asyncio.gather(
            step(world, first), step(world, second), return_exceptions=True
        )
        assert sum(isinstance(r, AlreadyRegistered) for r in results) == 1
        assert await count(world, "account") == await count(world, "device") == 1
        async with world.store.read() as tx:
            states = await tx.all("SELECT state FROM registration ORDER BY state")
        assert [row[0] for row in states] == ["done", "stopped"]

    run(tmp_path, walk)


def test_a_device_with_an_account_cannot_register_again(tmp_path: Path) -> None:
    async def walk(world: World) -> None:
        await reach(world, State.DONE)
        with pytest.raises(AlreadyRegistered):
            await start(world)

    run(tmp_path, walk)


def test_the_portrait_is_wiped_when_the_face_has_matched(tmp_path: Path) -> None:
    async def walk(world: World) -> None:
        found = await reach(world, State.FACE)
        evidence = world.registrations.evidence
        async with world.store.begin() as tx:
            await evidence.keep(
                tx, found.id, EvidenceKind.PORTRAIT, judged=b"card",
                engine=Engine("reader", "1"), facts={}, picture=b"portrait",
            )  # fmt: skip
        await step(world, found)
        async with world.store.read() as tx:
            with pytest.raises(EvidenceInsufficient):
                await evidence.picture(tx, found.id, EvidenceKind.PORTRAIT)

    run(tmp_path, walk)


def test_cancelling_forgets_everything(tmp_path: Path) -> None:
    async def walk(world: World) -> None:
        found = await reach(world, State.REGISTER)
        async with world.store.begin() as tx:
            await world.registrations.cancel(tx, found)
        for table in ("registration", "one_time_code", "register_question", "evidence"):
            assert await count(world, table) == 0

    run(tmp_path, walk)


def test_an_old_registration_is_gone_and_then_swept(tmp_path: Path) -> None:
    async def walk(world: World) -> None:
        await reach(world, State.REGISTER)
        world.clock.pass_time(days=7)
        async with world.store.begin() as tx:
            with pytest.raises(NotFound):
                await world.registrations.current(tx, DEVICE)
            assert await world.registrations.sweep(tx) == 1
        assert await count(world, "register_question") == 0
        await start(world)

    run(tmp_path, walk)


def test_nothing_personal_stands_in_the_file(tmp_path: Path) -> None:
    async def walk(world: World) -> None:
        await reach(world, State.DEVICE)

    run(tmp_path, walk)
    everything = b"".join(p.read_bytes() for p in tmp_path.iterdir())
    for personal in (PHONE, PHONE[4:], *DETAILS.values()):
        if len(personal) > 1:
            assert personal.encode() not in everything


def test_an_exhausted_network_cannot_spend_what_belongs_to_a_number(
    tmp_path: Path,
) -> None:
    async def walk(world: World) -> None:
        limits = world.registrations.limits
        for n in range(limits.codes_per_prefix_an_hour):
            await starts(world, f"thief{n}", f"+8551234{n:04d}", "203.0.113.0/24")
        for n in range(limits.codes_per_number_an_hour + 1):
            with pytest.raises(Exhausted):
                await starts(world, f"again{n}", "+85512999999", "203.0.113.0/24")
        await starts(world, "victim", "+85512999999", "198.51.100.0/24")

    run(tmp_path, walk)


async def starts(world: World, device: str, phone: str, network: str) -> None:
    async with world.store.begin() as tx:
        await world.registrations.start(
            tx, device_id=device, phone=phone, locale="km", network=network
        )
