"""A tracker that only pretends: it reads angles from a QR code in each frame.

    development_clip(session, script, face=...) --> the bytes of a clip that passes

For tests of what stands around liveness, and for a phone without a camera. It warns
when it is made and refuses to be made for production.
"""

import io
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
import qrcode

from idp.domain.liveness_sessions import Action, Script
from mobile_api.clips import Clip, Frame, write_clip
from mobile_api.engines.development import read_code
from mobile_api.engines.loading import DevelopmentModeWarning, EngineRefused
from mobile_api.images import Picture, Pixels
from mobile_api.interfaces import Engine, FaceShape

EVERY_MS: Final = 300
EYES_APART: Final = 60.0
NEUTRAL_EYE: Final = 0.3
NEUTRAL_SMILE: Final = 0.9
# Yaw and pitch in degrees, how far the lids are closed, how much wider the mouth is.
Pose = tuple[int, int, float, float]
STRAIGHT: Final[Pose] = (0, 0, 0.0, 0.0)
POSES: Final[dict[Action, Pose]] = {
    Action.TURN_LEFT: (26, 0, 0.0, 0.0),
    Action.TURN_RIGHT: (-26, 0, 0.0, 0.0),
    Action.BLINK: (0, 0, 0.9, 0.0),
    Action.SMILE: (0, 0, 0.0, 0.2),
    Action.NOD: (0, 16, 0.0, 0.0),
}


def development_clip(
    session: str, script: Script, *, face: str, flat: bool = False
) -> bytes:
    """Return a clip of the person named who does what the script says.

    `flat` stands for a photograph of that person.
    """
    frames = [
        Frame(at=at, step=step, picture=_frame(face, pose, at // EVERY_MS, flat=flat))
        for at, step, pose in _course(script)
    ]
    return write_clip(Clip(session=session, mirrored=False, frames=tuple(frames)))


def _course(script: Script) -> Iterator[tuple[int, int, Pose]]:
    """Yield time, step and pose of each frame: half of the way first, then all."""
    at = 0
    for _ in range(-(-script.neutral_ms // EVERY_MS)):
        yield at, 0, STRAIGHT
        at += EVERY_MS
    for number, step in enumerate(script.steps, start=1):
        pose = POSES[step.action]
        half = (pose[0] // 2, pose[1] // 2, pose[2] / 2, pose[3] / 2)
        held = -(-step.hold_ms // EVERY_MS) - 3
        still = -(-script.neutral_ms // EVERY_MS)
        for one in (STRAIGHT, half, *[pose] * held, half, *[STRAIGHT] * still):
            yield at, number, one
            at += EVERY_MS
    yield at, len(script.steps) + 1, STRAIGHT


@lru_cache(maxsize=512)
def _frame(face: str, pose: Pose, index: int, *, flat: bool) -> bytes:
    code = qrcode.QRCode(border=4, box_size=6)
    numbers = " ".join(str(number) for number in pose)
    code.add_data("\n".join((face, numbers, str(index), "flat" * flat)))
    out = io.BytesIO()
    code.make_image().get_image().convert("L").save(out, "JPEG", quality=90)
    return out.getvalue()


@dataclass(frozen=True, slots=True)
class DevelopmentFaceTracker:
    """A FaceTracker of frames made by `development_clip`."""

    engine: Engine

    def begin(self) -> None:
        """Forget nothing: each frame says all."""

    def measure(self, picture: Picture) -> tuple[FaceShape, ...]:
        """Return the shape that the code describes; none without a code."""
        lines = _lines(picture.grey)
        if len(lines) < 2:  # noqa: PLR2004 - a face and its pose
            return ()
        yaw, pitch, closed, wider = (float(number) for number in lines[1].split())
        eye = NEUTRAL_EYE * (1 - closed)
        width, height = picture.width, picture.height
        shape = FaceShape(
            layout="development",
            points=np.array([(0, 0), (width, height)], dtype=np.float32),
            yaw=yaw,
            pitch=pitch,
            roll=0.0,
            left_eye=eye,
            right_eye=eye,
            smile=NEUTRAL_SMILE * (1 + wider),
            eye_distance=EYES_APART,
        )
        return tuple(shape for name in lines[0].split(",") if name)

    def relief(self, frames: Sequence[Pixels]) -> float | None:
        """Return relief unless the code says that there is none."""
        return 0.0 if "flat" in _lines(frames[-1]) else 0.1


def create(*, environment: str) -> DevelopmentFaceTracker:
    """Return the pretender, or refuse production."""
    name = "development-landmarks"
    if environment == "production":
        raise EngineRefused(f"{name} only pretends and refuses production")
    warnings.warn(f"{name} only pretends", DevelopmentModeWarning, stacklevel=3)
    return DevelopmentFaceTracker(Engine(name=name, version="0"))


def _lines(grey: Pixels) -> list[str]:
    """Return the lines of the code; none where there is no code."""
    text = read_code(grey)
    return text.split("\n") if text else []
