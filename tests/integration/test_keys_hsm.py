"""Signing keys in a PKCS#11 token (SoftHSM): used there, never out of it."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pkcs11
import pytest
from pkcs11 import Attribute, ObjectClass

from idp.domain.signing_algorithms import ALGORITHMS
from idp.engines import EngineUnusable, load_key_custody
from idp.engines.custody_pkcs11 import Pkcs11Custody
from idp.errors import Malformed, Unavailable
from idp.services import Services, open_services
from idp.storage.database import migrate
from tests.hsm import MODULE, HsmToken, softhsm_token
from tests.world import MovingClock, settings_for

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def token(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HsmToken]:
    with softhsm_token(tmp_path_factory.mktemp("hsm")) as made:
        yield made


@pytest.fixture
def hsm(token: HsmToken, tmp_path: Path) -> dict[str, Any]:
    return {
        **token.settings(),
        "master_key_file": tmp_path / "master.key",
    }


@pytest.fixture
async def services(sqlite_url: str, hsm: dict[str, Any]) -> AsyncIterator[Services]:
    migrate(sqlite_url)
    settings = settings_for(sqlite_url, **hsm)
    async with open_services(settings, clock=MovingClock()) as opened:
        yield opened


def custody_of(services: Services) -> Pkcs11Custody:
    found = services.keys.changes.custody("pkcs11")
    assert isinstance(found, Pkcs11Custody)
    return found


async def handles(services: Services, where: str = "1 = 1") -> list[bytes]:
    async with services.store.read() as tx:
        rows = await tx.all(f"SELECT private_sealed FROM signing_key WHERE {where}")
    return [bytes(row[0]) for row in rows]


async def private_keys(services: Services) -> dict[bytes, dict[Attribute, Any]]:
    """Return what the token says of every private key in it."""
    asked = (Attribute.SENSITIVE, Attribute.EXTRACTABLE, Attribute.NEVER_EXTRACTABLE)

    def look(session: Any) -> dict[bytes, dict[Attribute, Any]]:
        found = session.get_objects({Attribute.CLASS: ObjectClass.PRIVATE_KEY})
        return {
            bytes(key[Attribute.ID]): {name: key[name] for name in asked}
            for key in found
        }

    return await custody_of(services).call(look)


@pytest.mark.parametrize("alg", ALGORITHMS)
async def test_a_key_in_the_token_signs_what_everybody_verifies(
    services: Services, alg: str
) -> None:
    signed = await services.keys.sign({"a": 1}, typ="JWT", alg=alg)
    assert await services.keys.verify(signed, typ="JWT", algs=[alg]) == {"a": 1}
    head, _, _ = signed.split(".")
    with pytest.raises(Malformed):
        await services.keys.verify(f"{head}.e30.{signed.split('.')[2]}", typ="JWT")


async def test_a_private_key_can_never_leave_the_token(services: Services) -> None:
    ours = set(await handles(services))
    known = {k: v for k, v in (await private_keys(services)).items() if k in ours}
    assert len(known) == 8
    assert all(len(handle) == 16 for handle in ours)
    for said in known.values():
        assert said[Attribute.SENSITIVE]
        assert said[Attribute.NEVER_EXTRACTABLE]
        assert not said[Attribute.EXTRACTABLE]

    def steal(session: Any) -> bytes:
        key = session.get_key(ObjectClass.PRIVATE_KEY, id=next(iter(known)))
        return bytes(key[Attribute.VALUE])

    with pytest.raises(Unavailable) as refused:
        await custody_of(services).call(steal)
    assert isinstance(refused.value.__cause__, pkcs11.AttributeSensitive)


async def test_a_revoked_key_is_destroyed_in_the_token(services: Services) -> None:
    keys = services.keys
    token = await keys.sign({"a": 1}, typ="JWT")
    async with services.store.read() as tx:
        (kid,) = [
            row.kid
            for row in await keys.states(tx)
            if (row.alg, row.state) == ("ES256", "current")
        ]
    (handle,) = await handles(services, f"kid = '{kid}'")
    assert handle in await private_keys(services)
    async with services.store.begin() as tx:
        await keys.changes.revoke(tx, kid)
    await keys.changes.destroy_private_halves()
    assert handle not in await private_keys(services)
    assert await handles(services, f"kid = '{kid}'") == [b""]
    assert isinstance(services.clock, MovingClock)
    services.clock.pass_time(2)
    with pytest.raises(Malformed):
        await keys.verify(token, typ="JWT")
    fresh = await keys.sign({"b": 2}, typ="JWT")
    assert await keys.verify(fresh, typ="JWT") == {"b": 2}


async def test_a_month_in_the_token_leaves_nothing_behind(services: Services) -> None:
    assert isinstance(services.clock, MovingClock)
    for _ in range(4):
        services.clock.pass_time(31 * 86_400)
        assert await services.keys.tend()
    live = set(await handles(services, "state IN ('next', 'current', 'retired')"))
    gone = await handles(services, "state = 'archived'")
    assert set(gone) == {b""}
    assert live <= set(await private_keys(services))


async def test_the_loser_of_a_race_destroys_what_it_made(services: Services) -> None:
    assert isinstance(services.clock, MovingClock)
    services.clock.pass_time(31 * 86_400)
    await services.keys.sign({}, typ="JWT")
    steps = services.keys.changes.schedule.due(
        await states(services), now=int(services.clock.now().timestamp() * 1000)
    )
    before = set(await private_keys(services))
    assert await services.keys.changes.follow(steps)
    after = set(await private_keys(services))
    assert len(after - before) == 4
    assert not await services.keys.changes.follow(steps)
    assert set(await private_keys(services)) == after


async def states(services: Services) -> Any:
    async with services.store.read() as tx:
        return await services.keys.states(tx)


async def test_old_sealed_keys_serve_until_they_retire(
    sqlite_url: str, hsm: dict[str, Any]
) -> None:
    migrate(sqlite_url)
    clock = MovingClock()
    before = settings_for(sqlite_url, **{**hsm, "key_custody": "sealed"})
    async with open_services(before, clock=clock) as first:
        old = await first.keys.sign({"a": 1}, typ="JWT")
    async with open_services(settings_for(sqlite_url, **hsm), clock=clock) as second:
        assert await second.keys.verify(old, typ="JWT") == {"a": 1}
        await second.keys.sign({"a": 1}, typ="JWT")
        clock.pass_time(31 * 86_400)
        assert await second.keys.tend()
        assert {len(h) == 16 for h in await handles(second, "state = 'next'")} == {True}
        assert all(len(h) > 16 for h in await handles(second, "state = 'current'"))


async def test_a_slow_token_stalls_no_other_request(services: Services) -> None:
    custody, gate = custody_of(services), threading.Event()
    slow = asyncio.create_task(custody.call(lambda _: gate.wait(10)))
    await asyncio.sleep(0.05)
    started = time.monotonic()
    waiting = asyncio.create_task(services.keys.sign({"a": 1}, typ="JWT"))
    for _ in range(20):
        await services.keys.jwks()  # the loop goes on
    assert not waiting.done()
    assert not slow.done()
    assert time.monotonic() - started < 9
    gate.set()
    assert await waiting
    assert await slow


async def test_calls_that_wait_are_counted(services: Services) -> None:
    custody, gate = custody_of(services), threading.Event()
    calls = [asyncio.create_task(custody.call(lambda _: gate.wait(10)))]
    await asyncio.sleep(0)
    calls += [asyncio.create_task(custody.call(lambda _: True)) for _ in range(300)]
    await asyncio.sleep(0.05)
    refused = [call for call in calls if call.done() and call.exception()]
    assert len(refused) == len(calls) - 256
    assert all(isinstance(call.exception(), Unavailable) for call in refused)
    gate.set()
    await asyncio.gather(*calls, return_exceptions=True)


@pytest.mark.parametrize("wrong", [
    {"hsm_pin": "0000"}, {"hsm_token": "another"}, {"hsm_module": "/nowhere"},
    {"hsm_pin": ""},
])  # fmt: skip
def test_without_its_token_the_provider_does_not_start(
    sqlite_url: str, hsm: dict[str, Any], wrong: dict[str, str]
) -> None:
    with pytest.raises(EngineUnusable) as refused:
        load_key_custody(settings_for(sqlite_url, **{**hsm, **wrong}))
    assert hsm["hsm_pin"] not in str(refused.value)


def test_the_module_of_debian_is_the_one_that_is_documented() -> None:
    assert Path(MODULE).exists()
    assert MODULE in Path("docs/keys.md").read_text()
