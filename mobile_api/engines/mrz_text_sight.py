"""Zones among all lines of text in a picture, by models that know any text.

    picture -> lines of text -> sets that could be a zone -> level them, find which way
    is up -> Candidate

The detector runs once on a small picture; only if nothing comes of it, nearer and
turned. Only lines of a zone are recognised.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from mobile_api.engines.mrz_columns import Emissions, emissions
from mobile_api.engines.mrz_sights import LEAST_FILLERS, SMALL, Candidate
from mobile_api.engines.mrz_zones import (
    SHORTEST,
    Zone,
    angles_of,
    find_zones,
    strips_of,
    with_third,
)
from mobile_api.engines.text_levelling import HEIGHT, level
from mobile_api.engines.text_lines import LineFinder, TextLine
from mobile_api.engines.text_recognition import Recogniser
from mobile_api.images import Picture

STEEP = 45.0
MOST_STRIPS = 2
SQUEEZE = 0.75
NARROWEST, WIDEST = 480, 1152
STEP = 8
SURELY = 9


@dataclass(frozen=True, slots=True)
class Probe:
    """Lines that look like a zone, the right way up; one of them may be read."""

    zone: Zone
    width: int
    fillers: int
    read: tuple[int, Emissions] | None = None


@dataclass(frozen=True, slots=True)
class TextSight:
    """Zones by a detector and a recogniser of any text."""

    finder: LineFinder
    recogniser: Recogniser

    def candidates(self, picture: Picture) -> Iterator[Candidate]:
        """Yield zones as seen on a small picture, in strips of it, and turned."""
        lines = self.finder.find(picture.pixels, side=SMALL)
        yield from self._read(picture, lines)
        strips = strips_of(lines, least=_shortest(picture))
        for strip in strips[:MOST_STRIPS]:
            near = self.finder.find_near(picture.pixels, strip)
            yield from self._read(picture, near)
        turn = next(iter(angles_of(lines)), STEEP)
        turned = self.finder.find(picture.pixels, side=SMALL, turn=turn)
        yield from self._read(picture, turned)

    def _read(self, picture: Picture, lines: Sequence[TextLine]) -> Iterator[Candidate]:
        zones = find_zones(lines, least=_shortest(picture))
        for probe in self._probes(picture, zones):
            candidate = self._recognised(picture, probe)
            yield candidate
            if candidate.third_missing:
                for zone in with_third(probe.zone):
                    yield self._recognised(picture, Probe(zone, probe.width, 0))

    def _probes(self, picture: Picture, zones: Sequence[Zone]) -> list[Probe]:
        """Read one line of each set; keep those with fillers, most fillers first.

        A filler from its other end looks like `>`: that says which way is up.
        """
        probes: list[Probe] = []
        for zone in zones:
            at, width = len(zone) - 2, _width(zone)
            cut = level(picture.pixels, zone[at], width)
            seen = emissions(self.recogniser.read([cut])[0])
            if seen.turned > seen.fillers:
                upright = tuple(line.turned() for line in reversed(zone))
                probes.append(Probe(upright, width, seen.turned))
            else:
                probes.append(Probe(zone, width, seen.fillers, (at, seen)))
            if probes[-1].fillers >= SURELY:
                break
        found = [one for one in probes if one.fillers >= LEAST_FILLERS]
        return sorted(found, key=lambda one: -one.fillers)

    def _recognised(self, picture: Picture, probe: Probe) -> Candidate:
        """Read the lines that the probe has not read."""
        known = {} if probe.read is None else dict([probe.read])
        missing = [at for at in range(len(probe.zone)) if at not in known]
        cut = [level(picture.pixels, probe.zone[at], probe.width) for at in missing]
        read = [emissions(one) for one in self.recogniser.read(cut)]
        known.update(zip(missing, read, strict=True))
        return Candidate(probe.zone, tuple(known[at] for at in range(len(probe.zone))))


def _shortest(picture: Picture) -> float:
    return SHORTEST * min(picture.width, picture.height)


def _width(zone: Zone) -> int:
    """Return how wide the lines of a zone are laid level, in pixels."""
    widths = [HEIGHT * SQUEEZE * line.length / line.height for line in zone]
    return int(np.clip(np.median(widths), NARROWEST, WIDEST)) // STEP * STEP
