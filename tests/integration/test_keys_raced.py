"""Nodes that rotate at the same moment: one of them does."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator

import pytest

from tests.world import World, open_world

pytestmark = pytest.mark.anyio
MONTH = 30 * 86_400


@pytest.fixture
async def nodes(store_url: str) -> AsyncIterator[tuple[World, World]]:
    async with open_world(store_url) as first, open_world(store_url) as second:
        yield first, second


async def states(world: World) -> Counter[tuple[str, str]]:
    async with world.services.store.read() as tx:
        rows = await world.services.keys.states(tx)
    return Counter((row.alg, row.state) for row in rows if row.alg == "ES256")


async def test_of_nodes_that_tend_the_keys_at_once_one_rotates(
    nodes: tuple[World, World],
) -> None:
    for month in range(1, 4):
        for node in nodes:
            node.clock.pass_time(MONTH)
            await node.services.keys.jwks()
        done = await asyncio.gather(*(node.services.keys.tend() for node in nodes * 3))
        assert sum(done) == 1
        found = await states(nodes[0])
        assert found["ES256", "current"] == 1
        assert found["ES256", "next"] == 1
        assert sum(found.values()) == 2 + month
    async with nodes[0].services.store.read() as tx:
        rows = await tx.all("SELECT 1 FROM audit_event WHERE tag = 'keys:rotated'")
    assert len(rows) == 3


async def test_commands_that_rotate_at_once_leave_one_key_of_each_kind(
    nodes: tuple[World, World],
) -> None:
    async def command(node: World) -> None:
        async with node.services.store.begin() as tx:
            await node.services.keys.rotate(tx)

    await asyncio.gather(*(command(node) for node in nodes))
    found = await states(nodes[0])
    assert found["ES256", "current"] == 1
    assert found["ES256", "next"] == 1


async def test_of_nodes_that_start_at_once_one_makes_the_keys(
    nodes: tuple[World, World],
) -> None:
    async with nodes[0].services.store.begin() as tx:
        await tx.run("DELETE FROM signing_key")

    async def start(node: World) -> None:
        async with node.services.store.begin() as tx:
            await node.services.keys.ensure(tx)

    await asyncio.gather(*(start(node) for node in nodes))
    assert await states(nodes[0]) == {
        ("ES256", "current"): 1,
        ("ES256", "next"): 1,
    }
