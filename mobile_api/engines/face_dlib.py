"""Find and compare faces with face_recognition (dlib).

Faces are found by HOG, aligned by five landmarks and turned into 128 numbers whose
Euclidean distance is under 0.60 for the same person (the library's own threshold).
The value given is `1 - distance`, so the line is at 0.40.

Importing `face_recognition` also loads the 68-point landmark model, whose training
data exclude commercial use; it is not used here (the five-point one is). It is
imported at the first comparison: where it gives the second opinion few workers ever
need it, and it costs each 100 MiB and 1.5 s of CPU.
"""

from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from mobile_api.engines.loading import EngineRefused, checked_model
from mobile_api.images import Picture, Pixels
from mobile_api.interfaces import Engine, Face, Similarity

MODELS = {
    "dlib_face_recognition_resnet_model_v1.dat": (
        "55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30"
    ),
    "mmod_human_face_detector.dat": (
        "4cb19393e2fbaf2b1609a9319ad5386618c886a6234ec1b971f3e87c85d87fe6"
    ),
    "shape_predictor_5_face_landmarks.dat": (
        "c4b1e9804792707d3a405c2c16a80a20269e6675021f64a41d30fffafbc41888"
    ),
    "shape_predictor_68_face_landmarks.dat": (
        "fbdc2cb80eb9aa7a758672cbfdda32ba6300efe9b6e6c7a299ff7e736b11b92f"
    ),
}
THRESHOLD = 0.40
FIND_SIDE = 800
ENCODE_SIDE = 300


@cache
def _library() -> Any:
    """Return face_recognition; loading its models runs dlib's deserialiser on them."""
    import face_recognition  # noqa: PLC0415 - only after the models were checked

    return face_recognition


@dataclass(frozen=True, slots=True)
class DlibMatcher:
    """A FaceMatcher; made by `create`, which has checked the models."""

    engine: Engine
    threshold: float = THRESHOLD

    def find(self, picture: Picture) -> tuple[Face, ...]:
        """Return the faces of 40 px and more at 800 px, the largest first."""
        scale = min(1.0, FIND_SIDE / max(picture.width, picture.height))
        boxes = _library().face_locations(_scaled(picture.pixels, scale), 1, "hog")
        faces = [_face(picture, box, 1 / scale) for box in boxes]
        return tuple(sorted(faces, key=lambda face: -face.size))

    def compare(self, *, document: Face, selfie: Face) -> Similarity:
        """Return `1 - distance` of the two encodings, not below 0."""
        apart = float(np.linalg.norm(self._encode(document) - self._encode(selfie)))
        return Similarity(max(0.0, 1.0 - apart), self.threshold)

    def embed(self, face: Face) -> bytes:
        """Return nothing: dlib's points compare by distance, what is kept by cosine.

        The cosine of two strangers' points was 0.82 where 0.40 is accepted.
        """
        del face
        return b""

    def _encode(self, face: Face) -> np.ndarray[Any, np.dtype[np.float64]]:
        scale = min(1.0, ENCODE_SIDE / face.size)
        pixels = _scaled(face.picture.pixels, scale)
        box = (face.top, face.right, face.bottom, face.left)
        where = [tuple(round(side * scale) for side in box)]
        return np.asarray(_library().face_encodings(pixels, where, 1, "small")[0])


def create(*, environment: str) -> DlibMatcher:
    """Return the matcher when every model file is the one that is known."""
    del environment
    found = find_spec("face_recognition_models")
    if found is None or found.origin is None:
        raise EngineRefused("face_recognition_models is not installed")
    folder = Path(found.origin).parent / "models"
    models = tuple(checked_model(folder / n, known) for n, known in MODELS.items())
    if find_spec("face_recognition") is None or find_spec("dlib") is None:
        raise EngineRefused("face_recognition or dlib is not installed")
    name = f"{version('face-recognition')} + dlib {version('dlib-bin')}"
    engine = Engine(name="face-recognition", version=name, models=models)
    return DlibMatcher(engine)


def _face(picture: Picture, box: tuple[int, int, int, int], scale: float) -> Face:
    top, right, bottom, left = (round(side * scale) for side in box)
    return Face(
        picture=picture,
        left=max(left, 0),
        top=max(top, 0),
        right=min(right, picture.width),
        bottom=min(bottom, picture.height),
    )


def _scaled(pixels: Pixels, scale: float) -> Pixels:
    if scale == 1.0:
        return pixels
    size = (round(pixels.shape[1] * scale), round(pixels.shape[0] * scale))
    return np.asarray(
        cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), dtype=np.uint8
    )
