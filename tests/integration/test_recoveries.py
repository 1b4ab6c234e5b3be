"""Back to one's account from another phone: for its owner, and for nobody else.

Pictures and the register are left to other tests: here the evidence is said to be
judged, and what follows from it is proved.
"""

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from camdigikey.phone import Phone, Problem
from idp.domain.assertions import Kind
from idp.domain.messages import Notice
from idp.domain.registration_decisions import Judged
from idp.domain.registration_rows import Registration
from idp.errors import EvidenceInsufficient
from tests.login import refused, wait
from tests.world import World, open_world

pytestmark = pytest.mark.anyio
OWN, OTHER = "012 345 678", "012 999 888"
HOUR = 3600
JUDGED = Judged(level="substantial", policy="test", policy_hash="00")
DOCUMENT = {
    "kind": "id_card",
    "issuer": "KHM",
    "number": "012345678",
    "nationality": "KHM",
    "expiry_date": "2031-01-01",
}
DETAILS = {
    "number": "012345678",
    "surname_latin": "SOK",
    "given_name_latin": "SREYPOV",
    "surname_khmer": "សុខ",
    "given_name_khmer": "ស្រីពៅ",
    "birth_date": "1999-01-01",
    "sex": "F",
    "expiry_date": "2031-01-01",
    "issue_date": "2021-01-02",
}


@pytest.fixture
async def world(store_url: str) -> AsyncIterator[World]:
    async with open_world(store_url) as opened:
        yield opened


Printed = pytest.CaptureFixture[str]


async def begin(world: World, capsys: Printed, *, number: str = OWN) -> Any:
    """Start on a fresh phone and prove its number; return phone and view."""
    phone = world.unbound_phone(pin="802615")
    capsys.readouterr()
    view = await phone.post("/recoveries", {"phone": number, "locale": "en"})
    printed = capsys.readouterr()
    code = re.findall(r"\b\d{6}\b", printed.out + printed.err)[-1]
    path = f"/registrations/{view['id']}/phone-code"
    return phone, await phone.post(path, {"code": code})


async def journey(world: World, recovery_id: str) -> Registration:
    async with world.services.store.read() as tx:
        return await world.services.registrations.rows.find(tx, recovery_id)


async def show_document(world: World, recovery_id: str, **changes: str) -> None:
    """Say that the document was read and the register agreed."""
    details = {**DETAILS, **changes}
    document = {**DOCUMENT, **{k: v for k, v in changes.items() if k in DOCUMENT}}
    registrations = world.services.registrations
    async with world.services.store.begin() as tx:
        found = await registrations.rows.find(tx, recovery_id)
        read = await registrations.document_read(tx, found, document)
        await registrations.details_given(tx, read, details, asks_register=False)


async def show_face(world: World, recovery_id: str, judged: Judged = JUDGED) -> None:
    """Say that the living face is the owner's."""
    async with world.services.store.begin() as tx:
        found = await world.services.registrations.rows.find(tx, recovery_id)
        await world.services.recoveries.accepted(tx, found, judged)


async def answer(old: Phone, recovery_id: str, action: str, **more: str) -> Any:
    pin = more.pop("pin", "")
    signed: dict[str, Any] = await old.signed(
        Kind.RECOVERY, pin=pin, action=action, target=recovery_id
    )
    verbs = {"approve": "approval", "add": "addition", "object": "objection"}
    verb = verbs[action]
    return await old.post(f"/recoveries/{recovery_id}/{verb}", {**signed, **more})


async def told(world: World, account_id: str) -> list[Notice]:
    async with world.services.store.read() as tx:
        found = await world.services.messages.notices_of(tx, account_id)
    return [one.notice for one in found]


