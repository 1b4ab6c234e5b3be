"""From steps along a line to columns of a fixed pitch. Pure.

    steps x 40 --emissions--> (place, 37 probabilities) ... --align--> columns x 37

A recogniser of free text merges `<<<<`. A zone has 30, 36 or 44 columns of one pitch:
places of the characters that were seen are fitted to `a + b k + c k^2` (the square is
the perspective), and each is given its column in order.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mobile_api.engines.text_recognition import (
    ALPHABET,
    BLANK,
    OTHER,
    TURNED,
    Steps,
)

Columns = NDArray[np.float64]
Places = NDArray[np.float64]
Frame = tuple[float, float]
FILLER = ALPHABET.index("<")
LOOSE = 0.35
SKIPPED = 4.0
SKIPPED_FILLER = 0.6
DROPPED = 5.0
UNSURE = 0.05
HALF = 0.5
LEFT_OUT, MATCHED, SKIP = 0, 1, 2
SURE_FILLER = 0.9
EDGE_DROPPED = 0.4
MOST_BEFORE = 24
BENT = (0.0, 0.6, -0.6)
ALONE, NEARLY = 4.0, 1.5


@dataclass(frozen=True, slots=True)
class Emissions:
    """The characters that were seen: their places in steps, and M x 37."""

    places: Places
    seen: Columns
    turned: int = 0

    @property
    def fillers(self) -> int:
        """Return how many `<` are seen; `turned` are those seen upside down."""
        return int((self.seen[:, FILLER] > HALF).sum())

    def __len__(self) -> int:
        return len(self.places)


def emissions(steps: Steps) -> Emissions:
    """Gather neighbouring steps that show the same character."""
    best = steps[:, : OTHER + 1].argmax(axis=1)
    places: list[float] = []
    seen: list[Columns] = []
    start = turned = 0
    for at in range(1, len(best) + 1):
        if at < len(best) and best[at] == best[start]:
            continue
        turned += int(best[start] == TURNED)
        if best[start] < BLANK:
            part = steps[start:at].astype(np.float64)
            weight = 1 - part[:, BLANK]
            places.append(float((weight * np.arange(start, at)).sum() / weight.sum()))
            seen.append(part[:, :BLANK].sum(axis=0) / weight.sum())
        start = at
    gathered = np.array(seen).reshape(len(places), BLANK)
    return Emissions(np.array(places), gathered, turned)


def frame_of(lines: Sequence[Emissions]) -> Frame | None:
    """Return where lines that begin and end alike begin and end."""
    seen = [one for one in lines if len(one)]
    if not seen:
        return None
    return (
        float(min(one.places[0] for one in seen)),
        float(max(one.places[-1] for one in seen)),
    )


def to_columns(
    found: Emissions, count: int, frame: Frame | None = None
) -> tuple[Columns, float]:
    """Return `count` x 37 probabilities and how badly the pitch fits, a column.

    A column in which nothing was seen is a filler among fillers, else unknown. `frame`
    is where the lines of the zone begin and end, if they do so alike.
    """
    if len(found) < count // 2:
        return np.full((count, BLANK), 1 / BLANK), SKIPPED
    if len(found) == count:
        columns = np.arange(count)
        fit = np.polyval(np.polyfit(found.places, columns, 2), found.places)
        if np.abs(fit - columns).max() < 1:
            return found.seen, 0.0
    framed = _framed(found, count, frame)
    apart = ALONE if framed else 0.0
    tried = [_align(found, grid, count) for grid in framed]
    for grid in _grids(found, count):
        cost, taken = _align(found, grid, count)
        tried.append((cost + apart, taken))
    cost, taken = min(tried, key=lambda one: one[0])
    matched = [at for at, column in enumerate(taken) if column >= 0]
    if len(matched) > count // 2:
        model = np.polyfit(found.places[matched], [taken[at] for at in matched], 2)
        fitted = np.asarray(np.polyval(model, found.places), dtype=np.float64)
        again = _align(found, fitted, count)
        cost, taken = min((cost, taken), again, key=lambda one: one[0])
    return _filled(found, taken, count), cost / count


def _framed(found: Emissions, count: int, frame: Frame | None) -> list[Places]:
    """Return the column of each place where the line fills the frame of its zone."""
    if frame is None:
        return []
    columns = (frame[1] - frame[0]) / float(np.median(np.diff(found.places)))
    if abs(columns - (count - 1)) > NEARLY:
        return []
    even = (found.places - frame[0]) / (frame[1] - frame[0])
    return [even * (count - 1) + bend * even * (1 - even) * 4 for bend in BENT]


def _grids(found: Emissions, count: int) -> list[Places]:
    """Return the column of each place under a few guesses of where the line ends."""
    pitch = float(np.median(np.diff(found.places)))
    grids: list[Places] = []
    for first in (found.places[0], found.places[1]):
        ends = {found.places[-1], found.places[-2], first + pitch * (count - 1)}
        for last in ends:
            even = (found.places - first) / (last - first)
            grids.extend(
                even * (count - 1) + bend * even * (1 - even) * 4 for bend in BENT
            )
    starts = range(2, min(len(found) - count + 3, MOST_BEFORE))
    grids.extend((found.places - found.places[start]) / pitch for start in starts)
    return grids


def _align(found: Emissions, grid: Places, count: int) -> tuple[float, tuple[int, ...]]:
    """Give each character its column in order, at the least cost (-1: dropped)."""
    fillers = found.seen[:, FILLER] > HALF
    apart = ((grid[:, None] - np.arange(count)[None]) / LOOSE) ** 2 / 2
    total = len(found)
    skips = np.full(total + 1, SKIPPED)
    skips[1:total] = np.where(fillers[1:] & fillers[:-1], SKIPPED_FILLER, SKIPPED)
    skips[total] = SKIPPED_FILLER if fillers[-1] else SKIPPED
    line = np.arange(count + 1) * skips[0]
    came = np.zeros((total, count + 1), dtype=np.int8)
    for at in range(total):
        dropped = line + DROPPED
        dropped[[0, count]] = line[[0, count]] + EDGE_DROPPED
        matched = np.concatenate([[np.inf], line[:-1] + apart[at]])
        step = np.where(matched <= dropped, matched, dropped)
        came[at] = np.where(matched <= dropped, MATCHED, LEFT_OUT)
        ramp = np.arange(count + 1) * skips[at + 1]
        reached = np.minimum.accumulate(step - ramp) + ramp
        came[at][reached < step - 1e-9] = SKIP
        line = reached
    return float(line[count]), _walk(came, count)


def _walk(came: NDArray[np.int8], count: int) -> tuple[int, ...]:
    taken: list[int] = []
    at, column = len(came) - 1, count
    while at >= 0:
        move = came[at][column]
        if move == SKIP:
            column -= 1
            continue
        column -= int(move)
        taken.append(column if move == MATCHED else -1)
        at -= 1
    return tuple(reversed(taken))


def _filled(found: Emissions, taken: tuple[int, ...], count: int) -> Columns:
    columns = np.full((count, BLANK), -1.0)
    for at, column in enumerate(taken):
        if column >= 0:
            columns[column] = found.seen[at]
    for column in map(int, np.flatnonzero(columns[:, 0] < 0)):
        near = [c for c in (column - 1, column + 1) if 0 <= c < count]
        is_filler = len(near) > 1 and all(columns[c][FILLER] > HALF for c in near)
        columns[column] = UNSURE / BLANK
        columns[column][FILLER] = SURE_FILLER if is_filler else UNSURE
    return columns
