"""Loading engines, and the pool that runs them."""

import asyncio
import contextlib
import ctypes
import os
import time
from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path

import pytest

from mobile_api.engines import (
    DevelopmentModeWarning,
    DisabledEngine,
    EngineDisabled,
    EngineNames,
    JobFailed,
    JobTimedOut,
    PoolBusy,
    PoolLimits,
    Workers,
    load_engine,
)
from mobile_api.engines.development import development_picture
from mobile_api.images import Advice
from mobile_api.interfaces import FaceMatcher, MrzReader
from tests.specimens.persons import SREYPOV, td1

TODAY = date(2026, 11, 23)
MRZ = "mobile_api.engines.development:create_mrz_reader"
FACE = "mobile_api.engines.development:create_face_matcher"
NAMES = EngineNames(mrz_reader=MRZ, face_matcher=FACE)


@contextlib.asynccontextmanager
async def pool(
    limits: PoolLimits | None = None, names: EngineNames = NAMES
) -> AsyncIterator[Workers]:
    workers = Workers(names, limits or PoolLimits(workers=1))
    try:
        yield workers
    finally:
        workers.close()


def pid() -> int:
    return os.getpid()


def sleep_with_a_child(file: str) -> None:
    child = os.spawnlp(os.P_NOWAIT, "sleep", "sleep", "600")
    Path(file).write_text(str(child), encoding="ascii")
    time.sleep(600)


def is_gone(process: str) -> bool:
    """Whether a process has ended (a zombie has)."""
    stat = Path(f"/proc/{process}/stat")
    return not stat.exists() or ") Z " in stat.read_text(encoding="ascii")


def leave_by_the_back_door() -> None:
    ctypes.string_at(0)


def complain() -> None:
    raise LookupError("012345678")


def eat(size: int) -> int:
    return len(bytearray(size))


def keep(size: int) -> int:
    globals()["kept"] = b"x" * size
    return os.getpid()


def threads_allowed() -> str | None:
    return os.environ.get("OMP_THREAD_LIMIT")


def test_a_development_engine_is_loud_and_refuses_production() -> None:
    with pytest.warns(DevelopmentModeWarning):
        engine = load_engine(MRZ, MrzReader, environment="development")
    assert isinstance(engine, MrzReader)
    refused = load_engine(FACE, FaceMatcher, environment="production")
    assert isinstance(refused, DisabledEngine)
    assert "refuses production" in refused.reason


@pytest.mark.parametrize(
    "entry",
    ["", "no.such.module:create", "math:nothing", "math:sqrt", f"{__name__}:pid"],
)
def test_an_engine_that_cannot_be_loaded_is_kept_with_its_reason(entry: str) -> None:
    engine = load_engine(entry, MrzReader, environment="development")
    assert isinstance(engine, DisabledEngine)
    assert engine.reason


def test_an_engine_of_another_kind_is_not_taken() -> None:
    with pytest.warns(DevelopmentModeWarning):
        engine = load_engine(FACE, MrzReader, environment="development")
    assert engine == DisabledEngine(FACE, "is not a MrzReader")


def test_a_document_and_a_selfie_cross_the_pool_and_come_back_as_values() -> None:
    async def walk() -> None:
        async with pool() as workers:
            assert workers.health() is None
            card = development_picture(mrz=td1(SREYPOV), faces=("sreypov",))
            reading = await workers.read_document(card, today=TODAY)
            assert reading.zone.mrz is not None
            assert reading.zone.mrz.number == SREYPOV.number
            alike = development_picture(faces=("sreypov",))
            other = development_picture(faces=("dara",))
            for selfie, value in ((alike, 1.0), (other, 0.0)):
                seen = await workers.compare_faces(document=card, selfie=selfie)
                assert seen.similarity is not None
                assert seen.similarity.value == value
            broken = await workers.read_document(b"no picture", today=TODAY)
            assert broken.zone.advice == (Advice.FORMAT,)
            assert workers.health() is not None
            assert await workers.run(threads_allowed) == "1"

    asyncio.run(walk())


def test_a_job_that_takes_too_long_is_ended_with_all_it_started(tmp_path: Path) -> None:
    async def walk() -> None:
        async with pool(PoolLimits(workers=1, job_seconds=1.5)) as workers:
            before = await workers.run(pid)
            file = tmp_path / "child"
            with pytest.raises(JobTimedOut):
                await workers.run(sleep_with_a_child, str(file))
            assert await workers.run(pid) != before
            assert is_gone(file.read_text(encoding="ascii"))

    asyncio.run(walk())


def test_a_worker_that_dies_fails_its_job_and_is_replaced() -> None:
    async def walk() -> None:
        async with pool() as workers:
            with pytest.raises(JobFailed, match="WorkerDied"):
                await workers.run(leave_by_the_back_door)
            assert await workers.run(pid) != os.getpid()

    asyncio.run(walk())


def test_only_the_kind_of_an_exception_leaves_the_worker() -> None:
    async def walk() -> None:
        async with pool(PoolLimits(workers=1, hard_limit=1 << 30)) as workers:
            with pytest.raises(JobFailed) as caught:
                await workers.run(complain)
            assert str(caught.value) == "LookupError"
            assert caught.value.__cause__ is None
            with pytest.raises(JobFailed, match="MemoryError"):
                await workers.run(eat, 2 << 30)

    asyncio.run(walk())


def test_a_worker_is_replaced_when_it_is_worn_or_has_grown() -> None:
    async def walk() -> None:
        async with pool(PoolLimits(workers=1, jobs_per_worker=2)) as workers:
            seen = [await workers.run(pid) for _ in range(4)]
            assert seen[0] == seen[1] != seen[2] == seen[3]
        async with pool(PoolLimits(workers=1, resident=400 << 20)) as workers:
            grown = await workers.run(keep, 400 << 20)
            assert await workers.run(pid) != grown

    asyncio.run(walk())


def test_a_full_pool_refuses_at_once_and_says_when_to_come_back() -> None:
    async def walk() -> None:
        limits = PoolLimits(workers=1, waiting=1, retry_after=7)
        async with pool(limits) as workers:
            jobs = [asyncio.ensure_future(workers.run(pid)) for _ in range(3)]
            done = await asyncio.gather(*jobs, return_exceptions=True)
            busy = [answer for answer in done if isinstance(answer, PoolBusy)]
            assert [refusal.retry_after for refusal in busy] == [7]
            assert await workers.run(pid) == done[0]

    asyncio.run(walk())


def test_an_engine_that_is_not_there_is_said_so_not_pretended() -> None:
    async def walk() -> None:
        names = EngineNames(mrz_reader="no.such:engine", face_matcher=FACE)
        async with pool(names=names) as workers:
            with pytest.raises(EngineDisabled, match=r"no\.such"):
                await workers.read_document(b"", today=TODAY)

    asyncio.run(walk())


def test_an_engine_that_cannot_be_loaded_is_named() -> None:
    names = EngineNames(
        mrz_reader="mobile_api.engines.nothing:create",
        face_matcher=NAMES.face_matcher,
        environment="development",
    )
    workers = Workers(names, PoolLimits(workers=1))
    try:
        assert workers.disabled_engines() == []
        with pytest.raises(EngineDisabled):
            asyncio.run(workers.read_document(b"x", today=date(2026, 1, 1)))
        assert workers.disabled_engines() == ["mobile_api.engines.nothing:create"]
    finally:
        workers.close()
