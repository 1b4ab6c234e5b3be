"""A registration's code on its way: puzzles, countries, budgets, and conversion."""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import cast

import pytest

from camdigikey.phone import Phone, PhoneKeys, Problem
from idp.domain.code_delivery import TextCodes
from idp.engines.development import ConsoleEmailSender, ConsoleSmsSender
from idp.interfaces import Sent
from mobile_api.app import create_app
from mobile_api.services import MobileServices
from tests.messages import everything_logged
from tests.world import APP, ISSUER, World, open_world

pytestmark = pytest.mark.anyio


def new_phone(world: World) -> Phone:
    return Phone(world._client(), APP, ISSUER, keys=PhoneKeys())  # noqa: SLF001


def code(world: World) -> str:
    assert isinstance(world.services.sms, ConsoleSmsSender)
    text = world.services.sms.outbox[-1].text
    return "".join(c for c in text if c in "0123456789")[:6]


async def test_a_phone_solves_the_puzzle_and_gets_its_code(store_url: str) -> None:
    async with open_world(store_url, work_free_an_hour=0) as world:
        phone = new_phone(world)
        body = {"phone": "012 345 678", "locale": "en"}
        with pytest.raises(Problem) as puzzled:
            await phone.post("/registrations", body)
        told = puzzled.value.body
        assert (told["status"], told["code"]) == (428, "work-required")
        assert 14 <= told["difficulty"] <= 20
        wrong = {"challenge": told["challenge"], "counter": 0}
        with pytest.raises(Problem) as again:
            await phone.post("/registrations", {**body, "work": wrong})
        assert again.value.code == "work-required"
        assert again.value.body["challenge"] != told["challenge"]
        view = await phone.start("012 345 678")
        assert view["state"] == "phone_code"


async def test_a_number_of_a_country_that_is_not_served_gets_no_code(
    sqlite_url: str,
) -> None:
    async with open_world(sqlite_url, sms_countries=("KH", "TH")) as world:
        with pytest.raises(Problem) as refused:
            await new_phone(world).start("+33612345678")
        assert refused.value.code == "phone-invalid"
        await new_phone(world).start("+66812345678")
        assert isinstance(world.services.sms, ConsoleSmsSender)
        assert len(world.services.sms.outbox) == 1
    async with open_world(sqlite_url, sms_countries=("*",)) as world:
        await new_phone(world).start("+33612345678")


async def test_a_prefix_has_a_budget_an_hour(store_url: str) -> None:
    async with open_world(store_url, codes_per_number_prefix_an_hour=2) as world:
        world.clock.hold()
        for number in ("012345671", "012345672"):
            await new_phone(world).start(number)
        with pytest.raises(Problem) as spent:
            await new_phone(world).start("012345673")
        assert spent.value.code == "exhausted"
        await new_phone(world).start("097 345 6789")
        world.clock.pass_time(3601)
        await new_phone(world).start("012345674")


async def test_conversion_is_counted_by_prefix(store_url: str) -> None:
    async with open_world(store_url) as world:
        for number in ("012345671", "012345672", "0973456789"):
            phone = new_phone(world)
            view = await phone.start(number)
            if number != "012345672":
                path = f"/registrations/{view['id']}/phone-code"
                await phone.post(path, {"code": code(world)})
        async with world.services.store.read() as tx:
            tallies = await world.services.messaging.sent.tallies(
                tx, window=timedelta(hours=1)
            )
        told = {one.prefix: (one.provider, one.codes, one.used) for one in tallies}
        assert told == {"+85512": ("console", 2, 1), "+85597": ("console", 1, 1)}


@dataclass
class Forgetful:
    """Loses every second message, and says whose."""

    sms: ConsoleSmsSender
    asked: int = 0

    async def send_code(self, *, to: str, code: str, locale: str) -> Sent:
        self.asked += 1
        if self.asked % 2:
            raise RuntimeError(f"lost {code} to {to}")
        return await self.sms.send_code(to=to, code=code, locale=locale)


async def test_no_number_and_no_code_is_ever_logged(sqlite_url: str) -> None:
    with everything_logged() as said:
        async with open_world(sqlite_url) as world:
            sms = ConsoleSmsSender()
            delivery = replace(world.services.code_delivery, codes_by=Forgetful(sms))
            services = replace(world.services, code_delivery=delivery)
            mobile = create_app(services, cast("MobileServices", None))
            world.network.apps["app.test"] = mobile
            phone = new_phone(world)
            with pytest.raises((Problem, RuntimeError)):
                await phone.start("012 345 678")
            view = await phone.start("012 345 678")
            typed = "".join(c for c in sms.outbox[-1].text if c in "0123456789")[:6]
            path = f"/registrations/{view['id']}/phone-code"
            with pytest.raises(Problem):
                await phone.post(path, {"code": "000000"})
            await phone.post(path, {"code": typed})
    assert said
    hidden = ("12345678", "12 345 678", typed)
    assert not [line for line in said if any(one in line for one in hidden)]


async def test_a_code_goes_by_e_mail_in_both_languages_and_is_counted(
    store_url: str,
) -> None:
    async with open_world(store_url) as world:
        post, services = ConsoleEmailSender(), world.services
        delivery = replace(services.code_delivery, email=post)
        async with services.store.begin() as tx:
            code = (await services.codes.issue(tx, "owner")).code
        to = "sreypov@example.org"
        await delivery.by_email(owner="owner", to=to, code=code, locale="en")
        (letter,) = post.outbox
        assert letter.to == to
        assert f"Your code is {code}. It is valid for 5 minutes." in letter.text
        assert f"លេខកូដរបស់អ្នកគឺ {code}។ វាមានសុពលភាព ៥ នាទី។" in letter.text
        assert code not in letter.subject
        async with services.store.begin() as tx:
            await services.codes.check(tx, "owner", code)
        async with services.store.read() as tx:
            (told,) = await services.messaging.sent.tallies(
                tx, window=timedelta(hours=1)
            )
        assert (told.prefix, told.codes, told.used) == ("", 1, 1)


async def test_a_sender_of_texts_alone_brings_codes_too(sqlite_url: str) -> None:
    class Plain:
        def __init__(self) -> None:
            self.texts: list[str] = []

        async def send(self, *, to: str, text: str) -> Sent:
            del to
            self.texts.append(text)
            return Sent("plain")

    async with open_world(sqlite_url) as world:
        plain = Plain()
        delivery = replace(world.services.code_delivery, codes_by=TextCodes(plain))
        await delivery.by_text(
            owner="o", to="+85512345678", code="12345678", locale="km"
        )
        (text,) = plain.texts
        assert "12345678" in text
        assert len(text) <= 70
