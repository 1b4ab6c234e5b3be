"""Which lines of text could be a zone: parallel, equally long, equally spaced.

This finds a zone at any angle, where looking for dark blocks does not. Pure.
"""

from collections.abc import Sequence
from itertools import combinations, pairwise

import numpy as np

from mobile_api.engines.text_lines import TextLine

Zone = tuple[TextLine, ...]
PARALLEL = np.cos(np.deg2rad(3))
PIECES_PARALLEL = np.cos(np.deg2rad(6))
GAPS = (0.028, 0.13)
MOST_TOGETHER = 7
BIN = 6
TURNED_ENOUGH = 7.0
SLENDER = 7.0
FULL = 3
ALIKE = (0.8, 1.25)
PIECES = (0.6, 1.6)
SHORTEST = 0.25
MOST_ZONES = 6
WORST = 0.5
LONGISH, WIDER, DEEP = 3.0, 1.15, 0.4
MOST_STRIPS = 4
PAIR = 0.1


def find_zones(lines: Sequence[TextLine], *, least: float) -> list[Zone]:
    """Return sets of 2 or 3 lines that could be a zone, the likeliest first.

    `least` is the length in pixels under which a line is not looked at. Lines stand
    in order across their direction; which way is up is not known yet.
    """
    pieces = [line for line in lines if line.length > 2 * line.height]
    found = _zones_of(pieces, least) or _zones_of(_joined(pieces), least)
    return sorted(found, key=_uneven)[:MOST_ZONES]


def _zones_of(lines: Sequence[TextLine], least: float) -> list[Zone]:
    long = [one for one in lines if one.length >= max(least, SLENDER * one.height)]
    zones: list[Zone] = []
    taken: set[int] = set()
    for line in sorted(long, key=lambda one: -one.length):
        if id(line) in taken:
            continue
        group = [one for one in long if one is line or _belongs(line, one)]
        if len(group) == 1:
            continue
        taken.update(id(one) for one in group)
        zones.extend(_sets(_in_order(line, group)))
    return zones


def _belongs(line: TextLine, other: TextLine) -> bool:
    """Tell whether the other is a line of the same zone."""
    apart = other.centre - line.centre
    ratio = other.length / line.length
    return bool(
        abs(line.along @ other.along) > PARALLEL
        and ALIKE[0] < ratio < ALIKE[1]
        and abs(apart @ line.along) < 0.12 * line.length
        and abs(apart @ line.across) < 0.25 * line.length
    )


def _in_order(line: TextLine, group: Sequence[TextLine]) -> list[TextLine]:
    turned = [one if one.along @ line.along > 0 else one.turned() for one in group]
    return sorted(turned, key=lambda one: float(one.centre @ line.across))


def _sets(group: list[TextLine]) -> list[Zone]:
    group = group[:MOST_TOGETHER]
    sets = [*combinations(group, FULL), *combinations(group, 2)]
    return [one for one in sets if _uneven(one) < WORST]


def _uneven(zone: Zone) -> float:
    """Return how little the lines look like a zone: 0 is perfect, 1 is not one."""
    lengths = [line.length for line in zone]
    gaps = [_gap(a, b) for a, b in pairwise(zone)]
    if not all(GAPS[0] < gap / max(lengths) < GAPS[1] for gap in gaps):
        return 1.0
    odd = 1 - min(lengths) / max(lengths)
    shift = abs(float((zone[0].centre - zone[-1].centre) @ zone[0].along))
    odd += shift / max(lengths)
    return odd + (1 - min(gaps) / max(gaps) if len(zone) == FULL else PAIR)


def strips_of(lines: Sequence[TextLine], *, least: float) -> list[TextLine]:
    """Return where a zone could be whose lines were seen as one, or in pieces.

    A strip is wide enough for all lines of a zone. Those at an angle that few other
    lines have come first: a table with print on it has many at one.
    """
    whole = [one for one in _joined(lines) if one.length > LONGISH * one.height]
    long = [one for one in whole if one.length >= least]
    ranked = sorted(long, key=lambda one: (_alike_angles(one, whole), -one.length))
    return [
        TextLine(one.centre, one.along, one.length * WIDER, one.length * DEEP)
        for one in ranked[:MOST_STRIPS]
    ]


def _alike_angles(line: TextLine, lines: Sequence[TextLine]) -> int:
    return sum(abs(line.along @ one.along) > PIECES_PARALLEL for one in lines)


def with_third(zone: Zone) -> list[Zone]:
    """Return a pair with the line that may be missed above it, or below it."""
    first, last = zone
    step = last.centre - first.centre
    above = TextLine(first.centre - step, first.along, first.length, first.height)
    below = TextLine(last.centre + step, last.along, last.length, last.height)
    return [(above, *zone), (*zone, below)]


def angles_of(lines: Sequence[TextLine]) -> list[float]:
    """Return at which angles (degrees) text seems to lie besides level, most first."""
    weights: dict[int, float] = {}
    for line in lines:
        angle = float(np.rad2deg(np.arctan2(line.along[1], line.along[0])))
        if abs(angle) > TURNED_ENOUGH and line.length > 2.5 * line.height:
            at = round(angle / BIN)
            for near, share in ((at - 1, 0.5), (at, 1.0), (at + 1, 0.5)):
                weights[near] = weights.get(near, 0.0) + share * line.length
    ranked = sorted(weights, key=lambda at: -weights[at])
    return [float(at * BIN) for at in ranked[:1]]


def _gap(line: TextLine, other: TextLine) -> float:
    return abs(float((other.centre - line.centre) @ line.across))


def _joined(lines: Sequence[TextLine]) -> list[TextLine]:
    """Join pieces of one line: the detector breaks a line at glare or a stain."""
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
    return done


def _continues(line: TextLine, piece: TextLine) -> bool:
    apart = piece.centre - line.centre
    between = abs(apart @ line.along) - (line.length + piece.length) / 2
    return bool(
        abs(line.along @ piece.along) > PIECES_PARALLEL
        and abs(apart @ line.across) < 0.4 * line.height
        and PIECES[0] < piece.height / line.height < PIECES[1]
        and -line.height < between < 1.5 * line.height
    )


def _union(line: TextLine, piece: TextLine) -> TextLine:
    ends = np.array([*line.corners, *piece.corners]) - line.centre
    places = ends @ line.along
    low, high = float(places.min()), float(places.max())
    centre = line.centre + line.along * (low + high) / 2
    return TextLine(centre, line.along, high - low, max(line.height, piece.height))
