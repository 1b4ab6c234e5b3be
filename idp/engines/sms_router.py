"""Several providers as one: by number, by health, by what they may still cost.

    the number → its route → each provider in turn:
        left alone after failures? its day's budget spent?   the next one
        took it                                              done
        cannot reach this number                             the next one
        does not answer, refuses, fails                      the next one, and counted

`IDP_SMS_ROUTES` maps a prefix (`+85510`), a network (`smart`), a country (`TH`) or
`*` to providers in their order; the closest of the four holds. Networks are
libphonenumber's guess by number range: numbers move with people, so it is a hint.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

import phonenumbers
from phonenumbers import carrier

from idp.engines.breaker import Breaker
from idp.engines.loading import load_engine
from idp.errors import PhoneInvalid, Unavailable
from idp.interfaces import Allowance, CodeSender, Sent, SmsSender
from idp.settings import IdpSettings

logger = logging.getLogger(__name__)

ELSEWHERE: Final = "*"
KNOWN: Final = {
    "twilio": "idp.engines.sms_twilio:create",
    "twilio-verify": "idp.engines.sms_twilio_verify:create",
    "plasgate": "idp.engines.sms_plasgate:create",
    "telegram": "idp.engines.code_telegram:create",
    "nomsa": "idp.engines.sms_nomsa:create",
    "console": "idp.engines.development:create",
}
Attempt = Callable[[object], Awaitable[Sent]]
ONE_PART, MANY_PARTS = 70, 67  # characters in Khmer: alone, and each of several
ONE_GSM, MANY_GSM = 160, 153  # the same in GSM 03.38


@dataclass(frozen=True, slots=True)
class SmsRouter:
    """Sends by the first provider that can. `engines` are by their short names."""

    routes: Mapping[str, tuple[str, ...]]
    engines: Mapping[str, object]
    breakers: Mapping[str, Breaker]
    allowance: Allowance | None = None

    async def send(self, *, to: str, text: str) -> Sent:
        """Send a text; raises PhoneInvalid or Unavailable."""

        async def attempt(engine: object) -> Sent:
            assert isinstance(engine, SmsSender)
            return await engine.send(to=to, text=text)

        return await self._first(to, SmsSender, attempt, parts=parts_of(text))

    async def send_code(self, *, to: str, code: str, locale: str) -> Sent:
        """Bring a code; raises PhoneInvalid or Unavailable."""

        async def attempt(engine: object) -> Sent:
            assert isinstance(engine, CodeSender)
            return await engine.send_code(to=to, code=code, locale=locale)

        return await self._first(to, CodeSender, attempt, parts=1)

    def within(self, allowance: Allowance) -> "SmsRouter":
        """Return the same router, held to an allowance."""
        return replace(self, allowance=allowance)

    def route_of(self, to: str) -> tuple[str, ...]:
        """Return the names of the providers for a number, first choice first."""
        prefixes = [key for key in self.routes if key[:1] == "+" and to.startswith(key)]
        if prefixes:
            return self.routes[max(prefixes, key=len)]
        number = phonenumbers.parse(to)
        network = carrier.name_for_number(number, "en").partition(" ")[0].lower()
        country = phonenumbers.region_code_for_number(number) or ""
        for key in (network, country, ELSEWHERE):
            if key in self.routes:
                return self.routes[key]
        return ()

    async def _first(
        self, to: str, kind: type, attempt: Attempt, *, parts: int
    ) -> Sent:
        refused = failed = False
        for name in self.route_of(to):
            if not isinstance(self.engines[name], kind):
                continue
            if not await self._may(name, parts):
                failed = True
                continue
            try:
                return await self._try(name, attempt)
            except PhoneInvalid:
                refused = True
            except Unavailable:
                failed = True
        if refused and not failed:
            raise PhoneInvalid("no provider reaches this number")
        raise Unavailable("sms", retry_after=30)

    async def _may(self, name: str, parts: int) -> bool:
        """Say whether a provider is to be tried, and spend what that costs."""
        if self.breakers[name].is_open:
            return False
        self.breakers[name].begin()
        if self.allowance is None or await self.allowance.allow(name, parts=parts):
            return True
        logger.warning("messages: the day's budget of %s is spent", name)
        return False

    async def _try(self, name: str, attempt: Attempt) -> Sent:
        breaker = self.breakers[name]
        try:
            sent = await attempt(self.engines[name])
        except PhoneInvalid:
            breaker.note(is_fine=True)
            raise
        except Unavailable:
            breaker.note(is_fine=False)
            logger.warning("messages: %s failed, the next one is tried", name)
            raise
        except Exception as fault:  # noqa: BLE001 - an engine may do anything
            # An engine's own fault; its text may hold a number.
            breaker.note(is_fine=False)
            logger.error("messages: %s: %s", name, type(fault).__name__)  # noqa: TRY400
            raise Unavailable(name) from None
        breaker.note(is_fine=True)
        return Sent(name, sent.reference)


def parts_of(text: str) -> int:
    """Return how many messages a text is billed as (GSM 03.38, UCS-2). Pure."""
    units = len(text.encode("utf-16-le")) // 2
    one, many = (ONE_GSM, MANY_GSM) if text.isascii() else (ONE_PART, MANY_PARTS)
    return 1 if units <= one else -(-units // many)


def create(settings: IdpSettings) -> SmsRouter:
    """Return a router; raises ValueError for routes that lead nowhere."""
    if not settings.sms_routes:
        raise ValueError("IDP_SMS_ROUTES is needed")
    names = {name for route in settings.sms_routes.values() for name in route}
    unknown = names - KNOWN.keys()
    if unknown:
        raise ValueError(f"unknown providers: {', '.join(sorted(unknown))}")
    engines = {name: _load(name, settings) for name in sorted(names)}
    routes = {_key(key): route for key, route in settings.sms_routes.items()}
    return SmsRouter(routes, engines, {name: Breaker() for name in engines})


def _load(name: str, settings: IdpSettings) -> object:
    return load_engine(KNOWN[name], object, settings)


def _key(key: str) -> str:
    """Return a route's key as it is looked up; raises ValueError."""
    if key == ELSEWHERE or (key[:1] == "+" and key[1:].isdigit()):
        return key
    if key.isascii() and key.isalpha():
        return key if key.isupper() and len(key) == 2 else key.lower()  # noqa: PLR2004 - ISO 3166
    raise ValueError(f"not a prefix, network or country: {key[:20]}")
