"""Back to an account on a second browser; the first one hears of it and is revoked."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest
from playwright.sync_api import Playwright, expect

from tests.e2e.browsing import (
    PIN,
    Citizen,
    Handset,
    invented,
    open_handset,
    texts,
)
from tests.e2e.registering import go_home, number, register, show_document
from tests.e2e.stack import HastyDemo, Stack, running_stack

pytestmark = [
    pytest.mark.browser,
    pytest.mark.e2e,
    pytest.mark.xdist_group("browser"),
]
NEW_PIN = "802615"
SEEDS = count(300)


@pytest.fixture(scope="module")
def hasty_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("hasty")
    with running_stack(folder, kind=HastyDemo) as stack:
        yield stack


@dataclass(frozen=True, slots=True)
class Move:
    """A citizen with a registered phone, and a phone that nobody has used."""

    citizen: Citizen
    number: str
    old: Handset
    new: Handset


@pytest.fixture
def move(
    hasty_stack: Stack,
    playwright: Playwright,
    tmp_path: Path,
) -> Iterator[Move]:
    citizen, own = invented(hasty_stack, next(SEEDS)), number()
    folders = (tmp_path / name for name in ("old", "new"))
    opened = [
        open_handset(playwright, hasty_stack, folder, camera=False)
        for folder in folders
    ]
    with opened[0] as old, opened[1] as new:
        old.speak("en")
        register(old, citizen, phone_number=own)
        go_home(old)
        old.tap("settings")
        old.tap("lock")
        old.sees("unlock-pin")
        new.speak("en")
        yield Move(citizen, own, old, new)


def begin(move: Move) -> str:
    """Prove the number on the new phone; return the digits that it shows."""
    new = move.new
    new.tap("start-recover")
    new.fill("phone", move.number)
    printed = new.stack.printed()
    new.tap("phone-next")
    new.sees("code")
    new.fill("code", new.stack.sms_code(printed))
    new.tap("code-next")
    new.sees("recovery-digits")
    new.is_accessible()
    return new.find("recovery-digits").inner_text()


def look(old: Handset) -> None:
    """Open the old phone; it says what is under way before it is unlocked."""
    old.open()
    old.sees("unlock-pin")
    old.tap("recovery-look")
    old.sees("recovery-no")
    old.is_accessible()


def show_card(move: Move) -> None:
    """Go by the document, up to the wait."""
    move.new.tap("recover-by-card")
    show_document(move.new, move.citizen)
    move.new.tap("development-film")


def finish(move: Move) -> None:
    """Choose a PIN on the new phone: it is the account's, and the only one."""
    new = move.new
    new.gets("pin-repeat")
    new.fill("pin", NEW_PIN)
    new.fill("pin-repeat", NEW_PIN)
    new.tap("pin-next")
    new.sees("done-home")
    expect(new.page.locator("h1")).to_have_text(texts("en")["recover.done"])
    new.tap("done-home")
    new.fill("pin", NEW_PIN)
    new.tap("unlock-pin")
    new.sees("identity-card")
    expect(new.find("name-khmer")).to_have_text(move.citizen.khmer_name)
    new.tap("devices")
    expect(new.find("device-row")).to_have_count(1)
    move.old.open()
    move.old.sees("lost")
    move.old.is_accessible()


def test_the_old_phone_says_yes_and_is_revoked_when_the_new_one_is_bound(
    move: Move,
) -> None:
    digits = begin(move)
    look(move.old)
    move.old.tap("recovery-yes")
    move.old.fill("binding-code", digits)
    move.old.fill("pin", PIN)
    move.old.tap("confirm-yes")
    move.old.sees("recovery-approved")
    move.new.gets("liveness-open")
    move.new.page.reload(wait_until="domcontentloaded")
    move.new.gets("liveness-open")
    move.new.tap("development-film")
    finish(move)


def test_by_the_document_it_waits_closes_comes_back_and_ends_the_old_phone(
    move: Move,
) -> None:
    begin(move)
    show_card(move)
    finish(move)
    told = [one.inner_text() for one in messages(move.new)]
    assert len(told) >= 2  # that it was started, and that it is done


def messages(phone: Handset) -> list[object]:
    phone.tap("home")
    phone.tap("messages")
    phone.find("message-row").first.wait_for()
    return phone.find("message-row").all()


def test_the_old_phone_objects_and_nothing_moves(move: Move) -> None:
    begin(move)
    show_card(move)
    move.new.gets("recovery-wait")
    look(move.old)
    expect(move.old.find("recovery-yes")).to_have_count(0)
    move.old.tap("recovery-no")
    move.old.fill("pin", PIN)
    move.old.tap("confirm-yes")
    move.old.sees("recovery-objected")
    move.new.page.reload(wait_until="domcontentloaded")
    move.new.sees("stopped")
    move.new.is_accessible()
    move.old.tap("recovery-objected")
    move.old.unlock()


def test_wrong_digits_end_it(move: Move) -> None:
    digits = begin(move)
    wrong = f"{(int(digits) + 1) % 100:02}"
    look(move.old)
    move.old.tap("recovery-yes")
    move.old.fill("binding-code", wrong)
    move.old.fill("pin", PIN)
    move.old.tap("confirm-yes")
    move.old.sees("recovery-ended")
    move.new.sees("stopped")
    move.new.tap("recovery-again")
    move.new.sees("phone")
