"""Fixtures for tests in real browsers: their own stack, one Chromium a module.

Playwright's loop runs in the thread while it is open, and other tests run loops of
their own: so it ends with its module. The profile of a registered phone stays.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Playwright, sync_playwright

from tests.e2e.browsing import (
    ARGUMENTS,
    CHROMIUM,
    Citizen,
    Desk,
    Handset,
    invented,
    open_desk,
    open_handset,
)
from tests.e2e.registering import go_home, register
from tests.e2e.stack import Stack, running_stack


@dataclass(frozen=True, slots=True)
class Registered:
    """A citizen whose phone is registered, and the folder of the phone's profile."""

    citizen: Citizen
    profile: Path


@pytest.fixture(scope="session")
def browser_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with running_stack(tmp_path_factory.mktemp("browser-stack")) as stack:
        yield stack


@pytest.fixture(scope="module")
def playwright(browser_stack: Stack) -> Iterator[Playwright]:
    assert browser_stack  # its start runs a loop of its own, so it comes first
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="module")
def chromium(playwright: Playwright) -> Iterator[Browser]:
    launched = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
    yield launched
    launched.close()


@pytest.fixture
def desk(chromium: Browser, browser_stack: Stack) -> Iterator[Desk]:
    with open_desk(chromium, browser_stack) as opened:
        yield opened


@pytest.fixture
def new_phone(
    playwright: Playwright, browser_stack: Stack, tmp_path: Path
) -> Iterator[Handset]:
    """A phone with a camera that nobody has registered yet."""
    with open_handset(playwright, browser_stack, tmp_path / "phone") as opened:
        yield opened


@pytest.fixture(scope="session")
def kept() -> dict[int, Registered]:
    """Phones that were registered once and are used again, by their number."""
    return {}


@pytest.fixture(scope="module")
def registered(
    playwright: Playwright,
    browser_stack: Stack,
    kept: dict[int, Registered],
    tmp_path_factory: pytest.TempPathFactory,
) -> list[Registered]:
    """Two citizens, each with a registered phone."""
    for seed in (1, 2):
        if seed not in kept:
            citizen = invented(browser_stack, seed)
            profile = tmp_path_factory.mktemp(f"phone-{seed}")
            with open_handset(playwright, browser_stack, profile) as phone:
                phone.speak("en")
                register(phone, citizen)
                go_home(phone)
            kept[seed] = Registered(citizen, profile)
    return [kept[1], kept[2]]


@pytest.fixture(scope="module")
def citizen(registered: list[Registered]) -> Citizen:
    return registered[0].citizen


@pytest.fixture
def phone(
    playwright: Playwright, browser_stack: Stack, registered: list[Registered]
) -> Iterator[Handset]:
    """The phone of `citizen`, unlocked."""
    with open_handset(playwright, browser_stack, registered[0].profile) as opened:
        opened.open()
        opened.unlock()
        yield opened


@pytest.fixture
def other_phone(
    playwright: Playwright, browser_stack: Stack, registered: list[Registered]
) -> Iterator[Handset]:
    """The phone of somebody else, unlocked."""
    with open_handset(playwright, browser_stack, registered[1].profile) as opened:
        opened.open()
        opened.unlock()
        yield opened
