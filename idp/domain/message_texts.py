"""What messages say: one text message for both languages, one e-mail for both. Pure.

A text message in Khmer holds 70 characters (GSM 03.38, UCS-2), so a notice says what
happened and no more; no message holds a link, and none asks for anything.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from html import escape
from typing import Final

from idp.translations import DEFAULT, LOCALES, say_date, say_number, translate

ONE_PART: Final = 70  # characters of a text message in Khmer
CAMBODIA: Final = timezone(timedelta(hours=7))
# Details that an e-mail names; the app gets all of them.
NAMED: Final = ("device", "browser", "party", "place", "number", "address", "document")
INSTANTS: Final = ("until", "at")
DATES: Final = ("expires",)
Detail = Mapping[str, str | int]


def text_of_notice(notice: str, locale: str) -> str:
    """Return the text message; the wanted language stands first."""
    return translate(f"notice.{notice}.sms", locale)


def title_of_notice(notice: str, locale: str) -> str:
    """Return what happened, in a few words."""
    return translate(f"notice.{notice}.title", locale)


def body_of_notice(notice: str, locale: str) -> str:
    """Return what it means and what to do."""
    return translate(f"notice.{notice}.text", locale)


def email_of_notice(notice: str, detail: Detail) -> tuple[str, str, str]:
    """Return subject, plain text and HTML of an e-mail, Khmer first."""
    return _letter(
        {
            locale: [title_of_notice(notice, locale), *_said_of(notice, detail, locale)]
            for locale in LOCALES
        }
    )


def email_of_code(code: str, locale: str, *, minutes: int) -> tuple[str, str, str]:
    """Return subject, plain text and HTML of an e-mail with a one-time code."""
    first = locale if locale in LOCALES else DEFAULT
    order = sorted(LOCALES, key=lambda one: one != first)
    return _letter(
        {
            one: [
                translate("email.code.title", one),
                _code(code, one, minutes),
                translate("email.never", one),
            ]
            for one in order
        }
    )


def _code(code: str, locale: str, minutes: int) -> str:
    said = say_number(minutes, locale)
    return translate("email.code.text", locale, code=code, minutes=said)


def _letter(said: Mapping[str, list[str]]) -> tuple[str, str, str]:
    """Return the letter of titles and paragraphs, by language in their order."""
    subject = "CamDigiKey — " + " / ".join(title for title, *_ in said.values())
    text = "\n\n".join(line for lines in said.values() for line in lines)
    sections = "".join(_section(locale, *lines) for locale, lines in said.items())
    html = f'<!doctype html><html><meta charset="utf-8"><body>{sections}</body></html>'
    return subject, text + "\n", html


def _section(locale: str, title: str, *paragraphs: str) -> str:
    lines = "".join(f"<p>{escape(line)}</p>" for line in paragraphs)
    return f'<div lang="{locale}"><h1>{escape(title)}</h1>{lines}</div>'


def _said_of(notice: str, detail: Detail, locale: str) -> list[str]:
    facts = [
        translate(f"notice.detail.{name}", locale, value=said)
        for name, said in _said(detail, locale)
    ]
    closing = translate("email.not_you", locale), translate("email.never", locale)
    return [body_of_notice(notice, locale), *facts, *closing]


def _said(detail: Detail, locale: str) -> list[tuple[str, str]]:
    """Return what is named of the detail, as text of one line."""
    said = [(name, _line(detail[name])) for name in NAMED if name in detail]
    for name in INSTANTS:
        value = detail.get(name)
        if isinstance(value, int):
            instant = datetime.fromtimestamp(value, UTC).astimezone(CAMBODIA)
            day = say_date(instant.date(), locale)
            said.append((name, f"{day}, {instant:%H:%M}"))
    for name in DATES:
        said += [(name, _line(detail[name]))] if name in detail else []
    return said


def _line(value: str | int) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in str(value)).split())
