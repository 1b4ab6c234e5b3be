"""The Khmer key: what looks the same compares equal, and nothing else does."""

import pytest

from camdx_bridge.simulator import khmer_key


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ស្ត្រី", "ស្ដ្រី"),  # coeng TA, coeng DA
        ("ស្រីពៅ", "ស្រី\u200bពៅ"),  # zero-width space
        ("ស្រីពៅ", "ស្រី\u200cពៅ"),  # zero-width non-joiner
        ("ន\u17bb\u17c6", "ន\u17c6\u17bb"),  # signs in either order
        ("ក\u17d2រ\u17d2ត", "ក\u17d2ត\u17d2រ"),  # RO comes last
        ("ក\u17c1\u17b8", "ក\u17be"),  # a vowel in two parts
        ("ក\u17c1\u17b6", "ក\u17c4"),
        ("ក\u17b6\u17c1", "ក\u17c4"),
        ("ស\u17ca\u17b8", "ស\u17b8\u17ca"),
        ("ស\u17bb\u17b8", "ស\u17ca\u17b8"),  # a shifter under an upper vowel
        ("  សុខ   ពៅ ", "សុខ ពៅ"),
    ],
)
def test_look_alike_spellings_share_a_key(one: str, other: str) -> None:
    assert one != other
    assert khmer_key(one) == khmer_key(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("តារា", "ដារា"), ("សុខ", "សុក"), ("ស្រី", "ស្រិ"), ("សុខ", "ខសុ"), ("ណា", "ណ")],
)
def test_different_names_keep_different_keys(one: str, other: str) -> None:
    assert khmer_key(one) != khmer_key(other)


@pytest.mark.parametrize("text", ["", "SOK", "សុខ ស្រីពៅ", "ស្ដ្រីរ័ត្ន"])
def test_the_key_of_a_key_is_itself(text: str) -> None:
    assert khmer_key(khmer_key(text)) == khmer_key(text)
