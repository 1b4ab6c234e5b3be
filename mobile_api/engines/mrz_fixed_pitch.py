"""Read the zone at any angle: lines, a fixed pitch, and check digits.

    picture --sight--> lines of a zone, probabilities by step --mrz_columns--> columns
        --mrz_solving--> zone that its check digits prove

Made for photos by phone. Small models of our own look first; the large ones, which know
any text, are asked only where nothing comes of that.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import islice

import numpy as np

from mobile_api.engines.mrz_columns import Emissions, frame_of, to_columns
from mobile_api.engines.mrz_layouts import BY_LINES
from mobile_api.engines.mrz_sights import Candidate, Sight, ZoneSight
from mobile_api.engines.mrz_solving import Solved, Unsolved, solve
from mobile_api.engines.mrz_text_sight import TextSight
from mobile_api.engines.mrz_zones import Zone
from mobile_api.engines.text_lines import LineFinder
from mobile_api.engines.text_models import (
    DETECTOR,
    RECOGNISER,
    open_model,
    package_version,
)
from mobile_api.engines.text_recognition import recogniser_of
from mobile_api.engines.zone_finding import ZoneFinder
from mobile_api.engines.zone_models import FINDER, READER, open_zone_model
from mobile_api.engines.zone_reading import ZoneLineReader
from mobile_api.images import Advice, Picture, advise
from mobile_api.interfaces import Engine, MrzReading
from mobile_api.mrz import BadField, Mrz, MrzInvalid, WrongCheckDigit, parse_mrz

VERSION = "2"
EDGE = 2.0
MOST_TRIED = 8


@dataclass(frozen=True, slots=True)
class Attempt:
    """What became of one set of lines."""

    mrz: Mrz | None = None
    wrong: str | None = None
    zone_like: bool = False
    lines: tuple[str, ...] = ()
    cost: float = float("inf")


@dataclass(frozen=True, slots=True)
class FixedPitchReader:
    """A MrzReader; the sights are asked in their order."""

    engine: Engine
    sights: tuple[Sight, ...]

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
        for sight in self.sights:
            for candidate in islice(sight.candidates(picture), MOST_TRIED):
                yield attempted(picture, candidate, today)


def attempted(picture: Picture, candidate: Candidate, today: date) -> Attempt:
    """Return the zone that the lines prove in one of the formats, or what is wrong."""
    found, frame = candidate.found, frame_of(candidate.found)
    wrong, best = None, Unsolved("", float("inf"))
    layouts = sorted(BY_LINES[len(found)], key=lambda one: _misfit(found, one.columns))
    for layout in layouts:
        columns = [to_columns(one, layout.columns, frame) for one in found]
        solved = solve([one for one, _ in columns], layout)
        if isinstance(solved, Unsolved):
            wrong = wrong or solved.field or None
            best = min(best, solved, key=_unlikely)
            continue
        parsed = _parsed(solved, today)
        if isinstance(parsed, Mrz):
            return Attempt(parsed)
        wrong = wrong or parsed
    if _touches_edge(picture, candidate.zone):
        wrong = None
    return Attempt(
        wrong=wrong,
        zone_like=candidate.zone_like,
        lines=best.lines,
        cost=_unlikely(best),
    )


def create(*, environment: str) -> FixedPitchReader:
    """Return the reader; raises EngineRefused for a model that is not the known one."""
    del environment
    opened = [open_zone_model(one) for one in (FINDER, READER)]
    opened += [open_model(one) for one in (DETECTOR, RECOGNISER)]
    finder, reader, detector, recogniser = (session for session, _ in opened)
    engine = Engine(
        name="fixed-pitch",
        version=f"{VERSION} + PP-OCRv6 of rapidocr {package_version()}",
        models=tuple(checked for _, checked in opened),
    )
    small = ZoneSight(ZoneFinder(finder), ZoneLineReader(reader))
    large = TextSight(LineFinder(detector), recogniser_of(recogniser))
    return FixedPitchReader(engine, (small, large))


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
