"""What is accepted of a reading, and the code for each refusal."""

import json
from dataclasses import replace
from datetime import date
from importlib.resources import files

import pytest

from idp.errors import EvidenceInsufficient
from mobile_api.images import Advice
from mobile_api.interfaces import (
    DocumentReading,
    Engine,
    FaceReading,
    MrzReading,
    Similarity,
)
from mobile_api.mrz import check_digit, parse_mrz
from mobile_api.proofing import SHIPPED, Refusal, judge_document, judge_face, recorded
from tests.specimens.persons import BOPHA, SREYPOV, Person, td1, td3

TODAY = date(2026, 11, 23)
ENGINE = Engine(name="e", version="1", models=(("m", "ab"),))


def reading(lines: tuple[str, ...]) -> DocumentReading:
    zone = MrzReading(engine=ENGINE, mrz=parse_mrz(lines, today=TODAY))
    return DocumentReading(zone=zone, faces=(100,), portrait=b"jpeg")


def unread(**why: object) -> DocumentReading:
    return DocumentReading(zone=MrzReading(engine=ENGINE, **why))


def faces(**seen: object) -> FaceReading:
    match = FaceReading(
        engine=ENGINE,
        document_faces=(100,),
        selfie_faces=(200,),
        similarity=Similarity(0.7, 0.4),
    )
    return replace(match, **seen)


def advice_on_document(
    reading: DocumentReading, today: date = TODAY
) -> tuple[str, ...]:
    with pytest.raises(EvidenceInsufficient) as caught:
        judge_document(reading, today=today)
    assert caught.value.kind == "document"
    return caught.value.advice


def advice_on_face(reading: FaceReading) -> tuple[str, tuple[str, ...]]:
    with pytest.raises(EvidenceInsufficient) as caught:
        judge_face(reading)
    return caught.value.kind, caught.value.advice


def test_a_valid_card_is_accepted_as_the_contract_shows_it() -> None:
    judged = judge_document(reading(td1(SREYPOV)), today=TODAY)
    assert judged.document == {
        "kind": "id_card",
        "issuer": "KHM",
        "number": "012345678",
        "surname_latin": "SOK",
        "given_name_latin": "SREYPOV",
        "birth_date": "1999-01-01",
        "sex": "F",
        "expiry_date": "2031-01-01",
        "nationality": "KHM",
        "proved": ["number", "birth_date", "expiry_date"],
    }
    assert judged.portrait == b"jpeg"
    assert judged.engine.model_hash == "ab"


def test_the_facts_for_the_evidence_hold_no_value_of_the_card() -> None:
    judged = judge_document(reading(td1(SREYPOV)), today=TODAY)
    kept = str(judged.facts)
    for value in ("012345678", "SOK", "1999"):
        assert value not in kept


def test_a_card_is_valid_on_its_last_day_and_expired_the_day_after() -> None:
    card = reading(td1(SREYPOV))
    assert judge_document(card, today=SREYPOV.expiry_date)
    assert advice_on_document(card, date(2031, 1, 2)) == ("document-expired",)
    assert advice_on_document(reading(td1(BOPHA))) == ("document-expired",)


def foreign(person: Person) -> tuple[str, str, str]:
    first, second, third = td1(person)
    return first, second.replace("KHM", "UTO"), third


def test_the_card_of_another_nation_is_not_accepted() -> None:
    lines = foreign(SREYPOV)
    assert advice_on_document(reading(lines)) == ("document-not-accepted",)


@pytest.mark.parametrize("code", ["P<", "PN", "PD"])
def test_a_passport_of_any_state_is_accepted(code: str) -> None:
    first, second = td3(SREYPOV)
    judged = judge_document(reading((code + first[2:], second)), today=TODAY)
    assert judged.document["kind"] == "passport"
    assert judged.document["issuer"] == first[2:5]


def test_a_visa_is_no_passport() -> None:
    first, second = td3(SREYPOV)
    visa = reading(("V<" + first[2:], second))
    assert advice_on_document(visa) == ("document-not-accepted",)


