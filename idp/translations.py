"""Khmer and English texts for pages, problems and messages.

The texts are gettext catalogues, `locales/{km,en}/LC_MESSAGES/messages.po`, read by
Babel once, at the first text. A message id is a key such as `login.title`; a text may
hold named places (`{party}`). Khmer is first: it is what a person gets who asked for
nothing. A key that is not in the catalogue is a fault of ours and raises KeyError.
"""

import re
from datetime import date
from functools import cache
from pathlib import Path
from typing import Final

from babel.dates import format_date as babel_date
from babel.messages.pofile import read_po

LOCALES: Final = ("km", "en")
DEFAULT: Final = "km"
FOLDER: Final = Path(__file__).parent / "locales"
LONGEST_PREFERENCE: Final = 400  # characters of a header that are looked at

_TO_KHMER: Final = {ord(str(value)): chr(0x17E0 + value) for value in range(10)}
_PREFERENCE: Final = re.compile(
    r"\s*([A-Za-z]{1,8}|\*)(?:-[A-Za-z0-9-]{1,40})?\s*"
    r"(?:;\s*q\s*=\s*(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)\s*)?",
    re.ASCII,
)


@cache
def catalogue(locale: str) -> dict[str, str]:
    """Return every text of a locale by its key; raises KeyError for another one."""
    if locale not in LOCALES:
        raise KeyError(locale)
    with (FOLDER / locale / "LC_MESSAGES" / "messages.po").open("rb") as file:
        found = read_po(file, locale=locale)
    return {str(m.id): str(m.string) for m in found if m.id and not m.fuzzy}


def translate(key: str, locale: str, /, **values: object) -> str:
    """Return the text of `key` with its places filled; raises KeyError."""
    text = catalogue(locale if locale in LOCALES else DEFAULT)[key]
    return text.format_map(values) if values else text


def pick_locale(accept_language: str | None, ui_locales: str | None = None) -> str:
    """Return the first language of ours that the person asked for.

    `ui_locales` (OpenID Connect Core 3.1.2.1: space separated, most wanted first)
    goes before `Accept-Language` (RFC 9110, 12.5.4). What cannot be read counts as
    nothing; Khmer when nothing is left.
    """
    for tag in (ui_locales or "")[:LONGEST_PREFERENCE].split():
        language = tag.partition("-")[0].lower()
        if language in LOCALES:
            return language
    return _accepted((accept_language or "")[:LONGEST_PREFERENCE])


def khmer_digits(text: str) -> str:
    """Write 0–9 in Khmer script (Babel's own request for them leaves Latin ones)."""
    return text.translate(_TO_KHMER)


def say_number(value: int, locale: str) -> str:
    """Return a whole number in the digits of the locale."""
    return khmer_digits(str(value)) if locale == "km" else str(value)


def say_date(day: date, locale: str) -> str:
    """Return a date in words: `២៣ វិច្ឆិកា ២០២៦`, `23 November 2026`."""
    text = babel_date(day, "d MMMM y", locale=locale)
    return khmer_digits(text) if locale == "km" else text


def _accepted(header: str) -> str:
    best, found = 0.0, DEFAULT
    for part in header.split(","):
        read = _PREFERENCE.fullmatch(part)
        if read is None:
            continue
        weight = float(read[2] or 1)
        language = DEFAULT if read[1] == "*" else read[1].lower()
        if language in LOCALES and weight > best:
            best, found = weight, language
    return found
