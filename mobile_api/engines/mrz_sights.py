"""What could be a zone in a picture, by either pair of models, line by line.

    picture --sight--> Candidate ... --mrz_solving--> zone

The small models are ours and know nothing but zones; the large ones know any text.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from mobile_api.engines.mrz_columns import Emissions, emissions
from mobile_api.engines.mrz_zones import Zone, with_third
from mobile_api.engines.text_lines import TextLine
from mobile_api.engines.text_recognition import TURNED, Steps
from mobile_api.engines.zone_finding import TALL, ZoneFinder, places_of, zones_of
from mobile_api.engines.zone_reading import ZoneLineReader
from mobile_api.images import Picture, Pixels

SMALL, LARGE = 640, 1056
SIDES = (SMALL, 448, LARGE)
PAIR = 2
THIRTY = 32
MOST_NEAR = 3
MOST_GROWN, GROWN = 2, 6.0
ROOM = 4.0
LEAST_SEEN = 15
LEAST_FILLERS = 3
LEAST = 1e-6


@dataclass(frozen=True, slots=True)
class Candidate:
    """Lines that could be a zone, the right way up, and what is seen on each."""

    zone: Zone
    found: tuple[Emissions, ...]

    @property
    def characters(self) -> int:
        """Return how many characters are seen."""
        return sum(map(len, self.found))

    @property
    def zone_like(self) -> bool:
        """Tell whether lines as full and with fillers as those of a zone are seen."""
        fillers = sum(one.fillers for one in self.found)
        full = self.characters >= LEAST_SEEN * len(self.found)
        return full and fillers >= LEAST_FILLERS

    @property
    def third_missing(self) -> bool:
        """Tell whether these are two lines of a card, which has three."""
        return len(self.found) == PAIR and max(map(len, self.found)) <= THIRTY


class Sight(Protocol):
    """A way to find zones: cheap candidates first."""

    def candidates(self, picture: Picture) -> Iterator[Candidate]:
        """Yield what could be a zone; each may cost more than the one before."""
        ...


@dataclass(frozen=True, slots=True)
class ZoneSight:
    """Zones by our small models: about a tenth of the cost of the large ones."""

    finder: ZoneFinder
    reader: ZoneLineReader

    def candidates(self, picture: Picture) -> Iterator[Candidate]:
        """Yield zones on the whole picture, then nearer; then shrunk to other sizes."""
        grey = picture.grey
        for side in SIDES:
            lines = self.finder.find(grey, side=side)
            yield from self._read(grey, zones_of(lines))
            for place in places_of(lines)[:MOST_NEAR]:
                near = self.finder.find_near(grey, place)
                yield from self._read(grey, zones_of(near))

    def _read(self, grey: Pixels, zones: Sequence[Zone]) -> Iterator[Candidate]:
        for zone in zones:
            candidate = self._candidate(grey, zone)
            yield candidate
            if candidate.third_missing:
                for three in with_third(zone):
                    yield self._candidate(grey, three)

    def _candidate(self, grey: Pixels, zone: Zone) -> Candidate:
        read = self.reader.read(grey, zone)
        if _is_turned(read):
            zone = tuple(line.turned() for line in reversed(zone))
            read = self.reader.read(grey, zone)
        candidate = _seen(zone, read)
        for _ in range(MOST_GROWN):
            longer = grown(candidate, len(read[0]))
            if longer is None:
                break
            read = self.reader.read(grey, longer)
            candidate = _seen(longer, read)
        return candidate


def _is_turned(read: Sequence[Steps]) -> bool:
    """Tell whether more characters stand on their heads than on their feet."""
    seen = [emissions(steps) for steps in read]
    return sum(one.turned for one in seen) > sum(map(len, seen))


def _seen(zone: Zone, read: Sequence[Steps]) -> Candidate:
    return Candidate(zone, tuple(emissions(upright(steps)) for steps in read))


def upright(steps: Steps) -> Steps:
    """Return the steps of a line that is known not to stand on its head.

    `I`, `0` and some others look alike from both ends.
    """
    known = steps.copy()
    known[:, TURNED] = 0
    total = np.maximum(known.sum(axis=1, keepdims=True), LEAST)
    return np.asarray(known / total, dtype=np.float32)


def grown(candidate: Candidate, steps: int) -> Zone | None:
    """Return the zone longer where its lines were cut, or None where none was.

    A whole line leaves room before its first character and after its last.
    """
    seen = [one for one in candidate.found if len(one)]
    if candidate.characters < LEAST_SEEN * len(candidate.found):
        return None
    left = any(one.places[0] < ROOM for one in seen)
    right = any(one.places[-1] > steps - 1 - ROOM for one in seen)
    if not left and not right:
        return None
    return tuple(_longer(line, left=left, right=right) for line in candidate.zone)


def _longer(line: TextLine, *, left: bool, right: bool) -> TextLine:
    more = GROWN * line.height / TALL
    centre = line.centre + line.along * more * (right - left) / 2
    return replace(line, centre=centre, length=line.length + more * (left + right))