def test_a_policy_without_passports_refuses_them() -> None:
    strict = replace(SHIPPED, documents=SHIPPED.documents[:1])
    with pytest.raises(EvidenceInsufficient) as caught:
        judge_document(reading(td3(SREYPOV)), today=TODAY, policy=strict)
    assert caught.value.advice == ("document-not-accepted",)


def test_an_unknown_birthday_stays_as_the_zone_has_it() -> None:
    first, second, third = td1(SREYPOV, composite=False)
    digits = "58<<<<"
    second = digits + str(check_digit(digits)) + second[7:]
    judged = judge_document(reading((first, second, third)), today=TODAY)
    assert judged.document["birth_date"] == "1958-XX-XX"
    assert judged.document["proved"] == ["number", "birth_date", "expiry_date"]


def test_a_picture_that_was_not_read_is_refused_with_its_advice() -> None:
    blurred = unread(advice=(Advice.BLURRED,))
    assert advice_on_document(blurred) == ("blurred",)
    wrong = unread(wrong_field="number")
    assert advice_on_document(wrong) == ("check-digit-wrong",)


def test_a_card_needs_its_one_portrait() -> None:
    card = replace(reading(td1(SREYPOV)), portrait=None)
    assert advice_on_document(replace(card, faces=())) == ("no-portrait",)
    assert advice_on_document(replace(card, faces=(9, 9))) == ("two-faces",)


def test_an_unknown_engine_is_taken_at_its_own_word() -> None:
    assert judge_face(faces(similarity=Similarity(0.4, 0.4))).face.is_accepted
    assert judge_face(faces(similarity=Similarity(0.399, 0.4))).face.is_refused


@pytest.mark.parametrize(
    ("seen", "kind", "advice"),
    [
        ({"selfie_faces": (), "similarity": None}, "face", ("no-face",)),
        ({"selfie_faces": (90, 80), "similarity": None}, "face", ("two-faces",)),
        ({"selfie_faces": (79,)}, "face", ("face-too-small",)),
        ({"advice": (Advice.BLURRED,)}, "face", ("blurred",)),
        (
            {"selfie_faces": (), "similarity": None, "advice": (Advice.TOO_DARK,)},
            "face",
            ("too-dark", "no-face"),
        ),
        ({"document_faces": (), "similarity": None}, "document", ("no-portrait",)),
    ],
)
def test_each_unusable_selfie_has_its_advice(
    seen: dict[str, object], kind: str, advice: tuple[str, ...]
) -> None:
    assert advice_on_face(faces(**seen)) == (kind, advice)


def test_several_models_are_recorded_as_one_digest_whatever_their_order() -> None:
    models = (("a", "1"), ("b", "2"))
    engine = Engine(name="e", version="1", models=models)
    turned = Engine(name="e", version="1", models=models[::-1])
    assert recorded(engine) == recorded(turned)
    assert len(recorded(engine).model_hash) == 64


@pytest.mark.parametrize("locale", ["km", "en"])
def test_the_app_has_words_for_every_code(locale: str) -> None:
    file = f"citizen_app/locales/{locale}.json"
    texts = json.loads(files("mobile_api").joinpath(file).read_text(encoding="utf-8"))
    for code in (*Advice, *Refusal):
        assert texts[f"advice.{code}"]


def test_the_second_engine_is_held_against_its_own_line() -> None:
    other = Engine(name="face-recognition", version="1")
    for value, agrees in ((0.40, True), (0.39, False)):
        seen = faces(second=Similarity(value, 0.5), second_engine=other)
        judged = judge_face(seen)
        assert judged.face.second is agrees
        assert judged.facts["second_threshold"] == 0.40
    assert judge_face(faces()).face.second is None


def test_an_embedding_is_kept_under_the_name_of_its_engine() -> None:
    kept = judge_face(faces(embedding=b"1234")).live_face
    assert kept is not None
    assert (kept.engine, kept.embedding) == (faces().engine.name, b"1234")
    assert judge_face(faces()).live_face is None
