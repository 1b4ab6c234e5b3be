from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.domain.names import (
    ascii_digits,
    khmer_key,
    khmer_name,
    latin_key,
    latin_name,
)

BASES = st.sampled_from("កខគចណតទបពមយរលវសហអ")
COENGS = st.sampled_from(
    ["", "\u17d2\u178f", "\u17d2\u179a", "\u17d2\u178f\u17d2\u179a"]
)
VOWELS = st.sampled_from(
    ["", "\u17b6", "\u17b7", "\u17b8", "\u17bb", "\u17be", "\u17c1"]
)
SIGNS = st.sampled_from(["", "\u17c6", "\u17c7", "\u17cb"])
SYLLABLES = st.tuples(BASES, COENGS, VOWELS, SIGNS)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ស្ត្រី", "ស្ដ្រី"),
        ("ស្ត្រី", "ស្រ្តី"),
        ("សុំ", "សំុ"),
        ("ស៊ី", "សុី"),
        ("កើត", "កេីត"),
        ("កោត", "កេាត"),
        ("ស្រី\u200bពៅ", "ស្រីពៅ"),
        ("សុខ សាន", "សុខសាន"),
    ],
)
def test_spellings_that_look_alike_have_one_key(one: str, other: str) -> None:
    assert one != other
    assert khmer_key(one) == khmer_key(other)


@pytest.mark.parametrize(
    ("one", "other"), [("សុខ", "សូខ"), ("ដារា", "តារា"), ("ពៅ", "ពេ"), ("កា", "ការ")]
)
def test_different_names_have_different_keys(one: str, other: str) -> None:
    assert khmer_key(one) != khmer_key(other)


@given(st.lists(SYLLABLES, min_size=1, max_size=4))
def test_the_order_in_which_marks_are_typed_does_not_matter(
    syllables: list[tuple[str, str, str, str]],
) -> None:
    expected = khmer_key("".join("".join(parts) for parts in syllables))
    first, *rest = syllables
    tail = "".join("".join(parts) for parts in rest)
    for marks in permutations(first[1:]):
        assert khmer_key(first[0] + "".join(marks) + tail) == expected


@given(st.text(max_size=40))
def test_the_key_of_a_key_is_itself(text: str) -> None:
    assert khmer_key(khmer_key(text)) == khmer_key(text)


def test_the_kept_name_is_the_given_one_without_invisible_marks() -> None:
    assert khmer_name(" ស្រី\u200bពៅ ") == "ស្រីពៅ"
    assert khmer_name("ស្ដ្រី") == "ស្ដ្រី"


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("Sok", "khmer-letters-only"),
        ("សុខ1", "khmer-letters-only"),
        ("សុខ១", "khmer-letters-only"),
        ("\u17b6ក", "khmer-letters-only"),
        ("", "missing"),
        ("\u200b", "missing"),
        ("ក" * 61, "too-long"),
    ],
)
def test_a_khmer_name_has_khmer_letters_only(typed: str, code: str) -> None:
    with pytest.raises(ValueError, match=code):
        khmer_name(typed)


def test_a_latin_name_is_kept_in_capitals() -> None:
    assert latin_name(" sok  san ") == "SOK SAN"
    assert latin_key("O'Neil-Sok") == "ONEILSOK"
    for wrong in ("សុខ", "S0K", "ＳＯＫ", "<SOK"):
        with pytest.raises(ValueError, match="latin-letters-only"):
            latin_name(wrong)


@given(st.text(alphabet="0123456789", max_size=12))
def test_khmer_digits_become_ascii(digits: str) -> None:
    khmer = digits.translate({48 + i: chr(0x17E0 + i) for i in range(10)})
    assert ascii_digits(khmer) == digits