async def test_a_day_after_document_and_face_the_new_phone_takes_over(
    world: World, capsys: Printed
) -> None:
    old = await world.phone()
    new, view = await begin(world, capsys)
    assert (view["purpose"], view["state"]) == ("recovery", "document")
    await show_document(world, view["id"])
    await show_face(world, view["id"])
    waiting = await new.call("GET", "/registrations/current")
    assert waiting["state"] == "waiting"
    assert await told(world, old.account_id) == [Notice.RECOVERY_STARTED]
    await refused(new.bind(view["id"]), "wrong-step")
    await old.unlock()
    wait(world, new, 24 * HOUR + 1)
    done = await new.bind(view["id"])
    assert done["result"]["account_id"] == old.account_id
    assert set(await told(world, old.account_id)) == {
        Notice.RECOVERY_STARTED,
        Notice.RECOVERY_DONE,
    }
    await new.unlock()
    wait(world, old, 0)
    await refused(old.unlock(), "device-revoked")


async def test_the_old_phones_yes_leaves_only_the_face_and_no_wait(
    world: World, capsys: Printed
) -> None:
    old = await world.phone()
    new, view = await begin(world, capsys)
    (shown,) = (await old.call("GET", "/recoveries"))["recoveries"]
    assert shown["id"] == view["id"]
    code = view["binding_code"]
    said = await answer(old, view["id"], "approve", binding_code=code)
    assert said == {"state": "approved"}
    assert (await new.call("GET", "/registrations/current"))["state"] == "face"
    await refused(new.bind(view["id"]), "wrong-step")
    await show_face(world, view["id"])
    await new.bind(view["id"])
    await new.unlock()
    await refused(old.unlock(), "device-revoked")


async def test_any_old_phone_ends_it_with_its_pin(
    world: World, capsys: Printed
) -> None:
    old = await world.phone()
    new, view = await begin(world, capsys)
    await show_document(world, view["id"])
    await show_face(world, view["id"])
    await answer(old, view["id"], "object")
    wait(world, new, 25 * HOUR)
    await refused(new.bind(view["id"]), "wrong-step")
    wait(world, old, 0)
    await old.unlock()
    assert Notice.RECOVERY_CANCELLED in await told(world, old.account_id)


@pytest.mark.parametrize("action", ["approve", "object"])
async def test_who_holds_the_old_phone_without_its_pin_says_nothing(
    world: World, capsys: Printed, action: str
) -> None:
    """A stolen, unlocked phone: the thief reads the code, and has no PIN."""
    old = await world.phone()
    _, view = await begin(world, capsys)
    more = {"binding_code": view["binding_code"]} if action == "approve" else {}
    said = answer(old, view["id"], action, pin="111111", **more)
    assert (await refused(said, "code-wrong"))["attempts_left"] == 4
    assert (await journey(world, view["id"])).state == "document"


async def test_a_wrong_pair_of_digits_ends_it(world: World, capsys: Printed) -> None:
    old = await world.phone()
    _, view = await begin(world, capsys)
    wrong = f"{(int(view['binding_code']) + 1) % 100:02}"
    said = await answer(old, view["id"], "approve", binding_code=wrong)
    assert said == {"state": "ended"}
    assert (await journey(world, view["id"])).state == "stopped"


async def test_a_swapped_sim_alone_recovers_nothing(
    world: World, capsys: Printed
) -> None:
    """SIM swap: the thief has the number, and neither the document nor the face."""
    old = await world.phone()
    thief, view = await begin(world, capsys)
    for step in ("device",):
        with pytest.raises(Problem) as caught:
            await thief.bind(view["id"])
        assert caught.value.code == "wrong-step", step
    picture = thief.picture(f"/registrations/{view['id']}/face", b"\xff\xd8")
    with pytest.raises(Problem):
        await picture
    await old.unlock()


async def test_another_number_waits_three_days_and_replaces_the_old_one(
    world: World, capsys: Printed
) -> None:
    old = await world.phone()
    new, view = await begin(world, capsys, number=OTHER)
    assert (await old.call("GET", "/recoveries"))["recoveries"] == []
    await show_document(world, view["id"])
    await show_face(world, view["id"])
    (shown,) = (await old.call("GET", "/recoveries"))["recoveries"]
    assert shown["state"] == "waiting"
    wait(world, new, 71 * HOUR)
    await refused(new.bind(view["id"]), "wrong-step")
    wait(world, new, 2 * HOUR)
    await new.bind(view["id"])
    async with world.services.store.read() as tx:
        account = await world.services.accounts.find(tx, old.account_id)
    assert account.facts.phone == "+85512999888"


