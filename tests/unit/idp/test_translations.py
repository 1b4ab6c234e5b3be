"""The texts: both languages whole, and the choice between them."""

import re
from datetime import date
from string import Formatter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp import errors
from idp.translations import (
    LOCALES,
    catalogue,
    khmer_digits,
    pick_locale,
    say_date,
    say_number,
    translate,
)

KHMER = re.compile("[\u1780-\u17ff]")
SAME_IN_BOTH = {"product.name", "language.other"}


def places(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def every_refusal(base: type[errors.IdentityError]) -> set[str]:
    below = [every_refusal(one) for one in base.__subclasses__()]
    return {base.code}.union(*below)


def test_both_catalogues_hold_the_same_keys() -> None:
    assert catalogue("km").keys() == catalogue("en").keys()


@pytest.mark.parametrize("key", sorted(catalogue("km")))
def test_a_text_has_the_same_places_in_both_languages(key: str) -> None:
    assert places(catalogue("km")[key]) == places(catalogue("en")[key])
    assert all(name for name in places(catalogue("km")[key]))


@pytest.mark.parametrize("key", sorted(set(catalogue("km")) - SAME_IN_BOTH))
def test_a_khmer_text_is_khmer_and_an_english_one_is_not(key: str) -> None:
    assert KHMER.search(catalogue("km")[key])
    if key != "sms.code" and not key.endswith(".sms"):
        assert not KHMER.search(catalogue("en")[key])


@pytest.mark.parametrize("code", sorted(every_refusal(errors.IdentityError)))
@pytest.mark.parametrize("locale", LOCALES)
def test_every_refusal_has_a_title_and_what_to_do_next(code: str, locale: str) -> None:
    assert translate(f"error.{code}.title", locale)
    assert translate(f"error.{code}.next", locale)


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("code", ["012345", "01234567"])
def test_the_text_message_is_bilingual_and_fits_one_part(
    locale: str, code: str
) -> None:
    text = translate("sms.code", locale, code=code)
    assert code in text
    assert len(text) <= 70
    assert KHMER.search(text)
    assert re.search("never share", text, re.IGNORECASE)


def test_an_unknown_key_is_a_fault() -> None:
    with pytest.raises(KeyError):
        translate("no.such.key", "km")


def test_an_unknown_locale_is_answered_in_khmer() -> None:
    assert translate("login.renew", "fr") == translate("login.renew", "km")


def test_a_place_that_is_not_filled_is_a_fault() -> None:
    with pytest.raises(KeyError):
        translate("login.title", "en", other="x")


@pytest.mark.parametrize(
    ("accept", "ui_locales", "expected"),
    [
        (None, None, "km"),
        ("", "", "km"),
        ("en", None, "en"),
        ("en-GB,en;q=0.9", None, "en"),
        ("fr-FR,en;q=0.5,km;q=0.4", None, "en"),
        ("en;q=0.3,km-KH;q=0.9", None, "km"),
        ("en;q=0", None, "km"),
        ("fr,*;q=0.1", None, "km"),
        ("EN", None, "en"),
        ("km", "en", "en"),
        ("en", "fr km-KH en", "km"),
        ("en", "fr de", "en"),
        ("en;q=nonsense", None, "km"),
    ],
)
def test_the_language_asked_for_is_picked(
    accept: str | None, ui_locales: str | None, expected: str
) -> None:
    assert pick_locale(accept, ui_locales) == expected


@given(st.text(), st.text())
def test_any_wish_is_answered_with_a_language_of_ours(
    accept: str, ui_locales: str
) -> None:
    assert pick_locale(accept, ui_locales) in LOCALES


def test_dates_and_numbers_are_in_the_digits_of_the_language() -> None:
    day = date(2026, 11, 23)
    assert say_date(day, "km") == "២៣ វិច្ឆិកា ២០២៦"
    assert say_date(day, "en") == "23 November 2026"
    assert say_number(105, "km") == "១០៥"
    assert say_number(105, "en") == "105"
    assert khmer_digits("+855 12") == "+៨៥៥ ១២"
