"""What a worker does with two faces: find them, measure how alike they are.

The job is a module-level function, so that it can be named across processes. A second
engine is asked only where the first one doubts: it costs several times as much.
"""

from collections.abc import Mapping
from dataclasses import replace
from math import atan2, degrees, hypot
from typing import Final

import numpy as np

from mobile_api.engines.loading import DisabledEngine
from mobile_api.engines.worker import engines
from mobile_api.images import (
    SHARP_FACE,
    Advice,
    Picture,
    PictureRefused,
    advise,
    open_picture,
)
from mobile_api.interfaces import (
    Engine,
    Face,
    FaceMatcher,
    FaceReading,
    Similarity,
)

Doubts = Mapping[str, tuple[float, float]]
NO_DOUBT: Final[Doubts] = {}
MOST_ROLL: Final = 25.0  # degrees
MOST_TURN: Final = 0.30  # of the distance of the eyes
POINTS: Final = 5
AROUND: Final = 0.6  # of the face, on each side


def compare_faces(
    document: bytes, selfie: bytes, doubts: Doubts = NO_DOUBT
) -> FaceReading | DisabledEngine:
    """Compare the one face of a portrait or document with the one of a selfie.

    `doubts` says for an engine from where to where its values are doubtful.
    """
    matcher = engines().face_matcher
    if isinstance(matcher, DisabledEngine):
        return matcher
    try:
        pictures = open_picture(document), open_picture(selfie)
    except PictureRefused as refused:
        return _nothing(matcher.engine, refused.advice)
    on_document, on_selfie = (matcher.find(picture) for picture in pictures)
    reading = FaceReading(
        engine=matcher.engine,
        document_faces=_sizes(on_document),
        selfie_faces=_sizes(on_selfie),
        advice=_face_advice(pictures[1], on_selfie),
        embedding=matcher.embed(on_selfie[0]) if len(on_selfie) == 1 else b"",
    )
    if not len(on_document) == len(on_selfie) == 1:
        return reading
    similarity = matcher.compare(document=on_document[0], selfie=on_selfie[0])
    reading = replace(reading, similarity=similarity)
    low, high = doubts.get(matcher.engine.name, (0.0, 0.0))
    if not low <= similarity.value < high:
        return reading
    return _second(reading, document=on_document[0], selfie=on_selfie[0])


def _second(reading: FaceReading, *, document: Face, selfie: Face) -> FaceReading:
    """Ask the other engine about the faces that the first one found."""
    matcher = engines().second_face_matcher
    if isinstance(matcher, DisabledEngine):
        return reading
    one, other = (_seen_by(matcher, face) for face in (document, selfie))
    if one is None or other is None:
        return replace(reading, second_engine=matcher.engine)
    second: Similarity = matcher.compare(document=one, selfie=other)
    return replace(reading, second=second, second_engine=matcher.engine)


def _seen_by(matcher: FaceMatcher, face: Face) -> Face | None:
    """Return the same face as this engine sees it, if it does."""
    margin = round(face.size * AROUND)
    left, top = max(face.left - margin, 0), max(face.top - margin, 0)
    cut = face.picture.pixels[top : face.bottom + margin, left : face.right + margin]
    x = (face.left + face.right) // 2 - left
    y = (face.top + face.bottom) // 2 - top
    found = matcher.find(Picture(np.ascontiguousarray(cut)))
    over = (f for f in found if f.left < x < f.right and f.top < y < f.bottom)
    return next(over, None)


def _nothing(engine: Engine, advice: Advice) -> FaceReading:
    return FaceReading(
        engine=engine, document_faces=(), selfie_faces=(), advice=(advice,)
    )


def _sizes(faces: tuple[Face, ...]) -> tuple[int, ...]:
    return tuple(face.size for face in faces)


def _face_advice(picture: Picture, faces: tuple[Face, ...]) -> tuple[Advice, ...]:
    """Return advice on the selfie; what matters is the light on the face itself."""
    if len(faces) != 1:
        return tuple(
            a for a in advise(picture, sharp=SHARP_FACE) if a is not Advice.GLARE
        )
    face = faces[0]
    crop = picture.pixels[face.top : face.bottom, face.left : face.right]
    useful = {Advice.TOO_DARK, Advice.BLURRED}
    found = [a for a in advise(Picture(crop), sharp=SHARP_FACE) if a in useful]
    if not _looks_straight(face):
        found.append(Advice.LOOK_STRAIGHT)
    return tuple(found)


def _looks_straight(face: Face) -> bool:
    """Say whether the face is level and not turned away, as far as five points tell.

    Turned: the tip of the nose is off the middle of the eyes, along their line.
    """
    if len(face.points) != POINTS:
        return True
    (ax, ay), (bx, by), (nx, ny) = face.points[:3]
    apart = hypot(bx - ax, by - ay)
    if apart == 0:
        return False
    roll = abs(degrees(atan2(by - ay, bx - ax)))
    along = ((nx - ax) * (bx - ax) + (ny - ay) * (by - ay)) / apart**2
    return roll <= MOST_ROLL and abs(along - 0.5) <= MOST_TURN
