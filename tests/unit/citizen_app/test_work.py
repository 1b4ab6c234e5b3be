"""The calculation before the first code, when many ask."""

from hashlib import sha256
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from playwright.sync_api import Page, expect

from idp.domain.proof_of_work import Work, is_solved
from tests.unit.citizen_app.fake_api import FakeApi
from tests.unit.citizen_app.test_accessibility import Inspector
from tests.unit.citizen_app.walk import fill, register, sees, tap

pytestmark = pytest.mark.browser
CHALLENGE = "c" * 55
DIGESTS = """async (texts) => {
  const { digestWords } = await import("/sha256.js");
  const hex = (word) => (word >>> 0).toString(16).padStart(8, "0");
  return texts.map((text) => Array.from(digestWords(text), hex).join(""));
}"""
SEARCH = """async ([challenge, difficulty]) => {
  const { search } = await import("/work_worker.js");
  return search(challenge, difficulty, () => {});
}"""
UNSOLVABLE = {"challenge": CHALLENGE, "difficulty": 24}


def asks_for(page: Page, api: FakeApi, **puzzle: Any) -> None:
    """Type a number where a puzzle stands before the code."""
    api.puzzle = puzzle
    register(page, api, until="phone")
    fill(page, "phone", "012340678")
    tap(page, "phone-next")


def test_every_length_has_the_digest_of_another_implementation(
    page: Page, api: FakeApi
) -> None:
    page.goto(api.origin, wait_until="domcontentloaded")
    texts = ["a" * length + str(length) for length in range(200)]
    expected = [sha256(text.encode()).hexdigest() for text in texts]
    assert page.evaluate(DIGESTS, texts) == expected


@given(st.text(st.characters(codec="ascii"), max_size=150))
@settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_any_text_has_the_digest_of_another_implementation(
    page: Page, api: FakeApi, text: str
) -> None:
    if page.url == "about:blank":
        page.goto(api.origin, wait_until="domcontentloaded")
    assert page.evaluate(DIGESTS, [text]) == [sha256(text.encode()).hexdigest()]


@pytest.mark.parametrize("difficulty", [0, 1, 8, 14])
def test_the_first_counter_that_solves_is_found(
    page: Page, api: FakeApi, difficulty: int
) -> None:
    page.goto(api.origin, wait_until="domcontentloaded")
    found = page.evaluate(SEARCH, [CHALLENGE, difficulty])
    assert is_solved(Work(CHALLENGE, found), difficulty)
    assert not any(is_solved(Work(CHALLENGE, n), difficulty) for n in range(found))


def test_a_phone_works_when_it_is_asked_to_and_gets_its_code(
    page: Page, api: FakeApi
) -> None:
    asks_for(page, api, challenge=CHALLENGE, difficulty=14)
    sees(page, "code")
    bodies = [body for _, path, body in api.seen if path == "/registrations"]
    assert [set(body) for body in bodies] == [
        {"phone", "locale"},
        {"phone", "locale", "work"},
    ]


@pytest.mark.parametrize("language", ["km", "en"])
def test_while_it_works_it_says_so_and_can_be_left(
    page: Page, api: FakeApi, language: str
) -> None:
    page.goto(api.origin, wait_until="domcontentloaded")
    tap(page, f"lang-{language}")
    asks_for(page, api, **UNSOLVABLE)
    seen = Inspector(page)
    seen.look("working")
    assert seen.faults == []
    expect(page.get_by_test_id("phone-next")).to_be_disabled()
    tap(page, "register-back")
    sees(page, "start-register")


def test_a_puzzle_beyond_reason_is_not_begun(page: Page, api: FakeApi) -> None:
    asks_for(page, api, challenge=CHALLENGE, difficulty=25)
    expect(page.get_by_test_id("error")).not_to_be_empty()
    expect(page.get_by_test_id("working")).to_have_count(0)


def test_a_puzzle_that_was_over_is_followed_by_another(
    page: Page, api: FakeApi
) -> None:
    asks_for(page, api, challenge=CHALLENGE, difficulty=17)
    sees(page, "working")
    api.puzzle = {"challenge": "d" * 55, "difficulty": 10}
    sees(page, "code")
