"""What a worker does: open the pictures, ask the engines, answer with plain values.

Both jobs are module-level functions, so that they can be named across processes.
"""

import io
from dataclasses import replace
from datetime import date

from PIL import Image

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
    DocumentReading,
    Engine,
    Face,
    FaceReading,
    MrzReading,
)

PORTRAIT_MARGIN = 0.6
PORTRAIT_QUALITY = 95


def read_document(picture: bytes, today: date) -> DocumentReading | DisabledEngine:
    """Read the zone and find the portrait in JPEG, PNG or WebP bytes."""
    reader = engines().mrz_reader
    if isinstance(reader, DisabledEngine):
        return reader
    try:
        opened = open_picture(picture)
    except PictureRefused as refused:
        zone = MrzReading(engine=reader.engine, advice=(refused.advice,))
        return DocumentReading(zone=zone)
    zone = reader.read(opened, today=today)
    if zone.mrz is None and zone.advice != (Advice.NOT_A_DOCUMENT,):
        return DocumentReading(zone=zone)
    return _with_portrait(zone, opened)


def _with_portrait(zone: MrzReading, picture: Picture) -> DocumentReading:
    matcher = engines().face_matcher
    if isinstance(matcher, DisabledEngine):
        return DocumentReading(zone=zone)
    faces = matcher.find(picture)
    if zone.mrz is None and _is_portrait(faces, picture):
        zone = replace(zone, advice=(Advice.CUT_OFF,))
    return DocumentReading(
        zone=zone,
        faces=_sizes(faces),
        portrait=_cropped(faces[0]) if len(faces) == 1 else None,
        face_engine=matcher.engine,
    )


def _is_portrait(faces: tuple[Face, ...], picture: Picture) -> bool:
    """Tell a card whose foot is outside the picture: one face, and a small one."""
    return len(faces) == 1 and faces[0].size * 4 < picture.height


def _cropped(face: Face) -> bytes:
    """Return the face with a margin as JPEG: all that the next step needs to keep."""
    margin = round(face.size * PORTRAIT_MARGIN)
    top, left = max(face.top - margin, 0), max(face.left - margin, 0)
    pixels = face.picture.pixels[top : face.bottom + margin, left : face.right + margin]
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "JPEG", quality=PORTRAIT_QUALITY)
    return out.getvalue()


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
