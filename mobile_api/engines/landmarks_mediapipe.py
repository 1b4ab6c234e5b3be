"""Measure faces with MediaPipe's face mesh: 478 points, about 3 ms a frame.

The meshes ship inside the package (0.10.21 is the last line that has them). Frames of
one clip follow each other: where the face was is where it is looked for first, so
`begin` must be called before each clip.
"""

import contextlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mobile_api.engines.loading import EngineRefused, checked_model
from mobile_api.images import Picture
from mobile_api.interfaces import Engine, FaceShape

LAYOUT: Final = "mediapipe-478"
MODELS: Final = {
    "face_landmark/face_landmark_with_attention.tflite": (
        "e06a804e0144f9929eda782122916b35d60c697c3c9344013ca2bbe76a6ce2b4"
    ),
    "face_landmark/face_landmark_front_cpu.binarypb": (
        "fa3c092da27d031d54ddd61a29b0e3dd521d53f55fa8898cb0f2b64d79cd6573"
    ),
    "face_detection/face_detection_short_range.tflite": (
        "bbff11cebd1eb27a1e004cae0b0e63ec8c551cbf34a4451148b4908b8db3eca8"
    ),
}
MOST_FACES: Final = 2
BLANK: Final = (480, 360, 3)
# Points of the mesh; left and right are the person's own.
RIGHT_LIDS: Final = ((159, 145), (160, 144), (158, 153))
LEFT_LIDS: Final = ((386, 374), (387, 373), (385, 380))
RIGHT_EYE, LEFT_EYE = (33, 133), (263, 362)  # outer and inner corner
MOUTH: Final = (61, 291)
CHEEKS: Final = (234, 454)  # from the person's right to the left
BROW_TO_CHIN: Final = (10, 152)
STDERR: Final = 2

Points = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class MediaPipeTracker:
    """A FaceTracker; `mesh` is MediaPipe's FaceMesh."""

    engine: Engine
    mesh: Any

    def begin(self) -> None:
        """Forget where the face was: it is not in an empty picture."""
        for _ in range(2):
            self.mesh.process(np.zeros(BLANK, dtype=np.uint8))

    def measure(self, picture: Picture) -> tuple[FaceShape, ...]:
        """Return the shape of up to two faces, the largest first."""
        with _silence():
            found = self.mesh.process(picture.pixels).multi_face_landmarks or ()
        scale = np.array(
            [picture.width, picture.height, picture.width], dtype=np.float32
        )
        shapes = [
            shape_of(np.array([(p.x, p.y, p.z) for p in face.landmark], "f4") * scale)
            for face in found
        ]
        return _distinct(sorted(shapes, key=lambda shape: -shape.eye_distance))


def create(*, environment: str) -> MediaPipeTracker:
    """Return the tracker when every model file is the one that is known."""
    del environment
    found = find_spec("mediapipe")
    if found is None or found.origin is None:
        raise EngineRefused("mediapipe is not installed")
    folder = Path(found.origin).parent / "modules"
    models = tuple(checked_model(folder / n, known) for n, known in MODELS.items())
    with _silence():
        # Imported only now, and silently: it speaks to stderr of its own accord.
        from mediapipe.python.solutions.face_mesh import FaceMesh  # noqa: PLC0415

        mesh = FaceMesh(max_num_faces=MOST_FACES, refine_landmarks=True)
        engine = Engine(name="mediapipe", version=version("mediapipe"), models=models)
        tracker = MediaPipeTracker(engine, mesh)
        tracker.begin()
    return tracker


def _distinct(shapes: Sequence[FaceShape]) -> tuple[FaceShape, ...]:
    """Leave out what is found on a face that was found: the mesh may settle twice."""
    kept: list[FaceShape] = []
    for shape in shapes:
        middle = shape.points.mean(0)
        if all(_length(middle - one.points.mean(0)) > one.eye_distance for one in kept):
            kept.append(shape)
    return tuple(kept)


def shape_of(points: Points) -> FaceShape:
    """Return the shape of 478 x 3 points in pixels; z grows away from the camera."""
    across = points[CHEEKS[1]] - points[CHEEKS[0]]
    down = points[BROW_TO_CHIN[1]] - points[BROW_TO_CHIN[0]]
    eyes = points[list(LEFT_EYE)].mean(0) - points[list(RIGHT_EYE)].mean(0)
    apart = max(_length(eyes), 1e-6)
    return FaceShape(
        layout=LAYOUT,
        points=np.ascontiguousarray(points[:, :2]),
        yaw=_degrees(across[2], np.hypot(across[0], across[1])),
        pitch=_degrees(down[2], np.hypot(down[0], down[1])),
        roll=_degrees(eyes[1], eyes[0]),
        left_eye=_opening(points, LEFT_LIDS, LEFT_EYE),
        right_eye=_opening(points, RIGHT_LIDS, RIGHT_EYE),
        smile=_length(points[MOUTH[1]] - points[MOUTH[0]]) / apart,
        eye_distance=apart,
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


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Send what native code writes to stderr nowhere, for as long as the block."""
    kept = os.dup(STDERR)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, STDERR)
        yield
    finally:
        os.dup2(kept, STDERR)
        os.close(kept)
        os.close(nowhere)
