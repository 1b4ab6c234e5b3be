"""Thieves who know how recoveries work, against the rows that stop them."""

from typing import Any

import pytest

from idp.domain.registration_rows import State
from tests.integration.test_recoveries import (
    HOUR,
    OTHER,
    OWN,
    Printed,
    answer,
    begin,
    journey,
    show_document,
    show_face,
)
from tests.login import wait
from tests.world import World

pytestmark = pytest.mark.anyio
DAY = 24 * HOUR


async def known(phone: Any) -> list[str]:
    found = (await phone.call("GET", "/recoveries"))["recoveries"]
    return [one["id"] for one in found]


async def waiting(world: World, capsys: Printed, *, number: str = OTHER) -> Any:
    """Return a thief's phone, and his recovery that waits for its end."""
    thief, view = await begin(world, capsys, number=number)
    await show_document(world, view["id"])
    await show_face(world, view["id"])
    return thief, view["id"]


async def test_a_flood_of_starts_hides_no_recovery_from_its_owner(
    world: World, capsys: Printed
) -> None:
    """Whoever knows the number begins more than the owner's phone shows."""
    old = await world.phone()
    _, recovery = await waiting(world, capsys)
    for _ in range(5):
        decoy = world.unbound_phone()
        await decoy.post("/recoveries", {"phone": OWN, "locale": "en"})
    assert await known(old) == [recovery]
    await answer(old, recovery, "object")
    assert (await journey(world, recovery)).state is State.STOPPED


async def test_recoveries_of_a_swapped_sim_hide_none_that_waits(
    world: World, capsys: Printed
) -> None:
    old = await world.phone()
    _, recovery = await waiting(world, capsys)
    for _ in range(5):
        await begin(world, capsys)
    assert (await known(old))[0] == recovery
    await answer(old, recovery, "object")
    assert (await journey(world, recovery)).state is State.STOPPED


async def test_who_begins_early_and_ends_late_can_be_stopped_to_the_end(
    world: World, capsys: Printed
) -> None:
    """A recovery may be finished for a week after its wait: so long it is shown."""
    old = await world.phone()
    thief, view = await begin(world, capsys, number=OTHER)
    wait(world, thief, 6 * DAY)
    await show_document(world, view["id"])
    await show_face(world, view["id"])
    wait(world, thief, 9 * DAY)
    wait(world, old, 0)
    assert await known(old) == [view["id"]]
    await answer(old, view["id"], "object")
    assert (await journey(world, view["id"])).state is State.STOPPED
