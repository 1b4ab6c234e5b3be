"""Codes and notices over wires that fail: the next provider, the budget, the log."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest
from pydantic import SecretStr

from idp.domain.messages import Notice
from idp.domain.messaging import Messaging, open_messaging
from idp.engines import DisabledEmailSender
from idp.engines.sms_router import SmsRouter, create
from idp.errors import PhoneInvalid, Unavailable
from tests.messages import everything_logged
from tests.wires.providers import Nomsa, Plasgate, Telegram
from tests.wires.server import RESET, Wire, wire
from tests.world import World, open_world, settings_for

pytestmark = pytest.mark.anyio
TO, CODE = "+85512345678", "493028"


@dataclass
class Providers:
    """Three providers' servers, and everything by which people are told, over them."""

    world: World
    messaging: Messaging
    plasgate: Wire
    telegram: Wire
    nomsa: Wire

    async def bring(self, owner: str = "owner", to: str = TO) -> str:
        """Bring a code; return who took it."""
        await self.messaging.codes.by_text(owner=owner, to=to, code=CODE, locale="en")
        async with self.world.services.store.read() as tx:
            row = await tx.one(
                "SELECT provider FROM sent_message WHERE owner_id = $1", owner
            )
        assert row is not None
        return str(row[0])


@asynccontextmanager
async def providers(
    store_url: str,
    route: Sequence[str] = ("plasgate", "telegram", "nomsa"),
    faults: Sequence[object] = (),
    **changes: Any,
) -> AsyncIterator[Providers]:
    """Run them; `faults` are the first one's."""
    async with (
        open_world(store_url) as world,
        wire(Plasgate()) as plasgate,
        wire(Telegram(without_telegram=("+85597345678",))) as telegram,
        wire(Nomsa()) as nomsa,
    ):
        {"plasgate": plasgate, "telegram": telegram, "nomsa": nomsa}[
            route[0]
        ].faults = list(faults)
        given = settings_for(
            store_url,
            sms_routes={"*": tuple(route)},
            plasgate_private_key=SecretStr("specimen-private"),
            plasgate_secret=SecretStr("specimen-secret"),
            plasgate_sender="CamDigiKey",
            plasgate_base_url=plasgate.url,
            telegram_gateway_token=SecretStr("specimen-token"),
            telegram_gateway_base_url=telegram.url,
            nomsa_key=SecretStr("specimen-key"),
            nomsa_base_url=nomsa.url,
            **changes,
        )
        services = world.services
        messaging = open_messaging(
            given,
            clock=world.clock,
            store=services.store,
            sealer=services.sealer,
            accounts=services.accounts,
            sms=create(given),
            email=DisabledEmailSender("none"),
        )
        yield Providers(world, messaging, plasgate, telegram, nomsa)


@pytest.mark.parametrize("fault", [500, 503, 429, RESET, "nonsense"], ids=str)
async def test_a_code_goes_by_the_next_provider_when_the_first_one_fails(
    store_url: str, fault: object
) -> None:
    with everything_logged() as said:
        async with providers(store_url, faults=[fault]) as three:
            assert await three.bring("a") == "telegram"
            assert await three.bring("b") == "plasgate"
            assert len(three.plasgate.asked) == 2
    hidden = ("12345678", CODE, "specimen-")
    assert any("plasgate failed" in line for line in said)
    assert not [line for line in said if any(one in line for one in hidden)]


async def test_a_number_without_telegram_gets_its_code_by_text(sqlite_url: str) -> None:
    async with providers(sqlite_url, ("telegram", "nomsa")) as three:
        assert await three.bring(to="+85597345678") == "nomsa"
        assert await three.bring("b") == "telegram"
        with pytest.raises(PhoneInvalid):
            await providers_only(three, "nomsa").send(to="+66812345678", text="x")


def providers_only(three: Providers, name: str) -> SmsRouter:
    assert isinstance(three.messaging.sms, SmsRouter)
    return replace(three.messaging.sms, routes={"*": (name,)})


async def test_a_provider_whose_day_is_spent_is_passed_over_until_tomorrow(
    store_url: str,
) -> None:
    budgets = {"plasgate": 100, "nomsa": 25}
    prices = {"plasgate": 50, "nomsa": 25}
    async with providers(
        store_url,
        ("plasgate", "nomsa"),
        message_budgets=budgets,
        message_prices=prices,
    ) as three:
        three.world.clock.hold()
        took = [await three.bring(f"owner-{n}") for n in range(3)]
        assert took == ["plasgate", "plasgate", "nomsa"]
        with pytest.raises(Unavailable):
            await three.bring("too late")
        three.world.clock.pass_time(24 * 3600)
        assert await three.bring("tomorrow") == "plasgate"


async def test_a_notice_goes_by_those_who_take_texts(sqlite_url: str) -> None:
    async with providers(sqlite_url, ("telegram", "plasgate")) as three:
        phone = await three.world.phone()
        async with three.world.services.store.begin() as tx:
            await three.messaging.messages.tell(
                tx, phone.account_id, Notice.DEVICE_BOUND
            )
        assert await three.messaging.courier.deliver_due() == 1
        assert three.telegram.asked == []
        (asked,) = three.plasgate.asked
        assert asked.json["content"].startswith("CamDigiKey: ")


async def test_what_telegram_says_later_is_asked_for(sqlite_url: str) -> None:
    async with providers(sqlite_url, ("telegram",)) as three:
        await three.bring()
        three.world.clock.pass_time(30)
        assert await three.messaging.watch.poll() == 0
        three.telegram.speak.statuses["request-1"] = "delivered"  # type: ignore[attr-defined]
        three.world.clock.pass_time(30)
        assert await three.messaging.watch.poll() == 1
