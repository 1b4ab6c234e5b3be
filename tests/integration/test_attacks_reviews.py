"""Insiders and thieves around the reviewer's desk."""

from collections.abc import AsyncIterator
from typing import cast

import pytest

from camdigikey.phone import Phone
from idp.domain.assertions import Kind
from idp.domain.evidence import Engine, EvidenceKind
from idp.domain.operators import Role
from idp.domain.registration_rows import State
from mobile_api.app import sweep_once
from mobile_api.services import ImageWork, MobileServices
from tests.integration.test_recoveries import HOUR, show_document, show_face
from tests.integration.test_recoveries import begin as begin_recovery
from tests.integration.test_reviews import (
    PICTURE,
    answer,
    begin,
    cases,
    officer,
    state,
    to_review,
)
from tests.login import refused, wait
from tests.unit.mobile_api.mobile_world import OneFace, Register
from tests.world import World, open_world

pytestmark = pytest.mark.anyio
Printed = pytest.CaptureFixture[str]


@pytest.fixture
async def world(store_url: str) -> AsyncIterator[World]:
    mobile = MobileServices(cast("ImageWork", OneFace()), Register())
    async with open_world(store_url, mobile=mobile) as opened:
        yield opened


async def renewing(world: World) -> tuple[Phone, str]:
    """Return a bound phone and a renewal on it that waits for a reviewer."""
    phone = await world.phone()
    await phone.unlock()
    renewal = (await phone.post("/documents/renewals", {"locale": "en"}))["id"]
    await to_review(world, renewal, given_name_latin="SOMEBODY ELSE")
    return phone, renewal


async def name_of(world: World, phone: Phone) -> str:
    async with world.services.store.read() as tx:
        found = await world.services.accounts.find(tx, phone.account_id)
    return found.facts.given_name_latin


async def test_a_renewal_of_a_stolen_phone_ends_with_the_recovery(
    world: World, capsys: Printed
) -> None:
    """The thief's case lies at the reviewer's while the owner comes back."""
    stolen, _ = await renewing(world)
    owner, view = await begin_recovery(world, capsys)
    await show_document(world, view["id"])
    await show_face(world, view["id"])
    wait(world, owner, 24 * HOUR + 1)
    await owner.bind(view["id"])
    reviewer = await officer(world, Role.REVIEWER)
    assert await cases(reviewer) == []
    assert await name_of(world, stolen) == "SREYPOV"


async def test_a_renewal_of_a_revoked_phone_ends_with_it(world: World) -> None:
    phone, renewal = await renewing(world)
    reviewer = await officer(world, Role.REVIEWER)
    (case,) = await cases(reviewer)
    await reviewer.post(f"/reviews/{case['id']}/taking")
    device_id = phone.keys.device_id
    body = await phone.signed(Kind.DEVICE, action="revoke", target=device_id)
    await phone.post(f"/devices/{device_id}/revocation", body)
    await refused(answer(reviewer, case["id"], "accepted"), "wrong-step")
    async with world.services.store.read() as tx:
        found = await world.services.registrations.rows.find(tx, renewal)
    assert found.state is State.STOPPED
    assert await name_of(world, phone) == "SREYPOV"


async def test_a_case_that_nobody_took_in_time_is_no_second_case(
    world: World, capsys: Printed
) -> None:
    """Or one reviewer would decide on what another one saw."""
    phone, view = await begin(world, capsys)
    await to_review(world, view["id"])
    reviewer = await officer(world, Role.REVIEWER)
    (first,) = await cases(reviewer)
    wait(world, phone, 25 * HOUR)
    services = world.services
    async with services.store.begin() as tx:
        await services.evidence.sweep(tx)
        await services.registrations.sweep(tx)
    assert await state(phone) == "document"
    await to_review(world, view["id"])
    wait(world, reviewer, 0)
    await reviewer.unlock()
    (second,) = await cases(reviewer)
    assert second["id"] != first["id"]
    await refused(reviewer.post(f"/reviews/{first['id']}/taking"), "wrong-step")


async def test_one_case_that_ran_out_keeps_no_other_from_being_swept(
    world: World, capsys: Printed
) -> None:
    """A row that cannot be asked again must not stand in the way of the others."""
    phone, view = await begin(world, capsys)
    await to_review(world, view["id"])
    services = world.services
    wait(world, phone, 8 * 24 * HOUR)
    async with services.store.begin() as tx:
        await services.evidence.sweep(tx)
    async with services.store.begin() as tx:
        await services.registrations.sweep(tx)
    async with services.store.read() as tx:
        assert await tx.one("SELECT COUNT(*) FROM registration") == (0,)
        assert await tx.one("SELECT COUNT(*) FROM evidence") == (0,)


async def test_a_case_that_its_person_gives_up_is_closed(
    world: World, capsys: Printed
) -> None:
    phone, view = await begin(world, capsys)
    await to_review(world, view["id"])
    await phone.post(f"/registrations/{view['id']}/cancellation")
    reviewer = await officer(world, Role.REVIEWER)
    assert await cases(reviewer) == []


async def test_a_picture_whose_time_is_over_is_shown_to_nobody(
    world: World, capsys: Printed
) -> None:
    """Nobody has swept: the server was down, or has much to do."""
    phone, view = await begin(world, capsys)
    await to_review(world, view["id"])
    wait(world, phone, 25 * HOUR)
    reviewer = await officer(world, Role.REVIEWER)
    (case,) = await cases(reviewer)
    shown = await reviewer.post(f"/reviews/{case['id']}/taking")
    assert shown["pictures"] == []


async def test_one_turn_of_the_sweeper_wipes_all_that_is_due(
    world: World, capsys: Printed
) -> None:
    """After a night in which no server ran there is more than one batch."""
    phone, view = await begin(world, capsys)
    services = world.services
    async with services.store.begin() as tx:
        for number in range(450):
            await services.evidence.keep(
                tx,
                f"{view['id']}-{number}",
                EvidenceKind.FACE,
                judged=PICTURE,
                engine=Engine("test", "1"),
                facts={},
                picture=PICTURE,
            )
    wait(world, phone, 25 * HOUR)
    await sweep_once(services)
    async with services.store.read() as tx:
        statement = "SELECT COUNT(*) FROM evidence WHERE picture IS NOT NULL"
        assert await tx.one(statement) == (0,)
