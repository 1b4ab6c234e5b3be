"""What a person confirms about themselves, checked field by field. Pure.

Every field has its own answer, so that the app can point at it. A value that a check
digit of the document proves cannot be changed by hand: a new picture is needed.

Not everybody has everything: people of other nations have no Khmer name, some have
one name only, some do not know the day of their birth (`1950-XX-XX`, as the document
has it: ICAO 9303-3, 4.8), and a passport does not say in its zone when it was issued.
"""

import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, Final

from idp.domain.names import ascii_digits, khmer_name, latin_name
from idp.errors import FieldsInvalid

NUMBER: Final = re.compile(r"[A-Z0-9]{5,20}")
DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
EARLIEST: Final = "1900-01-01"
LAST: Final = "9999-12-31"
UNKNOWN: Final = "XX"
PARTIAL: Final = re.compile(r"[0-9]{4}-(?:[0-9]{2}|XX)-XX")
KHMER: Final = "KHM"


def read_details(
    typed: Mapping[str, str], *, document: Mapping[str, Any], today: date
) -> dict[str, str]:
    """Return the details as they will be kept; raises FieldsInvalid, naming each.

    `typed` has the members of `POST …/details` (docs/mobile-api.md); `document` is
    what the picture said. The codes are `missing`, `too-long`, `khmer-letters-only`,
    `latin-letters-only`, `malformed`, `proved`, `in-the-future`, `expired`,
    `order-of-dates`.
    """
    read: dict[str, str] = {}
    wrong: dict[str, str] = {}
    may_be_empty = optional_fields(document)
    for name, reader in READERS.items():
        value = typed.get(name, "")
        if _is_as_it_stands(name, value, document, may_be_empty):
            read[name] = value
            continue
        try:
            read[name] = reader(value)
        except ValueError as error:
            wrong[name] = str(error)
    for name in document.get("proved", ()):
        if name in read and read[name] != document.get(name):
            wrong[name] = "proved"
    if read.get("sex") == "X" and document.get("nationality", KHMER) == KHMER:
        wrong["sex"] = "malformed"
    wrong = _wrong_dates(read, today=today.isoformat()) | wrong
    if wrong:
        raise FieldsInvalid(wrong)
    return read


def optional_fields(document: Mapping[str, Any]) -> frozenset[str]:
    """Return the details that the holder of this document may not have."""
    names: set[str] = set()
    if document.get("nationality", KHMER) != KHMER:
        names |= {"surname_khmer", "given_name_khmer", "issue_date"}
    if document.get("kind") == "passport":
        names |= {"issue_date"}
    if document.get("surname_latin") and not document.get("given_name_latin"):
        names |= {"given_name_latin", "given_name_khmer"}
    return frozenset(names)


def years_old(birth_date: str, *, today: date) -> int:
    """Return the full years of an ISO date; what is unknown counts as late as can be.

    So that nobody passes for older than the document proves.
    """
    year, month, day = birth_date.split("-")
    last = ("12" if month == UNKNOWN else month, "31" if day == UNKNOWN else day)
    has_had_birthday = last <= (f"{today.month:02}", f"{today.day:02}")
    return today.year - int(year) - (not has_had_birthday)


def _is_as_it_stands(
    name: str, value: str, document: Mapping[str, Any], may_be_empty: frozenset[str]
) -> bool:
    """Say whether a value is kept unread: absent by right, or a day nobody knows."""
    if not value:
        return name in may_be_empty
    is_partial = name == "birth_date" and PARTIAL.fullmatch(value) is not None
    return is_partial and value == document.get(name)


def _wrong_dates(read: Mapping[str, str], *, today: str) -> dict[str, str]:
    """Say which dates cannot be right; ISO dates compare as text."""
    birth = read.get("birth_date", "").replace(UNKNOWN, "01")
    issue = read.get("issue_date", "")
    expiry = read.get("expiry_date", "")
    wrong: dict[str, str] = {}
    if issue and not birth < issue < (expiry or LAST):
        wrong["issue_date"] = "order-of-dates"
    if expiry and expiry < today:
        wrong["expiry_date"] = "expired"
    future = {
        name for name in ("birth_date", "issue_date") if read.get(name, "") > today
    }
    return wrong | dict.fromkeys(future, "in-the-future")


def _number(text: str) -> str:
    number = re.sub(r"[ -]", "", ascii_digits(text)).upper()
    return _matching(NUMBER, number)


def _date(text: str) -> str:
    day = _matching(DAY, ascii_digits(text).strip())
    try:
        date.fromisoformat(day)
    except ValueError as error:
        raise ValueError("malformed") from error
    if day < EARLIEST:
        raise ValueError("malformed")
    return day


def _sex(text: str) -> str:
    return _matching(re.compile("[MFX]"), text)


def _matching(pattern: re.Pattern[str], text: str) -> str:
    if not text:
        raise ValueError("missing")
    if not pattern.fullmatch(text):
        raise ValueError("malformed")
    return text


READERS: Final[dict[str, Callable[[str], str]]] = {
    "number": _number,
    "surname_latin": latin_name,
    "given_name_latin": latin_name,
    "surname_khmer": khmer_name,
    "given_name_khmer": khmer_name,
    "birth_date": _date,
    "sex": _sex,
    "expiry_date": _date,
    "issue_date": _date,
}
