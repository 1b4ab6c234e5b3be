"""The same contract for every engine that reads zones, on the same pictures."""

from collections.abc import Iterator
from datetime import date

import pytest

from mobile_api.engines import mrz_fixed_pitch, mrz_passporteye, text_models, worker
from mobile_api.engines.loading import DisabledEngine, EngineRefused, load_engine
from mobile_api.images import open_picture
from mobile_api.interfaces import MrzReader
from tests.specimens import camera, faces
from tests.specimens.card import draw_card
from tests.specimens.make import wrong_check_digit
from tests.specimens.persons import DARA, SREYPOV, td1

TODAY = date(2026, 11, 23)
ENGINES = (mrz_fixed_pitch, mrz_passporteye)


@pytest.fixture(scope="module", params=ENGINES, ids=lambda m: m.__name__.split("_")[-1])
def reader(request: pytest.FixtureRequest) -> Iterator[MrzReader]:
    with pytest.MonkeyPatch.context() as patch:
        for name in worker.ONE_THREAD:
            patch.setenv(name, "1")
        yield request.param.create(environment="production")


def photo_of(card: faces.Image, seed: int) -> bytes:
    return camera.jpeg(camera.photograph(card, seed))


def test_it_keeps_to_the_protocol_and_names_its_models(reader: MrzReader) -> None:
    assert isinstance(reader, MrzReader)
    assert reader.engine.name
    assert reader.engine.version
    assert all(len(digest) == 64 for _, digest in reader.engine.models)


def test_it_reads_a_clean_card_and_says_what_is_proved(reader: MrzReader) -> None:
    reading = reader.read(open_picture(photo_of(draw_card(DARA), 31)), today=TODAY)
    assert reading.mrz is not None
    assert reading.mrz.lines == td1(DARA)
    assert {"number", "birth_date", "expiry_date"} <= set(reading.mrz.proved)
    assert reading.engine == reader.engine


def test_it_takes_a_filler_for_the_composite_digit(reader: MrzReader) -> None:
    lines = td1(SREYPOV, composite=False)
    card = draw_card(SREYPOV, lines=lines)
    reading = reader.read(open_picture(photo_of(card, 32)), today=TODAY)
    assert reading.mrz is not None
    assert not reading.mrz.has_composite
    assert reading.mrz.lines == lines


def test_it_refuses_a_wrong_check_digit_and_names_the_field(
    reader: MrzReader,
) -> None:
    card = draw_card(DARA, lines=wrong_check_digit(DARA))
    reading = reader.read(open_picture(photo_of(card, 33)), today=TODAY)
    assert reading.mrz is None
    assert reading.wrong_field == "number"


def test_it_finds_no_zone_in_a_room(reader: MrzReader) -> None:
    reading = reader.read(open_picture(camera.jpeg(faces.no_face())), today=TODAY)
    assert reading.mrz is None
    assert reading.advice == ("not-a-document",)


def test_a_model_that_is_not_the_known_one_disables_the_reader(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    name, known = text_models.DETECTOR
    monkeypatch.setattr(mrz_fixed_pitch, "DETECTOR", (name, "0" * 64))
    with pytest.raises(EngineRefused, match=known):
        mrz_fixed_pitch.create(environment="production")
    entry = "mobile_api.engines.mrz_fixed_pitch:create"
    loaded = load_engine(entry, MrzReader, environment="production")
    assert isinstance(loaded, DisabledEngine)


def test_a_model_that_is_missing_disables_the_reader() -> None:
    with pytest.raises(EngineRefused, match="is not in the package"):
        text_models.model_path("none.onnx")
