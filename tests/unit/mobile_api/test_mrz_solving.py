"""What columns nearly say is taken only where nothing else is as likely."""

import numpy as np

from mobile_api.engines.mrz_columns import Columns
from mobile_api.engines.mrz_layouts import TD3
from mobile_api.engines.mrz_solving import Solved, Unsolved, solve
from mobile_api.engines.text_recognition import ALPHABET

TRUE = (
    "P<GBRZHOU<<BJOERN" + "<" * 27,
    "ZB650L0L70GBR6012177F2712240" + "<" * 14 + "04",
)


def columns_of(line: str) -> Columns:
    columns = np.full((len(line), len(ALPHABET)), 5e-4)
    for at, character in enumerate(line):
        columns[at, ALPHABET.index(character)] = 0.98
    return columns


def zone(doubts: dict[int, tuple[str, float]]) -> list[Columns]:
    """Return the zone; columns of its second line may say something else as well."""
    first, second = (columns_of(line) for line in TRUE)
    for at, (other, share) in doubts.items():
        second[at] *= 1 - share
        second[at, ALPHABET.index(other)] = share
    return [first, second]


def test_a_zone_that_is_sure_is_solved_as_it_is() -> None:
    solved = solve(zone({}), TD3)
    assert isinstance(solved, Solved)
    assert solved.lines == TRUE
    assert solved.changed == 0


def test_one_doubtful_character_is_decided_by_the_check_digit() -> None:
    solved = solve(zone({4: ("O", 0.55)}), TD3)
    assert isinstance(solved, Solved)
    assert solved.lines == TRUE


def test_two_zeros_that_may_be_letters_and_keep_the_check_digit_are_refused() -> None:
    """Met on seed 80246: `B65OLOL7` was taken for `B650L0L7`."""
    for share in (0.3, 0.55):
        refused = solve(zone({4: ("O", share), 6: ("O", share)}), TD3)
        assert isinstance(refused, Unsolved)
        assert refused.field == "number"


def test_two_doubtful_days_that_keep_the_check_digit_are_refused() -> None:
    other = {13: ("5", 0.4), 16: ("3", 0.4)}
    refused = solve(zone(other), TD3)
    assert isinstance(refused, Unsolved)
