"""Providers' reports through the provider's own door, and the watch over them all."""

import asyncio
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from pydantic import SecretStr
from twilio.request_validator import RequestValidator

from idp.domain.message_watch import FEW, Alarm, MessageWatch, alarms_of
from idp.domain.sent_messages import SentKind, Tally, prefix_of
from idp.engines import sms_plasgate, sms_twilio
from idp.errors import Unavailable
from idp.interfaces import DeliveryReport, Sent
from idp.settings import IdpSettings
from tests.messages import everything_logged
from tests.wires.providers import PLASGATE_ID
from tests.world import APP, ISSUER, WithState, World, open_world

pytestmark = pytest.mark.anyio
SID = "SM" + "1" * 32
SETTINGS = IdpSettings(
    environment="development",
    issuer=ISSUER,
    app_origin=APP,
    twilio_account_sid="AC" + "0" * 32,
    twilio_auth_token=SecretStr("specimen-token"),
    twilio_sender="CamDigiKey",
    plasgate_private_key=SecretStr("specimen-private"),
    plasgate_secret=SecretStr("specimen-secret"),
    plasgate_sender="CamDigiKey",
)


def use(world: World, **providers: object) -> MessageWatch:
    """Let the running provider know these; return its watch."""
    watch = replace(world.services.messaging.watch, providers=providers)
    messaging = replace(world.services.messaging, watch=watch)
    services = replace(world.services, messaging=messaging)
    for app in world.network.apps.values():
        assert isinstance(app, WithState)
        app.state["services"] = services
    return watch


async def sent(
    world: World, provider: str, reference: str, *, owner: str = "o", to: str = ""
) -> None:
    async with world.services.store.begin() as tx:
        await world.services.messaging.sent.note(
            tx,
            Sent(provider, reference),
            kind=SentKind.CODE,
            owner=owner,
            prefix=prefix_of(to or "+85512345678"),
        )


async def states(world: World) -> list[str]:
    async with world.services.store.read() as tx:
        rows = await tx.all("SELECT state FROM sent_message ORDER BY sent_at, id")
    return [str(row[0]) for row in rows]


async def post(world: World, form: dict[str, str], signature: str) -> httpx2.Response:
    http = world.browser().http
    url = f"{ISSUER}/messages/reports/twilio"
    return await http.post(url, data=form, headers={"X-Twilio-Signature": signature})


async def test_a_signed_twilio_report_is_noted_and_a_forged_one_is_not(
    store_url: str,
) -> None:
    async with open_world(store_url) as world:
        use(world, twilio=sms_twilio.create(SETTINGS))
        await sent(world, "twilio", SID)
        form = {"MessageSid": SID, "MessageStatus": "delivered", "To": "+85512345678"}
        url = f"{ISSUER}/messages/reports/twilio"
        good = RequestValidator("specimen-token").compute_signature(url, form)
        other = RequestValidator("another").compute_signature(url, form)
        for signature in ("", other, good[:-2] + "A="):
            assert (await post(world, form, signature)).status_code == 403
        altered = await post(world, {**form, "MessageStatus": "failed"}, good)
        assert altered.status_code == 403
        assert await states(world) == ["sent"]
        assert (await post(world, form, good)).status_code == 200
        assert await states(world) == ["delivered"]
        late = {**form, "MessageStatus": "failed"}
        signature = RequestValidator("specimen-token").compute_signature(url, late)
        assert (await post(world, late, signature)).status_code == 200
        assert await states(world) == ["delivered"], "what is final stays"


async def test_a_plasgate_report_needs_our_key_and_is_acknowledged(
    store_url: str,
) -> None:
    async with open_world(store_url) as world:
        use(world, plasgate=sms_plasgate.create(SETTINGS))
        await sent(world, "plasgate", PLASGATE_ID)
        http = world.browser().http
        url = f"{ISSUER}/messages/reports/plasgate"
        query = {"id": PLASGATE_ID, "message_status": "UNDELIV", "err": "001"}
        forged = await http.get(url, params={**query, "key": "x"})
        assert forged.status_code == 403
        key = sms_plasgate.report_key("specimen-secret")
        answer = await http.get(url, params={**query, "key": key})
        assert (answer.status_code, answer.text) == (200, "ACK/Jasmin")
        assert await states(world) == ["failed"]
        no_id = await http.get(url, params={"key": key})
        assert no_id.status_code == 400
        other = await http.get(url, params={**query, "id": "ours-not", "key": key})
        assert other.status_code == 200


