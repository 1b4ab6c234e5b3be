"""Where the lines of a zone are: seen by a small network of our own, at any angle.

    picture --shrink--> maps (there, direction, pitch) --islands--> lines --> zones

A line that it finds has its direction of reading, and is as high as the reader wants
it: 2.5 times its pitch.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mobile_api.engines.text_lines import Point, TextLine
from mobile_api.images import Pixels

Maps = NDArray[np.float32]
CELL = 4
MULTIPLE = 16
TALL = 2.5
UNIT = 8.0
SURE = 0.5
LEAST_CELLS = 10
LEAST_COLUMNS = 4.0
MOST_LINES = 24
PARALLEL = float(np.cos(np.deg2rad(6)))
SAME_PITCH = (0.75, 1.33)
SAME_ROW = 0.7
MOST_HOLE = 16
GAPS = (1.1, 3.6)
LEAST_LONG = 20.0
ROWS = (2, 3)
STRIP = 640
MARGIN, LONE_MARGIN = 0.12, 0.2


@dataclass(frozen=True, slots=True)
class ZoneFinder:
    """A finder of zones: `session` is an ONNX session of one picture, four maps."""

    session: Any

    def find(self, grey: Pixels, *, side: int) -> tuple[TextLine, ...]:
        """Return the lines of zones in a grey picture shrunk to `side`."""
        height, width = grey.shape
        scale = min(1.0, side / max(height, width))
        size = (_multiple(width * scale), _multiple(height * scale))
        small = cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
        back = np.array([[width / size[0], 0, 0], [0, height / size[1], 0]])
        return self._lines(np.asarray(small, dtype=np.uint8), back)

    def find_near(self, grey: Pixels, zone: Sequence[TextLine]) -> tuple[TextLine, ...]:
        """Return the lines around a zone, which is laid level and enlarged."""
        strip = _around(zone)
        size = (STRIP, _multiple(STRIP * strip.height / strip.length))
        top_left, top_right, _, bottom_left = strip.corners
        across, down = (top_right - top_left) / size[0], bottom_left - top_left
        back = np.stack([across, down / size[1], top_left], axis=1)
        flags = cv2.INTER_AREA | cv2.WARP_INVERSE_MAP
        level = cv2.warpAffine(
            grey, back, size, flags=flags, borderMode=cv2.BORDER_REPLICATE
        )
        return self._lines(np.asarray(level, dtype=np.uint8), back)

    def _lines(self, small: Pixels, back: Point) -> tuple[TextLine, ...]:
        plane = small.astype(np.float32)[None, None] / np.float32(127.5) - 1
        maps = self.session.run(None, {"x": plane})[0][0]
        return lines_of(maps, back)


def lines_of(maps: Maps, back: Point) -> tuple[TextLine, ...]:
    """Return the lines that the maps show; `back` maps the input to the picture."""
    there = 1 / (1 + np.exp(-maps[0]))
    count, islands = cv2.connectedComponents(
        (there > SURE).astype(np.uint8), connectivity=4
    )
    sizes = np.bincount(islands.ravel(), minlength=count)
    largest = sorted(range(1, count), key=lambda at: -sizes[at])[:MOST_LINES]
    found = [
        _line(islands == at, there, maps, back)
        for at in largest
        if sizes[at] >= LEAST_CELLS
    ]
    return tuple(line for line in found if line is not None)


def _line(
    island: NDArray[np.bool_], there: Maps, maps: Maps, back: Point
) -> TextLine | None:
    rows, columns = np.nonzero(island)
    weights = there[rows, columns].astype(np.float64)
    input_ = (np.stack([columns, rows], axis=1) + 0.5) * CELL
    places = input_ @ back[:, :2].T + back[:, 2]
    mean = weights @ places / weights.sum()
    apart = (places - mean) * np.sqrt(weights)[:, None]
    along = np.linalg.svd(apart, full_matrices=False)[2][0]
    said = back[:, :2] @ (weights @ maps[1:3, rows, columns].T)
    if along @ said < 0:
        along = -along
    scale = float(np.sqrt(abs(np.linalg.det(back[:, :2]))))
    pitch = UNIT * float(np.exp(weights @ maps[3, rows, columns] / weights.sum()))
    at = (places - mean) @ along
    low, high = np.percentile(at, (0.5, 99.5))
    length = float(high - low) + CELL * scale
    if length < LEAST_COLUMNS * pitch * scale:
        return None
    centre = mean + along * float(high + low) / 2
    return TextLine(centre, along, length, TALL * pitch * scale)


def zones_of(lines: Sequence[TextLine]) -> list[tuple[TextLine, ...]]:
    """Return sets of 2 or 3 lines in order of reading, the likeliest first."""
    left = sorted(_whole(lines), key=lambda line: -line.length)
    zones: list[tuple[TextLine, ...]] = []
    while left:
        first = left.pop(0)
        group = [first, *(one for one in left if _beside(first, one))]
        left = [one for one in left if all(one is not taken for taken in group)]
        ordered = sorted(group, key=lambda one: float(one.centre @ first.across))
        for run in _evenly_spaced(ordered):
            zones.extend(_sets(run))
    return zones


def places_of(lines: Sequence[TextLine]) -> list[tuple[TextLine, ...]]:
    """Return where a nearer look may show a zone: zones, then lines that stand alone.

    Lines that were seen as one stand alone.
    """
    zones = zones_of(lines)
    known = {tuple(line.along) for zone in zones for line in zone}
    alone = [line for line in _whole(lines) if tuple(line.along) not in known]
    return [*zones, *((line,) for line in alone)]


def _sets(run: list[TextLine]) -> Iterator[tuple[TextLine, ...]]:
    if len(run) in ROWS:
        yield _flush(run)
    elif len(run) > max(ROWS):
        yield _flush(run[-3:])
        yield _flush(run[-2:])


def _flush(run: Sequence[TextLine]) -> tuple[TextLine, ...]:
    """Return the lines as long as all of them together: they begin and end alike."""
    first = run[0]
    starts = [(one.centre - one.along * one.length / 2) @ first.along for one in run]
    ends = [(one.centre + one.along * one.length / 2) @ first.along for one in run]
    middle, length = (min(starts) + max(ends)) / 2, max(ends) - min(starts)
    pitch = float(np.median([one.height for one in run]))
    return tuple(
        replace(
            one,
            centre=one.centre + one.along * (middle - one.centre @ first.along),
            length=float(length),
            height=pitch,
        )
        for one in run
    )


def _evenly_spaced(ordered: list[TextLine]) -> Iterator[list[TextLine]]:
    run = ordered[:1]
    for above, below in pairwise(ordered):
        gap = float((below.centre - above.centre) @ above.across) * TALL / above.height
        if not GAPS[0] < gap < GAPS[1]:
            yield run
            run = []
        run = [*run, below]
    yield run


def _beside(line: TextLine, other: TextLine) -> bool:
    """Tell whether the other may be a line of the same zone."""
    apart = other.centre - line.centre
    return bool(
        line.along @ other.along > PARALLEL
        and SAME_PITCH[0] < other.height / line.height < SAME_PITCH[1]
        and abs(apart @ line.along) < line.length / 2
        and abs(apart @ line.across) < line.length / 4
        and other.length * TALL > LEAST_LONG * other.height * 0.4
    )


def _whole(lines: Sequence[TextLine]) -> list[TextLine]:
    """Return the lines, pieces of one line joined: glare hides a part of it."""
    left = sorted(lines, key=lambda line: -line.length)
    done: list[TextLine] = []
    while left:
        line = left.pop(0)
        piece = next((one for one in left if _continues(line, one)), None)
        if piece is None:
            done.append(line)
            continue
        left = [one for one in left if one is not piece]
        left.insert(0, _union(line, piece))
    return [line for line in done if line.length * TALL > LEAST_LONG * line.height]


def _continues(line: TextLine, piece: TextLine) -> bool:
    apart = piece.centre - line.centre
    pitch = line.height / TALL
    hole = abs(apart @ line.along) - (line.length + piece.length) / 2
    return bool(
        line.along @ piece.along > PARALLEL
        and abs(apart @ line.across) < SAME_ROW * pitch
        and -pitch < hole < MOST_HOLE * pitch
    )


def _union(line: TextLine, piece: TextLine) -> TextLine:
    """Return the line through both, weighed by their lengths."""
    ends = np.array(
        [
            one.centre + side * one.along * one.length / 2
            for one in (line, piece)
            for side in (-1, 1)
        ]
    )
    at = (ends - line.centre) @ line.along
    start, end = ends[at.argmin()], ends[at.argmax()]
    length = float(np.hypot(*(end - start)))
    return TextLine((start + end) / 2, (end - start) / length, length, line.height)


def _around(zone: Sequence[TextLine]) -> TextLine:
    """Return the box around a zone with a margin, read as its first line is."""
    first = zone[0]
    corners = np.concatenate([line.corners for line in zone]) - first.centre
    wide, tall = corners @ first.along, corners @ first.across
    centre = (
        first.centre
        + first.along * (wide.max() + wide.min()) / 2
        + first.across * (tall.max() + tall.min()) / 2
    )
    length = float(wide.max() - wide.min())
    height = float(tall.max() - tall.min())
    grown = length * (MARGIN if len(zone) > 1 else LONE_MARGIN)
    return TextLine(centre, first.along, length + grown, height + grown)


def _multiple(length: float) -> int:
    return max(MULTIPLE, round(length / MULTIPLE) * MULTIPLE)
