"""Every notice, in both languages, in one part of a text message."""

import re

import pytest

from idp.domain.message_texts import (
    ONE_PART,
    body_of_notice,
    email_of_code,
    email_of_notice,
    text_of_notice,
    title_of_notice,
)
from idp.domain.messages import Notice
from idp.engines.sms_router import parts_of

KHMER = re.compile("[\u1780-\u17ff]")
LINK = re.compile(r"https?://|www\.|\.kh\b|\.com\b")


@pytest.mark.parametrize("locale", ["km", "en"])
@pytest.mark.parametrize("notice", list(Notice), ids=str)
def test_a_notice_is_one_bilingual_text_message_without_a_link(
    notice: Notice, locale: str
) -> None:
    text = text_of_notice(notice.value, locale)
    assert len(text) <= ONE_PART
    assert parts_of(text) == 1
    assert text.startswith("CamDigiKey: ")
    assert KHMER.search(text)
    assert re.search("[a-z]{3}", text.removeprefix("CamDigiKey"))
    assert not LINK.search(text)
    first = text.removeprefix("CamDigiKey: ")[0]
    assert bool(KHMER.match(first)) is (locale == "km")
    assert title_of_notice(notice.value, locale)
    assert body_of_notice(notice.value, locale)


@pytest.mark.parametrize("notice", list(Notice), ids=str)
def test_an_email_is_bilingual_and_asks_for_nothing(notice: Notice) -> None:
    subject, text, html = email_of_notice(notice.value, {})
    assert len(subject.splitlines()) == 1
    for said in (text, html):
        assert KHMER.search(said)
        assert "never asks for your PIN" in said
        assert not LINK.search(said)
    assert html.index('<div lang="km">') < html.index('<div lang="en">')


def test_an_email_with_a_code_has_the_wanted_language_first() -> None:
    _, text, _ = email_of_code("012345", "en", minutes=5)
    assert text.index("Your code is 012345") < text.index("លេខកូដរបស់អ្នកគឺ 012345")
    assert "៥ នាទី" in text
