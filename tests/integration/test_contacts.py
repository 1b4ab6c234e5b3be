"""Another number, an e-mail address: by the owner, after a wait, never in silence."""

import re
from collections.abc import AsyncIterator
from typing import Any

import pytest

from camdigikey.phone import Phone
from idp.domain.assertions import Kind
from idp.domain.contacts import read_email
from idp.domain.messages import Notice
from idp.engines.development import ConsoleEmailSender
from idp.errors import EmailInvalid
from tests.login import refused, wait
from tests.world import World, open_world

NEW, OLD = "+85512999888", "+85512345678"
ADDRESS = "sreypov@example.org"
HOUR = 3600
Printed = pytest.CaptureFixture[str]


@pytest.fixture
async def world(store_url: str) -> AsyncIterator[World]:
    async with open_world(store_url, email=ConsoleEmailSender()) as opened:
        yield opened


def codes(capsys: Printed) -> list[str]:
    printed = capsys.readouterr()
    return re.findall(r"\b\d{6}\b", printed.out + printed.err)


async def signed(phone: Phone, action: str, target: str, *, pin: str = "") -> Any:
    return await phone.signed(Kind.CONTACT, pin=pin, action=action, target=target)


async def change_phone(phone: Phone, number: str = NEW, *, pin: str = "") -> Any:
    body = await signed(phone, "change_phone", number, pin=pin)
    return await phone.post("/contacts/phone", {**body, "phone": number})


async def waiting(world: World, capsys: Printed) -> tuple[Phone, str]:
    """Return a phone whose account waits for another number, and the change\'s id."""
    phone = await world.phone()
    await phone.unlock()
    codes(capsys)
    begun = await change_phone(phone)
    (code,) = set(codes(capsys))
    await phone.post(f"/contacts/{begun['id']}/code", {"code": code})
    return phone, begun["id"]


async def number_of(world: World, phone: Phone) -> str:
    async with world.services.store.begin() as tx:
        await world.services.contacts.sweep(tx)
    async with world.services.store.read() as tx:
        account = await world.services.accounts.find(tx, phone.account_id)
    return account.facts.phone


async def told(world: World, phone: Phone) -> list[Notice]:
    async with world.services.store.read() as tx:
        found = await world.services.messages.notices_of(tx, phone.account_id)
    return [one.notice for one in found]


@pytest.mark.anyio
async def test_another_number_is_used_after_a_day_in_which_all_know(
    world: World, capsys: Printed
) -> None:
    phone, _ = await waiting(world, capsys)
    assert await told(world, phone) == [Notice.PHONE_CHANGE_STARTED]
    assert await number_of(world, phone) == OLD
    world.clock.pass_time(24 * HOUR + 1)
    assert await number_of(world, phone) == NEW
    assert Notice.PHONE_CHANGED in await told(world, phone)


@pytest.mark.anyio
async def test_a_code_to_the_old_number_ends_the_wait(
    world: World, capsys: Printed
) -> None:
    phone, change = await waiting(world, capsys)
    await phone.post(f"/contacts/{change}/old-code")
    (code,) = set(codes(capsys))
    await phone.post(f"/contacts/{change}/old-proof", {"code": code})
    assert await number_of(world, phone) == NEW


@pytest.mark.anyio
async def test_any_phone_of_the_account_may_say_no(
    world: World, capsys: Printed
) -> None:
    phone, change = await waiting(world, capsys)
    body = await signed(phone, "object", change)
    await phone.post(f"/contacts/{change}/objection", body)
    world.clock.pass_time(48 * HOUR)
    assert await number_of(world, phone) == OLD


@pytest.mark.anyio
async def test_a_stolen_unlocked_phone_changes_no_number(
    world: World, capsys: Printed
) -> None:
    phone = await world.phone()
    await phone.unlock()
    codes(capsys)
    await refused(change_phone(phone, pin="111111"), "code-wrong")
    assert codes(capsys) == []


@pytest.mark.anyio
async def test_a_wrong_code_changes_nothing(world: World, capsys: Printed) -> None:
    phone = await world.phone()
    await phone.unlock()
    begun = await change_phone(phone)
    (code,) = set(codes(capsys))
    wrong = f"{(int(code) + 1) % 10**6:06}"
    path = f"/contacts/{begun['id']}/code"
    await refused(phone.post(path, {"code": wrong}), "code-wrong")
    world.clock.pass_time(48 * HOUR)
    assert await number_of(world, phone) == OLD


@pytest.mark.anyio
async def test_what_was_signed_for_another_number_is_refused(world: World) -> None:
    phone = await world.phone()
    body = await signed(phone, "change_phone", "012 111 222")
    asked = phone.post("/contacts/phone", {**body, "phone": NEW})
    await refused(asked, "assertion-invalid")


