"""Read the zone at any angle: text lines, a fixed pitch, and check digits.

    picture -> lines of text -> sets that could be a zone -> level them, find which way
    is up -> probabilities by column -> zone that its check digits prove

Made for photos by phone. The detector runs once on a small picture; only if it finds
no zone, a second time on a larger one. Only lines of a zone are recognised.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np

from mobile_api.engines.mrz_columns import Emissions, emissions, to_columns
from mobile_api.engines.mrz_layouts import BY_LINES
from mobile_api.engines.mrz_solving import Solved, Unsolved, solve
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
from mobile_api.engines.text_models import (
    DETECTOR,
    RECOGNISER,
    open_model,
    package_version,
)
from mobile_api.engines.text_recognition import Recogniser, recogniser_of
from mobile_api.images import Advice, Picture, advise
from mobile_api.interfaces import Engine, MrzReading
from mobile_api.mrz import BadField, Mrz, MrzInvalid, WrongCheckDigit, parse_mrz

VERSION = "1"
SMALL, LARGE = 640, 1056
STEEP = 45.0
ANOTHER = 10.0
THIRTY = 32
PAIR = 2
EDGE = 2.0
SQUEEZE = 0.75
NARROWEST, WIDEST = 480, 1152
STEP = 8
LEAST_FILLERS = 3
SURELY = 9


@dataclass(frozen=True, slots=True)
class Attempt:
    """What became of one set of lines."""

    mrz: Mrz | None = None
    wrong: str | None = None
    zone_like: bool = False
    third_missing: bool = False
    lines: tuple[str, ...] = ()
    cost: float = float("inf")


@dataclass(frozen=True, slots=True)
class Probe:
    """Lines that look like a zone, the right way up; one of them may be read."""

    zone: Zone
    width: int
    fillers: int
    read: tuple[int, Emissions] | None = None


@dataclass(frozen=True, slots=True)
class FixedPitchReader:
    """A MrzReader; about 0.2 s of CPU for a picture."""

    engine: Engine
    finder: LineFinder
    recogniser: Recogniser

    def read(self, picture: Picture, *, today: date) -> MrzReading:
        """Return the zone whose check digits are all right, or what to do better."""
        attempts: list[Attempt] = []
        for attempt in self._attempts(picture, today):
            if attempt.mrz is not None:
                return MrzReading(engine=self.engine, mrz=attempt.mrz)
            attempts.append(attempt)
        wrong = next((one.wrong for one in attempts if one.wrong), None)
        advice = advise(picture)
        if not advice and wrong is None:
            seen = any(one.zone_like for one in attempts)
            advice = (Advice.CUT_OFF if seen else Advice.NOT_A_DOCUMENT,)
        nearest = min(attempts, key=lambda one: one.cost, default=Attempt())
        return MrzReading(
            engine=self.engine, wrong_field=wrong, advice=advice, lines=nearest.lines
        )

    def _attempts(self, picture: Picture, today: date) -> Iterator[Attempt]:
        done: list[float] = []
        for side in (SMALL, LARGE):
            lines = self.finder.find(picture.pixels, side=side)
            yield from self._tried(picture, lines, today)
            for strip in strips_of(lines, least=_shortest(picture)):
                near = self.finder.find_near(picture.pixels, strip)
                yield from self._tried(picture, near, today)
            turn = next(iter(angles_of(lines)), STEEP)
            if all(abs(turn - one) > ANOTHER for one in done):
                level = self.finder.find(picture.pixels, side=SMALL, turn=turn)
                yield from self._tried(picture, level, today)
            done.append(turn)

    def _tried(
        self, picture: Picture, lines: Sequence[TextLine], today: date
    ) -> Iterator[Attempt]:
        zones = find_zones(lines, least=_shortest(picture))
        for probe in self._probes(picture, zones):
            attempt = self._attempt(picture, probe, today)
            yield attempt
            if attempt.third_missing:
                for zone in with_third(probe.zone):
                    yield self._attempt(picture, Probe(zone, probe.width, 0), today)

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

    def _attempt(self, picture: Picture, probe: Probe, today: date) -> Attempt:
        found = self._recognised(picture, probe)
        wrong, best = None, Unsolved("", float("inf"))
        short = len(found) == PAIR and max(len(one) for one in found) <= THIRTY
        for layout in sorted(
            BY_LINES[len(found)], key=lambda one: _misfit(found, one.columns)
        ):
            columns = [to_columns(one, layout.columns) for one in found]
            solved = solve([one for one, _ in columns], layout)
            if isinstance(solved, Unsolved):
                wrong = wrong or solved.field or None
                best = min(best, solved, key=_unlikely)
                continue
            parsed = _parsed(solved, today)
            if isinstance(parsed, Mrz):
                return Attempt(parsed)
            wrong = wrong or parsed
        if _touches_edge(picture, probe.zone):
            wrong = None
        return Attempt(
            wrong=wrong,
            zone_like=True,
            third_missing=short,
            lines=best.lines,
            cost=_unlikely(best),
        )

    def _recognised(self, picture: Picture, probe: Probe) -> list[Emissions]:
        """Read the lines that the probe has not read."""
        known = {} if probe.read is None else dict([probe.read])
        missing = [at for at in range(len(probe.zone)) if at not in known]
        cut = [level(picture.pixels, probe.zone[at], probe.width) for at in missing]
        read = [emissions(one) for one in self.recogniser.read(cut)]
        known.update(zip(missing, read, strict=True))
        return [known[at] for at in range(len(probe.zone))]


def create(*, environment: str) -> FixedPitchReader:
    """Return the reader; raises EngineRefused for a model that is not the known one."""
    del environment
    detector, found = open_model(DETECTOR)
    recogniser, read = open_model(RECOGNISER)
    engine = Engine(
        name="fixed-pitch",
        version=f"{VERSION} + PP-OCRv6 of rapidocr {package_version()}",
        models=(found, read),
    )
    return FixedPitchReader(engine, LineFinder(detector), recogniser_of(recogniser))


def _shortest(picture: Picture) -> float:
    return SHORTEST * min(picture.width, picture.height)


def _width(zone: Zone) -> int:
    """Return how wide the lines of a zone are laid level, in pixels."""
    widths = [HEIGHT * SQUEEZE * line.length / line.height for line in zone]
    return int(np.clip(np.median(widths), NARROWEST, WIDEST)) // STEP * STEP


def _unlikely(found: Unsolved) -> float:
    return found.cost if found.lines else float("inf")


def _touches_edge(picture: Picture, zone: Zone) -> bool:
    """Tell whether a line of the zone leaves the picture."""
    corners = np.concatenate([line.corners for line in zone])
    far = np.array([picture.width, picture.height]) - EDGE
    return bool((corners < EDGE).any() or (corners > far).any())


def _misfit(found: Sequence[Emissions], columns: int) -> int:
    return sum(abs(len(one) - columns) for one in found)


def _parsed(solved: Solved, today: date) -> Mrz | str | None:
    """Return the zone as the strict parser takes it, or the field that it refuses."""
    try:
        mrz = parse_mrz(solved.lines, today=today)
    except (WrongCheckDigit, BadField) as problem:
        return problem.field
    except MrzInvalid:
        return None
    if not solved.changed:
        return mrz
    return replace(mrz, repaired=(*mrz.repaired, "check-digit"))