async def test_who_reports_nothing_here_finds_nothing(sqlite_url: str) -> None:
    async with open_world(sqlite_url) as world:
        use(world, quiet=object())
        for name in ("quiet", "nobody", "twilio"):
            answer = await world.browser().http.get(f"{ISSUER}/messages/reports/{name}")
            assert answer.status_code == 404


@dataclass
class Asked:
    """A provider that is asked, and that hears when a code was used."""

    fate: dict[str, str] = field(default_factory=dict)
    used: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    async def status_of(self, reference: str) -> DeliveryReport:
        self.asked.append(reference)
        if reference == "away":
            raise Unavailable("asked")
        state: Any = self.fate.get(reference, "")
        return DeliveryReport(reference, state)

    async def code_used(self, reference: str) -> None:
        self.used.append(reference)


async def test_the_watch_asks_until_a_fate_is_known_and_tells_of_used_codes(
    store_url: str,
) -> None:
    async with open_world(store_url) as world:
        world.clock.hold()
        provider = Asked({"arrived": "delivered"})
        watch = use(world, asked=provider)
        for reference in ("arrived", "unknown", "away"):
            await sent(world, "asked", reference, owner=reference)
        await sent(world, "another", "theirs")
        await sent(world, "asked", "")
        assert await watch.poll() == 0, "not before twenty seconds"
        world.clock.pass_time(21)
        assert await watch.poll() == 1
        assert sorted(provider.asked) == ["arrived", "away", "unknown"]
        assert await watch.poll() == 0, "just asked"
        async with world.services.store.begin() as tx:
            await world.services.messaging.sent.code_used(tx, "unknown")
        world.clock.pass_time(21)
        assert await watch.poll() == 1
        assert provider.used == ["unknown"]
        world.clock.pass_time(3 * 3600)
        provider.asked.clear()
        await watch.poll()
        assert provider.asked == [], "old ones are let go"


async def test_an_alarm_is_one_line_without_a_number(store_url: str) -> None:
    async with open_world(store_url) as world:
        watch = use(world)
        for number in range(FEW):
            owner = f"owner-{number}"
            await sent(world, "p", f"a{number}", owner=owner)
            await sent(world, "p", f"b{number}", owner=owner, to="+855973456789")
            if number < 20:
                async with world.services.store.begin() as tx:
                    await tx.run(
                        "UPDATE sent_message SET used_at = sent_at"
                        " WHERE owner_id = $1 AND prefix = '+85597'",
                        owner,
                    )
        assert await watch.sound() == [], "there is still time to type the codes"
        world.clock.pass_time(601)
        with everything_logged() as said:
            found = await watch.sound()
        assert found == [Alarm("codes used to", "+85512", 0, FEW)]
        assert any("alarm: codes used to +85512: 0 of 30" in line for line in said)
        assert not any("345678" in line for line in said)
        world.clock.pass_time(3600)
        assert await watch.sound() == []


def tally(**changes: Any) -> Tally:
    given = {"provider": "p", "prefix": "+85512", "sent": 100, "delivered": 0}
    return Tally(**{**given, "failed": 0, "codes": 100, "used": 100, **changes})


@pytest.mark.parametrize(
    ("changes", "alarms"),
    [
        ({}, 0),
        ({"used": 30}, 0),
        ({"used": 29}, 1),
        ({"failed": 30}, 0),
        ({"failed": 31}, 1),
        ({"failed": 31, "used": 0}, 2),
        ({"codes": FEW - 1, "used": 0, "sent": FEW - 1, "failed": FEW - 1}, 0),
    ],
    ids=str,
)
def test_an_alarm_needs_enough_messages_and_too_few_of_them_well(
    changes: dict[str, int], alarms: int
) -> None:
    assert len(alarms_of([tally(**changes)])) == alarms


async def test_the_budget_of_a_day_is_shared_and_begins_anew(store_url: str) -> None:
    async with open_world(
        store_url, message_budgets={"twilio": 250}, message_prices={"twilio": 90}
    ) as world:
        world.clock.hold()
        spending = world.services.messaging.spending
        tries = [spending.allow("twilio", parts=1) for _ in range(8)]
        assert sum(await asyncio.gather(*tries)) == 2, "no racer passes the limit"
        assert not await spending.allow("twilio", parts=1)
        assert await spending.allow("free", parts=9)
        async with world.services.store.read() as tx:
            assert await spending.spent_today(tx, "twilio") == 180
            assert await spending.spent_today(tx, "free") == 9
        world.clock.pass_time(timedelta(days=1).total_seconds())
        assert await spending.allow("twilio", parts=2)
        async with world.services.store.begin() as tx:
            assert await spending.drop_old(tx) == 2
