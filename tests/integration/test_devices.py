"""Several devices of one account: named, stopped, lost and found, with another PIN."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from camdigikey.phone import Phone, Problem
from idp.domain.device_changes import Reason
from idp.domain.messages import Notice
from idp.storage.columns import to_millis
from sdk_web.errors import LoginError
from tests.device_actions import change_pin, device_action, revoke
from tests.world import World, open_world

pytestmark = pytest.mark.anyio


@pytest.fixture
async def world(store_url: str) -> AsyncIterator[World]:
    async with open_world(store_url) as opened:
        yield opened


async def second(world: World, first: Phone) -> Phone:
    """Return another phone of the same person."""
    phone = world.unbound_phone(pin="802615")
    phone.account_id = first.account_id
    async with world.services.store.begin() as tx:
        await world.services.devices.bind(
            tx,
            device_id=phone.keys.device_id,
            account_id=first.account_id,
            public_key=phone.keys.jwk,
            pin_key=phone.keys.pin_jwk(phone.pin),
            name="Second phone",
        )
    return phone


async def listed(phone: Phone) -> dict[str, dict[str, Any]]:
    await phone.unlock()
    found = await phone.call("GET", "/devices")
    return {one["id"]: one for one in found["devices"]}


async def bound(world: World, device_id: str) -> list[tuple[Any, ...]]:
    statement = (
        "SELECT kind, removed_at IS NULL FROM bound_authenticator"
        " WHERE device_id = $1 ORDER BY bound_at, kind"
    )
    async with world.services.store.read() as tx:
        return [tuple(row) for row in await tx.all(statement, device_id)]


async def notices(world: World, account_id: str) -> list[Notice]:
    async with world.services.store.read() as tx:
        told = await world.services.messages.notices_of(tx, account_id)
    return [one.notice for one in told]


async def test_a_person_sees_every_device_and_names_them(world: World) -> None:
    first = await world.phone()
    other = await second(world, first)
    await first.unlock()
    path = f"/devices/{other.keys.device_id}/name"
    await first.post(path, {"name": "ទូរសព្ទចាស់"})
    found = await listed(first)
    assert found[other.keys.device_id]["name"] == "ទូរសព្ទចាស់"
    assert found[first.keys.device_id]["this"]
    with pytest.raises(Problem) as refused:
        await first.post(path, {"name": "a\u202eb"})
    assert refused.value.code == "fields-invalid"


async def test_a_revoked_device_is_dead_at_once_and_stays_on_record(
    world: World,
) -> None:
    first = await world.phone()
    other = await second(world, first)
    await revoke(first, other.keys.device_id)
    with pytest.raises(Problem) as refused:
        await other.unlock()
    assert refused.value.code == "device-revoked"
    assert set(await listed(first)) == {first.keys.device_id}
    assert [alive for _, alive in await bound(world, other.keys.device_id)] == [0, 0]
    assert await notices(world, first.account_id) == [Notice.DEVICE_REVOKED]


async def test_what_a_revoked_device_opened_ends_with_it(world: World) -> None:
    portal = await world.portal()
    first = await world.phone()
    other = await second(world, first)
    browser = world.browser()
    page = await browser.open_login(await portal.start())
    await other.approve(await other.scan(await browser.qr(page)))
    await portal.finish(await browser.finish(page))
    assert await portal.userinfo()
    await revoke(first, other.keys.device_id)
    with pytest.raises(LoginError):
        await portal.userinfo()


async def test_a_wrong_pin_revokes_nothing_and_is_counted(world: World) -> None:
    first = await world.phone()
    other = await second(world, first)
    with pytest.raises(Problem) as refused:
        await revoke(first, other.keys.device_id, pin="111111")
    assert (refused.value.code, refused.value.body["attempts_left"]) == (
        "code-wrong",
        4,
    )
    await other.unlock()


async def test_nobody_stops_a_device_of_somebody_else(world: World) -> None:
    mine = await world.phone()
    theirs = await world.phone(number="987654321")
    with pytest.raises(Problem) as refused:
        await revoke(mine, theirs.keys.device_id)
    assert refused.value.code == "not-found"
    await theirs.unlock()


@pytest.mark.parametrize(
    ("path_of", "action", "target_of"),
    [
        ("other", "revoke", "first"),
        ("other", "revoke_others", "other"),
        ("other", "resume", "other"),
    ],
)
async def test_what_was_signed_for_something_else_stops_nothing(
    world: World, path_of: str, action: str, target_of: str
) -> None:
    first = await world.phone()
    phones = {"first": first, "other": await second(world, first)}
    path = f"/devices/{phones[path_of].keys.device_id}/revocation"
    target = phones[target_of].keys.device_id
    with pytest.raises(Problem) as refused:
        await device_action(first, path, action=action, target=target)
    assert refused.value.code == "assertion-invalid"
    await phones["other"].unlock()


async def test_one_call_ends_every_other_device(world: World) -> None:
    first = await world.phone()
    others = [await second(world, first) for _ in range(2)]
    target = first.keys.device_id
    path = "/devices/revocations"
    await device_action(first, path, action="revoke_others", target=target)
    assert set(await listed(first)) == {first.keys.device_id}
    for other in others:
        with pytest.raises(Problem) as refused:
            await other.unlock()
        assert refused.value.code == "device-revoked"


async def test_a_lost_phone_approves_nothing_until_its_pin_brings_it_back(
    world: World,
) -> None:
    phone = await world.phone()
    async with world.services.store.begin() as tx:
        ended = await world.services.device_changes.suspend_all(
            tx, phone.account_id, reason=Reason.LOST
        )
    assert ended == [phone.keys.device_id]
    for call in (phone.unlock(), revoke(phone, phone.keys.device_id)):
        with pytest.raises(Problem) as refused:
            await call
        assert refused.value.code == "device-suspended"
    target = phone.keys.device_id
    resume = {"action": "resume", "target": target}
    with pytest.raises(Problem) as refused:
        await device_action(phone, "/devices/resumption", pin="111111", **resume)
    assert refused.value.code == "code-wrong"
    await device_action(phone, "/devices/resumption", **resume)
    await phone.unlock()


async def test_another_pin_takes_the_place_of_the_old_one(world: World) -> None:
    phone = await world.phone()
    await change_pin(phone, "802615")
    with pytest.raises(Problem) as refused:
        await phone.unlock()
    assert refused.value.code == "code-wrong"
    await phone.unlock("802615")
    kinds = await bound(world, phone.keys.device_id)
    assert sorted(kinds) == [("device", 1), ("pin", 0), ("pin", 1)]
    assert await notices(world, phone.account_id) == [Notice.PIN_CHANGED]


async def test_an_old_pin_may_be_chosen_again(world: World) -> None:
    phone = await world.phone()
    await change_pin(phone, "802615")
    await change_pin(phone, phone.pin, pin="802615")
    await phone.unlock()
    alive = [alive for kind, alive in await bound(world, phone.keys.device_id)]
    assert sorted(alive) == [0, 0, 1, 1]


@pytest.mark.parametrize(
    ("new", "changes", "code"),
    [
        ("802615", {"pin": "111111"}, "code-wrong"),
        ("802615", {"signed_by": "111111"}, "assertion-invalid"),
        ("493027", {}, "assertion-invalid"),
    ],
    ids=["wrong PIN", "new key unproved", "same PIN"],
)
async def test_a_pin_change_that_proves_too_little_changes_nothing(
    world: World, new: str, changes: dict[str, str], code: str
) -> None:
    phone = await world.phone()
    with pytest.raises(Problem) as refused:
        await change_pin(phone, new, **changes)
    assert refused.value.code == code
    await phone.unlock()


async def test_a_blocked_phone_changes_no_pin(world: World) -> None:
    phone = await world.phone()
    async with world.services.store.begin() as tx:
        now = to_millis(world.clock.now())
        await tx.run("UPDATE device SET failures = 5, retry_at = $1", now)
    with pytest.raises(Problem) as refused:
        await change_pin(phone, "802615")
    assert refused.value.code == "exhausted"
