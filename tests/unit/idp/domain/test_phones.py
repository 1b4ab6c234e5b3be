import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.domain.phones import phone_hint, read_phone
from idp.errors import PhoneInvalid

TO_KHMER = str.maketrans("0123456789", "០១២៣៤៥៦៧៨៩")


@pytest.mark.parametrize(
    "typed",
    [
        "012 345 678",
        "០១២ ៣៤៥ ៦៧៨",
        "85512345678",
        "+85512345678",
        "+855 012 345 678",
        "+855 (0)12-345-678",
        "0085512345678",
        " 012.345.678 ",
    ],
)
def test_every_way_to_write_a_number_is_kept_as_one(typed: str) -> None:
    assert read_phone(typed) == "+85512345678"


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("+66 81 234 5678", "+66812345678"),
        ("+1 202-555-0143", "+12025550143"),
        ("097 123 4567", "+855971234567"),
    ],
)
def test_numbers_of_any_country_are_welcome(typed: str, kept: str) -> None:
    assert read_phone(typed) == kept


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "12",
        "023 123 456",
        "+44 20 7946 0958",
        "call me",
        "012345678 ext 5",
        "9" * 40,
    ],
)
def test_a_number_that_gets_no_text_messages_is_refused(typed: str) -> None:
    with pytest.raises(PhoneInvalid):
        read_phone(typed)


@given(st.text(max_size=40))
def test_any_text_is_either_a_number_or_refused(typed: str) -> None:
    try:
        kept = read_phone(typed)
    except PhoneInvalid:
        return
    assert read_phone(kept) == kept


@given(st.integers(10_000_000, 99_999_999).map(lambda n: f"0{n}"))
def test_khmer_digits_say_the_same_number(typed: str) -> None:
    def result(text: str) -> str:
        try:
            return read_phone(text)
        except PhoneInvalid:
            return "refused"

    assert result(typed) == result(typed.translate(TO_KHMER))


def test_the_hint_shows_three_digits_and_hides_the_length() -> None:
    assert phone_hint("+85512345678") == "+855 •• ••• 678"
    assert phone_hint("+855971234678") == "+855 •• ••• 678"
