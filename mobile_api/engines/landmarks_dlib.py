"""Measure faces with dlib's 68 points: the fallback where MediaPipe does not install.

**The landmark model was trained on iBUG 300-W, whose licence excludes commercial
use.** The engine says so each time it is loaded. It is slower than the mesh, finds
frontal faces only, and its points have no depth: angles are estimated from six of
them by a rigid model of a head.
"""

import logging
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from mobile_api.engines.loading import EngineRefused, checked_model
from mobile_api.images import Picture
from mobile_api.interfaces import Engine, FaceShape

logger = logging.getLogger(__name__)

LAYOUT: Final = "ibug-68"
MODEL: Final = "shape_predictor_68_face_landmarks.dat"
MODEL_SHA256: Final = "fbdc2cb80eb9aa7a758672cbfdda32ba6300efe9b6e6c7a299ff7e736b11b92f"
FOUND_SIDE: Final = 320
RIGHT_LIDS: Final = ((37, 41), (38, 40))
LEFT_LIDS: Final = ((43, 47), (44, 46))
RIGHT_EYE, LEFT_EYE = (36, 39), (45, 42)  # outer and inner corner, the person's own
MOUTH: Final = (48, 54)
# Nose, chin, outer corners of the eyes, corners of the mouth: a head in millimetres,
# x to the right of the picture, y down, z away from the camera.
HEAD_POINTS: Final = (30, 8, 36, 45, 48, 54)
HEAD: Final = np.array(
    [
        (0, 0, 0),
        (0, 63.6, 12.5),
        (-43.3, -32.7, 26),
        (43.3, -32.7, 26),
        (-28.9, 28.9, 24.1),
        (28.9, 28.9, 24.1),
    ],
    dtype=np.float64,
)

Points = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class DlibTracker:
    """A FaceTracker; `detector` and `predictor` are dlib's."""

    engine: Engine
    detector: Any
    predictor: Any
    rectangle: Any

    def begin(self) -> None:
        """Forget nothing: each frame is looked at by itself."""

    def measure(self, picture: Picture) -> tuple[FaceShape, ...]:
        """Return the shape of every frontal face, the largest first."""
        grey = picture.grey
        scale = min(1.0, FOUND_SIDE / max(picture.width, picture.height))
        small = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        shapes = [
            shape_of(self._points(grey, box, 1 / scale), picture)
            for box in self.detector(small, 1)
        ]
        return tuple(sorted(shapes, key=lambda shape: -shape.eye_distance))

    def _points(self, grey: Any, box: Any, scale: float) -> Points:
        sides = (box.left(), box.top(), box.right(), box.bottom())
        found = self.predictor(
            grey, self.rectangle(*(round(side * scale) for side in sides))
        )
        return np.array([(p.x, p.y) for p in found.parts()], dtype=np.float32)


def create(*, environment: str) -> DlibTracker:
    """Return the tracker, and say loudly what its model may not be used for."""
    del environment
    found = find_spec("face_recognition_models")
    if found is None or found.origin is None:
        raise EngineRefused("face_recognition_models is not installed")
    path = Path(found.origin).parent / "models" / MODEL
    model = checked_model(path, MODEL_SHA256)
    import dlib  # noqa: PLC0415 - its deserialiser runs on the checked file only

    logger.warning(
        "%s: the licence of its training data excludes commercial use", MODEL
    )
    engine = Engine(name="dlib-68", version=version("dlib-bin"), models=(model,))
    detector = dlib.get_frontal_face_detector()
    return DlibTracker(
        engine, detector, dlib.shape_predictor(str(path)), dlib.rectangle
    )


def shape_of(points: Points, picture: Picture) -> FaceShape:
    """Return the shape of 68 x 2 points in pixels."""
    yaw, pitch, roll = _angles(points, picture)
    eyes = points[list(LEFT_EYE)].mean(0) - points[list(RIGHT_EYE)].mean(0)
    # A turned face shows its eyes closer together than they are.
    apart = max(_length(eyes) / max(float(np.cos(np.radians(yaw))), 0.3), 1e-6)
    return FaceShape(
        layout=LAYOUT,
        points=points,
        yaw=yaw,
        pitch=pitch,
        roll=roll,
        left_eye=_opening(points, LEFT_LIDS, LEFT_EYE),
        right_eye=_opening(points, RIGHT_LIDS, RIGHT_EYE),
        smile=_length(points[MOUTH[1]] - points[MOUTH[0]]) / apart,
        eye_distance=apart,
    )


def _angles(points: Points, picture: Picture) -> tuple[float, float, float]:
    """Return yaw, pitch and roll in degrees by fitting the rigid head."""
    focal = float(max(picture.width, picture.height))
    lens = np.array(
        [[focal, 0, picture.width / 2], [0, focal, picture.height / 2], [0, 0, 1]]
    )
    seen = points[list(HEAD_POINTS)].astype(np.float64)
    done, turn, _ = cv2.solvePnP(
        HEAD, seen, lens, np.zeros(4), flags=cv2.SOLVEPNP_SQPNP
    )
    if not done:
        return 0.0, 0.0, 0.0
    axes, _ = cv2.Rodrigues(turn)
    across, down = axes[:, 0], axes[:, 1]
    return (
        _degrees(across[2], float(np.hypot(across[0], across[1]))),
        _degrees(down[2], float(np.hypot(down[0], down[1]))),
        _degrees(across[1], across[0]),
    )


def _opening(
    points: Points, lids: tuple[tuple[int, int], ...], eye: tuple[int, int]
) -> float:
    opened = [_length(points[upper] - points[lower]) for upper, lower in lids]
    width = _length(points[eye[0]] - points[eye[1]])
    return sum(opened) / len(opened) / max(width, 1e-6)


def _length(vector: Points) -> float:
    return float(np.linalg.norm(vector))


def _degrees(opposite: float, adjacent: float) -> float:
    return float(np.degrees(np.arctan2(opposite, adjacent)))
