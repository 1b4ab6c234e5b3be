"""What people of other nations, of one name or of no known birthday may leave open."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from idp.domain.person_details import optional_fields, read_details, years_old
from idp.errors import FieldsInvalid
from tests.unit.idp.domain.test_documents import FACTS

TODAY = date(2026, 1, 5)
PASSPORT: dict[str, Any] = {
    "kind": "passport",
    "issuer": "UTO",
    "number": "L898902C3",
    "surname_latin": "ERIKSSON",
    "given_name_latin": "ANNA MARIA",
    "birth_date": "1974-08-12",
    "sex": "F",
    "expiry_date": "2034-04-15",
    "nationality": "UTO",
    "proved": ["number", "birth_date", "expiry_date"],
}
TYPED = {
    "number": "L898902C3",
    "surname_latin": "ERIKSSON",
    "given_name_latin": "ANNA MARIA",
    "surname_khmer": "",
    "given_name_khmer": "",
    "birth_date": "1974-08-12",
    "sex": "F",
    "expiry_date": "2034-04-15",
    "issue_date": "",
}


def read(document: dict[str, Any] = PASSPORT, **changes: str) -> dict[str, str]:
    return read_details({**TYPED, **changes}, document=document, today=TODAY)


def wrong(document: dict[str, Any], **changes: str) -> dict[str, str]:
    with pytest.raises(FieldsInvalid) as refused:
        read(document, **changes)
    return refused.value.fields


def test_a_foreigner_needs_no_khmer_name_and_no_day_of_issue() -> None:
    assert read() == TYPED


def test_a_foreigner_may_have_a_khmer_name_and_it_is_checked() -> None:
    assert read(surname_khmer="អេរិក")["surname_khmer"] == "អេរិក"
    assert wrong(PASSPORT, surname_khmer="ERIK") == {
        "surname_khmer": "khmer-letters-only"
    }


def test_a_khmer_passport_needs_khmer_names_but_no_day_of_issue() -> None:
    khmer = {**PASSPORT, "nationality": "KHM", "issuer": "KHM"}
    assert set(wrong(khmer)) == {"surname_khmer", "given_name_khmer"}
    assert read(khmer, surname_khmer="សុខ", given_name_khmer="អាណា")


def test_one_name_is_enough_where_the_document_has_one() -> None:
    single = {**PASSPORT, "given_name_latin": ""}
    assert read(single, given_name_latin="")["given_name_latin"] == ""
    assert wrong(PASSPORT, given_name_latin="") == {"given_name_latin": "missing"}
    khmer = {**single, "kind": "id_card", "nationality": "KHM"}
    assert optional_fields(khmer) == {"given_name_latin", "given_name_khmer"}


@pytest.mark.parametrize("birth", ["1950-XX-XX", "1950-06-XX"])
def test_an_unknown_birthday_is_kept_as_the_document_has_it(birth: str) -> None:
    document = {**PASSPORT, "birth_date": birth}
    assert read(document, birth_date=birth)["birth_date"] == birth
    assert wrong(document, birth_date="1950-06-01") == {"birth_date": "proved"}
    assert wrong(PASSPORT, birth_date=birth) == {"birth_date": "malformed"}


def test_an_unnamed_sex_is_for_documents_that_have_it() -> None:
    assert read(sex="X")["sex"] == "X"
    khmer = {**PASSPORT, "nationality": "KHM"}
    names = {"surname_khmer": "សុខ", "given_name_khmer": "អាណា"}
    assert wrong(khmer, sex="X", **names) == {"sex": "malformed"}


@pytest.mark.parametrize(
    ("birth", "years"),
    [
        ("2011-01-05", 15),
        ("2011-01-06", 14),
        ("2011-XX-XX", 14),
        ("2011-01-XX", 14),
        ("2010-XX-XX", 15),
    ],
)
def test_nobody_passes_for_older_than_the_document_proves(
    birth: str, years: int
) -> None:
    assert years_old(birth, today=TODAY) == years


def test_a_relying_party_reads_the_year_of_an_unknown_birthday() -> None:
    assert replace(FACTS, birth_date="1950-XX-XX").birthdate == "1950"
    assert FACTS.birthdate == "1999-01-01"


def test_a_person_without_khmer_letters_has_latin_initials() -> None:
    foreign = replace(FACTS, surname_khmer="", given_name_khmer="")
    assert foreign.initials == "S. S."
    assert replace(foreign, given_name_latin="").initials == "S."
