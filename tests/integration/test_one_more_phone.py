"""One account on several phones: an old one says yes, and both are its person's."""

from collections.abc import AsyncIterator

import pytest

from camdigikey.phone import Phone
from idp.domain.assertions import Kind
from idp.domain.messages import Notice
from idp.domain.recovery_endings import MOST_DEVICES
from tests.device_actions import revoke
from tests.integration.test_recoveries import (
    Printed,
    answer,
    begin,
    journey,
    show_face,
    told,
)
from tests.login import refused, wait
from tests.world import World, open_world

pytestmark = pytest.mark.anyio


@pytest.fixture
async def world(store_url: str) -> AsyncIterator[World]:
    async with open_world(store_url) as opened:
        yield opened


async def join(world: World, capsys: Printed, old: Phone) -> Phone:
    """Bring one phone more to the account of `old`."""
    new, view = await begin(world, capsys)
    code = view["binding_code"]
    said = await answer(old, view["id"], "add", binding_code=code)
    assert said == {"state": "approved"}
    await show_face(world, view["id"])
    done = await new.bind(view["id"])
    assert done["result"]["account_id"] == old.account_id
    return new


async def count(phone: Phone) -> int:
    await phone.unlock()
    return len((await phone.call("GET", "/devices"))["devices"])


async def test_both_phones_work_and_every_channel_hears_of_the_second(
    world: World, capsys: Printed
) -> None:
    old = await world.phone()
    new = await join(world, capsys, old)
    assert await count(old) == await count(new) == 2
    assert Notice.DEVICE_BOUND in await told(world, old.account_id)
    assert Notice.RECOVERY_DONE not in await told(world, old.account_id)
    profile = (await old.call("GET", "/profile"))["profile"]
    assert profile == (await new.call("GET", "/profile"))["profile"]


async def test_without_the_living_face_one_more_phone_is_not_bound(
    world: World, capsys: Printed
) -> None:
    old = await world.phone()
    new, view = await begin(world, capsys)
    await answer(old, view["id"], "add", binding_code=view["binding_code"])
    await refused(new.bind(view["id"]), "wrong-step")
    assert await count(old) == 1


async def test_who_signs_that_the_new_phone_takes_over_adds_none(
    world: World, capsys: Printed
) -> None:
    """The signed word counts, not the address that it is sent to."""
    old = await world.phone()
    _, view = await begin(world, capsys)
    path = f"/recoveries/{view['id']}/addition"
    claims = {"action": "approve", "target": view["id"]}
    signed = await old.signed(Kind.RECOVERY, pin="", **claims)
    body = {**signed, "binding_code": view["binding_code"]}
    await refused(old.post(path, body), "assertion-invalid")
    assert (await journey(world, view["id"])).state == "document"


async def test_wrong_digits_add_no_phone_and_end_it(
    world: World, capsys: Printed
) -> None:
    old = await world.phone()
    new, view = await begin(world, capsys)
    wrong = f"{(int(view['binding_code']) + 1) % 100:02}"
    said = await answer(old, view["id"], "add", binding_code=wrong)
    assert said == {"state": "ended"}
    assert (await new.call("GET", "/registrations/current"))["state"] == "stopped"


async def test_an_account_has_five_phones_at_most(
    world: World, capsys: Printed
) -> None:
    old = await world.phone()
    for _ in range(MOST_DEVICES - 1):
        wait(world, old, 24 * 3600)
        new = await join(world, capsys, old)
    assert await count(new) == MOST_DEVICES
    _, view = await begin(world, capsys)
    code = view["binding_code"]
    more = answer(old, view["id"], "add", binding_code=code)
    await refused(more, "devices-full")


@pytest.mark.parametrize("action", ["approve", "add"])
async def test_the_yes_of_a_phone_that_was_revoked_since_is_worth_nothing(
    world: World, capsys: Printed, action: str
) -> None:
    old = await world.phone()
    second = await join(world, capsys, old)
    thief, view = await begin(world, capsys)
    await answer(old, view["id"], action, binding_code=view["binding_code"])
    await show_face(world, view["id"])
    await second.unlock()
    await revoke(second, old.keys.device_id)
    await thief.bind(view["id"])
    assert (await thief.call("GET", "/registrations/current"))["state"] == "stopped"
    assert await count(second) == 1
