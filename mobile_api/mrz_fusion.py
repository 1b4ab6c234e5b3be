"""Join what up to three pictures of one document say, field by field. Pure.

    lines of each picture --fields that check out--> one zone --parse_mrz--> Mrz

Where no picture is right by itself, dates may come from any, but the number must be
the same in two (a check digit cannot tell `G` from `6`), the pictures must otherwise
say nearly the same, and the joined zone passes the strict parser. Two zones that are
right by themselves and differ are two documents: nothing is chosen between them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from mobile_api.mrz import (
    BIRTH,
    COMPOSITE,
    EXPIRY,
    NUMBER,
    Mrz,
    MrzInvalid,
    check_digit,
    parse_mrz,
)

Lines = tuple[str, ...]
Span = tuple[int, int, int]
CHECK_DIGIT = "check-digit"
TWO_PICTURES = "two-pictures"
ALIKE = 0.75
CARD_LINES = 3
TWO = 2
CARD: Mapping[str, Span] = {NUMBER: (0, 5, 15), BIRTH: (1, 0, 7), EXPIRY: (1, 8, 15)}
PAGE: Mapping[str, Span] = {NUMBER: (1, 0, 10), BIRTH: (1, 13, 20), EXPIRY: (1, 21, 28)}
UNPROVED = ("surname", "given_names", "sex", "nationality")


@dataclass(frozen=True, slots=True)
class Fused:
    """One zone out of several pictures, or why there is none.

    `proved_by` has for each field what proves it: `check-digit`, `composite`,
    `two-pictures`. `differs` says that the pictures are of different documents.
    """

    mrz: Mrz | None = None
    proved_by: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    differs: bool = False


@dataclass(frozen=True, slots=True)
class Shown:
    """What one picture showed: 3 x 30, 2 x 36 or 2 x 44 characters, right or not.

    `sure` says that the engine took them for a zone that is right by itself.
    """

    lines: Lines
    sure: bool


def fuse(shown: Sequence[Shown], *, today: date) -> Fused:
    """Return the zone that the pictures agree on; the newest picture comes first."""
    sure = [_parsed(one.lines, today) for one in shown if one.sure]
    alone = [mrz for mrz in sure if mrz is not None]
    if len({_key(mrz) for mrz in alone}) > 1:
        return Fused(differs=True)
    pictures = [one.lines for one in shown]
    found = alone
    if not alone:
        joined = [mrz for lines in pictures if (mrz := _joined(lines, pictures, today))]
        found = joined[:1] if len({_key(mrz) for mrz in joined}) == 1 else []
    # The portrait is the newest picture's: it must be seen to be of the same document.
    if not found or _likeness(pictures[0], found[0].lines) < ALIKE:
        return Fused()
    return Fused(found[0], _proofs(found[0], found))


def _parsed(lines: Lines, today: date) -> Mrz | None:
    try:
        return parse_mrz(lines, today=today)
    except MrzInvalid:
        return None


def _key(mrz: Mrz) -> tuple[object, ...]:
    return mrz.format, mrz.issuer, mrz.number, str(mrz.birth_date), mrz.expiry_date


def _joined(lines: Lines, pictures: Sequence[Lines], today: date) -> Mrz | None:
    """Return the zone of one picture with what others show of its wrong fields."""
    spans = CARD if len(lines) == CARD_LINES else PAGE
    alike = [other for other in pictures if _likeness(lines, other) >= ALIKE]
    whole = list(lines)
    for name, span in spans.items():
        seen = [_cut(other, span) for other in alike if _holds(_cut(other, span))]
        values = set(seen)
        if len(values) != 1 or (name == NUMBER and len(seen) < TWO):
            return None
        row, start, end = span
        whole[row] = whole[row][:start] + values.pop() + whole[row][end:]
    return _parsed(tuple(whole), today)


def _likeness(lines: Lines, other: Lines) -> float:
    """Return the share of equal characters, fillers left out."""
    one, two = "".join(lines), "".join(other)
    if len(one) != len(two) or len(lines) != len(other):
        return 0.0
    pairs = [p for p in zip(one, two, strict=True) if p != ("<", "<")]
    return sum(a == b for a, b in pairs) / max(len(pairs), 1)


def _cut(lines: Lines, span: Span) -> str:
    row, start, end = span
    return lines[row][start:end]


def _holds(text: str) -> bool:
    return text[-1] == str(check_digit(text[:-1]))


def _proofs(mrz: Mrz, agreeing: Sequence[Mrz]) -> dict[str, tuple[str, ...]]:
    """Return what proves each field; names are never proved by one picture."""
    covered = (COMPOSITE,) if mrz.has_composite else ()
    twice = {
        name: (TWO_PICTURES,)
        for name in (NUMBER, BIRTH, EXPIRY, *UNPROVED)
        if sum(_same(one, mrz, name) for one in agreeing) > 1
    }
    checked = {
        name: (CHECK_DIGIT, *covered, *twice.get(name, ()))
        for name in (NUMBER, BIRTH, EXPIRY)
        if name in mrz.proved
    }
    return {**checked, **{name: twice.get(name, ()) for name in UNPROVED}}


def _same(one: Mrz, other: Mrz, name: str) -> bool:
    return bool(getattr(one, name) == getattr(other, name))