async def test_a_face_whose_document_has_no_account_is_told_so(
    world: World, capsys: Printed
) -> None:
    await world.phone()
    _, view = await begin(world, capsys)
    await show_document(world, view["id"], number="876543210")
    with pytest.raises(EvidenceInsufficient) as caught:
        await show_face(world, view["id"])
    assert caught.value.advice == ("no-account",)


@pytest.mark.parametrize(
    ("had", "proved", "has"),
    [
        ("high", "substantial", "substantial"),
        ("substantial", "high", "substantial"),
        ("substantial", "low", "low"),
    ],
)
async def test_nobody_has_a_higher_level_than_was_proved(
    world: World, capsys: Printed, had: str, proved: str, has: str
) -> None:
    old = await world.phone(level=had)
    new, view = await begin(world, capsys)
    await show_document(world, view["id"])
    await show_face(world, view["id"], replace(JUDGED, level=proved))
    wait(world, new, 25 * HOUR)
    await new.bind(view["id"])
    async with world.services.store.read() as tx:
        account = await world.services.accounts.find(tx, old.account_id)
    assert account.level == has


async def test_somebody_elses_phone_sees_and_stops_nothing(
    world: World, capsys: Printed
) -> None:
    await world.phone()
    stranger = await world.phone(number="987654321", phone="+85512555444")
    _, view = await begin(world, capsys)
    assert (await stranger.call("GET", "/recoveries"))["recoveries"] == []
    for action, more in (("approve", {"binding_code": "00"}), ("object", {})):
        await refused(answer(stranger, view["id"], action, **more), "not-found")


async def test_nothing_is_shown_before_the_number_was_proved(world: World) -> None:
    old = await world.phone()
    phone = world.unbound_phone()
    await phone.post("/recoveries", {"phone": OWN, "locale": "en"})
    assert (await old.call("GET", "/recoveries"))["recoveries"] == []


async def test_a_recovery_is_begun_thrice_a_day_at_most(
    world: World, capsys: Printed
) -> None:
    await world.phone()
    for _ in range(3):
        _, view = await begin(world, capsys, number=OTHER)
        await show_document(world, view["id"])
        await show_face(world, view["id"])
        world.clock.pass_time(2 * HOUR)
    _, view = await begin(world, capsys, number=OTHER)
    await show_document(world, view["id"])
    with pytest.raises(Exception, match="recoveries"):
        await show_face(world, view["id"])


async def test_an_account_that_is_suspended_is_not_recovered(
    world: World, capsys: Printed
) -> None:
    old = await world.phone()
    new, view = await begin(world, capsys)
    await show_document(world, view["id"])
    await show_face(world, view["id"])
    async with world.services.store.begin() as tx:
        statement = "UPDATE account SET state = 'suspended' WHERE id = $1"
        await tx.run(statement, old.account_id)
    wait(world, new, 25 * HOUR)
    await refused(new.bind(view["id"]), "account-suspended")


async def test_every_authenticator_ever_bound_stays_on_record(
    world: World, capsys: Printed
) -> None:
    old = await world.phone()
    new, view = await begin(world, capsys)
    await show_document(world, view["id"])
    await show_face(world, view["id"])
    wait(world, new, 25 * HOUR)
    await new.bind(view["id"])
    statement = (
        "SELECT device_id, kind, removed_at IS NULL FROM bound_authenticator"
        " WHERE account_id = $1"
    )
    async with world.services.store.read() as tx:
        rows = await tx.all(statement, old.account_id)
    alive = {(str(row[0]), str(row[1])): bool(row[2]) for row in rows}
    assert alive == {
        (old.keys.device_id, "device"): False,
        (old.keys.device_id, "pin"): False,
        (new.keys.device_id, "device"): True,
        (new.keys.device_id, "pin"): True,
    }
