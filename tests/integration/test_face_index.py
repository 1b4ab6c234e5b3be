"""Faces that are kept: sealed at rest, found by the index, forgotten when told."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest

from idp.domain.face_enrolments import FaceEnrolments
from mobile_api import face_index
from mobile_api.face_index import FaceIndex, alike
from tests.world import World, open_world

ENGINE = "sface"


@pytest.fixture
async def world(store_url: str) -> AsyncIterator[World]:
    async with open_world(store_url) as opened:
        yield opened


def vectors(count: int, seed: int = 7) -> np.ndarray:
    made = np.random.default_rng(seed).normal(size=(count, 128))
    return (made / np.linalg.norm(made, axis=1, keepdims=True)).astype("<f4")


def near(vector: np.ndarray, *, seed: int, away: float = 0.5) -> np.ndarray:
    """Return a vector like this one: the same person on another day."""
    moved = vector + away * vectors(1, seed)[0]
    return (moved / np.linalg.norm(moved)).astype("<f4")


async def keep(world: World, account_id: str, vector: np.ndarray) -> None:
    async with world.services.store.begin() as tx:
        await world.services.face_enrolments.keep(
            tx, account_id, engine=ENGINE, embedding=vector.tobytes()
        )


async def found(
    world: World, index: FaceIndex, vector: np.ndarray, least: float = 0.6
) -> list[str]:
    hits = await index.search(world.services, vector.tobytes(), least=least)
    return [hit.account_id for hit in hits]


@pytest.mark.anyio
async def test_a_face_that_has_an_account_is_found_among_many(world: World) -> None:
    many = vectors(3000)
    async with world.services.store.begin() as tx:
        for number, vector in enumerate(many):
            await world.services.face_enrolments.keep(
                tx, f"account-{number}", engine=ENGINE, embedding=vector.tobytes()
            )
    index = FaceIndex()
    for number in range(0, 3000, 150):
        seen = near(many[number], seed=number + 10_000)
        assert await found(world, index, seen) == [f"account-{number}"]
    assert await found(world, index, vectors(1, seed=99)[0]) == []


@pytest.mark.anyio
async def test_the_index_follows_what_other_processes_keep_and_forget(
    world: World,
) -> None:
    index, (one, other) = FaceIndex(), vectors(2)
    assert await found(world, index, one) == []
    await keep(world, "a", one)
    assert await found(world, index, one) == ["a"]
    await keep(world, "b", other)
    assert await found(world, index, other) == ["b"]
    async with world.services.store.begin() as tx:
        await world.services.face_enrolments.forget(tx, "a")
    world.clock.pass_time(1)
    assert await found(world, index, one) == []


@pytest.mark.anyio
async def test_a_new_face_takes_the_place_of_the_accounts_old_one(
    world: World,
) -> None:
    index, (one, other) = FaceIndex(), vectors(2)
    await keep(world, "a", one)
    await found(world, index, one)
    await keep(world, "a", other)
    assert await found(world, index, one) == []
    assert await found(world, index, other) == ["a"]


@pytest.mark.anyio
async def test_vectors_full_of_forgotten_faces_are_made_anew(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(face_index, "LEAST_GONE", 5)
    index, many = FaceIndex(), vectors(40)
    for number, vector in enumerate(many):
        await keep(world, f"account-{number}", vector)
    await found(world, index, many[0])
    async with world.services.store.begin() as tx:
        for number in range(30):
            await world.services.face_enrolments.forget(tx, f"account-{number}")
    assert await found(world, index, many[0]) == []
    assert await found(world, index, many[35]) == ["account-35"]
    assert index.size == 10


@pytest.mark.anyio
async def test_many_forgotten_faces_of_one_person_hide_no_living_one(
    world: World,
) -> None:
    index, (one,) = FaceIndex(), vectors(1)
    for number in range(40):
        await keep(world, "a", near(one, seed=number, away=0.01))
        await found(world, index, one)
    await keep(world, "a", near(one, seed=50, away=0.3))
    assert await found(world, index, one) == ["a"]


@pytest.mark.anyio
async def test_engines_are_never_compared_with_each_other(world: World) -> None:
    (one,) = vectors(1)
    async with world.services.store.begin() as tx:
        await world.services.face_enrolments.keep(
            tx, "a", engine="another", embedding=one.tobytes()
        )
    assert await found(world, FaceIndex(), one) == []


def test_no_number_of_a_face_lies_open_in_the_database(sqlite_url: str) -> None:
    (one,) = vectors(1)
    asyncio.run(_keep_and_read(sqlite_url, one))
    raw = Path(sqlite_url.removeprefix("sqlite:///")).read_bytes()
    assert one.tobytes()[:16] not in raw


async def _keep_and_read(sqlite_url: str, one: np.ndarray) -> None:
    async with open_world(sqlite_url) as world:
        await keep(world, "a", one)
        async with world.services.store.read() as tx:
            kept = await FaceEnrolments(world.clock, world.services.sealer).of_account(
                tx, "a"
            )
        assert kept[0].embedding == one.tobytes()


def test_alike_is_the_cosine_and_never_negative() -> None:
    (one,) = vectors(1)
    assert abs(alike(one.tobytes(), one.tobytes()) - 1) < 1e-6
    assert alike(one.tobytes(), (-one).tobytes()) == 0.0


@pytest.mark.anyio
async def test_the_index_goes_with_the_engine_that_is_used(world: World) -> None:
    """An operator names another engine: nobody has a second account for that."""
    index, (one,) = FaceIndex(engine="the one before"), vectors(1)
    await keep(world, "account", one)
    hits = await index.search(world.services, one.tobytes(), least=0.6, engine=ENGINE)
    assert [hit.account_id for hit in hits] == ["account"]
