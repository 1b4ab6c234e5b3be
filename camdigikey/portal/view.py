"""What the page shows of a person: verified claims, in the page's language."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone

from camdigikey.portal.texts import MONTHS, TEXTS
from sdk_web.session import PortalSession

KHMER_DIGITS = str.maketrans("0123456789", "០១២៣៤៥៦៧៨៩")
PHNOM_PENH = timezone(timedelta(hours=7))


@dataclass(frozen=True, slots=True)
class Fact:
    """One line of the page: a label and a value, with the value's language."""

    label: str
    value: str
    language: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Everything the page shows about who is logged in."""

    greeting: str
    greeting_language: str
    initial: str
    level: str
    level_label: str
    facts: tuple[Fact, ...]
    methods: tuple[str, ...]
    technical: tuple[Fact, ...]
    can_refresh: bool


def person_of(session: PortalSession, *, language: str) -> Person:
    """Return what the page shows of a session, in `language` (km, en)."""
    text = TEXTS[language]
    khmer = _name(session.claims, "#km")
    latin = _name(session.claims, "")
    first, second = (khmer, latin) if language == "km" else (latin, khmer)
    greeting = first or second
    shown_in = "km" if greeting == khmer and khmer else "en"
    level = session.id_token.level or "low"
    return Person(
        greeting=greeting,
        greeting_language=shown_in,
        initial=greeting[:1],
        level=level,
        level_label=text[f"level_{level}"],
        facts=tuple(_facts(session.claims, khmer, latin, language)),
        methods=tuple(
            text.get(f"amr_{method}", method) for method in session.id_token.amr
        ),
        technical=tuple(_technical(session, language)),
        can_refresh=session.refresh_token is not None,
    )


def _facts(
    claims: Mapping[str, object], khmer: str, latin: str, language: str
) -> list[Fact]:
    text = TEXTS[language]
    gender = _text(claims, "gender")
    candidates = [
        Fact(text["name_km"], khmer, "km"),
        Fact(text["name_latin"], latin, "en"),
        Fact(text["birthdate"], _day(_text(claims, "birthdate"), language), language),
        Fact(text["gender"], text.get(f"gender_{gender}", gender), language),
        Fact(text["phone"], _text(claims, "phone_number"), "en"),
    ]
    return [fact for fact in candidates if fact.value]


def _technical(session: PortalSession, language: str) -> list[Fact]:
    text = TEXTS[language]
    token = session.id_token
    instant = token.auth_time or token.issued_at
    when = datetime.fromtimestamp(instant, UTC).astimezone(PHNOM_PENH)
    return [
        Fact(text["subject"], token.subject, "en"),
        Fact("iss", token.issuer, "en"),
        Fact("acr", token.acr or "—", "en"),
        Fact("amr", " ".join(token.amr) or "—", "en"),
        Fact(text["auth_time"], when.strftime("%Y-%m-%d %H:%M:%S %z"), "en"),
    ]


def _name(claims: Mapping[str, object], tag: str) -> str:
    parts = [_text(claims, f"{part}{tag}") for part in ("family_name", "given_name")]
    whole = " ".join(part for part in parts if part)
    return whole or _text(claims, f"name{tag}")


def _text(claims: Mapping[str, object], name: str) -> str:
    value = claims.get(name)
    return value if isinstance(value, str) else ""


def _day(value: str, language: str) -> str:
    try:
        day = date.fromisoformat(value)
    except ValueError:
        return value
    month = MONTHS[language][day.month - 1]
    if language == "km":
        written = f"ថ្ងៃទី{day.day} ខែ{month} ឆ្នាំ{day.year}"
        return written.translate(KHMER_DIGITS)
    return f"{day.day} {month} {day.year}"
