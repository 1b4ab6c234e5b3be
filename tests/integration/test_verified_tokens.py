"""A signature of ours is looked at once, and never trusted past its key or its typ."""

from collections.abc import AsyncIterator

import orjson
import pytest

from idp.domain import keys as domain_keys
from idp.errors import Malformed
from idp.storage.columns import b64decode
from tests.world import ISSUER, World, open_world

pytestmark = pytest.mark.anyio


@pytest.fixture
async def world(store_url: str) -> AsyncIterator[World]:
    async with open_world(store_url) as opened:
        yield opened


async def test_a_known_token_of_a_revoked_key_is_refused(world: World) -> None:
    keys = world.services.keys
    token = await keys.sign({"a": 1}, typ="JWT")
    assert await keys.verify(token, typ="JWT") == {"a": 1}
    assert await keys.verify(token, typ="JWT") == {"a": 1}
    # The key that signed, not the next one of its kind that is published as well.
    kid = orjson.loads(b64decode(token.partition(".")[0]))["kid"]
    async with world.services.store.begin() as tx:
        await keys.changes.revoke(tx, kid)
    world.clock.pass_time(2)
    with pytest.raises(Malformed):
        await keys.verify(token, typ="JWT")


async def test_a_known_token_is_still_refused_as_another_typ_or_alg(
    world: World,
) -> None:
    keys = world.services.keys
    token = await keys.sign({"a": 1}, typ="JWT")
    await keys.verify(token, typ="JWT")
    with pytest.raises(Malformed):
        await keys.verify(token, typ="at+jwt")
    with pytest.raises(Malformed):
        await keys.verify(token, typ="JWT", algs=["EdDSA"])


async def test_a_token_that_differs_in_one_character_is_not_the_known_one(
    world: World,
) -> None:
    keys = world.services.keys
    token = await keys.sign({"a": 1}, typ="JWT")
    await keys.verify(token, typ="JWT")
    head, payload, signature = token.split(".")
    other = "B" if signature[10] == "A" else "A"
    forged = f"{head}.{payload}.{signature[:10]}{other}{signature[11:]}"
    with pytest.raises(Malformed):
        await keys.verify(forged, typ="JWT")


async def test_text_that_no_encoding_writes_is_refused(world: World) -> None:
    with pytest.raises(Malformed):
        await world.services.keys.verify("a.\ud800.b", typ="JWT")


async def test_no_more_tokens_are_remembered_than_fit(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(domain_keys, "MOST_VERIFIED", 2)
    keys = world.services.keys
    tokens = [await keys.sign({"n": number}, typ="JWT") for number in range(5)]
    for number, token in enumerate([*tokens, *tokens]):
        assert await keys.verify(token, typ="JWT") == {"n": number % 5}
        assert len(keys._cache.verified) <= 2  # noqa: SLF001 - the bound itself


@pytest.mark.parametrize("path", ["/jwks", "/.well-known/openid-configuration"])
async def test_a_document_is_the_same_by_the_shortcut_and_by_its_route(
    world: World, path: str
) -> None:
    short = await world.browser().http.get(f"{ISSUER}{path}")
    routed = await world.browser().http.head(f"{ISSUER}{path}")
    assert short.status_code == routed.status_code == 200
    assert dict(short.headers) == dict(routed.headers)
    assert (await world.browser().http.delete(f"{ISSUER}{path}")).status_code == 405
    assert (await world.browser().http.get(f"{ISSUER}{path}/more")).status_code == 404
