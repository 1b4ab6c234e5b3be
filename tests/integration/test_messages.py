"""Notices and the outbox, on either database, through the phone's own door."""

from dataclasses import dataclass, field, replace

import pytest

from camdigikey.phone import Phone, Problem
from idp.domain.devices import MAX_FAILURES
from idp.domain.messages import ALWAYS, NOT_BY_SMS, TEXTS_A_DAY, Notice
from idp.domain.outbox import OutboxState
from idp.engines.development import ConsoleEmailSender, ConsoleSmsSender
from idp.errors import EmailInvalid, PhoneInvalid, Unavailable
from idp.interfaces import Sent
from idp.services import Services
from tests.messages import Emails, everything_logged
from tests.world import World, open_world

pytestmark = pytest.mark.anyio
NUMBER, ADDRESS = "+85512345678", "sreypov@example.org"


@dataclass
class FaultySender:
    """Refuses as it is told, and then takes everything."""

    faults: list[Exception] = field(default_factory=list)
    sent: list[str] = field(default_factory=list)

    async def send(self, *, to: str, text: str) -> Sent:
        if self.faults:
            raise self.faults.pop(0)
        self.sent.append(f"{to} {text}")
        return Sent("faulty", f"ref-{len(self.sent)}")


def with_senders(
    services: Services, *, sms: object = None, email: object = None
) -> Services:
    """Return the services whose courier uses other senders."""
    courier = services.messaging.courier
    other = replace(
        courier,
        sms=sms or courier.sms,  # type: ignore[arg-type]
        email=email or courier.email,  # type: ignore[arg-type]
    )
    return replace(services, messaging=replace(services.messaging, courier=other))


async def tell(world: World, phone: Phone, notice: Notice, **more: object) -> None:
    async with world.services.store.begin() as tx:
        await world.services.messages.tell(tx, phone.account_id, notice, **more)  # type: ignore[arg-type]


async def rows(world: World, columns: str) -> list[tuple[object, ...]]:
    async with world.services.store.read() as tx:
        found = await tx.all(f"SELECT {columns} FROM outbox_message ORDER BY made_at")
    return [tuple(row) for row in found]


async def test_an_unlocked_phone_reads_its_notices_in_both_languages_and_marks_them(
    store_url: str,
) -> None:
    async with open_world(store_url) as world:
        phone = await world.phone()
        other = await world.phone(number="999999999")
        await tell(world, phone, Notice.DEVICE_BOUND, detail={"device": "Old Nokia"})
        await tell(world, other, Notice.PIN_CHANGED)
        with pytest.raises(Problem) as locked:
            await phone.call("GET", "/messages")
        assert locked.value.code == "locked"
        await phone.unlock()
        (told,) = (await phone.call("GET", "/messages"))["messages"]
        assert told["notice"] == "device-bound"
        assert told["title"] == {
            "km": "បានភ្ជាប់ទូរសព្ទថ្មី",
            "en": "A new phone was added",
        }
        assert told["detail"] == {"device": "Old Nokia"}
        assert told["seen"] is False
        await other.unlock()
        await other.post("/messages/seen", {"ids": [told["id"]]})
        (still,) = (await phone.call("GET", "/messages"))["messages"]
        assert still["seen"] is False, "nobody marks another person's notices"
        await phone.post("/messages/seen", {"ids": [told["id"]]})
        (seen,) = (await phone.call("GET", "/messages"))["messages"]
        assert seen["seen"] is True


async def test_a_notice_goes_by_text_and_by_email_and_is_wiped_afterwards(
    store_url: str,
) -> None:
    async with open_world(store_url) as world:
        phone = await world.phone()
        book, post = Emails({phone.account_id: ADDRESS}), ConsoleEmailSender()
        services = replace(
            world.services, messages=replace(world.services.messages, emails=book)
        )
        services = with_senders(services, email=post)
        detail = {"device": "A <b>phone</b>\nTo: x@y.z", "until": 1_767_600_000}
        async with services.store.begin() as tx:
            await services.messages.tell(
                tx, phone.account_id, Notice.RECOVERY_STARTED, detail=detail
            )
        sealed = await rows(world, "sealed, state")
        assert all(NUMBER.encode() not in bytes(one[0]) for one in sealed)  # type: ignore[arg-type]
        assert await services.messaging.courier.deliver_due() == 2
        assert isinstance(world.services.sms, ConsoleSmsSender)
        (text,) = world.services.sms.outbox
        assert text.to == NUMBER
        assert len(text.text) <= 70
        (letter,) = post.outbox
        assert letter.to == ADDRESS
        assert "\n" not in letter.subject
        assert "A <b>phone</b> To: x@y.z" in letter.text
        assert "<b>phone" not in letter.html
        assert "Until: 5 January 2026, 15:00 (Phnom Penh time)" in letter.text
        closed = await rows(world, "state, sealed, provider")
        assert closed == [("done", b"", "console")] * 2
        assert await services.messaging.courier.deliver_due() == 0


async def test_a_notice_is_rolled_back_with_what_it_tells_of(sqlite_url: str) -> None:
    async with open_world(sqlite_url) as world:
        phone = await world.phone()
        with pytest.raises(RuntimeError):  # noqa: PT012 - the block is the point
            async with world.services.store.begin() as tx:
                await world.services.messages.tell(
                    tx, phone.account_id, Notice.DEVICE_BOUND
                )
                raise RuntimeError("the phone was not bound")
        await phone.unlock()
        assert (await phone.call("GET", "/messages"))["messages"] == []
        assert await rows(world, "id") == []


