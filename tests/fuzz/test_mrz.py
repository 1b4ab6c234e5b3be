"""Arbitrary documents and arbitrary text against the parser of the zone."""

import contextlib
from datetime import date, timedelta

from hypothesis import assume, example, given
from hypothesis import strategies as st

from mobile_api.mrz import (
    Mrz,
    MrzInvalid,
    check_digit,
    find_lines,
    parse_mrz,
)
from tests.specimens.persons import SREYPOV, Person, td1, td3

TODAY = date(2026, 11, 23)
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789<"
WORDS = st.lists(st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=1, max_size=6))


@st.composite
def persons(draw: st.DrawFn) -> Person:
    issued = draw(st.dates(date(2010, 1, 1), TODAY))
    return Person(
        number=draw(st.text("0123456789", min_size=9, max_size=9)),
        surname_khmer="",
        given_name_khmer="",
        surname_latin=draw(st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=1)),
        given_name_latin=" ".join(draw(WORDS)),
        sex=draw(st.sampled_from("MF")),
        birth_date=draw(st.dates(TODAY - timedelta(days=36000), TODAY)),
        issue_date=issued,
        expiry_date=issued + timedelta(days=3650),
    )


def fits(person: Person, width: int) -> bool:
    name = f"{person.surname_latin}<<{person.given_name_latin}"
    return len(name) <= width


def key_values(mrz: Mrz) -> tuple[object, ...]:
    return mrz.number, mrz.birth_date, mrz.expiry_date


@given(persons(), st.booleans())
def test_what_is_written_on_a_card_is_read_from_it(
    person: Person, composite: bool
) -> None:
    assume(fits(person, 30))
    mrz = parse_mrz(td1(person, composite=composite), today=TODAY)
    assert mrz.number == person.number
    assert mrz.birth_date.exact == person.birth_date
    assert mrz.expiry_date == person.expiry_date
    assert (mrz.surname, mrz.given_names) == (
        person.surname_latin,
        person.given_name_latin,
    )
    assert mrz.sex == person.sex
    assert mrz.has_composite is composite
    assert not mrz.repaired


@given(persons())
def test_what_is_written_in_a_passport_is_read_from_it(person: Person) -> None:
    assume(fits(person, 39))
    mrz = parse_mrz(td3(person), today=TODAY)
    assert mrz.number == f"N{person.number[1:]}"
    assert mrz.birth_date.exact == person.birth_date
    assert mrz.nationality == "KHM"


@given(persons(), st.booleans(), st.integers(0, 59), st.sampled_from(ALPHABET))
@example(SREYPOV, False, 14, "<")
@example(SREYPOV, False, 5, "O")
def test_one_wrong_character_never_gives_another_number_or_date(
    person: Person, composite: bool, at: int, character: str
) -> None:
    assume(fits(person, 30))
    lines = td1(person, composite=composite)
    right = parse_mrz(lines, today=TODAY)
    text = lines[0] + lines[1]
    changed = text[:at] + character + text[at + 1 :]
    with contextlib.suppress(MrzInvalid):
        read = parse_mrz((changed[:30], changed[30:], lines[2]), today=TODAY)
        assert key_values(read) == key_values(right)


@given(persons(), st.sampled_from((*range(5, 15), *range(30, 37), *range(38, 45))))
def test_one_wrong_digit_in_a_protected_field_is_always_refused(
    person: Person, at: int
) -> None:
    lines = td1(person, composite=False)
    text = lines[0] + lines[1]
    for digit in set("0123456789") - {text[at]}:
        changed = text[:at] + digit + text[at + 1 :]
        try:
            parse_mrz(
                (changed[:30], changed[30:], "SOK<<DARA".ljust(30, "<")), today=TODAY
            )
        except MrzInvalid:
            continue
        raise AssertionError((at, digit))


@given(st.text() | st.text(ALPHABET + "\n ", max_size=150))
def test_arbitrary_text_is_read_or_refused_with_a_typed_fact(text: str) -> None:
    for lines in (text, *find_lines(text)):
        with contextlib.suppress(MrzInvalid):
            parse_mrz(lines, today=TODAY)


@given(
    st.sampled_from(((3, 30), (2, 36), (2, 44))).flatmap(
        lambda shape: st.tuples(
            *[st.text(ALPHABET, min_size=shape[1], max_size=shape[1])] * shape[0]
        )
    )
)
def test_arbitrary_lines_of_the_right_shape_are_read_or_refused(
    lines: tuple[str, ...],
) -> None:
    with contextlib.suppress(MrzInvalid):
        parse_mrz(lines, today=TODAY)


@given(st.text(ALPHABET, min_size=1), st.data())
def test_a_check_digit_sees_every_change_that_its_modulus_can_see(
    text: str, data: st.DataObject
) -> None:
    at = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.sampled_from(ALPHABET))
    values = dict(zip(ALPHABET, (*range(10, 36), *range(10), 0), strict=True))
    changed = text[:at] + other + text[at + 1 :]
    same = (values[text[at]] - values[other]) % 10 == 0
    assert (check_digit(text) == check_digit(changed)) is same
