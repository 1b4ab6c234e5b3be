"""Find in a track of face shapes what the person did, and when. Pure: no pixels.

angles and openings --minus the neutral face--> signals --on/off--> episodes
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

from idp.domain.liveness_sessions import Action
from mobile_api.interfaces import FaceShape, FrameTrack

LEAST_NEUTRAL: Final = 3  # frames
NEUTRAL_MS: Final = 700


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionLevels:
    """From when a signal is on, and until when: degrees, or shares of the neutral.

    `turn` and `nod` are degrees from the neutral face; `blink` is how far the lids are
    closed (0 to 1); `smile` how much wider the mouth is.
    """

    turn_on: float = 16.0
    turn_off: float = 9.0
    nod_on: float = 10.0
    nod_off: float = 6.0
    blink_on: float = 0.45
    blink_off: float = 0.30
    smile_on: float = 0.12
    smile_off: float = 0.07


@dataclass(frozen=True, slots=True, kw_only=True)
class Signals:
    """How far one frame is from the neutral face; `yaw` is positive to the left."""

    index: int
    at: int
    step: int
    yaw: float
    pitch: float
    closed: float
    wider: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Episode:
    """One movement: indices of frames, times in milliseconds, the most it reached."""

    action: Action
    start: int
    peak: int
    end: int
    start_ms: int
    end_ms: int
    peak_step: int
    start_step: int
    most: float

    @property
    def lasts_ms(self) -> int:
        """Return how long it was on."""
        return self.end_ms - self.start_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class Neutral:
    """The face before anything was done: medians over the first frames."""

    yaw: float
    pitch: float
    eyes: float
    smile: float


def neutral_of(frames: Sequence[FrameTrack]) -> Neutral | None:
    """Return the neutral face of a clip; None when too few frames show one."""
    shapes = [
        frame.shape
        for frame in frames
        if frame.shape is not None and frame.step == 0 and frame.at <= _first_ms(frames)
    ]
    if len(shapes) < LEAST_NEUTRAL:
        return None
    return Neutral(
        yaw=median(shape.yaw for shape in shapes),
        pitch=median(shape.pitch for shape in shapes),
        eyes=median(eyes_of(shape) for shape in shapes),
        smile=median(shape.smile for shape in shapes),
    )


def eyes_of(shape: FaceShape) -> float:
    """Return how open both eyes are."""
    return (shape.left_eye + shape.right_eye) / 2


def signals_of(frames: Sequence[FrameTrack], neutral: Neutral) -> tuple[Signals, ...]:
    """Return the signals of the frames that show one face."""
    return tuple(
        Signals(
            index=index,
            at=frame.at,
            step=frame.step,
            yaw=shape.yaw - neutral.yaw,
            pitch=shape.pitch - neutral.pitch,
            closed=1 - eyes_of(shape) / max(neutral.eyes, 1e-6),
            wider=shape.smile / max(neutral.smile, 1e-6) - 1,
        )
        for index, frame in enumerate(frames)
        if (shape := frame.shape) is not None
    )


def is_neutral(signals: Signals, levels: ActionLevels) -> bool:
    """Say whether the person looks straight ahead and does nothing."""
    return (
        abs(signals.yaw) < levels.turn_off
        and abs(signals.pitch) < levels.nod_on
        and signals.closed < levels.blink_on
        and signals.wider < levels.smile_on
    )


def episodes_of(
    signals: Sequence[Signals], levels: ActionLevels
) -> tuple[Episode, ...]:
    """Return every movement in the order of their peaks.

    While the head is turned, only the turn counts: lids and mouth are seen askew. A
    bowed head hides the eyes, so a nod hides blinks.
    """
    straight = [one for one in signals if abs(one.yaw) < levels.turn_off]
    upright = [one for one in straight if abs(one.pitch) < levels.nod_off]
    looked_at: Iterable[
        tuple[Action, Sequence[Signals], Callable[[Signals], float], float, float]
    ] = (
        (Action.TURN_LEFT, signals, _left, levels.turn_on, levels.turn_off),
        (Action.TURN_RIGHT, signals, _right, levels.turn_on, levels.turn_off),
        (Action.NOD, straight, _pitch, levels.nod_on, levels.nod_off),
        (Action.BLINK, upright, _closed, levels.blink_on, levels.blink_off),
        (Action.SMILE, upright, _wider, levels.smile_on, levels.smile_off),
    )
    found = [
        episode
        for action, frames, value, on, off in looked_at
        for episode in _episodes(action, frames, value, on=on, off=off)
    ]
    return tuple(sorted(found, key=lambda episode: episode.peak))


def _episodes(
    action: Action,
    signals: Sequence[Signals],
    value: Callable[[Signals], float],
    *,
    on: float,
    off: float,
) -> list[Episode]:
    """Return the stretches in which the value comes to `on` and stays at `off`."""
    found: list[Episode] = []
    run: list[Signals] = []
    for one in [*signals, None]:
        if one is not None and value(one) >= off:
            run.append(one)
            continue
        if run and max(map(value, run)) >= on:
            found.append(_episode(action, run, value))
        run = []
    return found


def _episode(
    action: Action, run: Sequence[Signals], value: Callable[[Signals], float]
) -> Episode:
    top = max(run, key=value)
    return Episode(
        action=action,
        start=run[0].index,
        peak=top.index,
        end=run[-1].index,
        start_ms=run[0].at,
        end_ms=run[-1].at,
        peak_step=top.step,
        start_step=run[0].step,
        most=value(top),
    )


def _first_ms(frames: Sequence[FrameTrack]) -> int:
    """Return until when frames may be neutral, of a clip without tags above all."""
    is_tagged = frames[-1].step > 0
    return frames[-1].at if is_tagged else NEUTRAL_MS


def _left(signals: Signals) -> float:
    return signals.yaw


def _right(signals: Signals) -> float:
    return -signals.yaw


def _pitch(signals: Signals) -> float:
    return signals.pitch


def _closed(signals: Signals) -> float:
    return signals.closed


def _wider(signals: Signals) -> float:
    return signals.wider
