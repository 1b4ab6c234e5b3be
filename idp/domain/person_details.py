"""What a person confirms about themselves, checked field by field. Pure.

Every field has its own answer, so that the app can point at it. A value that a check
digit of the document proves cannot be changed by hand: a new picture is needed.
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
    for name, reader in READERS.items():
        try:
            read[name] = reader(typed.get(name, ""))
        except ValueError as error:
            wrong[name] = str(error)
    for name in document.get("proved", ()):
        if name in read and read[name] != document.get(name):
            wrong[name] = "proved"
    wrong = _wrong_dates(read, today=today.isoformat()) | wrong
    if wrong:
        raise FieldsInvalid(wrong)
    return read


def _wrong_dates(read: Mapping[str, str], *, today: str) -> dict[str, str]:
    """Say which dates cannot be right; ISO dates compare as text."""
    birth, issue = read.get("birth_date", ""), read.get("issue_date", "")
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
    return _matching(re.compile("[MF]"), text)


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
