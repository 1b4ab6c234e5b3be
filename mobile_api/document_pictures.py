"""Read a picture of a document and join it with the ones before: up to three.

What each picture said is kept sealed until the decision, not the picture itself: the
lines are all that joining needs.
"""

from dataclasses import replace
from datetime import date
from hashlib import sha256
from typing import Final

import orjson

from idp.domain.evidence import EvidenceKind
from idp.errors import EvidenceInsufficient
from idp.services import Services
from mobile_api.interfaces import DocumentReading
from mobile_api.mrz_fusion import Fused, Shown, fuse
from mobile_api.picture_checks import measured
from mobile_api.proofing import JudgedDocument, judge_document, recorded
from mobile_api.registration_steps import MOST_PICTURES
from mobile_api.services import MobileServices

DIFFERENT: Final = "different-document"


async def read_document(
    services: Services,
    mobile: MobileServices,
    registration_id: str,
    picture: bytes,
    *,
    today: date,
) -> JudgedDocument:
    """Read, join and judge; `document` says which field is proved by what.

    Raises EvidenceInsufficient with advice, Unavailable.
    """
    reading = await measured(mobile.workers.read_document(picture, today=today))
    lines = reading.zone.lines if reading.zone.mrz is None else reading.zone.mrz.lines
    if not lines:
        return judge_document(reading, today=today, policy=mobile.policy)
    fused, count = await _join(
        services,
        registration_id,
        reading,
        Shown(lines, reading.zone.mrz is not None),
        picture=picture,
        today=today,
    )
    if fused.differs:
        raise EvidenceInsufficient("document", advice=(DIFFERENT,))
    zone = replace(reading.zone, mrz=reading.zone.mrz or fused.mrz)
    merged = replace(reading, zone=zone)
    judged = judge_document(merged, today=today, policy=mobile.policy)
    proofs = {name: list(by) for name, by in fused.proved_by.items()}
    told = {**judged.document, "pictures": count, "proved_by": proofs}
    facts = {**judged.facts, "pictures": count, "proved_by": proofs}
    return replace(judged, document=told, facts=facts)


async def _join(
    services: Services,
    registration_id: str,
    reading: DocumentReading,
    shown: Shown,
    *,
    picture: bytes,
    today: date,
) -> tuple[Fused, int]:
    """Join with what is kept, and keep this one; another document replaces all."""
    evidence, kind = services.evidence, EvidenceKind.ZONE
    async with services.store.begin() as tx:
        kept = await evidence.pictures(
            tx, registration_id, kind, most=MOST_PICTURES - 1
        )
        others = [_opened(one) for one in kept]
        mark = sha256(picture).hexdigest()
        # The same picture again is no second witness.
        is_new = all(mark != known for known, _ in others)
        everything = [shown, *(one for known, one in others if mark != known)]
        fused = fuse(everything, today=today)
        if is_new or fused.differs:
            await evidence.keep(
                tx,
                registration_id,
                kind,
                judged=picture,
                engine=recorded(reading.zone.engine),
                facts={"read": shown.sure},
                picture=orjson.dumps([mark, shown.sure, *shown.lines]),
                most=1 if fused.differs else MOST_PICTURES,
            )
    return fused, len(everything)


def _opened(kept: bytes) -> tuple[str, Shown]:
    mark, sure, *lines = orjson.loads(kept)
    return str(mark), Shown(tuple(lines), bool(sure))
