"""Thieves who know how recoveries work, against the rows that stop them."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from idp.domain.accounts import Account
from idp.domain.contact_rows import ContactState
from idp.domain.documents import DocumentFacts
from idp.domain.registration_decisions import LiveFace
from idp.domain.registration_rows import State
from tests.integration.test_contacts import waiting as a_number_waits
from tests.integration.test_recoveries import (
    HOUR,
    JUDGED,
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


async def facts_of(world: World, account_id: str) -> Account:
    async with world.services.store.read() as tx:
        return await world.services.accounts.find(tx, account_id)


async def test_of_two_recoveries_that_end_at_once_one_phone_lives(
    world: World, capsys: Printed
) -> None:
    """On two nodes: each would kill the phones that it saw, and not the other's."""
    old = await world.phone()
    first, one = await waiting(world, capsys)
    second, other = await waiting(world, capsys)
    wait(world, first, 73 * HOUR)
    wait(world, second, 0)
    found = await journey(world, one)
    keys = {"public_key": first.keys.jwk, "pin_key": first.keys.pin_jwk(first.pin)}
    async with world.services.store.begin() as tx:
        await world.services.recoveries.finish(tx, found, name="first", **keys)
        binding = asyncio.create_task(second.bind(other))
        await asyncio.sleep(1)
    await asyncio.gather(binding, return_exceptions=True)
    async with world.services.store.read() as tx:
        bound = await world.services.devices.of_account(tx, old.account_id)
    assert len(bound) == 1


async def test_the_number_that_a_thief_asked_for_is_not_taken_after_a_recovery(
    world: World, capsys: Printed
) -> None:
    """A thief with phone and PIN began a change; its owner has the account back."""
    stolen, change = await a_number_waits(world, capsys)
    owner, recovery = await waiting(world, capsys, number=OWN)
    wait(world, owner, 24 * HOUR + 1)
    await owner.bind(recovery)
    world.clock.pass_time(DAY)
    async with world.services.store.begin() as tx:
        await world.services.contacts.sweep(tx)
    account = await facts_of(world, stolen.account_id)
    assert account.facts.phone == "+85512345678"
    async with world.services.store.read() as tx:
        rows = world.services.contacts.rows
        found = await rows.find(tx, change, account_id=account.id)
    assert found.state is ContactState.CANCELLED


async def test_a_recovery_by_a_second_document_raises_no_level(
    world: World, capsys: Printed
) -> None:
    """Twice recovered: down by the passport, and not up again by the card."""
    old = await world.phone(level="low")
    passport = DocumentFacts(
        kind="passport", issuer="KHM", number="N1234567", expires="2034-01-01"
    )
    async with world.services.store.begin() as tx:
        await world.services.documents.add(
            tx, old.account_id, passport, level="low", proved_by="test"
        )
    new, view = await begin(world, capsys)
    shown = {"kind": "passport", "number": "N1234567", "expiry_date": "2034-01-01"}
    await show_document(world, view["id"], **shown)
    await show_face(world, view["id"], replace(JUDGED, level="high"))
    wait(world, new, 25 * HOUR)
    await new.bind(view["id"])
    assert (await facts_of(world, old.account_id)).level == "low"


async def test_nothing_of_a_thiefs_face_stays_of_a_recovery_that_was_stopped(
    world: World, capsys: Printed
) -> None:
    old = await world.phone()
    _, view = await begin(world, capsys)
    await show_document(world, view["id"])
    face = LiveFace(engine="sface", embedding=bytes(512))
    async with world.services.store.begin() as tx:
        found = await world.services.registrations.rows.find(tx, view["id"])
        await world.services.recoveries.accepted(tx, found, JUDGED, face=face)
    await answer(old, view["id"], "object")
    assert (await journey(world, view["id"])).told.face == {}
