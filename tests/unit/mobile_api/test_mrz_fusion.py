"""Joining pictures of one document: what is taken from where, and what is refused."""

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from mobile_api.mrz import MrzInvalid, parse_mrz
from mobile_api.mrz_fusion import Fused, Shown
from mobile_api.mrz_fusion import fuse as fuse_shown
from tests.specimens.documents import invent_document, zone
from tests.specimens.persons import DARA, SREYPOV, check_digit, invent, td1

TODAY = date(2026, 11, 23)
GOOD = td1(DARA)


def fuse(pictures: list[tuple[str, ...]], *, today: date) -> Fused:
    """Join pictures of which an engine is sure when their check digits are right."""
    return fuse_shown([Shown(one, is_right(one)) for one in pictures], today=today)


def is_right(lines: tuple[str, ...]) -> bool:
    try:
        parse_mrz(lines, today=TODAY)
    except MrzInvalid:
        return False
    return True


def damaged(lines: tuple[str, ...], row: int, at: int, by: str) -> tuple[str, ...]:
    line = lines[row]
    changed = f"{line[:at]}{by}{line[at + 1 :]}"
    return (*lines[:row], changed, *lines[row + 1 :])


def test_one_good_picture_is_proved_by_its_check_digits_and_names_by_nothing() -> None:
    fused = fuse([GOOD], today=TODAY)
    assert fused.mrz is not None
    assert fused.proved_by["number"] == ("check-digit", "composite")
    assert fused.proved_by["surname"] == ()


def test_two_good_pictures_prove_the_names_that_both_show() -> None:
    other = damaged(GOOD, 2, 0, "N")
    fused = fuse([GOOD, other, GOOD], today=TODAY)
    assert fused.proved_by["surname"] == ("two-pictures",)
    assert fuse([GOOD, other], today=TODAY).proved_by["surname"] == ()
    assert fuse([GOOD, other], today=TODAY).proved_by["given_names"] == (
        "two-pictures",
    )


def test_dates_of_different_pictures_and_a_number_of_two_make_one_zone() -> None:
    wrong_birth, wrong_expiry = damaged(GOOD, 1, 3, "5"), damaged(GOOD, 1, 9, "7")
    assert fuse([wrong_expiry], today=TODAY).mrz is None
    assert fuse([wrong_birth], today=TODAY).mrz is None
    fused = fuse([wrong_expiry, wrong_birth], today=TODAY)
    assert fused.mrz is not None
    assert fused.mrz.lines == GOOD


def test_a_number_that_only_one_unsure_picture_shows_is_not_taken() -> None:
    wrong_number, wrong_birth = damaged(GOOD, 0, 7, "9"), damaged(GOOD, 1, 3, "5")
    assert fuse([wrong_number, wrong_birth], today=TODAY).mrz is None
    assert fuse([wrong_number, wrong_birth, GOOD], today=TODAY).mrz is not None


def test_two_cards_are_never_joined() -> None:
    assert fuse([GOOD, td1(SREYPOV)], today=TODAY).differs
    half, other = damaged(GOOD, 0, 7, "9"), damaged(td1(SREYPOV), 1, 3, "5")
    assert fuse([half, other], today=TODAY).mrz is None


def test_two_numbers_that_both_check_out_are_not_chosen_between() -> None:
    number = "162334455"
    other = damaged(GOOD, 0, 5, "1")
    other = damaged(other, 0, 14, check_digit(number))
    composite = damaged(GOOD, 1, 29, "x".upper()), damaged(other, 1, 29, "X")
    fused = fuse(composite, today=TODAY)
    assert fused.mrz is None


def test_a_joined_zone_must_still_fit_its_composite_digit() -> None:
    wrong = str((int(GOOD[1][29]) + 1) % 10)
    half = damaged(damaged(GOOD, 1, 29, wrong), 0, 7, "9")
    other = damaged(damaged(GOOD, 1, 29, wrong), 1, 3, "5")
    assert fuse([half, other], today=TODAY).mrz is None


def test_the_newest_picture_must_be_of_the_document_that_older_ones_show() -> None:
    """Its portrait is what the face is compared with."""
    other = damaged(td1(SREYPOV), 1, 3, "5")
    assert fuse([other, GOOD], today=TODAY).mrz is None
    assert fuse([other, other, GOOD], today=TODAY).mrz is None
    worn = damaged(damaged(GOOD, 0, 7, "9"), 1, 3, "5")
    assert fuse([worn, GOOD], today=TODAY).mrz is not None


def test_passports_are_joined_too() -> None:
    lines = invent_document(3, "td3").lines
    one, two = damaged(lines, 1, 13, "X"), damaged(lines, 1, 21, "X")
    assert fuse([one, two], today=TODAY).mrz is not None


def test_a_zone_that_no_engine_was_sure_of_needs_two_pictures() -> None:
    for lines in (GOOD, invent_document(3, "td3").lines):
        unsure = Shown(lines, sure=False)
        assert fuse_shown([unsure], today=TODAY).mrz is None
        assert fuse_shown([unsure, unsure], today=TODAY).mrz is not None


@given(
    seed=st.integers(0, 10_000),
    marks=st.lists(
        st.tuples(st.integers(0, 2), st.integers(0, 29), st.sampled_from("0O8B<KM5")),
        max_size=4,
    ),
)
def test_what_is_joined_was_shown_by_a_picture_or_nothing_is(
    seed: int, marks: list[tuple[int, int, str]]
) -> None:
    lines = td1(invent(seed))
    pictures = [damaged(lines, *mark) for mark in marks] or [lines]
    fused = fuse(pictures, today=TODAY)
    if fused.mrz is not None:  # `O` is read as `0` where the card has digits alone
        shown = [[line.replace("O", "0") for line in one] for one in pictures]
        assert fused.mrz.lines[0][5:15] in {one[0][5:15] for one in shown}
        assert fused.mrz.lines[1][0:7] in {one[1][0:7] for one in shown}


def test_zones_of_the_generator_check_out_in_every_format() -> None:
    for kind, columns in (("td1", 30), ("td2", 36), ("td3", 44)):
        lines = zone(
            kind,
            state="LAO",
            number="P12345678",
            birth=date(1990, 2, 3),
            expiry=date(2030, 2, 3),
            sex="F",
            names="KEO<<NARY",
        )
        assert {len(line) for line in lines} == {columns}
        assert fuse([lines], today=TODAY).mrz is not None
