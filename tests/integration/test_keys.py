"""Signing keys: published before they sign, and as long as anything they signed."""

from collections.abc import AsyncIterator

import pytest

from idp.errors import Malformed
from tests.world import World, open_world

pytestmark = pytest.mark.anyio
DAY = 86_400


@pytest.fixture
async def world(store_url: str) -> AsyncIterator[World]:
    async with open_world(store_url) as opened:
        yield opened


async def rotate(world: World) -> None:
    async with world.services.store.begin() as tx:
        await world.services.keys.rotate(tx)
    world.clock.pass_time(6)


async def kids(world: World) -> list[str]:
    found = await world.services.keys.jwks()
    return [key["kid"] for key in found["keys"]]


async def test_the_next_key_is_published_before_it_signs(world: World) -> None:
    before = await kids(world)
    await rotate(world)
    token = await world.services.keys.sign({"a": 1}, typ="JWT")
    assert len(before) == 2
    assert (await kids(world))[:2] == before
    assert await world.services.keys.verify(token, typ="JWT") == {"a": 1}


async def test_what_a_retired_key_signed_is_still_verified(world: World) -> None:
    keys = world.services.keys
    token = await keys.sign({"a": 1}, typ="JWT")
    await rotate(world)
    await rotate(world)
    assert await keys.verify(token, typ="JWT") == {"a": 1}
    world.clock.pass_time(31 * DAY)
    await rotate(world)
    with pytest.raises(Malformed):
        await keys.verify(token, typ="JWT")


async def test_a_token_of_another_type_or_altered_is_refused(world: World) -> None:
    keys = world.services.keys
    token = await keys.sign({"a": 1}, typ="at+jwt")
    head, body, signature = token.split(".")
    for bad in (
        token,
        f"{head}.{body}x.{signature}",
        f"{head}.{body}.{signature[:-4]}AAAA",
    ):
        with pytest.raises(Malformed):
            await keys.verify(bad, typ="JWT" if bad == token else "at+jwt")


async def test_private_keys_are_sealed_in_the_database(world: World) -> None:
    async with world.services.store.read() as tx:
        rows = await tx.all("SELECT private_sealed FROM signing_key")
    for (sealed,) in rows:
        assert isinstance(sealed, bytes)
        assert b"\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07" not in sealed  # prime256v1
