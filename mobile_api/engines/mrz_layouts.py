"""What may stand in each column of a zone, and what each check digit covers.

ICAO 9303 part 5 (TD1), 6 (TD2), 4 (TD3), and the Khmer card: a TD1 whose number is
nine digits, whose optional data are empty and whose composite digit may be `<`. Pure.
"""

from collections.abc import Sequence
from dataclasses import dataclass

DIGITS = "0123456789"
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
NAME = LETTERS + "<"
TD2_COLUMNS = 36
FREE = DIGITS + LETTERS + "<"
DATE = DIGITS + "<"
SEX = "MFX<"
Cell = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Covered:
    """A check digit: its cell, the cells it covers in order, and its field."""

    field: str
    cells: tuple[Cell, ...]
    digit: Cell
    may_be_empty: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """A format: the classes of its columns by row; `free` cells take anything.

    `head` are the cells that tell this format from others.
    """

    name: str
    classes: tuple[tuple[str, ...], ...]
    covered: tuple[Covered, ...]
    free: tuple[Cell, ...] = ()
    head: tuple[Cell, ...] = ()

    @property
    def columns(self) -> int:
        """Return how many columns a line has."""
        return len(self.classes[0])


def _row(*parts: tuple[str, int]) -> tuple[str, ...]:
    return tuple(allowed for allowed, count in parts for _ in range(count))


def _cells(row: int, *spans: tuple[int, int]) -> tuple[Cell, ...]:
    return tuple((row, at) for start, end in spans for at in range(start, end))


def _field(name: str, row: int, start: int, end: int) -> Covered:
    return Covered(field=name, cells=_cells(row, (start, end)), digit=(row, end))


def _khmer_head() -> Sequence[tuple[str, int]]:
    return [(letter, 1) for letter in "IDKHM"]


TD1_DATES = ((DATE, 6), (DIGITS, 1), (SEX, 1), (DIGITS, 7))
TD1_COMPOSITE = _cells(0, (5, 30)) + _cells(1, (0, 7), (8, 15), (18, 29))
KHMER = Layout(
    name="khmer",
    classes=(
        _row(*_khmer_head(), (DIGITS, 10), ("<", 15)),
        _row(*TD1_DATES, ("K", 1), ("H", 1), ("M", 1), ("<", 11), (DATE, 1)),
        _row((NAME, 30)),
    ),
    covered=(
        _field("number", 0, 5, 14),
        _field("birth_date", 1, 0, 6),
        _field("expiry_date", 1, 8, 14),
        Covered(
            field="composite", cells=TD1_COMPOSITE, digit=(1, 29), may_be_empty=True
        ),
    ),
    head=_cells(0, (2, 5)) + _cells(1, (15, 18)),
)
TD1 = Layout(
    name="td1",
    classes=(
        _row(("ACI", 1), (NAME, 4), (FREE, 9), (DIGITS, 1), (FREE, 15)),
        _row(*TD1_DATES, (NAME, 3), (FREE, 11), (DIGITS, 1)),
        _row((NAME, 30)),
    ),
    covered=(
        _field("number", 0, 5, 14),
        _field("birth_date", 1, 0, 6),
        _field("expiry_date", 1, 8, 14),
        Covered(field="composite", cells=TD1_COMPOSITE, digit=(1, 29)),
    ),
    free=_cells(0, (5, 14)),
)


def _booklet(name: str, *, columns: int, code: str) -> Layout:
    """Return TD2 or TD3: names above, everything else in the second line."""
    rest = columns - 28
    optional = (
        ()
        if columns == TD2_COLUMNS
        else (
            Covered(
                field="optional",
                cells=_cells(1, (28, 42)),
                digit=(1, 42),
                may_be_empty=True,
            ),
        )
    )
    last = (
        ((FREE, rest - 1),) if columns == TD2_COLUMNS else ((FREE, rest - 2), (DATE, 1))
    )
    composite = _cells(1, (0, 10), (13, 20), (21, columns - 1))
    return Layout(
        name=name,
        classes=(
            _row((code, 1), (NAME, columns - 1)),
            _row(
                (FREE, 9),
                (DIGITS, 1),
                (NAME, 3),
                (DATE, 6),
                (DIGITS, 1),
                (SEX, 1),
                (DIGITS, 7),
                *last,
                (DIGITS, 1),
            ),
        ),
        covered=(
            _field("number", 1, 0, 9),
            _field("birth_date", 1, 13, 19),
            _field("expiry_date", 1, 21, 27),
            *optional,
            Covered(field="composite", cells=composite, digit=(1, columns - 1)),
        ),
        free=_cells(1, (0, 9)),
    )


TD2 = _booklet("td2", columns=36, code="ACIPV")
TD3 = _booklet("td3", columns=44, code="PV")
BY_LINES = {3: (KHMER, TD1), 2: (TD3, TD2)}
