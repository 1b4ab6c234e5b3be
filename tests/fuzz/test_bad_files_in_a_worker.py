"""Bad files through the pool: each has its answer, and the worker outlives them all.

The zone is read by the pretending reader, which costs nothing; opening, advice and
their limits are the real ones. `PICTURE_MUTATIONS` (200) of each format.
"""

import asyncio
import os
from datetime import date

import pytest

from mobile_api.engines import EngineNames, PoolLimits, Workers
from mobile_api.engines.worker import resident_bytes
from mobile_api.images import Advice
from tests.specimens.bad_files import FORMATS, good, mutations

COUNT = int(os.environ.get("PICTURE_MUTATIONS", "200"))
TODAY = date(2026, 11, 23)
MOST_GROWTH = 150 << 20
NAMES = EngineNames(
    mrz_reader="mobile_api.engines.development:create_mrz_reader",
    face_matcher="mobile_api.engines.development:create_face_matcher",
    second_face_matcher="",
    landmarks="",
)


def held() -> tuple[int, int]:
    return os.getpid(), resident_bytes()


@pytest.mark.parametrize("kind", FORMATS)
def test_bad_files_are_answered_by_one_worker_that_does_not_grow(kind: str) -> None:
    async def walk(workers: Workers) -> None:
        await workers.read_document(good(kind), today=TODAY)
        before = await workers.run(held)
        seen: set[Advice] = set()
        for bad in mutations(kind, COUNT):
            reading = await workers.read_document(bad, today=TODAY)
            assert reading.zone.mrz is None
            assert reading.zone.advice, "a clear answer, whatever it was"
            seen |= set(reading.zone.advice)
        after = await workers.run(held)
        assert after[0] == before[0], "nothing killed it, nothing took its time"
        assert after[1] - before[1] < MOST_GROWTH
        assert len(seen) > 1

    limits = PoolLimits(workers=1, job_seconds=5.0, jobs_per_worker=10_000)
    workers = Workers(NAMES, limits)
    try:
        asyncio.run(walk(workers))
    finally:
        workers.close()
