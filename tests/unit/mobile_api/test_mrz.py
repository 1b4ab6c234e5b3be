"""The strict parser on the vectors of ICAO 9303 and on made-up Khmer cards."""

from datetime import date

import pytest

from mobile_api.mrz import (
    BadField,
    Day,
    Format,
    MrzInvalid,
    NotAnMrz,
    WrongCheckDigit,
    check_digit,
    find_lines,
    parse_mrz,
)

TODAY = date(2026, 11, 23)
CARD = (
    "IDKHM0123456784<<<<<<<<<<<<<<<",
    "9901018F3101012KHM<<<<<<<<<<<8",
    "SOK<<SREYPOV<<<<<<<<<<<<<<<<<<",
)
# The specimens printed in ICAO 9303 parts 4, 5 and 6 (Utopia).
PASSPORT = (
    "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<",
    "L898902C36UTO7408122F1204159ZE184226B<<<<<10",
)
TD1 = (
    "I<UTOD231458907<<<<<<<<<<<<<<<",
    "7408122F1204159UTO<<<<<<<<<<<6",
    "ERIKSSON<<ANNA<MARIA<<<<<<<<<<",
)
TD2 = (
    "I<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<",
    "D231458907UTO7408122F1204159<<<<<<<6",
)
LONG_NUMBER = (
    "I<UTOD23145890<7349<<<<<<<<<<<",
    "3407127M9507122UTO<<<<<<<<<<<2",
    "STEVENSON<<PETER<JOHN<<<<<<<<<",
)


def with_line(row: int, line: str) -> tuple[str, ...]:
    return (*CARD[:row], line, *CARD[row + 1 :])


@pytest.mark.parametrize(
    ("lines", "shape", "number"),
    [
        (PASSPORT, Format.TD3, "L898902C3"),
        (TD1, Format.TD1, "D23145890"),
        (TD2, Format.TD2, "D23145890"),
        (LONG_NUMBER, Format.TD1, "D23145890734"),
    ],
)
def test_the_specimens_of_icao_are_read(
    lines: tuple[str, ...], shape: Format, number: str
) -> None:
    mrz = parse_mrz(lines, today=TODAY)
    assert (mrz.format, mrz.number) == (shape, number)
    assert mrz.proved == ("number", "birth_date", "expiry_date", "composite")


def test_names_are_never_proved() -> None:
    mrz = parse_mrz(CARD, today=TODAY)
    assert (mrz.surname, mrz.given_names) == ("SOK", "SREYPOV")
    assert mrz.proved == ("number", "birth_date", "expiry_date", "composite")


def test_a_khmer_card_may_have_a_filler_in_place_of_its_composite_digit() -> None:
    mrz = parse_mrz(with_line(1, CARD[1][:29] + "<"), today=TODAY)
    assert not mrz.has_composite
    assert "composite" not in mrz.proved


def test_no_other_card_may() -> None:
    with pytest.raises(WrongCheckDigit, match="composite"):
        parse_mrz((TD1[0], TD1[1][:29] + "<", TD1[2]), today=TODAY)


@pytest.mark.parametrize(
    ("row", "at", "field"),
    [
        (0, 14, "number"),
        (1, 6, "birth_date"),
        (1, 14, "expiry_date"),
        (1, 29, "composite"),
    ],
)
def test_a_wrong_check_digit_names_its_field(row: int, at: int, field: str) -> None:
    line = CARD[row]
    wrong = line[:at] + str((int(line[at]) + 1) % 10) + line[at + 1 :]
    with pytest.raises(WrongCheckDigit) as caught:
        parse_mrz(with_line(row, wrong), today=TODAY)
    assert caught.value.field == field


def test_a_letter_o_among_digits_is_repaired_and_recorded() -> None:
    read = parse_mrz(with_line(0, CARD[0].replace("0", "O")), today=TODAY)
    assert read.number == "012345678"
    assert read.repaired == ("number",)


def test_the_head_of_a_khmer_card_is_repaired_and_recorded() -> None:
    for head in ("LDKHM", "TDKHM"):
        read = parse_mrz(with_line(0, head + CARD[0][5:]), today=TODAY)
        assert read.code == "ID"
        assert read.repaired == ("code",)


def test_a_digit_in_a_name_is_refused_not_read_as_a_letter() -> None:
    with pytest.raises(BadField, match="names"):
        parse_mrz(with_line(2, "S0K<<SREYPOV<<<<<<<<<<<<<<<<<<"), today=TODAY)


def test_what_follows_the_fillers_after_the_names_is_dropped_and_recorded() -> None:
    read = parse_mrz(with_line(2, "SOK<<SREYPOV<<<<<<K<<<<<<<<<<<"), today=TODAY)
    assert (read.given_names, read.repaired) == ("SREYPOV", ("names",))


def birth(digits: str, *, today: date = TODAY) -> Day:
    line = f"{digits}{check_digit(digits)}{CARD[1][7:29]}<"
    return parse_mrz(with_line(1, line), today=today).birth_date


def test_a_birth_date_is_never_in_the_future() -> None:
    assert birth("261123") == Day(2026, 11, 23)
    assert birth("261124") == Day(1926, 11, 24)
    assert birth("000229") == Day(2000, 2, 29)


def test_unknown_days_and_months_stay_unknown() -> None:
    assert str(birth("58<<<<")) == "1958-XX-XX"
    assert str(birth("5803<<")) == "1958-03-XX"
    assert birth("58<<<<").exact is None


@pytest.mark.parametrize("digits", ["58<<14", "581301", "580230", "580001", "5<0101"])
def test_an_impossible_birth_date_is_refused(digits: str) -> None:
    with pytest.raises(BadField, match="birth_date"):
        birth(digits)


def test_an_expiry_lies_within_fifty_years() -> None:
    def expiry(digits: str) -> int:
        line = f"{CARD[1][:8]}{digits}{check_digit(digits)}{CARD[1][15:29]}<"
        return parse_mrz(with_line(1, line), today=TODAY).expiry_date.year

    assert [expiry("750101"), expiry("760101"), expiry("220202")] == [2075, 1976, 2022]


@pytest.mark.parametrize(
    "lines",
    [
        (),
        ("",),
        ("A" * 30,),
        ("A" * 30,) * 2,
        ("A" * 31,) * 3,
        ("ក" * 30,) * 3,
        CARD[:2],
    ],
)
def test_other_shapes_are_no_zone(lines: tuple[str, ...]) -> None:
    with pytest.raises(NotAnMrz):
        parse_mrz(lines or "", today=TODAY)


def test_khmer_digits_are_not_digits_here() -> None:
    with pytest.raises(MrzInvalid):
        parse_mrz(with_line(0, CARD[0].replace("0", "០")), today=TODAY)


def test_lines_are_found_among_other_text_with_their_fillers_miscounted() -> None:
    short = with_line(0, CARD[0][:-2])
    text = "ភេទ៖ ស្រី\n SOK SREYPOV\n" + "\n".join(short)
    found = next(find_lines(text))
    assert found == CARD


def test_a_line_that_misses_more_than_fillers_is_not_made_whole() -> None:
    text = "\n".join(line[:20] for line in CARD)
    assert not list(find_lines(text))
