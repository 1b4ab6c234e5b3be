"""Several providers as one: routes, failover, breakers, budgets."""

from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from pydantic import SecretStr

from idp.engines.breaker import FAILURES, PAUSE, Breaker
from idp.engines.loading import EngineUnusable, load_engine
from idp.engines.sms_router import SmsRouter, create, parts_of
from idp.errors import PhoneInvalid, Unavailable
from idp.interfaces import Allowance, Budgeted, CodeSender, Sent, SmsSender
from idp.settings import IdpSettings
from tests.messages import everything_logged

pytestmark = pytest.mark.anyio
SMART, CELLCARD, THAI = "+85510123456", "+85512345678", "+66812345678"


@dataclass
class Provider:
    """Fails as it is told, then takes everything."""

    faults: list[Exception] = field(default_factory=list)
    took: list[str] = field(default_factory=list)

    async def send(self, *, to: str, text: str) -> Sent:
        if self.faults:
            raise self.faults.pop(0)
        self.took.append(f"{to} {text}")
        return Sent("x", "ref")

    async def send_code(self, *, to: str, code: str, locale: str) -> Sent:
        return await self.send(to=to, text=f"{locale} {code}")


@dataclass
class CodesOnly:
    """A provider of codes in its own words."""

    took: list[str] = field(default_factory=list)

    async def send_code(self, *, to: str, code: str, locale: str) -> Sent:
        del to, locale
        self.took.append(code)
        return Sent("y", "own")


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Purse(Allowance):
    left: dict[str, int]

    async def allow(self, provider: str, *, parts: int) -> bool:
        if self.left.get(provider, 99) < parts:
            return False
        self.left[provider] = self.left.get(provider, 99) - parts
        return True


def router(clock: Clock | None = None, **engines: Any) -> SmsRouter:
    watch = clock or Clock()
    breakers = {name: Breaker(watch) for name in engines}
    return SmsRouter({"*": tuple(engines)}, engines, breakers)


async def test_the_next_provider_takes_what_the_first_one_cannot() -> None:
    first, second = Provider([Unavailable("sms")]), Provider()
    both = router(first=first, second=second)
    assert await both.send(to=SMART, text="hello") == Sent("second", "ref")
    assert await both.send(to=SMART, text="again") == Sent("first", "ref")


async def test_a_provider_that_fails_in_a_row_is_left_alone_and_recovers() -> None:
    clock, first = Clock(), Provider([Unavailable("sms")] * (FAILURES + 1))
    both = router(clock, first=first, second=Provider())
    for _ in range(FAILURES + 3):
        assert (await both.send(to=SMART, text="x")).provider == "second"
    assert len(first.faults) == 1, "left alone after five"
    clock.now += PAUSE
    assert (await both.send(to=SMART, text="x")).provider == "second"
    assert first.faults == [], "one message tried it"
    assert (await both.send(to=SMART, text="x")).provider == "second"
    clock.now += PAUSE
    assert (await both.send(to=SMART, text="x")).provider == "first"


async def test_only_failures_in_a_row_are_counted() -> None:
    first = Provider()
    both = router(first=first, second=Provider())
    for _ in range(4):
        first.faults = [Unavailable("sms")] * (FAILURES - 1)
        for _ in range(FAILURES - 1):
            assert (await both.send(to=SMART, text="x")).provider == "second"
        assert (await both.send(to=SMART, text="x")).provider == "first"


async def test_a_fault_of_an_engine_is_a_failure_and_its_text_is_not_logged() -> None:
    first = Provider([RuntimeError(f"cannot {SMART} 493028")])
    with everything_logged() as said:
        sent = await router(first=first, second=Provider()).send(to=SMART, text="x")
    assert sent.provider == "second"
    assert any("RuntimeError" in line for line in said)
    assert not [line for line in said if "123456" in line or "493028" in line]


