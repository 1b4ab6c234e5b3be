"""A thousand registrations of one document at once: one account, on either database."""

import asyncio
from collections import Counter

from idp.domain.registration_decisions import Judged
from idp.domain.registration_rows import Registration, State, Told
from idp.errors import IdentityError
from idp.storage.columns import to_millis
from idp.storage.database import migrate
from tests.unit.idp.domain.registration_world import (
    DETAILS,
    DOCUMENT,
    JWK,
    PHONE,
    World,
    open_world_at,
)
from tests.unit.idp.domain.test_registrations import count

MANY = 1000
JUDGED = {"level": "substantial", "reviewed": "", "reasons": [], "policy": "test"}


async def prepare(world: World, *, at: State) -> list[Registration]:
    """Write registrations of one document as they stand before the step."""
    told = Told(PHONE, "km", document=DOCUMENT, details=DETAILS, judged=JUDGED)
    ends = to_millis(world.clock.now()) + 3_600_000
    made = [
        Registration(f"r{n}", f"device{n}", at, 0, 5, ends, told) for n in range(MANY)
    ]
    async with world.store.begin() as tx:
        for registration in made:
            await world.registrations.rows.insert(tx, registration)
    return made


async def finish(world: World, found: Registration) -> str:
    try:
        async with world.store.begin() as tx:
            keys = {"public_key": {**JWK, "x": found.id}, "pin_key": JWK}
            await world.registrations.finish(tx, found, name="phone", **keys)
    except IdentityError as refusal:
        return refusal.code
    return "done"


async def judge(world: World, found: Registration) -> str:
    judged = Judged(level="substantial", policy="test", policy_hash="0")
    try:
        async with world.store.begin() as tx:
            moved = await world.registrations.accepted(tx, found, judged)
    except IdentityError as refusal:
        return refusal.code
    return await finish(world, moved)


def test_a_thousand_registrations_of_one_document_open_one_account(
    store_url: str,
) -> None:
    async def walk() -> None:
        migrate(store_url)
        one = await open_world_at(store_url)
        other = await open_world_at(store_url, one.clock)
        nodes = (one, other)
        waiting = await prepare(one, at=State.DEVICE)
        outcomes = await asyncio.gather(
            *(finish(nodes[n % 2], found) for n, found in enumerate(waiting))
        )
        assert Counter(outcomes) == {"done": 1, "already-registered": MANY - 1}
        for table in ("account", "document", "device"):
            assert await count(one, table) == 1
        async with one.store.read() as tx:
            states = await tx.all("SELECT state FROM registration")
        assert Counter(state for (state,) in states) == {
            "done": 1,
            "stopped": MANY - 1,
        }
        await one.store.close()
        await other.store.close()

    asyncio.run(walk())


def test_whoever_comes_from_the_face_later_is_told_to_recover(store_url: str) -> None:
    async def walk() -> None:
        migrate(store_url)
        world = await open_world_at(store_url)
        first, *rest = (await prepare(world, at=State.FACE))[:20]
        assert await judge(world, first) == "done"
        outcomes = await asyncio.gather(*(judge(world, found) for found in rest))
        assert set(outcomes) == {"already-registered"}
        assert await count(world, "account") == 1
        await world.store.close()

    asyncio.run(walk())
