"""See a living person and compare the face with a portrait: one clip, every measure.

    clip --check_liveness--> outcome, neutral frame --check_face--> how alike

The frame that is compared is chosen here, not by the app. A clip that failed is not
compared with anything: there is nobody to compare.
"""

from dataclasses import dataclass

from idp.domain.evidence import EvidenceKind
from idp.domain.registration_decisions import LiveFace
from idp.services import Services, Transaction
from mobile_api.judgement import Liveness
from mobile_api.liveness_checks import ClaimedClip, JudgedLiveness, check_liveness
from mobile_api.picture_checks import check_face
from mobile_api.proofing import JudgedFace
from mobile_api.services import MobileServices


@dataclass(frozen=True, slots=True)
class SeenPerson:
    """What a clip showed; `face` is absent when nobody living was seen."""

    living: JudgedLiveness
    face: JudgedFace | None
    clip: bytes

    @property
    def kept_face(self) -> LiveFace | None:
        """Return the embedding that goes with the account, if one was made."""
        return None if self.face is None else self.face.live_face


async def see_person(
    mobile: MobileServices, claimed: ClaimedClip, *, portrait: bytes | None
) -> SeenPerson:
    """Measure and judge a clip; raises EvidenceInsufficient, Unavailable.

    Without a portrait the face is measured against itself, for its embedding: whoever
    asks so compares that with what is kept.
    """
    living = await check_liveness(mobile, claimed)
    face = None
    if living.outcome is not Liveness.FAILED:
        document = living.neutral if portrait is None else portrait
        face = await check_face(mobile, document=document, selfie=living.neutral)
    return SeenPerson(living, face, claimed.data)


async def keep_seen(
    services: Services,
    tx: Transaction,
    owner_id: str,
    seen: SeenPerson,
    *,
    keeps_picture: bool,
) -> None:
    """Keep what was measured; the picture only while a person may have to look."""
    await services.evidence.keep(
        tx,
        owner_id,
        EvidenceKind.LIVENESS,
        judged=seen.clip,
        engine=seen.living.engine,
        facts=seen.living.facts,
    )
    if seen.face is None:
        return
    await services.evidence.keep(
        tx,
        owner_id,
        EvidenceKind.FACE,
        judged=seen.living.neutral,
        engine=seen.face.engine,
        facts={**seen.face.facts, "liveness": seen.living.outcome.value},
        picture=seen.living.neutral if keeps_picture else None,
    )
