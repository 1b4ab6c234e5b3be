"""Films of a living head and of attacks, through a worker and the judgement."""

import asyncio
import io
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from mobile_api.clips import Clip, Frame, read_clip, write_clip
from mobile_api.engines import (
    EngineDisabled,
    EngineNames,
    JobFailed,
    PoolLimits,
    Workers,
)
from mobile_api.interfaces import LivenessReading
from mobile_api.liveness import evaluate
from mobile_api.liveness_limits import LivenessLimits, LivenessVerdict, Verdict
from tests.specimens import liveness_scenes as scenes

SEED = 2
SCRIPT = scenes.script_of("smile", "turn_left", "blink", hold_ms=1600, neutral_ms=1300)
NAMES = EngineNames(
    mrz_reader="",
    face_matcher="mobile_api.engines.face_sface:create",
    second_face_matcher="",
    environment="production",
)


@pytest.fixture(scope="module")
def workers() -> Iterator[Workers]:
    pool = Workers(NAMES, PoolLimits(workers=1, job_seconds=120.0))
    yield pool
    pool.close()


def measured(workers: Workers, clip: bytes) -> LivenessReading:
    return asyncio.run(workers.measure_clip(clip, SCRIPT))


def judged(reading: LivenessReading) -> LivenessVerdict:
    return evaluate(reading, SCRIPT, LivenessLimits())


def failed(verdict: LivenessVerdict) -> set[str]:
    return {one.name for one in verdict.checks if one.verdict is Verdict.FAIL}


def test_a_living_head_passes_and_gives_its_neutral_frame(workers: Workers) -> None:
    clip = scenes.clip(scenes.live(SCRIPT, SEED))
    reading = measured(workers, clip)
    assert judged(reading).verdict is Verdict.PASS, judged(reading)
    assert reading.neutral not in {frame.picture for frame in read_clip(clip).frames}
    assert len(reading.neutral_faces) == 1
    assert len(reading.at_rest) == 4
    assert min(reading.at_rest) > 0.8
    assert reading.neutral_faces[0] >= 80
    assert all(frame.shape is None or not frame.shape.points.size
               for frame in reading.frames)  # fmt: skip


def test_a_mirrored_film_is_judged_by_the_persons_own_sides(workers: Workers) -> None:
    shots = scenes.live(SCRIPT, SEED)
    reading = measured(workers, scenes.clip(shots, mirrored=True))
    assert judged(reading).verdict is Verdict.PASS
    with Image.open(io.BytesIO(reading.neutral)) as neutral:
        turned_back = np.asarray(neutral.convert("L"), dtype=np.float32)
    alike = [np.asarray(Image.fromarray(one.image).convert("L"), dtype=np.float32)
             for one in shots if one.step == 0]  # fmt: skip
    apart = [float(np.abs(turned_back - one).mean()) for one in alike]
    assert min(apart) < 12


def test_a_film_that_hides_that_it_is_mirrored_shows_the_other_side(
    workers: Workers,
) -> None:
    clip = read_clip(scenes.clip(scenes.live(SCRIPT, SEED), mirrored=True))
    verdict = judged(measured(workers, write_clip(replace(clip, mirrored=False))))
    assert verdict.verdict is Verdict.FAIL
    assert verdict.advice[0] == "other-side"


@pytest.mark.parametrize(
    ("kind", "check"),
    [
        ("frozen", "frozen"),
        ("flat_mask", "order"),
        ("bent_mask", "order"),
        ("screen", "order"),
        ("replayed", "order"),
        ("reordered", "order"),
        ("spliced", "jump"),
        ("other_person", "same-face"),
        ("slowed", "timing"),
        ("sped_up", "timing"),
        ("two_faces", "one-face"),
    ],
)
def test_an_attack_fails_by_the_check_that_is_there_for_it(
    workers: Workers, kind: str, check: str
) -> None:
    shots = scenes.ATTACKS[kind](SCRIPT, SEED)
    verdict = judged(measured(workers, scenes.clip(shots)))
    assert verdict.verdict is Verdict.FAIL
    assert check in failed(verdict)
    assert verdict.advice


def test_frames_that_are_no_pictures_show_nobody(workers: Workers) -> None:
    large = io.BytesIO()
    Image.new("RGB", (3000, 10)).save(large, "JPEG")
    pictures = [b"\xff\xd8", b"\xff\xd8\xff\xe0 not", large.getvalue()] * 5
    frames = tuple(
        Frame(at=100 * n, step=min(n // 3, 4), picture=picture)
        for n, picture in enumerate(pictures)
    )
    clip = write_clip(Clip(session="s", mirrored=False, frames=frames))
    reading = measured(workers, clip)
    assert [frame.faces for frame in reading.frames] == [0] * 15
    assert judged(reading).verdict is Verdict.FAIL


def test_bytes_that_are_no_clip_cost_a_job_and_nothing_more(workers: Workers) -> None:
    with pytest.raises(JobFailed, match="ClipInvalid"):
        measured(workers, b"nothing")


def test_the_worker_stays_within_its_memory(workers: Workers) -> None:
    resident = asyncio.run(workers.run(resident_after))
    assert resident < 600 * 1024 * 1024


def resident_after() -> int:
    from mobile_api.engines.worker import resident_bytes  # noqa: PLC0415

    return resident_bytes()


@pytest.mark.parametrize("role", ["landmarks", "face_matcher", "passive_check"])
def test_without_an_engine_that_is_named_nobody_passes(role: str) -> None:
    names = replace(NAMES, **{role: "mobile_api.engines.nowhere:create"})
    pool = Workers(names, PoolLimits(workers=1))
    try:
        with pytest.raises(EngineDisabled, match="nowhere"):
            measured(pool, scenes.clip(scenes.live(SCRIPT, SEED)[:10]))
    finally:
        pool.close()