@pytest.mark.anyio
async def test_somebody_elses_change_cannot_be_touched(
    world: World, capsys: Printed
) -> None:
    _, change = await waiting(world, capsys)
    stranger = await world.phone(number="987654321")
    await stranger.unlock()
    await refused(stranger.post(f"/contacts/{change}/old-code"), "not-found")
    body = await signed(stranger, "object", change)
    await refused(stranger.post(f"/contacts/{change}/objection", body), "not-found")


@pytest.mark.anyio
async def test_a_number_is_changed_thrice_a_day_at_most(world: World) -> None:
    phone = await world.phone()
    for last in range(3):
        await change_phone(phone, f"+8551299988{last}")
    await refused(change_phone(phone, "+85512999884"), "exhausted")
    await refused(change_phone(phone, OLD), "phone-invalid")


@pytest.mark.anyio
async def test_an_address_is_proved_by_a_code_and_told_of_everything_then(
    world: World, capsys: Printed
) -> None:
    phone = await world.phone()
    await phone.unlock()
    codes(capsys)
    body = await signed(phone, "change_email", ADDRESS)
    begun = await phone.post("/contacts/email", {**body, "email": ADDRESS})
    (code,) = set(codes(capsys))
    view = await phone.post(f"/contacts/{begun['id']}/code", {"code": code})
    assert (view["email"], view["changes"]) == (ADDRESS, [])
    async with world.services.store.read() as tx:
        row = await tx.all("SELECT channel FROM outbox_message")
    assert {str(channel) for (channel,) in row} == {"sms", "email"}
    removal = await signed(phone, "remove_email", "")
    await phone.post("/contacts/email/removal", removal)
    assert (await phone.call("GET", "/contacts"))["email"] is None


@pytest.mark.anyio
async def test_the_last_change_takes_the_place_of_the_one_before(
    world: World, capsys: Printed
) -> None:
    phone, first = await waiting(world, capsys)
    second = await change_phone(phone, "+85512777666")
    (code,) = set(codes(capsys))
    await phone.post(f"/contacts/{second['id']}/code", {"code": code})
    world.clock.pass_time(25 * HOUR)
    assert await number_of(world, phone) == "+85512777666"
    wait(world, phone, 0)
    body = await signed(phone, "object", first)
    await refused(phone.post(f"/contacts/{first}/objection", body), "wrong-step")


@pytest.mark.parametrize(
    "text",
    ["", "a", "a@b", "a b@c.kh", "a@-b.kh", "a@b.kh\r\nBcc: c@d.kh", "a@" + "b" * 260],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(EmailInvalid):
        read_email(text)


def test_an_address_keeps_its_case_before_the_at_sign() -> None:
    assert read_email("  Srey.Pov@Example.ORG ") == "Srey.Pov@example.org"


async def take_address(phone: Phone, capsys: Printed, address: str) -> None:
    codes(capsys)
    body = await signed(phone, "change_email", address)
    begun = await phone.post("/contacts/email", {**body, "email": address})
    (code,) = set(codes(capsys))
    await phone.post(f"/contacts/{begun['id']}/code", {"code": code})


async def written_to(world: World) -> list[str]:
    outbox = world.services.messaging.messages.outbox
    async with world.services.store.begin() as tx:
        postings = await outbox.claim(tx)
    letters = [outbox.letter_of(one) for one in postings]
    return [one.to for one in letters if one.subject]


@pytest.mark.anyio
async def test_the_address_that_is_replaced_hears_of_it(
    world: World, capsys: Printed
) -> None:
    """Or a thief of phone and PIN would silence it first, and go on unheard."""
    phone = await world.phone()
    await phone.unlock()
    await take_address(phone, capsys, ADDRESS)
    assert await written_to(world) == [ADDRESS]
    await take_address(phone, capsys, "thief@example.org")
    assert sorted(await written_to(world)) == [ADDRESS, "thief@example.org"]


@pytest.mark.anyio
async def test_codes_of_the_last_hour_do_not_make_the_day_forget(
    world: World,
) -> None:
    """Somebody else's registration with the number must not empty its day's count."""
    number = "+85512999777"
    for spent in range(5):
        phone = await world.phone(number=f"11122233{spent}")
        await change_phone(phone, number)
    wait(world, phone, 2 * HOUR)
    other = world.unbound_phone()
    await other.post("/registrations", {"phone": number, "locale": "km"})
    last = await world.phone(number="111222339")
    await refused(change_phone(last, number), "exhausted")


@pytest.mark.anyio
async def test_a_lost_phone_takes_no_number_with_it(
    world: World, capsys: Printed
) -> None:
    phone, _ = await waiting(world, capsys)
    lost = world.services.lost_phones
    async with world.services.store.begin() as tx:
        case = await lost.begin(tx, phone=OLD, network="7f0000")
        await lost.prove(tx, case.id, case.code)
    world.clock.pass_time(48 * HOUR)
    assert await number_of(world, phone) == OLD
