"""A key that is lost: out of use everywhere at once, and its tokens with it."""

from collections.abc import AsyncIterator

import pytest

from idp.domain.key_schedule import Act, Step
from idp.domain.signing_algorithms import ALGORITHMS
from idp.errors import Malformed, NotFound
from tests.login import shown_login
from tests.world import ISSUER, World, open_world

pytestmark = pytest.mark.anyio
FRESH = 1.1  # seconds after which a node has read the keys again


@pytest.fixture
async def nodes(store_url: str) -> AsyncIterator[tuple[World, World]]:
    async with open_world(store_url) as first, open_world(store_url) as second:
        yield first, second


async def kid_of(world: World, state: str, alg: str = "ES256") -> str:
    async with world.services.store.read() as tx:
        rows = await world.services.keys.states(tx)
    (found,) = [row.kid for row in rows if (row.alg, row.state) == (alg, state)]
    return found


async def revoke(world: World, kid: str) -> None:
    async with world.services.store.begin() as tx:
        await world.services.keys.changes.revoke(tx, kid)


async def published(world: World) -> set[str]:
    answer = await world.browser().http.get(f"{ISSUER}/jwks")
    return {key["kid"] for key in answer.json()["keys"]}


async def test_tokens_of_a_revoked_key_are_refused_by_every_node_within_a_second(
    nodes: tuple[World, World],
) -> None:
    here, there = nodes
    phone = await here.phone()
    portal, browser, page = await shown_login(here)
    await phone.approve(await phone.scan(await browser.qr(page)))
    tokens = await portal.finish(await browser.finish(page))
    bearer = {"Authorization": f"Bearer {tokens.access_token}"}
    at_other = there.browser().http
    answer = await at_other.get(f"{ISSUER}/userinfo", headers=bearer)
    assert answer.status_code == 200
    lost = await kid_of(here, "current")
    following = await kid_of(here, "next")
    assert lost in await published(there)
    await revoke(here, lost)
    there.clock.pass_time(FRESH)
    here.clock.pass_time(FRESH)
    assert lost not in await published(there)
    assert lost not in await published(here)
    for node in nodes:
        answer = await node.browser().http.get(f"{ISSUER}/userinfo", headers=bearer)
        assert answer.status_code == 401
    await portal.refresh()
    assert portal.tokens is not None
    bearer = {"Authorization": f"Bearer {portal.tokens.access_token}"}
    answer = await at_other.get(f"{ISSUER}/userinfo", headers=bearer)
    assert answer.status_code == 200
    assert await kid_of(there, "current") == following


@pytest.mark.parametrize("alg", ALGORITHMS)
async def test_the_next_key_signs_and_another_is_published(
    nodes: tuple[World, World], alg: str
) -> None:
    here, there = nodes
    token = await there.services.keys.sign({"a": 1}, typ="JWT", alg=alg)
    lost, following = (
        await kid_of(here, "current", alg),
        await kid_of(here, "next", alg),
    )
    await revoke(here, lost)
    there.clock.pass_time(FRESH)
    keys = there.services.keys
    with pytest.raises(Malformed):
        await keys.verify(token, typ="JWT", algs=[alg])
    assert await kid_of(there, "current", alg) == following
    fresh = await keys.sign({"a": 1}, typ="JWT", alg=alg)
    assert await keys.verify(fresh, typ="JWT", algs=[alg]) == {"a": 1}
    assert await kid_of(there, "next", alg) in await published(there)


async def test_when_the_next_key_is_lost_too_a_new_one_is_made(
    nodes: tuple[World, World],
) -> None:
    here, there = nodes
    lost = {await kid_of(here, "next"), await kid_of(here, "current")}
    for kid in lost:
        await revoke(here, kid)
    there.clock.pass_time(FRESH)
    assert not lost & await published(there)
    assert {await kid_of(there, "current"), await kid_of(there, "next")}.isdisjoint(
        lost
    )
    token = await there.services.keys.sign({"a": 1}, typ="JWT")
    assert await there.services.keys.verify(token, typ="JWT") == {"a": 1}


async def test_a_new_key_is_known_at_a_node_that_read_the_keys_before(
    nodes: tuple[World, World],
) -> None:
    here, there = nodes
    await there.services.keys.jwks()
    for state in ("next", "current"):
        await revoke(here, await kid_of(here, state))
    here.clock.pass_time(FRESH)
    token = await here.services.keys.sign({"a": 1}, typ="JWT")
    there.clock.pass_time(0.2)
    assert await there.services.keys.verify(token, typ="JWT") == {"a": 1}


async def test_what_a_revoked_key_sealed_is_still_covered_by_the_next_seal(
    nodes: tuple[World, World],
) -> None:
    here, there = nodes
    await revoke(here, await kid_of(here, "next"))
    await here.services.audit_chain.seal()
    await revoke(here, await kid_of(here, "current"))
    there.clock.pass_time(FRESH)
    assert await there.services.audit_chain.seal() == 1
    report = await there.services.audit_chain.verify()
    assert (report.first_bad, report.unsealed_tail) == (None, 0)
    async with here.services.store.read() as tx:
        rows = await tx.all("SELECT detail FROM audit_event WHERE tag = 'keys:revoked'")
    assert len(rows) == 2


@pytest.mark.parametrize("act", [Act.RETIRE, Act.PROMOTE, Act.ARCHIVE])
async def test_a_step_that_was_due_before_does_not_bring_a_revoked_key_back(
    nodes: tuple[World, World], act: Act
) -> None:
    here, there = nodes
    lost = await kid_of(here, "next")
    await revoke(here, lost)
    changes = there.services.keys.changes
    assert not await changes.follow([Step(act, "ES256", lost)])
    async with here.services.store.read() as tx:
        rows = await tx.all("SELECT state FROM signing_key WHERE kid = $1", lost)
    assert rows == [("revoked",)]


async def test_a_key_is_revoked_once_and_an_unknown_one_never(
    nodes: tuple[World, World],
) -> None:
    here, there = nodes
    lost = await kid_of(here, "current")
    await revoke(here, lost)
    for kid in (lost, "nobody"):
        with pytest.raises(NotFound):
            await revoke(there, kid)
    async with here.services.store.read() as tx:
        rows = await tx.all("SELECT 1 FROM audit_event WHERE tag = 'keys:revoked'")
    assert len(rows) == 1
