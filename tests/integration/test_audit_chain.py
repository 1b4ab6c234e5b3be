"""Whoever alters, removes or adds a row of the record is found out."""

from collections.abc import AsyncIterator

import pytest

from idp.domain.audit import EventTag
from idp.domain.audit_chain import Report
from tests.world import World, open_world

pytestmark = pytest.mark.anyio


@pytest.fixture
async def world(store_url: str) -> AsyncIterator[World]:
    async with open_world(store_url) as opened:
        for n in range(5):
            async with opened.services.store.begin() as tx:
                await opened.services.audit.record(
                    tx, EventTag.LOGIN_APPROVED, account=f"a{n}", detail={"n": n}
                )
        yield opened


async def change(world: World, statement: str) -> Report:
    async with world.services.store.begin() as tx:
        assert await tx.run(statement) >= 1
    return await world.services.audit_chain.verify()


async def test_an_untouched_record_is_whole_and_its_tail_is_counted(
    world: World,
) -> None:
    chain = world.services.audit_chain
    assert await chain.verify() == Report(0, 0, 5, None)
    assert await chain.seal() == 5
    assert await chain.seal() == 0
    assert await chain.verify() == Report(5, 5, 0, None)


@pytest.mark.parametrize(
    ("statement", "word"),
    [
        ("UPDATE audit_event SET account_id = 'x' WHERE account_id = 'a2'", "altered"),
        ("UPDATE audit_event SET detail = '{}' WHERE account_id = 'a2'", "altered"),
        ("UPDATE audit_event SET at = at + 1 WHERE account_id = 'a2'", "altered"),
        ("DELETE FROM audit_event WHERE account_id = 'a2'", "gone"),
        ("DELETE FROM audit_link WHERE position = 3", "missing"),
        (("UPDATE audit_link SET link = digest FROM audit_event e"
         " WHERE e.id = event_id AND position = 3"), "altered"),
        ("UPDATE audit_seal SET signature = 'x'", "seal"),
    ],
)  # fmt: skip
async def test_the_first_bad_row_is_named(
    world: World, statement: str, word: str
) -> None:
    await world.services.audit_chain.seal()
    report = await change(world, statement)
    assert report.first_bad is not None
    assert word in report.first_bad


async def test_a_forged_row_with_a_right_digest_breaks_the_seal(world: World) -> None:
    chain = world.services.audit_chain
    await chain.seal()
    async with world.services.store.begin() as tx:
        await world.services.audit.record(tx, EventTag.LOGIN_APPROVED, account="evil")
        row = await tx.one(
            "SELECT id, digest FROM audit_event WHERE account_id = 'evil'"
        )
        assert row is not None
        await tx.run("DELETE FROM audit_event WHERE account_id = 'a4'")
        await tx.run("UPDATE audit_link SET event_id = $1 WHERE position = 5", row[0])
    report = await chain.verify()
    assert report.first_bad is not None


async def test_two_nodes_that_seal_at_once_make_one_chain(world: World) -> None:
    import asyncio  # noqa: PLC0415

    chain = world.services.audit_chain
    linked = await asyncio.gather(*(chain.seal() for _ in range(4)))
    assert sum(linked) == 5
    assert await chain.verify() == Report(5, 5, 0, None)


async def test_a_seal_is_verified_long_after_its_key_was_retired(world: World) -> None:
    chain, keys = world.services.audit_chain, world.services.keys
    await chain.seal()
    for _ in range(3):
        world.clock.pass_time(31 * 86_400)
        async with world.services.store.begin() as tx:
            await keys.rotate(tx)
    world.clock.pass_time(10)
    await chain.seal()
    assert (await chain.verify()).first_bad is None
    published = [k for k in (await keys.jwks())["keys"] if k["alg"] == "ES256"]
    assert len(published) == 3
    async with world.services.store.read() as tx:
        wiped = await tx.all(
            "SELECT private_sealed FROM signing_key"
            " WHERE state = 'archived' AND alg = 'ES256'"
        )
    assert [bytes(sealed) for (sealed,) in wiped] == [b"", b""]
