import asyncio
from collections.abc import Awaitable, Callable
from hashlib import sha256
from pathlib import Path

import pytest

from idp.domain.evidence import Engine, EvidenceBox, EvidenceKind
from idp.errors import EvidenceInsufficient
from tests.unit.idp.domain.registration_world import World, open_world

ENGINE = Engine("reader", "1.0", "ab" * 32)
PICTURE = b"\xff\xd8 the picture of a card"
Walk = Callable[[World, EvidenceBox], Awaitable[None]]


def run(path: Path, walk: Walk) -> None:
    async def whole() -> None:
        world = open_world(path / "db")
        await walk(world, world.registrations.evidence)
        await world.store.close()

    asyncio.run(whole())


async def keep(world: World, box: EvidenceBox, picture: bytes = PICTURE) -> None:
    async with world.store.begin() as tx:
        await box.keep(
            tx, "r1", EvidenceKind.PORTRAIT, judged=PICTURE, engine=ENGINE,
            facts={"score": 0.98, "name": "SOK SREYPOV"}, picture=picture,
        )  # fmt: skip


def test_a_picture_is_there_until_the_decision_and_the_record_stays(
    tmp_path: Path,
) -> None:
    async def walk(world: World, box: EvidenceBox) -> None:
        await keep(world, box)
        async with world.store.begin() as tx:
            assert await box.picture(tx, "r1", EvidenceKind.PORTRAIT) == PICTURE
            await box.wipe(tx, "r1")
            with pytest.raises(EvidenceInsufficient):
                await box.picture(tx, "r1", EvidenceKind.PORTRAIT)
            (record,) = await box.of_registration(tx, "r1")
        assert record.digest == sha256(PICTURE).digest()
        assert record.engine == "reader 1.0"
        assert record.facts == {"score": 0.98, "name": "SOK SREYPOV"}
        assert not record.has_picture

    run(tmp_path, walk)


def test_pictures_are_wiped_a_day_later_whatever_happened(tmp_path: Path) -> None:
    async def walk(world: World, box: EvidenceBox) -> None:
        await keep(world, box)
        world.clock.pass_time(hours=23)
        async with world.store.begin() as tx:
            assert await box.sweep(tx) == 0
        world.clock.pass_time(hours=1)
        async with world.store.begin() as tx:
            assert await box.sweep(tx) == 1
            with pytest.raises(EvidenceInsufficient):
                await box.picture(tx, "r1", EvidenceKind.PORTRAIT)

    run(tmp_path, walk)


def test_a_new_picture_takes_the_place_of_the_old(tmp_path: Path) -> None:
    async def walk(world: World, box: EvidenceBox) -> None:
        await keep(world, box)
        await keep(world, box, b"a sharper one")
        async with world.store.begin() as tx:
            found = await box.picture(tx, "r1", EvidenceKind.PORTRAIT)
            records = await box.of_registration(tx, "r1")
        assert found == b"a sharper one"
        assert sum(record.has_picture for record in records) == 1

    run(tmp_path, walk)


def test_evidence_without_an_account_can_be_forgotten(tmp_path: Path) -> None:
    async def walk(world: World, box: EvidenceBox) -> None:
        await keep(world, box)
        async with world.store.begin() as tx:
            await box.attach(tx, "r1", account_id="a1")
            await box.forget(tx, "r1")
            assert len(await box.of_registration(tx, "r1")) == 1
        async with world.store.begin() as tx:
            await tx.run("UPDATE evidence SET account_id = NULL")
            await box.forget(tx, "r1")
            assert await box.of_registration(tx, "r1") == []

    run(tmp_path, walk)


def test_neither_picture_nor_name_stands_in_the_file(tmp_path: Path) -> None:
    run(tmp_path, keep)
    everything = b"".join(p.read_bytes() for p in tmp_path.iterdir())
    assert b"SREYPOV" not in everything
    assert PICTURE not in everything
