"""The machine-readable zone of an identity document: strict, pure, ICAO Doc 9303.

    text of the OCR --find_lines--> 3 x 30 | 2 x 36 | 2 x 44 --parse_mrz--> Mrz

A value that a check digit covers is *proved*; names never are. A letter is taken
for a look-alike digit only where the format has a digit; what was repaired is
recorded. Nothing is guessed: what does not fit is refused with a typed fact.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from itertools import cycle

WEIGHTS = (7, 3, 1)
FILLER = "<"
KHMER = "KHM"
MISCOUNTED = 4
BIRTH = "birth_date"
EXPIRY = "expiry_date"
NUMBER = "number"
NAMES = "names"
COMPOSITE = "composite"


class MrzInvalid(ValueError):
    """Say that this is not a machine-readable zone that can be relied on."""


class NotAnMrz(MrzInvalid):
    """Say that no lines of a known format were found."""


class WrongCheckDigit(MrzInvalid):
    """Say that a field and its check digit disagree."""

    def __init__(self, field: str) -> None:
        super().__init__(field)
        self.field = field


class BadField(MrzInvalid):
    """Say that a field holds what its format does not allow."""

    def __init__(self, field: str) -> None:
        super().__init__(field)
        self.field = field


class Format(StrEnum):
    """The sizes of ICAO 9303 parts 5 (TD1), 6 (TD2) and 4 (TD3)."""

    TD1 = "TD1"
    TD2 = "TD2"
    TD3 = "TD3"


SHAPES = {(3, 30): Format.TD1, (2, 36): Format.TD2, (2, 44): Format.TD3}


@dataclass(frozen=True, slots=True)
class Day:
    """A date whose month or day may be unknown (`<<`, ICAO 9303-3 4.8)."""

    year: int
    month: int | None = None
    day: int | None = None

    @property
    def exact(self) -> date | None:
        """Return the date when all of it is known."""
        if self.month is None or self.day is None:
            return None
        return date(self.year, self.month, self.day)

    def __str__(self) -> str:
        parts = (f"{self.year:04}", self.month, self.day)
        return "-".join(
            p if isinstance(p, str) else "XX" if p is None else f"{p:02}" for p in parts
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Mrz:
    """What the zone says, and which of it a check digit proves."""

    format: Format
    code: str
    issuer: str
    number: str
    surname: str
    given_names: str
    birth_date: Day
    sex: str
    expiry_date: date
    nationality: str
    optional: str
    has_composite: bool
    proved: tuple[str, ...]
    repaired: tuple[str, ...]
    lines: tuple[str, ...]


def check_digit(text: str) -> int:
    """Return the check digit of `text` (ICAO 9303-3 4.9): weights 7-3-1 modulo 10."""
    return sum(_value(c) * w for c, w in zip(text, cycle(WEIGHTS), strict=False)) % 10


def _value(character: str) -> int:
    if character == FILLER:
        return 0
    if "0" <= character <= "9":
        return ord(character) - ord("0")
    if "A" <= character <= "Z":
        return ord(character) - ord("A") + 10
    raise BadField("character")


def parse_mrz(text: str | Sequence[str], *, today: date) -> Mrz:
    """Parse the lines of one zone, `today` deciding the centuries.

    `text` is exactly 3 x 30, 2 x 36 or 2 x 44 characters (see `find_lines` for the
    text of an OCR). Raises NotAnMrz, WrongCheckDigit or BadField.
    """
    lines = tuple(text.split("\n") if isinstance(text, str) else text)
    if len({len(line) for line in lines}) != 1:
        raise NotAnMrz
    shape = SHAPES.get((len(lines), len(lines[0])))
    if shape is None or re.fullmatch(r"[A-Z0-9<]+", "".join(lines)) is None:
        raise NotAnMrz
    return _Parser(shape, lines, today).parse()


def find_lines(text: str) -> Iterator[tuple[str, ...]]:
    """Yield the candidate zones in the text of an OCR, best shape first.

    Only the length of a run of fillers is corrected: an OCR counts `<` badly, and
    a filler carries nothing. Spaces and characters that no zone has are dropped.
    """
    lines = [re.sub(r"[^A-Z0-9<]", "", line.upper()) for line in text.splitlines()]
    for (rows, columns), shape in SHAPES.items():
        for start in range(len(lines) - rows + 1):
            fitted = [
                _fit(line, columns, last=shape is not Format.TD1 or row == 1)
                for row, line in enumerate(lines[start : start + rows])
            ]
            if all(fitted):
                yield tuple(line for line in fitted if line)


def _fit(line: str, columns: int, *, last: bool) -> str | None:
    """Return the line at its length by its longest run of fillers, or None.

    A line that misses more than a few characters is cut off, not miscounted.
    """
    if len(line) == columns:
        return line
    runs = list(re.finditer("<{2,}", line))
    if not runs or abs(len(line) - columns) > MISCOUNTED:
        return None
    run = max(runs, key=lambda found: len(found.group()))
    tail = line[run.end() :] if last else ""
    width = columns - run.start() - len(tail)
    return line[: run.start()] + FILLER * width + tail if width >= 0 else None


class _Parser:
    """One walk over the lines; collects what was repaired and what was proved."""

    def __init__(self, shape: Format, lines: tuple[str, ...], today: date) -> None:
        self.shape = shape
        self.lines = lines
        self.today = today
        self.repaired: list[str] = []
        self.proved: list[str] = []

    def parse(self) -> Mrz:
        """Return the document; the order of the checks is the order of the fields."""
        return self._td1() if self.shape is Format.TD1 else self._td2_or_td3()

    def _td1(self) -> Mrz:
        first, second, third = self.lines
        first = self._khmer_head(first)
        khmer = first[2:5] == KHMER
        number, optional, first = self._number(first, 5, first[15:30], digits=khmer)
        second, birth, expiry = self._dates(second, 0, 8)
        covered = first[5:30] + second[:7] + second[8:15] + second[18:29]
        has_composite = self._composite(covered, second[29], optional=khmer)
        optional += second[18:29]
        return self._result(
            head=first,
            second=(second[7], second[15:18]),
            names=third,
            facts=(number, optional, birth, expiry, has_composite),
            lines=(first, second, third),
        )

    def _td2_or_td3(self) -> Mrz:
        first, second = self.lines
        end = 35 if self.shape is Format.TD2 else 42
        number, optional, second = self._number(
            second, 0, second[28:end], digits=False, long=self.shape is Format.TD2
        )
        second, birth, expiry = self._dates(second, 13, 21)
        if self.shape is Format.TD3:
            self._optional(second[28:42], second[42])
        covered = second[:10] + second[13:20] + second[21:-1]
        has_composite = self._composite(covered, second[-1], optional=False)
        return self._result(
            head=first,
            second=(second[20], second[10:13]),
            names=first[5:],
            facts=(number, optional, birth, expiry, has_composite),
            lines=(first, second),
        )

    def _khmer_head(self, line: str) -> str:
        """Return line 1 with `IDKHM`, which an OCR reads as `LDKHM` or `TDKHM`."""
        if line[:5] in ("LDKHM", "TDKHM", "1DKHM", "IOKHM", "I0KHM"):
            self.repaired.append("code")
            return "IDKHM" + line[5:]
        return line

    def _number(
        self, line: str, at: int, rest: str, *, digits: bool, long: bool = True
    ) -> tuple[str, str, str]:
        """Return the number, the optional data and the line (9303-5 4.2.4).

        A number longer than nine characters goes on in the optional data: its
        check digit is then `<`, and the true one follows the last character.
        """
        number, check = line[at : at + 9], line[at + 9]
        if digits:
            number = self._digits(number, NUMBER)
        if check == FILLER and long and not digits:
            more = rest.split(FILLER, maxsplit=1)[0]
            self._check(number + more[:-1], more[-1:], NUMBER)
            return number + more[:-1], rest[len(more) :], line
        check = self._digits(check, NUMBER)
        self._check(number, check, NUMBER)
        line = line[:at] + number + check + line[at + 10 :]
        return number.rstrip(FILLER), rest, line

    def _dates(self, line: str, birth: int, expiry: int) -> tuple[str, Day, date]:
        for at, name in ((birth, BIRTH), (expiry, EXPIRY)):
            digits = self._digits(line[at : at + 7], name)
            self._check(digits[:6], digits[6], name)
            line = line[:at] + digits + line[at + 7 :]
        return (
            line,
            _birth(line[birth : birth + 6], self.today),
            _expiry(line[expiry : expiry + 6], self.today),
        )

    def _digits(self, text: str, field: str) -> str:
        """Return the text with `O` read as `0`; anything but digits and `<` is bad."""
        digits = text.replace("O", "0")
        if digits != text:
            self.repaired.append(field)
        if re.fullmatch(r"[0-9<]+", digits) is None:
            raise BadField(field)
        if field == NUMBER and FILLER in digits:
            raise BadField(field)
        return digits

    def _check(self, text: str, digit: str, field: str) -> None:
        if digit != str(check_digit(text)):
            raise WrongCheckDigit(field)
        self.proved.append(field)

    def _optional(self, text: str, digit: str) -> None:
        """Check the optional data of TD3: an empty field may have `<` (9303-4)."""
        if digit == FILLER and not text.strip(FILLER):
            return
        if digit != str(check_digit(text)):
            raise WrongCheckDigit("optional")

    def _composite(self, covered: str, digit: str, *, optional: bool) -> bool:
        """Check the composite digit; Khmer cards with `<` in its place exist."""
        if digit == FILLER and optional:
            return False
        self._check(covered, digit.replace("O", "0"), COMPOSITE)
        return True

    def _result(
        self,
        *,
        head: str,
        second: tuple[str, str],
        names: str,
        facts: tuple[str, str, Day, date, bool],
        lines: tuple[str, ...],
    ) -> Mrz:
        number, optional, birth, expiry, has_composite = facts
        surname, given = self._names(names)
        sex, nationality = second
        if sex not in "MFX<":
            raise BadField("sex")
        for name, code in (("issuer", head[2:5]), ("nationality", nationality)):
            if re.fullmatch(r"[A-Z]{1,3}<{0,2}", code) is None:
                raise BadField(name)
        return Mrz(
            format=self.shape,
            code=head[:2].rstrip(FILLER),
            issuer=head[2:5].rstrip(FILLER),
            number=number,
            surname=surname,
            given_names=given,
            birth_date=birth,
            sex=sex.replace(FILLER, "X"),
            expiry_date=expiry,
            nationality=nationality.rstrip(FILLER),
            optional=optional.strip(FILLER),
            has_composite=has_composite,
            proved=tuple(self.proved),
            repaired=tuple(dict.fromkeys(self.repaired)),
            lines=lines,
        )

    def _names(self, text: str) -> tuple[str, str]:
        """Return surname and given names; no digit is ever read as a letter here."""
        surname, _, rest = text.partition("<<")
        given, _, waste = rest.partition("<<")
        if waste.strip(FILLER):
            self.repaired.append(NAMES)
        if re.fullmatch(r"[A-Z]+(<[A-Z]+)*<?", surname) is None:
            raise BadField(NAMES)
        if re.fullmatch(r"(<?[A-Z]+(<[A-Z]+)*)?<?", given) is None:
            raise BadField(NAMES)
        return surname.strip(FILLER).replace(FILLER, " "), given.strip(FILLER).replace(
            FILLER, " "
        )


def _birth(digits: str, today: date) -> Day:
    """Return the latest such day that is not in the future."""
    this_century = today.year // 100 * 100
    found = _day(digits, this_century, BIRTH)
    known = (found.year, found.month or 1, found.day or 1)
    if known <= (today.year, today.month, today.day):
        return found
    return _day(digits, this_century - 100, BIRTH)


def _expiry(digits: str, today: date) -> date:
    """Return the day of that name from 50 years before `today` to 49 after it."""
    if FILLER in digits:
        raise BadField(EXPIRY)
    year = int(digits[:2])
    century = (today.year - 50 - year + 99) // 100 * 100
    exact = _day(digits, century, EXPIRY).exact
    assert exact is not None
    return exact


def _day(digits: str, century: int, field: str) -> Day:
    year, month, day = digits[:2], digits[2:4], digits[4:]
    if re.fullmatch(r"[0-9]{6}|[0-9]{4}<<|[0-9]{2}<{4}", digits) is None:
        raise BadField(field)
    found = Day(
        century + int(year),
        None if month == "<<" else int(month),
        None if day == "<<" else int(day),
    )
    try:
        date(found.year, found.month or 1, found.day or 1)
    except ValueError:
        raise BadField(field) from None
    if found.month == 0 or found.day == 0:
        raise BadField(field)
    return found