async def test_a_number_is_invalid_only_when_everybody_says_so() -> None:
    bad = PhoneInvalid("x")
    with pytest.raises(PhoneInvalid):
        await router(a=Provider([bad]), b=Provider([bad])).send(to=SMART, text="x")
    with pytest.raises(Unavailable):
        await router(a=Provider([bad]), b=Provider([Unavailable("b")])).send(
            to=SMART, text="x"
        )
    sent = await router(a=Provider([bad]), b=Provider()).send(to=SMART, text="x")
    assert sent.provider == "b"


async def test_a_number_that_is_refused_does_not_open_the_breaker() -> None:
    first = Provider([PhoneInvalid("x")] * 20)
    both = router(first=first, second=Provider())
    for _ in range(20):
        await both.send(to=SMART, text="x")
    assert first.faults == []


async def test_who_only_brings_codes_is_passed_over_for_texts() -> None:
    codes, texts = CodesOnly(), Provider()
    both = router(codes=codes, texts=texts)
    assert (await both.send(to=SMART, text="x")).provider == "texts"
    sent = await both.send_code(to=SMART, code="493028", locale="km")
    assert sent == Sent("codes", "own")


async def test_a_budget_that_is_spent_passes_the_provider_over() -> None:
    first, second = Provider(), Provider()
    both = router(first=first, second=second).within(Purse({"first": 2, "second": 1}))
    sent = [(await both.send(to=SMART, text="x")).provider for _ in range(3)]
    assert sent == ["first", "first", "second"]
    with pytest.raises(Unavailable):
        await both.send(to=SMART, text="x")


async def test_the_closest_route_holds() -> None:
    engines = {name: Provider() for name in ("a", "b", "c", "d", "e")}
    routes = {
        "*": ("a",),
        "KH": ("b",),
        "smart": ("c",),
        "+8551": ("d",),
        "+85512": ("e",),
    }
    all_of_them = replace(router(**engines), routes=routes)
    assert all_of_them.route_of(CELLCARD) == ("e",)
    assert all_of_them.route_of(SMART) == ("d",)
    assert all_of_them.route_of("+85593123456") == ("c",)
    assert all_of_them.route_of("+855973456789") == ("b",)
    assert all_of_them.route_of(THAI) == ("a",)
    nowhere = replace(all_of_them, routes={"KH": ("b",)})
    with pytest.raises(Unavailable):
        await nowhere.send(to=THAI, text="x")


def settings(**changes: Any) -> IdpSettings:
    given: dict[str, Any] = {
        "environment": "development",
        "issuer": "https://id.test",
        "app_origin": "https://app.id.test",
        "sms_sender": "idp.engines.sms_router:create",
        "nomsa_key": SecretStr("specimen"),
        "telegram_gateway_token": SecretStr("specimen"),
    }
    return IdpSettings(**{**given, **changes})


def test_the_settings_make_a_router_of_engines() -> None:
    routes = {"*": ("nomsa",), "TH": ("telegram", "nomsa"), "Smart": ("telegram",)}
    made = load_engine(
        "idp.engines.sms_router:create", SmsRouter, settings(sms_routes=routes)
    )
    assert isinstance(made, SmsSender)
    assert isinstance(made, CodeSender)
    assert isinstance(made, Budgeted)
    assert set(made.engines) == {"nomsa", "telegram"}
    assert made.route_of("+85593123456") == ("telegram",)


@pytest.mark.parametrize(
    "routes",
    [
        {},
        {"*": ("carrier-pigeon",)},
        {"KH!": ("nomsa",)},
        {"*": ("plasgate",)},
        {"+85x": ("nomsa",)},
    ],
    ids=str,
)
def test_routes_that_lead_nowhere_are_refused(routes: dict[str, Any]) -> None:
    with pytest.raises((ValueError, EngineUnusable)):
        create(settings(sms_routes=routes))


@pytest.mark.parametrize(
    ("text", "parts"),
    [("a" * 160, 1), ("a" * 161, 2), ("ក" * 70, 1), ("ក" * 71, 2), ("ក" * 135, 3)],
    ids=["gsm", "gsm+1", "ucs2", "ucs2+1", "ucs2x3"],
)
def test_a_text_is_billed_by_its_parts(text: str, parts: int) -> None:
    assert parts_of(text) == parts
