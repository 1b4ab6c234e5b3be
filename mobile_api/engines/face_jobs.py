"""What a worker does with two faces: find them, measure how alike they are.

The job is a module-level function, so that it can be named across processes.
"""

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
from mobile_api.interfaces import Engine, Face, FaceReading


def compare_faces(document: bytes, selfie: bytes) -> FaceReading | DisabledEngine:
    """Compare the one face of a portrait or document with the one of a selfie."""
    matcher = engines().face_matcher
    if isinstance(matcher, DisabledEngine):
        return matcher
    try:
        pictures = open_picture(document), open_picture(selfie)
    except PictureRefused as refused:
        return _nothing(matcher.engine, refused.advice)
    on_document, on_selfie = (matcher.find(picture) for picture in pictures)
    similarity = None
    if len(on_document) == len(on_selfie) == 1:
        similarity = matcher.compare(document=on_document[0], selfie=on_selfie[0])
    return FaceReading(
        engine=matcher.engine,
        document_faces=_sizes(on_document),
        selfie_faces=_sizes(on_selfie),
        similarity=similarity,
        advice=_face_advice(pictures[1], on_selfie),
    )


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
    return tuple(a for a in advise(Picture(crop), sharp=SHARP_FACE) if a in useful)
