"""What proofing needs of an engine, and the values that engines give.

Engines measure; `mobile_api.proofing` judges. All calls block and run in a worker
(`mobile_api.engines.workers`), never on the event loop.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from mobile_api.images import Advice, Picture, Pixels
from mobile_api.mrz import Mrz


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """Which engine gave a value: kept in the evidence.

    `models` are pairs of file name and SHA-256 (hex) of every model it loaded.
    """

    name: str
    version: str
    models: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MrzReading:
    """What was read of one picture: the zone, or why there is none.

    `wrong_field` is the field whose check digit refused the best attempt; `lines` are
    what that attempt read, proved by nothing: other pictures may complete it.
    """

    engine: Engine
    mrz: Mrz | None = None
    wrong_field: str | None = None
    advice: tuple[Advice, ...] = ()
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentReading:
    """What was seen on a document: its zone and the faces on it.

    `faces` are the shorter sides in pixels, largest first; `portrait` is a JPEG of
    the one face with a margin, absent unless there is exactly one. `face_engine` is
    absent when no face engine runs.
    """

    zone: MrzReading
    faces: tuple[int, ...] = ()
    portrait: bytes | None = None
    face_engine: Engine | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Face:
    """One face in a picture: its box in pixels.

    `points`, where an engine gives them, are the person's right eye, left eye, tip of
    the nose, right and left corner of the mouth, in pixels.
    """

    picture: Picture
    left: int
    top: int
    right: int
    bottom: int
    points: tuple[tuple[float, float], ...] = ()

    @property
    def size(self) -> int:
        """Return the shorter side of the box in pixels."""
        return min(self.right - self.left, self.bottom - self.top)


@dataclass(frozen=True, slots=True)
class Similarity:
    """How alike two faces are, 0 to 1, and where this engine draws the line."""

    value: float
    threshold: float


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceReading:
    """What was seen in both pictures; `similarity` only when each has one face.

    Sizes are the shorter sides in pixels, largest face first. `second` is another
    engine's opinion, asked when the first one doubts; `embedding` is the living
    face's, by `engine`.
    """

    engine: Engine
    document_faces: tuple[int, ...]
    selfie_faces: tuple[int, ...]
    similarity: Similarity | None = None
    advice: tuple[Advice, ...] = ()
    second: Similarity | None = None
    second_engine: Engine | None = None
    embedding: bytes = b""


@runtime_checkable
class MrzReader(Protocol):
    """Reads the machine-readable zone of a document."""

    @property
    def engine(self) -> Engine:
        """Name the engine."""

    def read(self, picture: Picture, *, today: date) -> MrzReading:
        """Read one picture; `today` decides the centuries of two-digit years."""


@runtime_checkable
class FaceMatcher(Protocol):
    """Finds faces and says how alike two are."""

    @property
    def engine(self) -> Engine:
        """Name the engine."""

    def find(self, picture: Picture) -> tuple[Face, ...]:
        """Return every face, the largest first."""

    def compare(self, *, document: Face, selfie: Face) -> Similarity:
        """Return how alike they are."""

    def embed(self, face: Face) -> bytes:
        """Return what can be compared later: little-endian floats of length 1.

        Their cosine is on the scale of `compare`; an engine without such keeps nothing
        (b""), and whoever needs a kept face then goes to a person.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceShape:
    """One face in one frame, as landmarks measure it; the picture is not mirrored.

    Angles are in degrees: `yaw` is positive when the person turns to the person's own
    left, `pitch` when the chin goes down. `left_eye` and `right_eye` (the person's)
    are the opening of the lids over the width of the eye; `smile` is the width of the
    mouth over the distance of the eyes. `points` are pixels, N x 2, in the order of
    `layout`; `eye_distance` is in pixels.
    """

    layout: str
    points: NDArray[np.float32]
    yaw: float
    pitch: float
    roll: float
    left_eye: float
    right_eye: float
    smile: float
    eye_distance: float


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameTrack:
    """What was measured of one frame of a clip; `shape` only of exactly one face.

    `at` in milliseconds since the first frame; `step` as the clip tags it. The rest
    is of the face: `sharpness` and `brightness` as in `mobile_api.images`; `change` is
    the mean difference from the face area of the frame before (0 to 255), 0 for bytes
    that came before. Points are left out of `shape`: they stay in the worker.
    """

    at: int
    step: int
    faces: int
    shape: FaceShape | None = None
    x: float = 0.0
    y: float = 0.0
    sharpness: float = 0.0
    brightness: float = 0.0
    change: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LivenessReading:
    """What was measured of a clip; `mobile_api.liveness` judges it.

    `likeness` has one value a step: how alike the face then is to the neutral one
    (0 to 1), None when no face could be compared; `at_rest` the same of frames between
    the steps that chance chose. `parallax` has one value for each
    turn, in eye distances, None when the pixels could not be followed. `neutral` is
    the JPEG of the best neutral frame, b"" when there is none; `neutral_faces` are
    the shorter sides of the faces on it in pixels.
    """

    engine: Engine
    face_engine: Engine | None
    frames: tuple[FrameTrack, ...]
    likeness: tuple[float | None, ...] = ()
    at_rest: tuple[float, ...] = ()
    parallax: tuple[float | None, ...] = ()
    passive: float | None = None
    passive_engine: Engine | None = None
    neutral: bytes = b""
    neutral_faces: tuple[int, ...] = ()


@runtime_checkable
class FaceTracker(Protocol):
    """Measures the shape of faces, frame by frame."""

    @property
    def engine(self) -> Engine:
        """Name the engine."""

    def begin(self) -> None:
        """Forget the frames before: another clip begins."""

    def measure(self, picture: Picture) -> tuple[FaceShape, ...]:
        """Return the shape of every face, the largest first."""


@runtime_checkable
class ReliefMeter(Protocol):
    """A FaceTracker that measures relief by itself, with a depth camera perhaps."""

    def relief(self, frames: Sequence[Pixels]) -> float | None:
        """Return the relief of a turn, in eye distances, as parallax would."""


@runtime_checkable
class PassiveCheck(Protocol):
    """Says from one face whether it looks alive: a model that the operator brings."""

    @property
    def engine(self) -> Engine:
        """Name the engine."""

    def score(self, face: Face) -> float:
        """Return 0 (a picture of a face) to 1 (a face)."""
