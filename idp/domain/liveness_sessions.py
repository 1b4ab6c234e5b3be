"""A liveness session: what one person is told to do, once, within a minute.

    issued --spend--> gone

The order and the times come from chance, so that a recording made before does not
fit. It belongs to one purpose, owner and device; a newer one replaces it, and only so
many are given in an hour, so that nobody can ask until the script is one that he has
on film. It is spent before the clip is judged.
"""

import json
import secrets
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from itertools import pairwise, product
from typing import Final

from idp.errors import EvidenceInsufficient, Exhausted
from idp.interfaces import Clock
from idp.storage.columns import to_millis
from idp.storage.ephemeral import Ephemeral, Record

LIFE: Final = 60  # seconds
HOUR: Final = 3600
MOST_AN_HOUR: Final = 8
FRAMES_PER_SECOND: Final = 10
STEPS: Final = 3
HOLDS: Final = range(1600, 2601, 100)
NEUTRALS: Final = range(1300, 1801, 100)


class Action(StrEnum):
    """What a person can be told to do; left and right are the person's own."""

    TURN_LEFT = "turn_left"
    TURN_RIGHT = "turn_right"
    BLINK = "blink"
    SMILE = "smile"
    NOD = "nod"


TURNS: Final = frozenset({Action.TURN_LEFT, Action.TURN_RIGHT})


@dataclass(frozen=True, slots=True)
class Step:
    """One instruction and how long it stands, in milliseconds; 0: no time was told."""

    action: Action
    hold_ms: int = 0


@dataclass(frozen=True, slots=True)
class Script:
    """What the person does, in this order; between the steps, look straight ahead.

    `neutral_ms` is how long "look straight ahead" stands before, between and after.
    """

    steps: tuple[Step, ...]
    neutral_ms: int = 0

    @property
    def is_timed(self) -> bool:
        """Say whether times were told, and so frames are tagged with their step."""
        return all(step.hold_ms > 0 for step in self.steps)


@dataclass(frozen=True, slots=True, kw_only=True)
class LivenessSession:
    """A script under the name that the clip must carry. Milliseconds since 1970."""

    id: str
    script: Script
    issued_at: int
    expires_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sitting:
    """Who is asked, and for what: a clip made for one is worth nothing to another."""

    purpose: str
    owner_id: str
    device_id: str

    @property
    def key(self) -> str:
        """Return where the one session of this owner is kept."""
        return f"liveness:{self.purpose}:{self.owner_id}"


def possible_orders() -> tuple[tuple[Action, ...], ...]:
    """Return every order that may be asked: a turn and a blink, no repeat in a row."""
    return tuple(
        order
        for order in product(Action, repeat=STEPS)
        if Action.BLINK in order
        and TURNS & set(order)
        and all(one != other for one, other in pairwise(order))
    )


def new_script() -> Script:
    """Return a script by chance: each order alike, each time alike."""
    order = secrets.choice(possible_orders())
    steps = tuple(Step(action, secrets.choice(HOLDS)) for action in order)
    return Script(steps, secrets.choice(NEUTRALS))


@dataclass(frozen=True, slots=True)
class LivenessSessions:
    """Tell a person what to do, and take one clip for it."""

    clock: Clock
    ephemeral: Ephemeral

    async def issue(self, sitting: Sitting) -> LivenessSession:
        """Return a fresh session in the place of the last; raises Exhausted."""
        told = f"{sitting.key}:told"
        if await self.ephemeral.count(told, seconds=HOUR) > MOST_AN_HOUR:
            raise Exhausted("liveness sessions", retry_after=HOUR)
        now = to_millis(self.clock.now())
        session = LivenessSession(
            id=secrets.token_urlsafe(16),
            script=new_script(),
            issued_at=now,
            expires_at=now + LIFE * 1000,
        )
        record = _record(session, sitting.device_id)
        await self.ephemeral.put(sitting.key, record, seconds=LIFE)
        return session

    async def spend(self, sitting: Sitting, session_id: str) -> LivenessSession:
        """Use a session up and return it.

        Raises EvidenceInsufficient("liveness", advice=("liveness-over",)) unless it is
        this owner's and device's newest, unused and in time.
        """
        expect = {
            "session": _digest(session_id),
            "device": sitting.device_id,
            "used": "",
        }
        found = await self.ephemeral.get(sitting.key)
        is_ours = found is not None and await self.ephemeral.swap(
            sitting.key, expect=expect, change={"used": "1"}
        )
        if found is None or not is_ours:
            raise _over()
        await self.ephemeral.delete(sitting.key)
        session = _session(found, session_id)
        if session is None or to_millis(self.clock.now()) >= session.expires_at:
            raise _over()
        return session


def _over() -> EvidenceInsufficient:
    return EvidenceInsufficient("liveness", advice=("liveness-over",))


def _digest(session_id: str) -> str:
    return sha256(session_id.encode()).hexdigest()


def _record(session: LivenessSession, device_id: str) -> Record:
    steps = [[step.action.value, step.hold_ms] for step in session.script.steps]
    return {
        "session": _digest(session.id),
        "device": device_id,
        "steps": json.dumps(steps),
        "neutral": str(session.script.neutral_ms),
        "issued": str(session.issued_at),
        "expires": str(session.expires_at),
    }


def _session(record: Record, session_id: str) -> LivenessSession | None:
    """Return the session of this record; None when a newer one took its place."""
    if record["session"] != _digest(session_id):
        return None
    steps = tuple(
        Step(Action(action), hold_ms) for action, hold_ms in json.loads(record["steps"])
    )
    return LivenessSession(
        id=session_id,
        script=Script(steps, int(record["neutral"])),
        issued_at=int(record["issued"]),
        expires_at=int(record["expires"]),
    )
