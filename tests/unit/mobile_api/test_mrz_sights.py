"""Lines that were cut grow, heads are told from feet, and lines share their frame."""

from collections.abc import Iterator
from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mobile_api.engines.mrz_columns import (
    Emissions,
    emissions,
    frame_of,
    to_columns,
)
from mobile_api.engines.mrz_fixed_pitch import MOST_TRIED, FixedPitchReader
from mobile_api.engines.mrz_sights import Candidate, grown, upright
from mobile_api.engines.text_lines import TextLine
from mobile_api.engines.text_recognition import (
    ALPHABET,
    BLANK,
    OTHER,
    TURNED,
    Steps,
)
from mobile_api.images import Picture
from mobile_api.interfaces import Engine

ROOM = 8
NEAR = 7
# Fillers near an end leave two ways to read a missing end: then nothing is sure, and
# check digits decide.
TEXT = st.text(ALPHABET, min_size=30, max_size=30).filter(
    lambda text: "<" not in text[:NEAR] + text[-NEAR:]
)


def steps_of(text: str, *, room: int = ROOM, missing: int = -1) -> Steps:
    """Return what a perfect reader says: two steps a character, two blank."""
    steps = np.zeros((len(text) * 4 + 2 * room, OTHER + 1), np.float32)
    steps[:, BLANK] = 1
    for at, character in enumerate(text):
        if at != missing:
            here = slice(room + at * 4, room + at * 4 + 2)
            steps[here] = 0
            steps[here, ALPHABET.index(character)] = 1
    return steps


def seen(text: str, *, room: int = ROOM, missing: int = -1) -> Emissions:
    return emissions(steps_of(text, room=room, missing=missing))


def candidate(*lines: Emissions) -> Candidate:
    zone = [
        TextLine(np.array([500.0, 400 + 40 * at]), np.array([0.0, 1.0]), 600, 50)
        for at in range(len(lines))
    ]
    return Candidate(tuple(zone), lines)


CARD = ("IDKHM0123456784" + "<" * 15, "9901018F3101012KHM" + "<" * 11 + "8")


def test_a_zone_that_was_found_whole_does_not_grow() -> None:
    found = candidate(*(seen(line) for line in CARD))
    assert grown(found, 30 * 4 + 2 * ROOM) is None


@pytest.mark.parametrize(("cut", "towards"), [("start", -1), ("end", 1)])
def test_a_line_that_was_cut_grows_on_that_side(cut: str, towards: int) -> None:
    steps = steps_of(CARD[0])
    part = steps[12:] if cut == "start" else steps[:-12]
    found = candidate(emissions(part), emissions(part))
    longer = grown(found, len(part))
    assert longer is not None
    for old, new in zip(found.zone, longer, strict=True):
        assert new.length == old.length + 6 * 20
        assert (new.centre - old.centre) @ old.along == towards * 60


def test_what_shows_too_little_does_not_grow() -> None:
    few = seen("ABC", room=0)
    assert grown(candidate(few, few), 12) is None
    nothing = emissions(steps_of(""))
    assert grown(candidate(nothing, nothing), 16) is None


def test_only_full_lines_with_fillers_are_like_a_zone() -> None:
    assert candidate(*(seen(line) for line in CARD)).zone_like
    assert not candidate(seen("A" * 30), seen("7" * 30)).zone_like
    assert not candidate(seen("<<<<A"), seen("<<<<")).zone_like


def test_two_lines_of_thirty_miss_a_third_and_others_do_not() -> None:
    assert candidate(*(seen(line) for line in CARD)).third_missing
    assert not candidate(seen("A" * 44), seen("B" * 44)).third_missing
    assert not candidate(*(seen(CARD[0]) for _ in range(3))).third_missing


def test_a_character_that_looks_alike_from_both_ends_is_taken_upright() -> None:
    steps = steps_of("I" * 30)
    steps[:, TURNED] = steps[:, ALPHABET.index("I")] * 0.6
    steps[:, ALPHABET.index("I")] *= 0.4
    assert emissions(steps).turned == 30
    taken = emissions(upright(steps))
    assert (len(taken), taken.turned) == (30, 0)
    assert upright(steps).sum(axis=1) == pytest.approx(1)


@given(TEXT, st.sampled_from((0, 29)))
def test_a_character_missed_at_an_end_is_missed_where_it_is(
    text: str, missing: int
) -> None:
    lines = [seen(text, missing=missing), seen(CARD[1])]
    columns, _ = to_columns(lines[0], 30, frame_of(lines))
    said = "".join(ALPHABET[at] for at in columns.argmax(axis=1))
    kept = slice(1, None) if missing == 0 else slice(0, -1)
    assert said[kept] == text[kept]


def test_lines_without_a_character_have_no_frame() -> None:
    assert frame_of([emissions(steps_of("")), emissions(steps_of(""))]) is None


class Endless:
    """A sight that sees two lines that are none everywhere, and counts its looks."""

    def __init__(self) -> None:
        self.looks = 0

    def candidates(self, picture: Picture) -> Iterator[Candidate]:
        del picture
        while True:
            self.looks += 1
            yield candidate(seen("A" * 44), seen("7" * 44))


def test_a_picture_that_cannot_be_read_costs_a_bounded_number_of_tries() -> None:
    first, second = Endless(), Endless()
    engine = Engine(name="test", version="1", models=())
    reader = FixedPitchReader(engine, (first, second))
    blank = Picture(np.full((600, 800, 3), 200, np.uint8))
    assert reader.read(blank, today=date(2026, 11, 23)).mrz is None
    assert first.looks == second.looks == MOST_TRIED
