"""From probabilities of columns to a zone that its check digits prove. Pure.

    columns of each line --class of each column--> best characters --check digits-->
        zone | the field that stays wrong

Each column has the characters that its format allows there; a look-alike that was
seen counts for the one that it is taken for. Where a check digit disagrees, at most
two characters in all are replaced, and only if the picture nearly said so itself
(`LIMIT`): without that limit most repaired zones were wrong. A reading that another
equally cheap repair contradicts is none.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations, product

import numpy as np

from mobile_api.engines.mrz_columns import Columns
from mobile_api.engines.mrz_layouts import Covered, Layout
from mobile_api.engines.text_recognition import ALPHABET

AT = {character: number for number, character in enumerate(ALPHABET)}
VALUES = {c: 0 if c == "<" else AT[c] for c in ALPHABET}
ALIKE = ("O0", "I1", "S5", "B8", "Z2", "G6")
LESS_ALIKE = ("D0", "Q0", "L1", "T7", "A4")
FOLD = 0.7
LESS_FOLD = 2.0
FOLDS = tuple(
    (taken, saw, step)
    for pairs, step in ((ALIKE, FOLD), (LESS_ALIKE, LESS_FOLD))
    for letter, digit in map(tuple, pairs)
    for taken, saw in ((letter, digit), (digit, letter))
)
LEAST = 1e-4
LIMIT = 3.2
MOST_CHANGED = 2
CLEAR = 1.2
TWIN_CLEAR = 4.5
CHOICES = 3
POOR = 1.1
MOST = 2.3
HEAD = 5.0
SURE = 0.2
ZERO_FOLD = 1.0
KEY = ("number", "birth_date", "expiry_date")


@dataclass(frozen=True, slots=True)
class Solved:
    """The lines of a zone that adds up; `changed` characters were repaired."""

    lines: tuple[str, ...]
    changed: int
    cost: float


@dataclass(frozen=True, slots=True)
class Unsolved:
    """No zone that adds up: the field that stays wrong, and how unlikely it was.

    `lines` are what was read all the same.
    """

    field: str
    cost: float
    lines: tuple[str, ...] = ()


@dataclass(slots=True)
class _Work:
    """One attempt: costs by cell, the characters so far, repairs that are left."""

    layout: Layout
    costs: list[Columns]
    characters: list[list[str]]
    left: int = MOST_CHANGED
    changed: set[tuple[int, int]] = field(default_factory=set)


def solve(lines: Sequence[Columns], layout: Layout) -> Solved | Unsolved:
    """Return the zone of this layout that the columns say."""
    costs = [_costs(one, row) for one, row in zip(lines, layout.classes, strict=True)]
    shown = [one.copy() for one in costs]
    _doubt_zeros(costs, layout)
    best = [[ALPHABET[at] for at in one.argmin(axis=1)] for one in costs]
    cost = float(np.mean([one.min(axis=1).mean() for one in costs]))
    if cost > POOR:
        return Unsolved("", cost)
    head = sum(costs[row][at].min() for row, at in layout.head)
    if head > HEAD:
        return Unsolved("", cost)
    work = _Work(layout, costs, best)
    for covered in layout.covered:
        if _unlikely(work, covered) or not _mend(work, covered):
            return Unsolved(covered.field, cost, _text(work))
    if _has_twin(work) or _has_rival(replace(work, costs=shown)):
        return Unsolved("number", cost)
    return Solved(_text(work), len(work.changed), cost)


def _text(work: _Work) -> tuple[str, ...]:
    return tuple("".join(row) for row in work.characters)


def _costs(columns: Columns, classes: Sequence[str]) -> Columns:
    """Return N x 37: minus the logarithm, infinite where the format forbids."""
    seen = -np.log(columns + LEAST)
    costs = seen.copy()
    for column, allowed in enumerate(classes):
        fits = np.zeros(len(ALPHABET), dtype=bool)
        fits[[AT[c] for c in allowed]] = True
        for taken, saw, step in FOLDS:
            if taken in allowed and saw not in allowed:
                cheaper = seen[column, AT[saw]] + step
                costs[column, AT[taken]] = min(costs[column, AT[taken]], cheaper)
        costs[column, ~fits] = np.inf
    return costs


def _doubt_zeros(costs: list[Columns], layout: Layout) -> None:
    """Let a free column be `O` for `0` or back, if all others are sure.

    OCR-B draws them nearly alike; the check digit says which it was.
    """
    unsure = [c for r, c in layout.free if costs[r][c].min() > SURE]
    for row, column in layout.free:
        if set(unsure) - {column}:
            continue
        cell = costs[row][column]
        for taken, saw in ((AT["O"], AT["0"]), (AT["0"], AT["O"])):
            cell[taken] = min(cell[taken], cell[saw] + ZERO_FOLD)


def _unlikely(work: _Work, covered: Covered) -> bool:
    """Tell whether a character was chosen that the picture hardly shows."""
    cells = (*covered.cells, covered.digit)
    return any(work.costs[r][c][AT[_said(work, (r, c))]] > MOST for r, c in cells)


def _mend(work: _Work, covered: Covered) -> bool:
    """Make a field agree with its check digit, or say that it cannot be."""
    if covered.may_be_empty and _said(work, covered.digit) == "<":
        return _surely_empty(work, covered)
    if _agrees(work, covered, {}):
        return True
    repairs = sorted(_repairs(work, covered, work.left), key=lambda one: one[0])
    if not repairs:
        return False
    if len(repairs) > 1 and repairs[1][0] - repairs[0][0] < CLEAR:
        return False
    for (row, column), character in repairs[0][1].items():
        work.characters[row][column] = character
        work.changed.add((row, column))
        work.left -= 1
    return True


def _surely_empty(work: _Work, covered: Covered) -> bool:
    """Tell whether nothing but `<` can stand in place of the check digit."""
    row, column = covered.digit
    costs = np.sort(work.costs[row][column])
    return bool(costs[1] - costs[0] > CLEAR)


def _repairs(
    work: _Work, covered: Covered, most: int
) -> Iterator[tuple[float, dict[tuple[int, int], str]]]:
    """Yield what would make the field agree, with what it costs."""
    cells = (*covered.cells, covered.digit)
    options = {cell: _options(work, cell) for cell in cells}
    loose = [cell for cell in cells if options[cell] and cell not in work.changed]
    for count in range(1, most + 1):
        for chosen in combinations(loose, count):
            for picks in product(*(options[cell] for cell in chosen)):
                cost = sum(extra for extra, _ in picks)
                if cost > LIMIT:
                    continue
                change = {
                    cell: character
                    for cell, (_, character) in zip(chosen, picks, strict=True)
                }
                if _agrees(work, covered, change):
                    yield cost, change


def _options(work: _Work, cell: tuple[int, int]) -> list[tuple[float, str]]:
    row, column = cell
    costs = work.costs[row][column]
    said = costs[AT[work.characters[row][column]]]
    ranked = np.argsort(costs)[: CHOICES + 1]
    found = [(float(costs[at] - said), ALPHABET[at]) for at in ranked]
    return [one for one in found if 0 < one[0] <= LIMIT]


def _agrees(work: _Work, covered: Covered, change: dict[tuple[int, int], str]) -> bool:
    total = 0
    for at, cell in enumerate(covered.cells):
        character = change.get(cell) or _said(work, cell)
        total += VALUES[character] * (7, 3, 1)[at % 3]
    return change.get(covered.digit, _said(work, covered.digit)) == str(total % 10)


def _said(work: _Work, cell: tuple[int, int]) -> str:
    return work.characters[cell[0]][cell[1]]


def _has_twin(work: _Work) -> bool:
    """Tell whether a check digit cannot tell what was read from the next likely.

    Values count modulo 10, so that `G` (16) for `6` keeps every check digit right.
    """
    for row, column in work.layout.free:
        costs, said = work.costs[row][column], work.characters[row][column]
        for other, number in AT.items():
            if other == said or VALUES[other] % 10 != VALUES[said] % 10:
                continue
            if costs[number] - costs[AT[said]] < TWIN_CLEAR:
                return True
    return False


def _has_rival(work: _Work) -> bool:
    """Tell whether two other characters would be nearly as likely, and as right.

    Two zeros taken for `O` can keep a check digit right: 24 x 3 + 24 x 7 is 240.
    """
    return any(
        next(_repairs(work, covered, MOST_CHANGED), None) is not None
        for covered in work.layout.covered
        if covered.field in KEY
    )
