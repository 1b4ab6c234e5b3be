"""Our two small models on what they were taught, drawn from other seeds."""

from collections.abc import Iterator

import numpy as np
import pytest

from mobile_api.engines import worker, zone_models
from mobile_api.engines.loading import EngineRefused
from mobile_api.engines.text_lines import TextLine
from mobile_api.engines.zone_finding import ZoneFinder
from mobile_api.engines.zone_reading import HEIGHT, PITCH, ZoneLineReader, laid_level
from tests.specimens.documents import invent_document
from tools.zone_models.lines import BLANK, TURNED, line
from tools.zone_models.scenes import scene

TAUGHT_NOTHING = 9_000_000


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name in worker.ONE_THREAD:
            patch.setenv(name, "1")
        yield


@pytest.fixture(scope="module")
def reader() -> ZoneLineReader:
    return ZoneLineReader(zone_models.open_zone_model(zone_models.READER)[0])


@pytest.fixture(scope="module")
def finder() -> ZoneFinder:
    return ZoneFinder(zone_models.open_zone_model(zone_models.FINDER)[0])


def test_a_seed_always_draws_the_same_lines_and_scenes() -> None:
    for draw in (lambda chance: line(320, chance), scene):
        first, again = (draw(np.random.default_rng(5)) for _ in range(2))
        assert np.array_equal(first[0], again[0])
        assert np.array_equal(first[1], again[1])


def test_the_reader_reads_the_lines_that_are_drawn_for_it(
    reader: ZoneLineReader,
) -> None:
    chance = np.random.default_rng(TAUGHT_NOTHING)
    right = total = 0
    for _ in range(60):
        picture, labels = line(320, chance)
        plane = picture[None, None].astype(np.float32) / 127.5 - 1
        said = reader.session.run(None, {"x": plane})[0][0].argmax(axis=1)
        shown = labels < BLANK
        right += int((said == labels)[shown].sum())
        total += int(shown.sum())
    assert right > 0.9 * total


def test_a_line_on_its_head_is_seen_to_be_on_its_head(reader: ZoneLineReader) -> None:
    document = invent_document(2_500, "td3")
    grey = document.image.mean(axis=2).astype(np.uint8)
    middle = np.array([grey.shape[1] / 2, grey.shape[0] - 130 - 15])
    upright = TextLine(middle, np.array([1.0, 0.0]), 44 * 30, 2.5 * 30)
    as_is, turned = reader.read(grey, [upright, upright.turned()])
    assert (as_is.argmax(axis=1) == TURNED).sum() == 0
    assert (turned.argmax(axis=1) == TURNED).sum() > 40


def test_a_line_is_laid_level_from_any_angle() -> None:
    grey = np.full((200, 200), 200, np.uint8)
    grey[60:140, 98:102] = 0
    upwards = TextLine(np.array([100.0, 100.0]), np.array([0.0, -1.0]), 80, 20)
    level = laid_level(grey, upwards, 11 * PITCH)
    assert level.shape == (HEIGHT, 11 * PITCH)
    assert (level[HEIGHT // 2 - 2 : HEIGHT // 2 + 2, 40:-40] < 40).all()
    assert (level[:8] > 215).all()


def test_the_finder_finds_the_zones_that_are_drawn_for_it(finder: ZoneFinder) -> None:
    chance = np.random.default_rng(TAUGHT_NOTHING)
    overlaps = []
    for _ in range(30):
        picture, maps = scene(chance)
        plane = picture[None, None].astype(np.float32) / 127.5 - 1
        there = finder.session.run(None, {"x": plane})[0][0, 0] > 0
        drawn = maps[0] > 0.5
        overlaps.append((there & drawn).sum() / max((there | drawn).sum(), 1))
    assert np.mean([one > 0.5 for one in overlaps]) > 0.8


def test_a_model_with_other_bytes_is_refused() -> None:
    name, known = zone_models.READER
    with pytest.raises(EngineRefused, match=known):
        zone_models.open_zone_model((name, "0" * 64))
