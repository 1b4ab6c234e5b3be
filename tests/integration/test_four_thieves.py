"""Four thieves and one account: each does all that he can, through the real door.

The account was registered like any other: code, card, living face, PIN. Pictures are
pretended (a QR code names the face); keys, rows, waits, messages and calls are real.
"""

import re
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from typing import Any

import pytest

from camdigikey.phone import Phone
from idp.domain.assertions import Kind
from idp.domain.messages import Notice
from idp.domain.operators import Role
from mobile_api.engines import Workers
from mobile_api.engines.development import development_picture
from mobile_api.face_index import FaceIndex
from mobile_api.services import MobileServices
from tests.device_actions import change_pin, revoke
from tests.integration.test_contacts import change_phone
from tests.integration.test_reviews import answer as decide
from tests.integration.test_reviews import cases, officer
from tests.login import refused, shown_login, wait
from tests.unit.idp.domain.registration_world import DETAILS
from tests.unit.mobile_api.mobile_world import (
    CARD,
    DARA,
    MRZ,
    SREYPOV,
    Register,
    clip_of,
    open_workers,
)
from tests.world import World, open_world

pytestmark = pytest.mark.anyio
NUMBER = "012 345 678"
DAY = 24 * 3600
# The owner's card as a forger prints it: every digit of it, and his own portrait.
FORGED = development_picture(mrz=MRZ, faces=(DARA,))
NO_CARD = development_picture(faces=(DARA,))
Printed = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def workers() -> Iterator[Workers]:
    opened = open_workers()
    yield opened
    opened.close()


@pytest.fixture
async def world(sqlite_url: str, workers: Workers) -> AsyncIterator[World]:
    mobile = MobileServices(
        workers,
        Register(),
        faces=FaceIndex(engine="development-face"),
        patience=timedelta(seconds=30),
    )
    async with open_world(sqlite_url, mobile=mobile) as opened:
        yield opened


def code_of(capsys: Printed) -> str:
    """Return the code of the last message, as whoever has the number reads it."""
    printed = capsys.readouterr()
    return str(re.findall(r"\b\d{6}\b", printed.out + printed.err)[-1])


async def begin(world: World, capsys: Printed, kind: str) -> tuple[Phone, str]:
    """Start with a fresh phone and the owner's number; return phone and path."""
    phone = world.unbound_phone(pin="802615")
    view = await phone.post(f"/{kind}", {"phone": NUMBER, "locale": "en"})
    path = f"/registrations/{view['id']}"
    await phone.post(f"{path}/phone-code", {"code": code_of(capsys)})
    return phone, path


async def show(phone: Phone, path: str, picture: bytes = CARD) -> Any:
    """Show a card with what is printed on it; return the view."""
    await phone.picture(f"{path}/document", picture)
    return await phone.post(f"{path}/details", DETAILS)


async def be_seen(
    world: World, phone: Phone, path: str, face: str, *, flat: bool = False
) -> dict[str, Any]:
    """Do before the camera what is told, with this face."""

    async def film(told: dict[str, Any]) -> bytes:
        wait(world, phone, 20)
        return clip_of(told, face, flat=flat)

    return await phone.clip(path, film)


async def registered(world: World, capsys: Printed) -> Phone:
    """Return the owner's phone, registered by its owner."""
    owner, path = await begin(world, capsys, "registrations")
    await show(owner, path)
    assert (await be_seen(world, owner, path, SREYPOV))["state"] == "device"
    await owner.bind(path.rpartition("/")[2])
    return owner


async def told(world: World, owner: Phone) -> list[Notice]:
    async with world.services.store.read() as tx:
        found = await world.services.messages.notices_of(tx, owner.account_id)
    return [one.notice for one in found]


async def state(phone: Phone) -> str:
    return str((await phone.call("GET", "/registrations/current"))["state"])


