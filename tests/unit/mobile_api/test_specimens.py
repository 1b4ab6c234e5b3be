"""The real engines on the specimens, and the specimens themselves.

Each reading costs about a second of CPU, so there are few.
"""

import json
from collections.abc import Iterator, Mapping
from datetime import date

import pytest
from PIL import features

from idp.errors import EvidenceInsufficient
from mobile_api.engines import EngineNames, worker
from mobile_api.engines.document_jobs import read_document
from mobile_api.engines.face_jobs import compare_faces
from mobile_api.engines.loading import DisabledEngine
from mobile_api.interfaces import DocumentReading, Engine, FaceReading
from mobile_api.mrz import parse_mrz
from mobile_api.proofing import judge_document, judge_face
from tests.specimens import camera, faces
from tests.specimens.card import draw_card
from tests.specimens.make import FOLDER
from tests.specimens.persons import SREYPOV, invent, td1, td3
from tests.specimens.strangers import stranger

TODAY = date(2026, 11, 23)
PERSONS: list[Mapping[str, object]] = json.loads(
    (FOLDER / "persons.json").read_text(encoding="utf-8")
)
BAD = [
    (str(bad["card"]), str(bad["expect"])) for p in PERSONS for bad in p["bad_cards"]
]


@pytest.fixture(scope="module", autouse=True)
def engines() -> Iterator[worker.Ready]:
    """The real engines, loaded in this process, with one thread as in a worker."""
    with pytest.MonkeyPatch.context() as patch:
        for name in worker.ONE_THREAD:
            patch.setenv(name, "1")
        ready = worker.prepare(EngineNames(environment="production"))
        assert isinstance(ready.mrz_reader, Engine), ready.mrz_reader
        assert isinstance(ready.face_matcher, Engine), ready.face_matcher
        yield ready


def shipped(name: object) -> bytes:
    return (FOLDER / str(name)).read_bytes()


def read(picture: bytes) -> DocumentReading:
    reading = read_document(picture, TODAY)
    assert not isinstance(reading, DisabledEngine)
    return reading


def compare(document: bytes, selfie: bytes) -> FaceReading:
    reading = compare_faces(document, selfie)
    assert not isinstance(reading, DisabledEngine)
    return reading


def face_advice(reading: FaceReading) -> tuple[str, ...]:
    with pytest.raises(EvidenceInsufficient) as caught:
        judge_face(reading)
    return caught.value.advice


def test_the_engines_name_their_version_and_the_hash_of_each_model(
    engines: worker.Ready,
) -> None:
    for engine, models in ((engines.mrz_reader, 4), (engines.face_matcher, 2)):
        assert isinstance(engine, Engine)
        assert engine.version
        assert [len(digest) for _, digest in engine.models] == [64] * models


@pytest.mark.parametrize("person", PERSONS, ids=lambda p: str(p["given_name_latin"]))
def test_a_shipped_card_says_what_the_register_says(
    person: Mapping[str, object],
) -> None:
    reading = read(shipped(person["card"]))
    mrz = reading.zone.mrz
    assert mrz is not None
    said = (mrz.number, mrz.surname, mrz.given_names, mrz.sex)
    asked = ("number", "surname_latin", "given_name_latin", "sex")
    assert said == tuple(person[name] for name in asked)
    assert str(mrz.birth_date) == person["birth_date"]
    assert mrz.expiry_date.isoformat() == person["expiry_date"]
    assert mrz.has_composite
    if person["expect"] == "accepted":
        judged = judge_document(reading, today=TODAY)
        selfie = compare(judged.portrait, shipped(person["selfie"]))
        assert judge_face(selfie).face.is_accepted


@pytest.mark.parametrize(("card", "expect"), BAD)
def test_a_shipped_bad_photo_is_refused_for_its_reason(card: str, expect: str) -> None:
    with pytest.raises(EvidenceInsufficient) as caught:
        judge_document(read(shipped(card)), today=TODAY)
    assert caught.value.advice[0] == expect


def test_a_photo_held_upside_down_is_read() -> None:
    photo = camera.photograph(draw_card(SREYPOV), 11)
    reading = read(camera.jpeg(photo[::-1, ::-1].copy()))
    assert reading.zone.mrz is not None
    assert reading.zone.mrz.number == SREYPOV.number


def test_a_room_is_no_document_and_nobody_in_it_is_a_face() -> None:
    room = camera.jpeg(faces.no_face())
    assert read(room).zone.advice == ("not-a-document",)
    portrait = shipped(PERSONS[0]["selfie"])
    assert face_advice(compare(portrait, room)) == ("no-face",)


def test_a_selfie_in_place_of_the_card_is_no_document() -> None:
    assert read(shipped(PERSONS[0]["selfie"])).zone.advice == ("not-a-document",)


def test_a_selfie_of_someone_else_is_refused() -> None:
    reading = compare(shipped(PERSONS[0]["card"]), stranger())
    assert judge_face(reading).face.is_refused


def test_two_faces_and_a_blurred_face_are_refused() -> None:
    card = shipped(PERSONS[0]["card"])
    both = compare(card, camera.jpeg(faces.two_faces()))
    assert face_advice(both) == ("two-faces",)
    shaken = compare(card, camera.jpeg(camera.blurred(faces.selfie())))
    assert "blurred" in face_advice(shaken)


def test_the_generator_repeats_itself_by_seed() -> None:
    assert invent(5) == invent(5) != invent(6)
    first, again = (camera.photograph(draw_card(invent(5)), 5) for _ in range(2))
    assert (first == again).all()


def test_the_generator_writes_zones_that_are_right() -> None:
    for seed in range(50):
        person = invent(seed)
        assert parse_mrz(td1(person), today=TODAY).number == person.number
        assert parse_mrz(td3(person), today=TODAY).surname == person.surname_latin


def test_khmer_text_is_shaped_and_the_pictures_are_small() -> None:
    assert features.check("raqm")
    for picture in FOLDER.glob("*.jpg"):
        assert picture.stat().st_size < 150_000