async def test_what_is_away_is_tried_again_and_given_up_after_a_day(
    store_url: str,
) -> None:
    async with open_world(store_url) as world:
        sms = FaultySender([Unavailable("sms")] * 2)
        services = with_senders(world.services, sms=sms)
        await tell(world, await world.phone(), Notice.DEVICE_BOUND)
        assert await services.messaging.courier.deliver_due() == 1
        assert await services.messaging.courier.deliver_due() == 0, "not at once"
        world.clock.pass_time(45)
        await services.messaging.courier.deliver_due()
        world.clock.pass_time(90)
        await services.messaging.courier.deliver_due()
        assert len(sms.sent) == 1
        assert await rows(world, "state, reference, attempts") == [("done", "ref-1", 3)]
        sms.faults = [Unavailable("sms")] * 1000
        await tell(world, await world.phone(number="1"), Notice.DEVICE_BOUND)
        for _ in range(40):
            world.clock.pass_time(4000)
            await services.messaging.courier.deliver_due()
        assert sorted(await rows(world, "state")) == [("done",), ("given-up",)]
        assert len(sms.faults) < 1000


@pytest.mark.parametrize("fault", [PhoneInvalid("x"), EmailInvalid("x")], ids=repr)
async def test_what_can_never_arrive_is_refused_at_once(
    sqlite_url: str, fault: Exception
) -> None:
    async with open_world(sqlite_url) as world:
        services = with_senders(world.services, sms=FaultySender([fault]))
        await tell(world, await world.phone(), Notice.DEVICE_BOUND)
        await services.messaging.courier.deliver_due()
        state, sealed = (await rows(world, "state, sealed"))[0]
        assert (state, sealed) == ("refused", b"")


async def test_two_nodes_never_send_the_same_row_and_a_dead_one_is_taken_over(
    store_url: str,
) -> None:
    async with open_world(store_url) as world:
        outbox = world.services.messages.outbox
        await tell(world, await world.phone(), Notice.DEVICE_BOUND)
        async with world.services.store.begin() as tx:
            (mine,) = await outbox.claim(tx)
            assert await outbox.claim(tx) == []
        world.clock.pass_time(121)
        async with world.services.store.begin() as tx:
            (taken,) = await outbox.claim(tx)
            assert not await outbox.close(tx, mine, OutboxState.DONE)
            assert await outbox.close(tx, taken, OutboxState.DONE)


async def test_no_number_and_no_address_is_ever_logged(sqlite_url: str) -> None:
    async with open_world(sqlite_url) as world:
        phone = await world.phone()
        sms = FaultySender([RuntimeError(f"lost {NUMBER}"), PhoneInvalid(NUMBER)])
        services = with_senders(world.services, sms=sms)
        with everything_logged() as said:
            for notice in (Notice.DEVICE_BOUND, Notice.PIN_CHANGED):
                await tell(world, phone, notice)
                await services.messaging.courier.deliver_due()
        assert any("RuntimeError" in line for line in said), "the fault was seen"
        assert not any("12345678" in line for line in said)


async def test_text_messages_have_a_daily_end_but_for_what_may_be_a_theft(
    sqlite_url: str,
) -> None:
    async with open_world(sqlite_url) as world:
        phone = await world.phone()
        for _ in range(TEXTS_A_DAY + 3):
            await tell(world, phone, Notice.PIN_BLOCKED)
        assert len(await rows(world, "id")) == TEXTS_A_DAY
        await tell(world, phone, Notice.RECOVERY_STARTED)
        assert len(await rows(world, "id")) == TEXTS_A_DAY + 1
        await tell(world, phone, Notice.DEVICE_BOUND, skip_sms=True)
        await tell(world, phone, Notice.LOGIN_NEW_BROWSER)
        assert len(await rows(world, "id")) == TEXTS_A_DAY + 1
        assert not ALWAYS & NOT_BY_SMS


async def test_an_old_number_is_told_without_an_account(sqlite_url: str) -> None:
    async with open_world(sqlite_url) as world:
        services = world.services
        async with services.store.begin() as tx:
            await services.messages.tell_number(
                tx, "+66812345678", Notice.PHONE_CHANGED, locale="en"
            )
        await services.messaging.courier.deliver_due()
        assert isinstance(services.sms, ConsoleSmsSender)
        (text,) = services.sms.outbox
        assert text.to == "+66812345678"
        assert text.text.startswith("CamDigiKey: Phone number changed.")


@pytest.mark.parametrize(
    "detail",
    [{"Device": "x"}, {"device": "x" * 201}, {"device": True}, {"device": None}],
    ids=str,
)
async def test_a_detail_that_no_list_can_show_is_a_fault(
    sqlite_url: str, detail: dict[str, str]
) -> None:
    async with open_world(sqlite_url) as world:
        phone = await world.phone()
        with pytest.raises(ValueError, match="detail"):
            await tell(world, phone, Notice.DEVICE_BOUND, detail=detail)


async def test_the_person_is_told_once_of_a_blocked_phone(sqlite_url: str) -> None:
    async with open_world(sqlite_url) as world:
        phone = await world.phone()
        for _ in range(MAX_FAILURES + 2):
            with pytest.raises(Problem) as refused:
                await phone.unlock("111222")
            assert refused.value.code in {"code-wrong", "exhausted"}
            world.clock.pass_time(24 * 3600)
            phone.nonce = ""
        async with world.services.store.read() as tx:
            told = await world.services.messages.notices_of(tx, phone.account_id)
        assert [one.notice for one in told] == [Notice.PIN_BLOCKED]
        assert told[0].detail == {"device": "Test phone"}
