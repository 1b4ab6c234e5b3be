"""When a signing key moves on, told by the rows alone. Pure.

next ──(published long enough, the current one old enough)──► current
current ──(the next takes over)──► retired ──(overlap is over)──► archived
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from idp.domain.signing_key_rows import CURRENT, NEXT, RETIRED, KeyRow


class Act(StrEnum):
    """What happens to a key."""

    RETIRE = "retire"
    PROMOTE = "promote"
    MAKE = "make"
    ARCHIVE = "archive"


@dataclass(frozen=True, slots=True)
class Step:
    """One act on one key; `kid` is empty for a key that is still to be made."""

    act: Act
    alg: str
    kid: str = ""


@dataclass(frozen=True, slots=True)
class KeySchedule:
    """How long a key signs, and how long it is published before and after."""

    rotation: timedelta
    publish_ahead: timedelta
    overlap: timedelta
    algorithms: tuple[str, ...]

    def due(self, rows: Sequence[KeyRow], *, now: int) -> tuple[Step, ...]:
        """Return the steps that are due at `now` (milliseconds), in their order."""
        steps = [step for alg in self.algorithms for step in self._of(alg, rows, now)]
        steps += [
            Step(Act.RETIRE, row.alg, row.kid)
            for row in rows
            if row.alg not in self.algorithms and row.state in {CURRENT, NEXT}
        ]
        steps += [
            Step(Act.ARCHIVE, row.alg, row.kid)
            for row in rows
            if row.state == RETIRED
            and _is_past(row.retired_at or 0, self.overlap, now=now)
        ]
        return tuple(steps)

    def _of(self, alg: str, rows: Sequence[KeyRow], now: int) -> list[Step]:
        current = find(rows, alg=alg, state=CURRENT)
        following = find(rows, alg=alg, state=NEXT)
        if following is None:
            return [Step(Act.MAKE, alg)]
        if not self.is_ripe(following, now=now):
            return []
        promote = Step(Act.PROMOTE, alg, following.kid)
        if current is None:
            return [promote, Step(Act.MAKE, alg)]
        since = current.signs_since or current.made_at
        if not _is_past(since, self.rotation, now=now):
            return []
        retire = Step(Act.RETIRE, alg, current.kid)
        return [retire, promote, Step(Act.MAKE, alg)]

    def is_ripe(self, row: KeyRow, *, now: int) -> bool:
        """Whether every cache has had the time to learn this key."""
        return _is_past(row.made_at, self.publish_ahead, now=now)


def find(rows: Sequence[KeyRow], *, alg: str, state: str) -> KeyRow | None:
    """Return the key of this algorithm in this state (there is one at most)."""
    return next((row for row in rows if row.alg == alg and row.state == state), None)


def _is_past(since: int, life: timedelta, *, now: int) -> bool:
    return now - since >= life.total_seconds() * 1000