async def is_untouched(world: World, owner: Phone) -> None:
    """See that the account has its phone, its number and its PIN, and no other."""
    wait(world, owner, 0)
    await owner.unlock()
    async with world.services.store.read() as tx:
        account = await world.services.accounts.find(tx, owner.account_id)
    assert account.facts.phone == "+85512345678"
    assert account.facts.surname_latin == "SOK"
    assert len((await owner.call("GET", "/devices"))["devices"]) == 1
    async with world.services.store.read() as tx:
        one = await tx.one(
            "SELECT COUNT(*) FROM bound_authenticator WHERE account_id = $1",
            owner.account_id,
        )
    assert one == (2,), "the device key and the PIN key of the owner"


async def end_by_pin(owner: Phone, recovery: str) -> None:
    said = await owner.signed(Kind.RECOVERY, action="object", target=recovery)
    await owner.post(f"/recoveries/{recovery}/objection", said)


async def test_a_thief_of_the_number_gets_nothing(
    world: World, capsys: Printed
) -> None:
    """SIM swap: he reads every message to the number, and has nothing else."""
    owner = await registered(world, capsys)
    thief, path = await begin(world, capsys, "recoveries")
    recovery = path.rpartition("/")[2]
    await refused(thief.bind(recovery), "wrong-step")
    await refused(thief.post(f"{path}/liveness"), "wrong-step")
    await refused(thief.picture(f"{path}/document", NO_CARD), "evidence-insufficient")
    signed = await thief.signed(Kind.RECOVERY, action="approve", target=recovery)
    approval = f"/recoveries/{recovery}/approval"
    yes = thief.post(approval, {**signed, "binding_code": "00"})
    for act in (yes, thief.unlock(), change_phone(thief)):
        await refused(act, "device-unknown")
    (shown,) = (await owner.call("GET", "/recoveries"))["recoveries"]
    assert shown["id"] == recovery, "the owner's phone shows what is under way"
    fresh, path = await begin(world, capsys, "registrations")
    answer = await refused(show(fresh, path, NO_CARD), "evidence-insufficient")
    assert answer["advice"] == ["not-a-document"]
    await is_untouched(world, owner)


async def test_a_thief_of_the_unlocked_phone_gets_nothing(
    world: World, capsys: Printed
) -> None:
    """He holds the phone with its SIM, unlocked a moment ago, and guesses the PIN."""
    phone = await registered(world, capsys)
    await phone.unlock()
    await be_somebody_else(world, phone)
    _, browser, page = await shown_login(world)
    claimed = await phone.scan(await browser.qr(page))
    mine, path = await begin(world, capsys, "recoveries")
    view = await mine.call("GET", "/registrations/current")
    said = {"action": "approve", "target": path.rpartition("/")[2]}
    wrong = "111111"

    async def vouch() -> Any:
        signed = await phone.signed(Kind.RECOVERY, pin=wrong, **said)
        answer = {**signed, "binding_code": view["binding_code"]}
        return await phone.post(f"/recoveries/{said['target']}/approval", answer)

    guesses = (
        lambda: phone.approve(claimed, pin=wrong),
        lambda: change_phone(phone, pin=wrong),
        lambda: change_pin(phone, "802615", pin=wrong),
        lambda: revoke(phone, phone.keys.device_id, pin=wrong),
        vouch,
    )
    for guess in guesses:
        await refused(guess(), "code-wrong")
        wait(world, phone, 3601)
    await refused(phone.unlock(), "exhausted")
    await refused(show(mine, path, NO_CARD), "evidence-insufficient")
    await comes_back(world, capsys, phone)


async def be_somebody_else(world: World, phone: Phone) -> None:
    """Renew the account's card with one that shows another face."""
    view = await phone.post("/documents/renewals", {"locale": "en"})
    path = f"/registrations/{view['id']}"
    await show(phone, path, FORGED)
    await refused(be_seen(world, phone, path, DARA), "evidence-insufficient")


async def comes_back(world: World, capsys: Printed, stolen: Phone) -> None:
    """Recover as the owner; the phone that was stolen is dead then."""
    owner, path = await begin(world, capsys, "recoveries")
    await show(owner, path)
    assert (await be_seen(world, owner, path, SREYPOV))["state"] == "waiting"
    wait(world, owner, DAY + 1)
    await owner.bind(path.rpartition("/")[2])
    assert owner.account_id == stolen.account_id
    assert (await owner.unlock())["profile"]["surname_latin"] == "SOK"
    wait(world, stolen, 0)
    await refused(stolen.call("GET", "/recoveries"), "device-revoked")


