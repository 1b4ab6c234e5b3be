"""Asks what became of messages, and says aloud when codes stop arriving.

    every 30 s   providers that are asked: what became of the young ones?
    every 5 min  of the codes to one prefix too few are typed, or too many messages of
                 one provider fail: one line in the log, for the operator's alarm

A code that is asked for and never typed is a route that does not deliver, or traffic
that somebody makes for money; both want a person, today.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from idp.domain.sent_messages import SentMessages, SentState, Tally, Unknown
from idp.errors import IdentityError
from idp.interfaces import StatusTeller, UseListener
from idp.storage.store import Store

logger = logging.getLogger(__name__)

POLL: Final = 30.0  # seconds
ALARM_EVERY: Final = 10  # polls
ASKED: Final = 50  # messages of a provider in one poll
YOUNG: Final = timedelta(hours=2)
WINDOW: Final = timedelta(minutes=70)
SETTLED: Final = timedelta(minutes=10)  # to type a code in
FEW: Final = 30  # fewer than these say nothing
LEAST_USED: Final = 0.3
MOST_FAILED: Final = 0.3


@dataclass(frozen=True, slots=True)
class Alarm:
    """What is wrong: `good` of `out_of` went well."""

    what: str
    whom: str
    good: int
    out_of: int

    def __str__(self) -> str:
        """Return one line without anybody's number."""
        return f"{self.what} {self.whom}: {self.good} of {self.out_of}"


def alarms_of(tallies: Iterable[Tally]) -> list[Alarm]:
    """Return what wants a person. Pure."""
    codes, used = Counter[str](), Counter[str]()
    sent, failed = Counter[str](), Counter[str]()
    for one in tallies:
        codes[one.prefix] += one.codes
        used[one.prefix] += one.used
        sent[one.provider] += one.sent
        failed[one.provider] += one.failed
    unused = [
        Alarm("codes used to", prefix or "e-mail", used[prefix], count)
        for prefix, count in sorted(codes.items())
        if count >= FEW and used[prefix] < count * LEAST_USED
    ]
    failing = [
        Alarm("messages not failed by", name, count - failed[name], count)
        for name, count in sorted(sent.items())
        if count >= FEW and failed[name] > count * MOST_FAILED
    ]
    return [*unused, *failing]


@dataclass(frozen=True, slots=True)
class MessageWatch:
    """Watches over what left. `providers` are by the names in the rows."""

    store: Store
    sent: SentMessages
    providers: Mapping[str, object]

    async def watch_forever(self) -> None:
        """Poll and raise alarms, until cancelled."""
        turn = 0
        while True:
            await asyncio.sleep(POLL)
            turn += 1
            try:
                await self.poll()
                if turn % ALARM_EVERY == 0:
                    await self.sound()
            except Exception as failure:  # noqa: BLE001 - the next turn tries again
                logger.error("message watch: %s", type(failure).__name__)  # noqa: TRY400

    async def sound(self) -> list[Alarm]:
        """Say every alarm in the log; return them."""
        found = await self.alarms()
        for alarm in found:
            logger.error("messages: alarm: %s", alarm)
        return found

    async def alarms(self) -> list[Alarm]:
        """Return what is wrong with the last hour."""
        async with self.store.read() as tx:
            tallies = await self.sent.tallies(tx, window=WINDOW, settled=SETTLED)
        return alarms_of(tallies)

    async def poll(self) -> int:
        """Ask every provider that is asked; return how many messages moved on."""
        moved = 0
        for name, engine in self.providers.items():
            if not isinstance(engine, StatusTeller):
                continue
            async with self.store.read() as tx:
                unknown = await self.sent.unknown(tx, name, window=YOUNG, limit=ASKED)
            moved += sum([await self._look(name, engine, one) for one in unknown])
        return moved

    async def _look(self, name: str, engine: StatusTeller, one: Unknown) -> bool:
        state = ""
        try:
            if one.is_used and isinstance(engine, UseListener):
                await engine.code_used(one.reference)
                state = SentState.DELIVERED.value
            else:
                state = (await engine.status_of(one.reference)).state
        except IdentityError as refusal:
            logger.info("message watch: %s: %s", name, refusal.code)
        async with self.store.begin() as tx:
            await self.sent.looked(tx, one.id)
            return bool(state) and await self.sent.reported(
                tx, provider=name, reference=one.reference, state=SentState(state)
            )
