"""Cards with an exchanged portrait, and what is kept of every decision."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from idp.domain.evidence import EvidenceKind
from mobile_api.engines import Workers
from mobile_api.engines.development import development_picture
from mobile_api.policy import ProofingPolicy
from tests.unit.mobile_api.mobile_world import (
    DARA,
    MRZ,
    Phone,
    World,
    open_workers,
    open_world,
)
from tests.unit.mobile_api.test_registration_judged import (
    FOREIGN,
    Run,
    Walk,
    passport_lines,
)

EXCHANGED = development_picture(mrz=MRZ, faces=(DARA,))
CHILD = development_picture(mrz=passport_lines(birth="150101"), faces=("anna",))


@pytest.fixture(scope="module")
def workers() -> Iterator[Workers]:
    opened = open_workers()
    yield opened
    opened.close()


@pytest.fixture
def run(tmp_path: Path, workers: Workers) -> Run:
    def run_walk(walk: Walk) -> None:
        async def whole() -> None:
            async with open_world(tmp_path, workers) as world:
                await walk(world, world.phone())

        asyncio.run(whole())

    return run_walk


async def forge(phone: Phone) -> dict[str, Any]:
    """Show Sreypov's card with Dara's portrait, and be Dara."""
    await phone.start("096 111 2233")
    await phone.prove_phone()
    assert (await phone.show_card(EXCHANGED)).json()["state"] == "details"
    assert (await phone.confirm()).json()["state"] == "face"
    view: dict[str, Any] = (await phone.show_face(DARA)).json()
    return view


async def count(world: World) -> object:
    async with world.services.store.read() as tx:
        return await tx.one("SELECT COUNT(*) FROM account")


def test_an_exchanged_portrait_meets_the_registers_own_picture(run: Run) -> None:
    async def walk(world: World, phone: Phone) -> None:
        world.register.face_score = 0.2
        assert (await forge(phone))["state"] == "review"
        assert await count(world) == (0,)

    run(walk)


def test_an_exchanged_portrait_is_never_high_where_no_picture_is_compared(
    run: Run,
) -> None:
    """What remains possible, said in the threat model: nobody else knows the face."""

    async def walk(world: World, phone: Phone) -> None:
        world.register.face_score = None
        assert (await forge(phone))["level"] == "substantial"

    run(walk)


def test_an_exchanged_portrait_opens_no_second_account(run: Run) -> None:
    async def walk(world: World, phone: Phone) -> None:
        await phone.reach("done")
        view = await forge(world.phone())
        assert view["code"] == "already-registered"
        assert view["advice"] == ["recover"]
        assert await count(world) == (1,)

    run(walk)


async def decisions(world: World, registration_id: str) -> list[tuple[object, ...]]:
    async with world.services.store.read() as tx:
        records = await world.services.evidence.of_registration(tx, registration_id)
    policy = ProofingPolicy()
    kept = [one for one in records if one.kind == EvidenceKind.DECISION]
    assert {one.engine for one in kept} == {f"policy {policy.version}"}
    return [(one.facts["outcome"], one.facts["reasons"]) for one in kept]


def test_every_decision_on_a_face_is_kept_with_its_policy(run: Run) -> None:
    async def walk(world: World, phone: Phone) -> None:
        await phone.reach("face")
        await phone.show_face(DARA)
        await phone.show_face(flat=True)
        await phone.show_face()
        assert await decisions(world, phone.id) == [
            ("again", ["different-person"]),
            ("again", ["not-live"]),
            ("accepted", []),
        ]
        async with world.services.store.read() as tx:
            told = await tx.all(
                "SELECT detail FROM audit_event WHERE tag = 'registration:judged'"
            )
        found = ProofingPolicy().fingerprint
        assert [found in str(row[0]) for row in told] == [True] * 3

    run(walk)


def test_a_refusal_is_kept_with_its_policy(run: Run) -> None:
    async def walk(world: World, phone: Phone) -> None:
        await phone.start()
        await phone.prove_phone()
        await phone.show_card(CHILD)
        await phone.step("details", {**FOREIGN, "birth_date": "2015-01-01"})
        assert await decisions(world, phone.id) == [("refused", ["under-age"])]

    run(walk)
