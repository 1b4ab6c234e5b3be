"""A worker with every engine that ships, through every kind of job."""

import asyncio
import os
from datetime import date

from camdigikey.demo.run import SPECIMENS
from mobile_api.engines import EngineNames, PoolLimits, Workers
from mobile_api.engines.worker import resident_bytes
from tests.specimens import liveness_scenes as scenes

TODAY = date(2026, 11, 23)
DOUBTFUL = {"sface": (0.0, 1.1)}  # whatever it says: the second engine is asked
SCRIPT = scenes.script_of("smile", "turn_left", "blink", hold_ms=1600, neutral_ms=1300)


def held() -> tuple[int, int]:
    return os.getpid(), resident_bytes()


def test_a_worker_with_every_engine_serves_job_after_job_and_stays_small() -> None:
    """Or each job would cost the loading of all engines again."""
    card = (SPECIMENS / "sreypov-card.jpg").read_bytes()
    clip = scenes.clip(scenes.live(SCRIPT, 2))

    async def walk(workers: Workers) -> None:
        first, _ = await workers.run(held)
        for _ in range(2):
            read = await workers.read_document(card, today=TODAY)
            seen = await workers.measure_clip(clip, SCRIPT)
            assert read.portrait is not None
            found = await workers.compare_faces(
                document=read.portrait, selfie=seen.neutral, doubts=DOUBTFUL
            )
            assert found.second is not None
        process, resident = await workers.run(held)
        assert process == first
        assert resident < 600 * 1024 * 1024

    pool = Workers(EngineNames(), PoolLimits(workers=1, job_seconds=120.0))
    try:
        asyncio.run(walk(pool))
    finally:
        pool.close()
