"""Tracks of an invented person who does what a script says, without a pixel."""

from dataclasses import replace

import numpy as np

from idp.domain.liveness_sessions import TURNS, Action, Script, Step
from mobile_api.interfaces import Engine, FaceShape, FrameTrack, LivenessReading

ENGINE = Engine(name="invented", version="0")
NO_POINTS = np.zeros((0, 2), dtype=np.float32)
STILL = FaceShape(
    layout="invented",
    points=NO_POINTS,
    yaw=1.0,
    pitch=3.0,
    roll=0.0,
    left_eye=0.3,
    right_eye=0.3,
    smile=0.9,
    eye_distance=70.0,
)
DONE = {
    Action.TURN_LEFT: {"yaw": 26.0},
    Action.TURN_RIGHT: {"yaw": -24.0},
    Action.BLINK: {"left_eye": 0.05, "right_eye": 0.06},
    Action.SMILE: {"smile": 1.15},
    Action.NOD: {"pitch": 18.0},
}
REACTION, EASING = 3, 4  # frames


def script_of(*actions: Action, hold_ms: int = 1800, neutral_ms: int = 1300) -> Script:
    return Script(tuple(Step(action, hold_ms) for action in actions), neutral_ms)


def mixed(action: Action, share: float) -> FaceShape:
    """Return the face on its way to an action, 0 to 1."""
    changes = {
        name: getattr(STILL, name) + (value - getattr(STILL, name)) * share
        for name, value in DONE[action].items()
    }
    return replace(STILL, **changes)


def acted(script: Script) -> tuple[FrameTrack, ...]:
    """Return ten frames a second of somebody who follows, as fast as people do."""
    shapes = [(0, STILL)] * (script.neutral_ms // 100)
    for number, step in enumerate(script.steps, start=1):
        held = step.hold_ms // 100 - EASING
        shares = [0.0] * REACTION
        shares += [n / EASING for n in range(1, EASING + 1)]
        shares += [1.0] * held
        shares += [n / EASING for n in range(EASING - 1, 0, -1)]
        window = step.hold_ms // 100 + script.neutral_ms // 100
        shares += [0.0] * (window - len(shares))
        shapes += [(number, mixed(step.action, share)) for share in shares]
    shapes += [(len(script.steps) + 1, STILL)] * 3
    return tuple(
        FrameTrack(
            at=100 * n,
            step=step,
            faces=1,
            shape=shape,
            x=180.0 + shape.yaw,
            y=240.0 + shape.pitch,
            sharpness=20.0,
            brightness=140.0,
            change=3.0,
        )
        for n, (step, shape) in enumerate(shapes)
    )


def reading_of(
    script: Script, frames: tuple[FrameTrack, ...] | None = None
) -> LivenessReading:
    """Return what a worker measures of somebody who lives."""
    turns = sum(step.action in TURNS for step in script.steps)
    return LivenessReading(
        engine=ENGINE,
        face_engine=ENGINE,
        frames=acted(script) if frames is None else frames,
        likeness=(0.8,) * len(script.steps),
        at_rest=(0.9,) * 4,
        parallax=(0.06,) * turns,
        neutral=b"jpeg",
        neutral_faces=(200,),
    )
