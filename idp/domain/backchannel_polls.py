"""How often a relying party may ask for the answer to one request (CIBA Core, 11).

The interval runs from one question to the next. Who asks sooner, or while an earlier
question is still waiting, is told to slow down, and the interval grows for good. What
is remembered is short-lived: losing it costs nobody anything.
"""

from dataclasses import dataclass

from idp.errors import PollTooFast
from idp.interfaces import Clock
from idp.storage.columns import to_millis
from idp.storage.ephemeral import Ephemeral, Record

SLOWER = 5  # seconds, added each time (CIBA Core 1.0, 11: "at least 5")
LENIENCE = 500  # milliseconds that networks may take from an interval


@dataclass(frozen=True, slots=True)
class Polls:
    """Count the questions about each request. `interval` is in seconds."""

    clock: Clock
    ephemeral: Ephemeral
    interval: int

    async def begin(self, request_id: str, *, life: float) -> None:
        """Remember a fresh request for `life` seconds; once, whoever is first."""
        if await self.ephemeral.add_once(f"begun:{_key(request_id)}", seconds=life):
            await self.ephemeral.put(_key(request_id), {"state": "open"}, seconds=life)

    async def take_turn(self, request_id: str, *, waits: float, life: float) -> "Turn":
        """Begin one question that will wait for at most `waits` seconds.

        Raises PollTooFast when it comes too soon or overlaps another one.
        """
        known = await self.ephemeral.get(_key(request_id))
        if known is None:  # forgotten with everything else that is short-lived
            await self.begin(request_id, life=life)
            known = {"state": "open"}
        now = to_millis(self.clock.now())
        interval = int(known.get("interval", self.interval))
        if now < max(_at(known, "next") - LENIENCE, _at(known, "busy")):
            slower = interval + SLOWER
            change = {"interval": str(slower), "next": str(now + slower * 1000)}
            await self.ephemeral.swap(_key(request_id), expect={}, change=change)
            raise PollTooFast(request_id)
        busy = str(now + int(waits * 1000)) if waits else ""
        change = {"next": str(now + interval * 1000), "busy": busy}
        expect = {name: known.get(name, "") for name in ("next", "busy", "interval")}
        if not await self.ephemeral.swap(
            _key(request_id), expect=expect, change=change
        ):
            raise PollTooFast(request_id)  # two at the very same time
        return Turn(self.ephemeral, request_id, busy)


@dataclass(frozen=True, slots=True)
class Turn:
    """One question, until it is answered."""

    ephemeral: Ephemeral
    request_id: str
    busy: str

    async def end(self) -> None:
        """Let the next question come."""
        if self.busy:
            key, change = _key(self.request_id), {"busy": ""}
            await self.ephemeral.swap(key, expect={"busy": self.busy}, change=change)


def _at(record: Record, name: str) -> int:
    return int(record.get(name) or 0)


def _key(request_id: str) -> str:
    return f"backchannel-poll:{request_id}"
