"""Judge what the engines measured: a valid card, and its own holder.

    DocumentReading --judge_document--> JudgedDocument | EvidenceInsufficient
    FaceReading     --judge_face------> JudgedFace     | EvidenceInsufficient

Engines give values, this module decides. Advice codes are stable strings that the
app translates (docs/proofing.md lists them). What the person then types is judged by
`idp.domain.person_details`. Pure.
"""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from hashlib import sha256

from idp.domain import evidence
from idp.errors import EvidenceInsufficient
from mobile_api.interfaces import DocumentReading, Engine, FaceReading
from mobile_api.mrz import BIRTH, EXPIRY, KHMER, NUMBER, Format, Mrz

MIN_SELFIE_FACE = 80
PROVABLE = (NUMBER, BIRTH, EXPIRY)


class Refusal(StrEnum):
    """Why a picture that could be opened is refused; pictures have Advice codes too."""

    CHECK_DIGIT_WRONG = "check-digit-wrong"
    DOCUMENT_EXPIRED = "document-expired"
    NOT_KHMER_ID_CARD = "not-khmer-id-card"
    NO_PORTRAIT = "no-portrait"
    NO_FACE = "no-face"
    TWO_FACES = "two-faces"
    FACE_TOO_SMALL = "face-too-small"
    DIFFERENT_PERSON = "different-person"


@dataclass(frozen=True, slots=True)
class JudgedDocument:
    """A valid card: what it says and what it rests on.

    `document` has the members of `document` in docs/mobile-api.md; `portrait` is the
    JPEG to compare the selfie with. `facts` and `engine` go into the evidence.
    """

    document: dict[str, object]
    portrait: bytes
    engine: evidence.Engine
    facts: dict[str, object]


@dataclass(frozen=True, slots=True)
class JudgedFace:
    """The selfie is of the card's holder, as far as one picture can tell."""

    engine: evidence.Engine
    facts: dict[str, object]


def judge_document(reading: DocumentReading, *, today: date) -> JudgedDocument:
    """Accept a valid Khmer identity card with its portrait.

    Raises EvidenceInsufficient("document", advice=...).
    """
    zone = reading.zone
    if zone.mrz is None:
        advice = [code.value for code in zone.advice]
        if zone.wrong_field is not None:
            advice.append(Refusal.CHECK_DIGIT_WRONG)
        raise EvidenceInsufficient("document", advice=tuple(advice))
    if not _is_khmer_card(zone.mrz):
        raise _document(Refusal.NOT_KHMER_ID_CARD)
    if zone.mrz.expiry_date < today:
        raise _document(Refusal.DOCUMENT_EXPIRED)
    if reading.portrait is None:
        raise _document(Refusal.TWO_FACES if reading.faces else Refusal.NO_PORTRAIT)
    return JudgedDocument(
        document=_view(zone.mrz),
        portrait=reading.portrait,
        engine=recorded(zone.engine),
        facts=_facts(reading, zone.mrz),
    )


def judge_face(reading: FaceReading) -> JudgedFace:
    """Accept a selfie whose one face is that of the portrait.

    Raises EvidenceInsufficient: "face" for the selfie, "document" when the portrait
    itself cannot be used. No liveness is judged: a good print of the right person
    passes, which is why this gives no account above `substantial`.
    """
    if len(reading.selfie_faces) != 1:
        found = Refusal.TWO_FACES if reading.selfie_faces else Refusal.NO_FACE
        unusable = () if reading.selfie_faces else reading.advice
        raise _face(*unusable, found)
    if reading.selfie_faces[0] < MIN_SELFIE_FACE:
        raise _face(Refusal.FACE_TOO_SMALL)
    if reading.advice:
        raise _face(*reading.advice)
    if reading.similarity is None:
        raise _document(Refusal.NO_PORTRAIT)
    if reading.similarity.value < reading.similarity.threshold:
        raise _face(Refusal.DIFFERENT_PERSON)
    facts: dict[str, object] = {
        "similarity": round(reading.similarity.value, 4),
        "threshold": reading.similarity.threshold,
        "selfie_face": reading.selfie_faces[0],
        "liveness": None,
    }
    return JudgedFace(recorded(reading.engine), facts)


def recorded(engine: Engine) -> evidence.Engine:
    """Return the engine as evidence names it; several models give one digest."""
    if len(engine.models) == 1:
        model_hash = engine.models[0][1]
    else:
        listed = "\n".join(
            f"{digest}  {name}" for name, digest in sorted(engine.models)
        )
        model_hash = sha256(listed.encode()).hexdigest() if engine.models else ""
    return evidence.Engine(engine.name, engine.version, model_hash)


def _is_khmer_card(mrz: Mrz) -> bool:
    return (mrz.format, mrz.code, mrz.issuer, mrz.nationality) == (
        Format.TD1,
        "ID",
        KHMER,
        KHMER,
    )


def _view(mrz: Mrz) -> dict[str, object]:
    """Return the card as the app shows it; an inexact birth date is left open."""
    proved = [
        name
        for name in PROVABLE
        if name in mrz.proved and (name != BIRTH or mrz.birth_date.exact)
    ]
    return {
        "kind": "id_card",
        "number": mrz.number,
        "surname_latin": mrz.surname,
        "given_name_latin": mrz.given_names,
        "birth_date": str(mrz.birth_date) if mrz.birth_date.exact else "",
        "sex": mrz.sex if mrz.sex in "MF" else "",
        "expiry_date": mrz.expiry_date.isoformat(),
        "nationality": mrz.nationality,
        "proved": proved,
    }


def _facts(reading: DocumentReading, mrz: Mrz) -> dict[str, object]:
    """Return how it was proved; no value of the card itself."""
    return {
        "proved": list(mrz.proved),
        "repaired": list(mrz.repaired),
        "composite": "proved" if mrz.has_composite else "absent",
        "portrait_face": reading.faces[0],
    }


def _document(*advice: str) -> EvidenceInsufficient:
    return EvidenceInsufficient("document", advice=tuple(str(code) for code in advice))


def _face(*advice: str) -> EvidenceInsufficient:
    return EvidenceInsufficient("face", advice=tuple(str(code) for code in advice))
