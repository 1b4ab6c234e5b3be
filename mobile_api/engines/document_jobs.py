"""What a worker does with a document: open it, read the zone, cut the portrait out.

The job is a module-level function, so that it can be named across processes.
"""

import io
from dataclasses import replace
from datetime import date

from PIL import Image

from mobile_api.engines.loading import DisabledEngine
from mobile_api.engines.worker import engines
from mobile_api.images import Advice, Picture, PictureRefused, open_picture
from mobile_api.interfaces import DocumentReading, Face, MrzReading

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
    is_read = zone.mrz is not None or zone.lines
    if not is_read and zone.advice != (Advice.NOT_A_DOCUMENT,):
        return DocumentReading(zone=zone)
    return _with_portrait(zone, opened)


def _with_portrait(zone: MrzReading, picture: Picture) -> DocumentReading:
    matcher = engines().face_matcher
    if isinstance(matcher, DisabledEngine):
        return DocumentReading(zone=zone)
    faces = matcher.find(picture)
    if zone.mrz is None and not zone.lines and _is_portrait(faces, picture):
        zone = replace(zone, advice=(Advice.CUT_OFF,))
    return DocumentReading(
        zone=zone,
        faces=tuple(face.size for face in faces),
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