async def test_a_thief_of_card_and_number_gets_nothing(
    world: World, capsys: Printed
) -> None:
    """He forges what he can: a photograph of the owner, and a portrait of his own."""
    owner = await registered(world, capsys)
    thief, path = await begin(world, capsys, "recoveries")
    assert (await show(thief, path))["state"] == "face"
    for face, flat in ((DARA, False), (SREYPOV, True), (DARA, True)):
        seen = be_seen(world, thief, path, face, flat=flat)
        await refused(seen, "evidence-insufficient")
    forger, path = await begin(world, capsys, "recoveries")
    await show(forger, path, FORGED)
    differs = await refused(be_seen(world, forger, path, DARA), "evidence-insufficient")
    assert differs["advice"] == ["different-person"]
    await refused(forger.bind(path.rpartition("/")[2]), "wrong-step")
    fresh, path = await begin(world, capsys, "registrations")
    await show(fresh, path, FORGED)
    known = await refused(be_seen(world, fresh, path, DARA), "already-registered")
    assert known["advice"] == ["recover"]
    await is_untouched(world, owner)


async def test_a_thief_whose_false_face_passes_is_seen_and_stopped(
    world: World, capsys: Printed
) -> None:
    """Card, number and a made face: what is left is the day in which all know."""
    owner = await registered(world, capsys)
    thief, path = await begin(world, capsys, "recoveries")
    await show(thief, path)
    assert (await be_seen(world, thief, path, SREYPOV))["state"] == "waiting"
    assert Notice.RECOVERY_STARTED in await told(world, owner)
    wait(world, thief, DAY // 2)
    recovery = path.rpartition("/")[2]
    await refused(thief.bind(recovery), "wrong-step")
    wait(world, owner, 0)
    await end_by_pin(owner, recovery)
    wait(world, thief, DAY)
    await refused(thief.bind(recovery), "wrong-step")
    await is_untouched(world, owner)


async def test_an_insider_gives_no_account_away(world: World, capsys: Printed) -> None:
    """An agent and a reviewer are the thief's friends, and all that there are."""
    owner = await registered(world, capsys)
    thief, path = await begin(world, capsys, "recoveries")
    offered = await thief.post(f"{path}/assistance")
    agent = await officer(world, Role.AGENT)
    await agent.post("/assistance", {"code": offered["code"]})
    help_ = path.replace("registrations", "assistance")
    await agent.picture(f"{help_}/document", FORGED)
    await agent.post(
        f"{help_}/details", {**DETAILS, "kind": "id_card", "issuer": "KHM"}
    )
    await agent.picture(f"{help_}/face", NO_CARD)
    recovery = path.rpartition("/")[2]
    await refused(agent.bind(recovery), "not-found")
    await grant(world, agent, Role.REVIEWER)
    (case,) = await cases(agent)
    taking = f"/reviews/{case['id']}/taking"
    await refused(agent.post(taking), "role-missing")
    await grant(world, owner, Role.REVIEWER)
    await owner.unlock()
    await refused(owner.post(taking), "role-missing")
    reviewer = await officer(world, Role.REVIEWER, "444555666")
    await reviewer.post(taking)
    await decide(reviewer, case["id"], "accepted")
    assert await state(thief) == "waiting"
    assert Notice.RECOVERY_STARTED in await told(world, owner)
    await refused(thief.bind(recovery), "wrong-step")
    await end_by_pin(owner, recovery)
    wait(world, thief, DAY + 1)
    await refused(thief.bind(recovery), "wrong-step")
    await is_untouched(world, owner)


async def grant(world: World, phone: Phone, role: Role) -> None:
    async with world.services.store.begin() as tx:
        await world.services.operators.grant(tx, phone.account_id, role, by="test")
