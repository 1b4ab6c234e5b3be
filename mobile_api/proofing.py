"""Is this a document that we take, and is this a face that can be compared? Pure.

    DocumentReading --judge_document--> JudgedDocument | EvidenceInsufficient
    FaceReading     --judge_face------> JudgedFace     | EvidenceInsufficient

Engines give values, this module says whether they are good enough to go on with; what
follows from all of them together is `judgement.py`. Advice codes are stable strings
that the app translates (docs/proofing.md lists them). What the person then types is
judged by `idp.domain.person_details`.
"""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from hashlib import sha256

from idp.domain import evidence
from idp.domain.registration_decisions import LiveFace
from idp.errors import EvidenceInsufficient
from mobile_api.interfaces import DocumentReading, Engine, FaceReading
from mobile_api.judgement import FaceFacts
from mobile_api.mrz import BIRTH, EXPIRY, KHMER, NUMBER, Format, Mrz
from mobile_api.policy import ProofingPolicy

SHIPPED = ProofingPolicy()
PROVABLE = (NUMBER, BIRTH, EXPIRY)


class Refusal(StrEnum):
    """Why a picture that could be opened is refused; pictures have Advice codes too."""

    CHECK_DIGIT_WRONG = "check-digit-wrong"
    DOCUMENT_EXPIRED = "document-expired"
    DOCUMENT_NOT_ACCEPTED = "document-not-accepted"
    NO_PORTRAIT = "no-portrait"
    NO_FACE = "no-face"
    TWO_FACES = "two-faces"
    FACE_TOO_SMALL = "face-too-small"
    DIFFERENT_PERSON = "different-person"


@dataclass(frozen=True, slots=True)
class JudgedDocument:
    """A valid document: what it says and what it rests on.

    `document` has the members of `document` in docs/mobile-api.md; `portrait` is the
    JPEG to compare the selfie with. `facts` and `engine` go into the evidence.
    """

    document: dict[str, object]
    portrait: bytes
    engine: evidence.Engine
    facts: dict[str, object]


@dataclass(frozen=True, slots=True)
class JudgedFace:
    """The live face could be compared: how alike it is, and what that rests on.

    `live_face` is its embedding, where the engine gives one that may be kept.
    """

    face: FaceFacts
    engine: evidence.Engine
    facts: dict[str, object]
    live_face: LiveFace | None = None


def judge_document(
    reading: DocumentReading, *, today: date, policy: ProofingPolicy = SHIPPED
) -> JudgedDocument:
    """Accept a valid document that the policy has a rule for, with its portrait.

    Raises EvidenceInsufficient("document", advice=...).
    """
    zone = reading.zone
    if zone.mrz is None:
        advice = [code.value for code in zone.advice]
        if zone.wrong_field is not None:
            advice.append(Refusal.CHECK_DIGIT_WRONG)
        raise EvidenceInsufficient("document", advice=tuple(advice))
    kind = kind_of(zone.mrz)
    if policy.rule_of(kind, zone.mrz.issuer) is None:
        raise _document(Refusal.DOCUMENT_NOT_ACCEPTED)
    if zone.mrz.expiry_date < today:
        raise _document(Refusal.DOCUMENT_EXPIRED)
    if reading.portrait is None:
        raise _document(Refusal.TWO_FACES if reading.faces else Refusal.NO_PORTRAIT)
    return JudgedDocument(
        document=_view(zone.mrz, kind=kind),
        portrait=reading.portrait,
        engine=recorded(zone.engine),
        facts=_facts(reading, zone.mrz),
    )


def judge_face(reading: FaceReading, *, policy: ProofingPolicy = SHIPPED) -> JudgedFace:
    """Return how alike the two faces are, if they can be compared at all.

    Raises EvidenceInsufficient: "face" for the living one, "document" when the
    portrait itself cannot be used. Whether it is the same person is judged later.
    """
    if len(reading.selfie_faces) != 1:
        found = Refusal.TWO_FACES if reading.selfie_faces else Refusal.NO_FACE
        unusable = () if reading.selfie_faces else reading.advice
        raise _face(*unusable, found)
    if reading.selfie_faces[0] < policy.least_face:
        raise _face(Refusal.FACE_TOO_SMALL)
    if reading.advice:
        raise _face(*reading.advice)
    if reading.similarity is None:
        raise _document(Refusal.NO_PORTRAIT)
    name, threshold = reading.engine.name, reading.similarity.threshold
    band = policy.band_of(name, threshold=threshold)
    second, opinion = _second(reading, policy)
    face = FaceFacts(value=reading.similarity.value, band=band, second=second)
    facts: dict[str, object] = {
        "similarity": round(face.value, 4),
        "threshold": band.accept,
        "refused_under": band.refuse,
        "selfie_face": reading.selfie_faces[0],
        **opinion,
    }
    kept = None
    if reading.embedding:
        kept = LiveFace(engine=name, embedding=reading.embedding)
    return JudgedFace(face, recorded(reading.engine), facts, kept)


def _second(
    reading: FaceReading, policy: ProofingPolicy
) -> tuple[bool | None, dict[str, object]]:
    """Return whether the second engine agrees, and how the evidence says so."""
    engine, found = reading.second_engine, reading.second
    if engine is None or found is None:
        return None, {}
    band = policy.band_of(engine.name, threshold=found.threshold)
    facts: dict[str, object] = {
        "second_engine": f"{engine.name} {engine.version}",
        "second_similarity": round(found.value, 4),
        "second_threshold": band.accept,
    }
    return found.value >= band.accept, facts


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


def kind_of(mrz: Mrz) -> str:
    """Return what a document is, "" for those we have no word for.

    The second letter of a passport's code differs between states and is changing
    (ICAO 9303-4, 4.2.2.1): any is taken.
    """
    if mrz.format is Format.TD3 and mrz.code.startswith("P"):
        return "passport"
    is_card = mrz.format is Format.TD1 and mrz.code == "ID"
    # A card says whose citizen it makes one: ours must say so twice.
    return "id_card" if is_card and mrz.issuer == mrz.nationality == KHMER else ""


def _view(mrz: Mrz, *, kind: str) -> dict[str, object]:
    """Return the document as the app shows it; unknown days stay `XX`."""
    return {
        "kind": kind,
        "issuer": mrz.issuer,
        "number": mrz.number,
        "surname_latin": mrz.surname,
        "given_name_latin": mrz.given_names,
        "birth_date": str(mrz.birth_date),
        "sex": mrz.sex,
        "expiry_date": mrz.expiry_date.isoformat(),
        "nationality": mrz.nationality,
        "proved": [name for name in PROVABLE if name in mrz.proved],
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
