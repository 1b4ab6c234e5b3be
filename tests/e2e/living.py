"""Somebody before the phone's camera who does what the screen tells.

    the screen's instruction --> a reel of the drawn head --> the camera's film

The head reads the screen as a person does, and reacts as late. Its pictures are drawn
once, before it sits down: a busy machine could not draw them as fast as a camera.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from threading import Event, Thread

import numpy as np
from playwright.sync_api import Error, expect

from camdigikey.demo.living_head import ASKED, Actor, head
from tests.e2e.browsing import Handset
from tests.e2e.camera import RATE, SIZE, Camera, Pixels, yuv

DRAWN = (360, 480)
EVERY_MS = 1000 / RATE
LONGEST_MS = 3000
RETURNING_MS = 1200
ACTIONS = (*ASKED, "blink", "nod")
STRAIGHT = ""
TAKES = 4
POLL = 0.05  # seconds
TOLD = """() => {
  const told = document.querySelector("[data-testid=told]");
  return told ? told.dataset.action : null;
}"""
Act = Callable[[str], str]
Reel = list[Pixels]


def obedient(told: str) -> str:
    """Do what is told."""
    return told


def contrary(told: str) -> str:
    """Turn to the other side, and smile where something else is told."""
    return {"turn_left": "turn_right", "turn_right": "turn_left"}.get(told, "smile")


class Player(Thread):
    """Plays the head before the camera; `asked` is what it is to do now.

    A thread of its own, so that a busy page does not freeze the face before it.
    """

    def __init__(self, camera: Camera) -> None:
        super().__init__(daemon=True)
        self.camera = camera
        self.asked = STRAIGHT
        self.over = Event()

    def run(self) -> None:
        shots, doing = playing(STRAIGHT, STRAIGHT), STRAIGHT
        grains, due = grain(), time.monotonic()
        while not self.over.is_set():
            asked = self.asked
            if asked != doing:
                shots, doing = playing(asked, doing), asked
            grains.append(grains.pop(0))
            self.camera.film(next(shots), grain=grains[0])
            due = max(due + EVERY_MS / 1000, time.monotonic())
            time.sleep(max(0.0, due - time.monotonic()))


@dataclass(slots=True)
class Sitter:
    """The head before the camera; `act` says what it does when told something."""

    handset: Handset
    act: Act = obedient
    told: list[str] = field(default_factory=list)

    def sit(self, *, patience: float = 60.0) -> None:
        """Stay before the camera until the film is over."""
        assert self.handset.camera is not None
        player, ends = Player(self.handset.camera), time.monotonic() + patience
        self.told.clear()
        player.start()
        try:
            while time.monotonic() < ends:
                told = self._reads()
                if told is None and self.told:
                    return
                player.asked = self.act(told) if told in ACTIONS else STRAIGHT
                time.sleep(POLL)
        finally:
            player.over.set()
            player.join()
        raise AssertionError(f"still told: {self.told}, {self.handset.words()}")

    def _reads(self) -> str | None:
        try:
            told: str | None = self.handset.page.evaluate(TOLD)
        except Error:
            return None
        if told is not None and (not self.told or self.told[-1] != told):
            self.told.append(told)
        return told


def playing(asked: str, before: str) -> Iterator[Pixels]:
    """Yield pictures for as long as it is asked; 15 a second."""
    begun, held = reel(asked, before)
    yield from begun
    while True:
        yield from held
        yield from reversed(held)


@cache
def reel(asked: str, before: str) -> tuple[Reel, Reel]:
    """Return the pictures of a movement, and those after it, to be repeated."""
    actor, lasts = Actor(seed=3, moving_ms=700), LONGEST_MS
    if asked == STRAIGHT and before != STRAIGHT:
        actor.tell(before, -LONGEST_MS)
        lasts = RETURNING_MS
    actor.tell(asked, 0)
    times = np.arange(0, lasts, EVERY_MS)
    drawn = [yuv(head().draw(actor.pose(float(at)), DRAWN)) for at in times]
    kept = 8
    return drawn[:-kept], drawn[-kept:]


def rehearse() -> None:
    """Draw every reel, once in a process."""
    reel(STRAIGHT, STRAIGHT)
    for action in ACTIONS:
        reel(action, STRAIGHT)
        reel(STRAIGHT, action)


@cache
def _noise() -> tuple[Pixels, ...]:
    chance = np.random.default_rng(5)
    shape = (SIZE[1], SIZE[0] // 2)
    return tuple(chance.integers(0, 8, shape, dtype=np.uint8) for _ in range(5))


def grain() -> list[Pixels]:
    """Return the noise of some frames: no camera takes the same picture twice."""
    return list(_noise())


def show_living_face(handset: Handset, act: Act = obedient) -> Sitter:
    """From the step's first screen to what came of the film.

    As a person would, again when nothing was counted: a busy machine films with holes.
    """
    sitter = Sitter(handset, act)
    rehearse()
    _take(handset, sitter.sit)
    return sitter


def show_photograph(handset: Handset, picture: bytes) -> None:
    """Hold a picture of a face before the camera for as long as the film lasts."""
    assert handset.camera is not None
    handset.camera.show(picture)
    _take(handset, lambda: None)


def _take(handset: Handset, sit: Callable[[], None]) -> None:
    start = handset.find("liveness-open").or_(handset.find("liveness-again"))
    start.click()
    for _ in range(TAKES):
        expect(handset.find("liveness-start")).to_be_enabled()
        handset.tap("liveness-start")
        handset.sees("told")
        sit()
        handset.gets_one_of("pin-repeat", "liveness-again", "review")
        if not handset.find("liveness-uncounted").is_visible():
            return
        handset.tap("liveness-again")
