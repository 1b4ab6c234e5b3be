"""Signing keys: published before they sign, and as long as anything they signed."""

from collections import Counter
from collections.abc import AsyncIterator

import orjson
import pytest

from idp.domain.signing_algorithms import ALGORITHMS
from idp.errors import Malformed
from idp.interfaces import KeySigner
from idp.storage.columns import b64decode, b64encode
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
    world.clock.pass_time(2)


async def kids(world: World, alg: str = "ES256") -> list[str]:
    found = await world.services.keys.jwks()
    return [key["kid"] for key in found["keys"] if key["alg"] == alg]


async def test_every_algorithm_has_one_current_and_one_next_key(world: World) -> None:
    found = (await world.services.keys.jwks())["keys"]
    assert Counter(key["alg"] for key in found) == dict.fromkeys(ALGORITHMS, 2)
    assert len({key["kid"] for key in found}) == 8
    assert not any({"d", "p", "q"} & set(key) for key in found)


async def test_the_next_key_is_published_before_it_signs(world: World) -> None:
    before = await kids(world)
    await rotate(world)
    token = await world.services.keys.sign({"a": 1}, typ="JWT")
    assert len(before) == 2
    assert (await kids(world))[:2] == before
    assert header_of(token)["kid"] in before
    assert await world.services.keys.verify(token, typ="JWT") == {"a": 1}


def header_of(token: str) -> dict[str, str]:
    header: dict[str, str] = orjson.loads(b64decode(token.split(".", maxsplit=1)[0]))
    return header


async def test_what_a_retired_key_signed_is_still_verified(world: World) -> None:
    keys = world.services.keys
    token = await keys.sign({"a": 1}, typ="JWT")
    await rotate(world)
    await rotate(world)
    assert await keys.verify(token, typ="JWT") == {"a": 1}
    world.clock.pass_time(32 * DAY)
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
    assert len(rows) == 8
    for (sealed,) in rows:
        assert isinstance(sealed, bytes)
        for name in (
            b"\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07",  # prime256v1
            b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01",  # rsaEncryption
            b"\x06\x03\x2b\x65\x70",  # Ed25519
        ):
            assert name not in sealed


@pytest.mark.parametrize("alg", ALGORITHMS)
async def test_each_algorithm_signs_and_is_taken_only_where_it_is_asked_for(
    world: World, alg: str
) -> None:
    keys = world.services.keys
    token = await keys.sign({"a": 1}, typ="JWT", alg=alg)
    assert header_of(token)["alg"] == alg
    assert await keys.verify(token, typ="JWT", algs=ALGORITHMS) == {"a": 1}
    assert await keys.verify(token, typ="JWT", algs=[alg]) == {"a": 1}
    others = [other for other in ALGORITHMS if other != alg]
    with pytest.raises(Malformed):
        await keys.verify(token, typ="JWT", algs=others)
    if alg != "ES256":
        with pytest.raises(Malformed):
            await keys.verify(token, typ="JWT")


async def signer_of(world: World, kid: str) -> KeySigner:
    async with world.services.store.read() as tx:
        row = await tx.one(
            "SELECT alg, custody, private_sealed FROM signing_key WHERE kid = $1", kid
        )
    assert row is not None
    alg, custody, handle = row
    assert isinstance(handle, bytes)
    keeper = world.services.keys.changes.custody(str(custody))
    return await keeper.open(alg=str(alg), kid=kid, handle=handle)


@pytest.mark.parametrize(("alg", "claimed"), [
    ("RS256", "PS256"), ("PS256", "RS256"), ("RS256", "ES256"), ("ES256", "EdDSA"),
    ("ES256", "none"), ("RS256", "HS256"), ("EdDSA", "ES256"),
])  # fmt: skip
async def test_a_header_cannot_lend_a_key_another_algorithm(
    world: World, alg: str, claimed: str
) -> None:
    keys = world.services.keys
    token = await keys.sign({"a": 1}, typ="JWT", alg=alg)
    header = header_of(token)
    _, body, _ = token.split(".")
    head = b64encode(orjson.dumps({**header, "alg": claimed}))
    message = f"{head}.{body}".encode()
    # Truly signed by the key's own algorithm: only the header lies.
    signer = await signer_of(world, header["kid"])
    forged = f"{head}.{body}.{b64encode(await signer.sign(message))}"
    with pytest.raises(Malformed):
        await keys.verify(forged, typ="JWT", algs=[*ALGORITHMS, claimed])


async def test_a_kid_of_nobody_is_refused_and_asks_the_database_at_most_once(
    world: World,
) -> None:
    keys = world.services.keys
    token = await keys.sign({"a": 1}, typ="JWT")
    header = {**header_of(token), "kid": "nobody"}
    forged = ".".join([b64encode(orjson.dumps(header)), *token.split(".")[1:]])
    counters = world.services.store.counters
    before = counters.statements
    for _ in range(20):
        with pytest.raises(Malformed):
            await keys.verify(forged, typ="JWT")
    assert counters.statements - before <= 2


async def test_a_node_reads_the_keys_with_one_statement_a_second(world: World) -> None:
    keys, counters = world.services.keys, world.services.store.counters
    await keys.sign({"a": 1}, typ="JWT")
    world.clock.pass_time(1)
    before = counters.statements
    for _ in range(50):
        token = await keys.sign({"a": 1}, typ="JWT")
        await keys.verify(token, typ="JWT")
        await keys.jwks()
        await keys.tend()
    assert counters.statements - before <= 2  # two, should the second turn meanwhile


async def test_the_published_set_keeps_its_order(world: World) -> None:
    first = await world.services.keys.jwks()
    world.clock.pass_time(5)
    assert orjson.dumps(await world.services.keys.jwks()) == orjson.dumps(first)
    await rotate(world)
    after = await world.services.keys.jwks()
    assert after["keys"][:8] == first["keys"]
