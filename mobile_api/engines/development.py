"""Engines that only pretend: they read a QR code in place of a document or a face.

For tests of what stands around proofing. They warn when they are made and refuse to
be made for production.
"""

import io
import warnings
from dataclasses import dataclass
from datetime import date
from hashlib import sha256

import cv2
import numpy as np
import qrcode

from mobile_api.engines.loading import DevelopmentModeWarning, EngineRefused
from mobile_api.images import Advice, Picture, Pixels
from mobile_api.interfaces import Engine, Face, MrzReading, Similarity
from mobile_api.mrz import MrzInvalid, WrongCheckDigit, parse_mrz

THRESHOLD = 0.40


def development_picture(*, mrz: tuple[str, ...] = (), faces: tuple[str, ...]) -> bytes:
    """Return a PNG that stands for a document or a selfie of the people named."""
    code = qrcode.QRCode(border=8, box_size=12)
    code.add_data("\n".join((",".join(faces), *mrz)))
    out = io.BytesIO()
    code.make_image().save(out)
    return out.getvalue()


@dataclass(frozen=True, slots=True)
class DevelopmentMrzReader:
    """A MrzReader of pictures made by `development_picture`."""

    engine: Engine

    def read(self, picture: Picture, *, today: date) -> MrzReading:
        """Parse the lines in the code by the real parser."""
        _, *lines = _text(picture).split("\n")
        try:
            return MrzReading(engine=self.engine, mrz=parse_mrz(lines, today=today))
        except WrongCheckDigit as wrong:
            seen = tuple(lines)
            return MrzReading(engine=self.engine, wrong_field=wrong.field, lines=seen)
        except MrzInvalid:
            return MrzReading(engine=self.engine, advice=(Advice.NOT_A_DOCUMENT,))


@dataclass(frozen=True, slots=True)
class DevelopmentFaceMatcher:
    """A FaceMatcher of pictures made by `development_picture`."""

    engine: Engine

    def find(self, picture: Picture) -> tuple[Face, ...]:
        """Return one box for each name in the code."""
        names = [name for name in _text(picture).split("\n")[0].split(",") if name]
        box = Face(
            picture=picture, left=0, top=0, right=picture.width, bottom=picture.height
        )
        return tuple(box for _ in names)

    def compare(self, *, document: Face, selfie: Face) -> Similarity:
        """Return 1 for the same name, 0 otherwise."""
        one, other = (_text(face.picture).split("\n")[0] for face in (document, selfie))
        return Similarity(float(one == other), THRESHOLD)

    def embed(self, face: Face) -> bytes:
        """Return a direction that the name alone decides: 128 floats of length 1."""
        name = _text(face.picture).split("\n")[0]
        drawn = b"".join(sha256(f"{name} {n}".encode()).digest() for n in range(4))
        vector = np.frombuffer(drawn, np.uint8).astype("<f4") - 127.5
        return (vector / np.linalg.norm(vector)).astype("<f4").tobytes()


def create_mrz_reader(*, environment: str) -> DevelopmentMrzReader:
    """Return the pretender, or refuse production."""
    return DevelopmentMrzReader(_loud("development-mrz", environment))


def create_face_matcher(*, environment: str) -> DevelopmentFaceMatcher:
    """Return the pretender, or refuse production."""
    return DevelopmentFaceMatcher(_loud("development-face", environment))


def _loud(name: str, environment: str) -> Engine:
    if environment == "production":
        raise EngineRefused(f"{name} only pretends and refuses production")
    warnings.warn(f"{name} only pretends", DevelopmentModeWarning, stacklevel=3)
    return Engine(name=name, version="0")


def read_code(grey: Pixels) -> str:
    """Return the text of the code in a picture, "" when there is none.

    OpenCV's other detector of codes misses one frame in a thousand at every size,
    and then nobody is there for too long: a registration that fails by chance.
    """
    for scale in (1.0, 2.0, 1.5, 0.8):
        size = cv2.resize(grey, None, fx=scale, fy=scale)
        text, _, _ = cv2.QRCodeDetectorAruco().detectAndDecode(size)
        if text:
            return str(text)
    return ""


def _text(picture: Picture) -> str:
    return read_code(picture.grey)
