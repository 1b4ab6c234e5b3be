from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.domain.person_details import READERS, read_details
from idp.errors import FieldsInvalid
from tests.unit.idp.domain.registration_world import DETAILS, DOCUMENT

TODAY = date(2026, 1, 5)
TO_KHMER = {48 + i: chr(0x17E0 + i) for i in range(10)}


def read(document: dict[str, Any] = DOCUMENT, **changes: str) -> dict[str, str]:
    return read_details({**DETAILS, **changes}, document=document, today=TODAY)


def wrong(**changes: str) -> dict[str, str]:
    with pytest.raises(FieldsInvalid) as refused:
        read(document={}, **changes)
    return refused.value.fields


def test_right_details_are_kept_as_they_are() -> None:
    assert read() == DETAILS


def test_what_people_type_is_made_uniform() -> None:
    typed = {
        "number": "០១២ ៣៤៥ ៦៧៨",
        "surname_latin": " sok ",
        "birth_date": "១៩៩៩-០១-០១",
        "given_name_khmer": "ស្រី\u200bពៅ",
    }
    assert read(**typed) == DETAILS


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("number", "", "missing"),
        ("number", "12", "malformed"),
        ("number", "0123456<8", "malformed"),
        ("surname_latin", "សុខ", "latin-letters-only"),
        ("surname_khmer", "SOK", "khmer-letters-only"),
        ("birth_date", "01-01-1999", "malformed"),
        ("birth_date", "1999-02-30", "malformed"),
        ("birth_date", "1899-12-31", "malformed"),
        ("birth_date", "2026-01-06", "in-the-future"),
        ("sex", "X", "malformed"),
        ("sex", "", "missing"),
        ("expiry_date", "2026-01-04", "expired"),
        ("issue_date", "1998-12-31", "order-of-dates"),
        ("issue_date", "2031-01-01", "in-the-future"),
        ("given_name_khmer", "ក" * 61, "too-long"),
    ],
)
def test_a_field_that_cannot_be_right_has_its_code(
    field: str, value: str, code: str
) -> None:
    assert wrong(**{field: value})[field] == code


def test_a_card_is_good_on_its_last_day() -> None:
    assert read(document={}, expiry_date="2026-01-05")["expiry_date"] == "2026-01-05"


@pytest.mark.parametrize("field", ["number", "birth_date", "expiry_date"])
def test_what_a_check_digit_proves_cannot_be_changed_by_hand(field: str) -> None:
    other = {
        "number": "987654321",
        "birth_date": "1999-01-02",
        "expiry_date": "2032-01-01",
    }
    with pytest.raises(FieldsInvalid) as refused:
        read(**{field: other[field]})
    assert refused.value.fields == {field: "proved"}
    assert read(document={}, **{field: other[field]})[field] == other[field]


def test_every_wrong_field_is_named_at_once() -> None:
    found = wrong(number="", sex="", surname_khmer="Sok")
    assert set(found) == {"number", "sex", "surname_khmer"}


@given(st.dictionaries(st.sampled_from(sorted(READERS)), st.text(max_size=20)))
def test_any_details_are_kept_or_refused_and_what_is_kept_stays(
    typed: dict[str, str],
) -> None:
    try:
        kept = read_details({**DETAILS, **typed}, document={}, today=TODAY)
    except FieldsInvalid as refused:
        named = set(refused.fields)
    else:
        named = None
    if named is not None:
        assert set() < named <= set(READERS)
        return
    assert read_details(kept, document={}, today=TODAY) == kept
    digits = "".join(kept.values())
    assert not any(chr(code) in digits for code in range(0x17E0, 0x17EA))
