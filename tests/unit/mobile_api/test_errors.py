import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.requests import Request

from idp import errors
from idp.errors import IdentityError
from mobile_api.errors import (
    ELSEWHERE,
    INTERNAL,
    STATUS,
    TooLarge,
    locale_of,
    on_failure,
    on_refusal,
)
from mobile_api.problem_texts import TEXTS

CONTRACT = Path(__file__).parents[3] / "docs" / "mobile-api.md"


def every_refusal(kind: type[IdentityError] = IdentityError) -> Iterator[type]:
    for found in kind.__subclasses__():
        yield found
        yield from every_refusal(found)


def request(language: str = "") -> Request:
    headers = [(b"accept-language", language.encode())] if language else []
    return Request({"type": "http", "method": "GET", "path": "/", "headers": headers})


def answer(error: Exception, language: str = "en") -> dict[str, object]:
    handler = on_refusal if isinstance(error, IdentityError) else on_failure
    response = asyncio.run(handler(request(language), error))
    assert response.headers["content-type"] == "application/problem+json"
    body: dict[str, object] = json.loads(bytes(response.body))
    assert body["status"] == response.status_code
    return body


def test_every_refusal_of_the_domain_has_its_answer() -> None:
    known = {kind for kind in every_refusal() if kind.__module__ == errors.__name__}
    assert known == set(STATUS) | ELSEWHERE
    assert not set(STATUS) & ELSEWHERE


def test_codes_and_statuses_are_those_of_the_contract() -> None:
    text = CONTRACT.read_text(encoding="utf-8")
    rows = [line.split("|") for line in text.splitlines() if line.startswith("| ")]
    written = {
        (code, int(row[1]))
        for row in rows
        if row[1].strip().isdigit()
        for code in row[2].split("`")[1::2]
    }
    spoken = {(kind.code, status) for kind, status in STATUS.items()}
    assert spoken | {(TooLarge.code, TooLarge.status)} == written


@pytest.mark.parametrize("locale", ["km", "en"])
def test_every_code_has_a_title_and_a_detail(locale: str) -> None:
    codes = {kind.code for kind in STATUS} | {TooLarge.code, INTERNAL}
    assert set(TEXTS[locale]) == codes
    for title, detail in TEXTS[locale].values():
        assert title
        assert detail
        is_khmer = any("\u1780" <= letter <= "\u17ff" for letter in title + detail)
        assert is_khmer == (locale == "km")


@pytest.mark.parametrize(
    ("error", "members"),
    [
        (errors.CodeWrong(attempts_left=3), {"attempts_left": 3}),
        (errors.Exhausted(retry_after=60), {"retry_after": 60}),
        (errors.Unavailable("sms"), {"retry_after": 5}),
        (errors.AlreadyRegistered(), {"advice": ["recover"]}),
        (
            errors.FieldsInvalid({"sex": "missing", "number": "proved"}),
            {
                "fields": [
                    {"name": "number", "code": "proved"},
                    {"name": "sex", "code": "missing"},
                ]
            },
        ),
        (
            errors.EvidenceInsufficient("face", advice=("blurred",), attempts_left=2),
            {"advice": ["blurred"], "attempts_left": 2},
        ),
        (errors.NotFound("registration"), {}),
    ],
)
def test_the_members_that_apply_are_given(
    error: IdentityError, members: dict[str, object]
) -> None:
    body = answer(error)
    known = {"type", "code", "title", "detail", "status"}
    assert {k: v for k, v in body.items() if k not in known} == members
    assert body["type"] == f"urn:camdigikey:problem:{error.code}"


def test_the_exceptions_own_words_are_never_answered() -> None:
    body = answer(errors.NotFound("account of +85512345678"))
    assert "12345678" not in json.dumps(body)


@pytest.mark.parametrize(
    "failure", [ValueError("secret"), errors.GrantSpent("secret"), KeyError("secret")]
)
def test_what_nobody_foresaw_says_nothing(failure: Exception) -> None:
    body = answer(failure)
    assert (body["code"], body["status"]) == ("internal", 500)
    assert "secret" not in json.dumps(body)


@pytest.mark.parametrize(
    ("header", "locale"),
    [
        ("", "km"),
        ("en", "en"),
        ("en-GB,en;q=0.9", "en"),
        ("km,en;q=0.5", "km"),
        ("fr,en;q=0.2,km;q=0.1", "en"),
        ("fr", "km"),
        ("en;q=0", "km"),
        ("en;q=x", "km"),
        (",;=", "km"),
    ],
)
def test_the_language_is_khmer_unless_english_is_asked_for(
    header: str, locale: str
) -> None:
    assert locale_of(request(header)) == locale


def test_retry_after_is_a_header_too() -> None:
    refusal = errors.Exhausted(retry_after=7)
    response = asyncio.run(on_refusal(request(), refusal))
    assert response.headers["retry-after"] == "7"
    assert response.headers["content-language"] == "km"
