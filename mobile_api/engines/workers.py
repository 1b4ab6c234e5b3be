"""A few processes that do the image work, so that a login never waits for a picture.

    run() --> full? PoolBusy --> a free slot --> worker (spawned on first use)
                                  too slow: killed and replaced, JobTimedOut
                                  died: replaced, JobFailed

Each slot is one thread that talks to one process; a worker is replaced after a
number of jobs or when it has grown too large.
"""

import asyncio
import contextlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from queue import SimpleQueue
from typing import Any, TypeVar

from idp.domain.liveness_sessions import Script
from mobile_api.engines import document_jobs, face_jobs, liveness_jobs
from mobile_api.engines.loading import DisabledEngine
from mobile_api.engines.worker import Done, EngineNames, Failed, Ready, main
from mobile_api.interfaces import DocumentReading, FaceReading, LivenessReading

T = TypeVar("T")
NO_DOUBT = face_jobs.NO_DOUBT
SPAWN = multiprocessing.get_context("spawn")


class EngineProblem(Exception):
    """Say why image work has no result; never the fault of the picture."""


class PoolBusy(EngineProblem):
    """Say that too many jobs wait; ask again in `retry_after` seconds."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"busy, again in {retry_after} s")
        self.retry_after = retry_after


class JobTimedOut(EngineProblem):
    """Say that a job took too long and its worker was ended."""


class JobFailed(EngineProblem):
    """Say that a job raised, or that its worker died; `kind` is a class name."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


class EngineDisabled(EngineProblem):
    """Say that the engine could not be loaded, and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolLimits:
    """How much the pool may take: counts, seconds and bytes."""

    workers: int = 2
    waiting: int = 8
    job_seconds: float = 20.0
    start_seconds: float = 60.0
    jobs_per_worker: int = 200
    resident: int = 600 * 1024 * 1024
    hard_limit: int = 2 * 1024 * 1024 * 1024
    retry_after: int = 5


@dataclass(slots=True)
class _Slot:
    """One worker process, as seen by the one thread that uses it."""

    names: EngineNames
    limits: PoolLimits
    process: SpawnProcess | None = None
    pipe: Connection | None = None
    ready: Ready | None = None
    jobs_done: int = 0

    def start(self) -> Ready:
        """Return the worker's first word, launching it when there is none."""
        if self.process is None or not self.process.is_alive():
            self.replace()
        if self.ready is None:
            self.ready = self._receive(self.limits.start_seconds)
        return self.ready

    def replace(self) -> None:
        """Launch a new worker; it loads its engines while nobody waits for it."""
        self.stop()
        self.pipe, theirs = SPAWN.Pipe()
        self.process = SPAWN.Process(
            target=main,
            args=(theirs, self.names, self.limits.hard_limit),
            daemon=True,
            name="camdigikey-images",
        )
        self.process.start()
        theirs.close()
        self.jobs_done = 0

    def call(self, work: Callable[..., T], arguments: tuple[Any, ...]) -> T:
        """Run one job; whatever goes wrong with the worker, the next one is new."""
        self.start()
        try:
            answer = self._ask(work, arguments)
        except EngineProblem:
            self.replace()
            raise
        self.jobs_done += 1
        worn = self.jobs_done >= self.limits.jobs_per_worker
        if worn or answer.resident > self.limits.resident:
            self.replace()
        if isinstance(answer, Failed):
            raise JobFailed(answer.kind)
        value: T = answer.value
        return value

    def _ask(self, work: Callable[..., T], arguments: tuple[Any, ...]) -> Done | Failed:
        assert self.pipe is not None
        try:
            self.pipe.send((work, arguments))
        except OSError:
            raise JobFailed("WorkerDied") from None
        answer: Done | Failed = self._receive(self.limits.job_seconds)
        return answer

    def _receive(self, seconds: float) -> Any:
        assert self.pipe is not None
        try:
            if self.pipe.poll(seconds):
                return self.pipe.recv()
        except (EOFError, OSError):
            self.stop()
            raise JobFailed("WorkerDied") from None
        self.stop()
        raise JobTimedOut

    def stop(self) -> None:
        """End the worker and what it started (tesseract shares its process group)."""
        process, self.process, self.ready = self.process, None, None
        if self.pipe is not None:
            self.pipe.close()
            self.pipe = None
        if process is None or process.pid is None:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.kill()
        process.join()
        process.close()


@dataclass(slots=True)
class Workers:
    """The one gate from the event loop to image work. Make one for each server.

    Nothing is started before `warm()` or the first job.
    """

    names: EngineNames = field(default_factory=EngineNames)
    limits: PoolLimits = field(default_factory=PoolLimits)
    _threads: ThreadPoolExecutor = field(init=False)
    _slots: list[_Slot] = field(init=False)
    _free: SimpleQueue[_Slot] = field(init=False, default_factory=SimpleQueue)
    _count: int = field(init=False, default=0)
    _lock: threading.Lock = field(init=False, default_factory=threading.Lock)
    _closed: bool = field(init=False, default=False)

    def __post_init__(self) -> None:
        self._threads = ThreadPoolExecutor(self.limits.workers, "images")
        self._slots = [
            _Slot(self.names, self.limits) for _ in range(self.limits.workers)
        ]
        for slot in self._slots:
            self._free.put(slot)

    async def read_document(self, picture: bytes, *, today: date) -> DocumentReading:
        """Read the zone and find the portrait. Raises EngineProblem."""
        return _enabled(await self.run(document_jobs.read_document, picture, today))

    async def compare_faces(
        self, *, document: bytes, selfie: bytes, doubts: face_jobs.Doubts = NO_DOUBT
    ) -> FaceReading:
        """Compare the face on a document with a selfie. Raises EngineProblem."""
        work = self.run(face_jobs.compare_faces, document, selfie, dict(doubts))
        return _enabled(await work)

    async def measure_clip(self, clip: bytes, script: Script) -> LivenessReading:
        """Measure a clip by the script that was told. Raises EngineProblem."""
        return _enabled(await self.run(liveness_jobs.measure_clip, clip, script))

    async def run(self, work: Callable[..., T], *arguments: object) -> T:
        """Run a module-level function in a worker.

        Raises PoolBusy at once when too many wait, JobTimedOut, or JobFailed.
        """
        with self._lock:
            if self._count >= self.limits.workers + self.limits.waiting:
                raise PoolBusy(self.limits.retry_after)
            self._count += 1
        future = self._threads.submit(self._on_slot, _Slot.call, work, arguments)
        future.add_done_callback(self._finished)
        return await asyncio.wrap_future(future)

    def warm(self) -> None:
        """Start the workers in the background and return at once."""
        for _ in self._slots:
            self._threads.submit(self._on_slot, _Slot.start)

    def disabled_engines(self) -> list[str]:
        """Return the entries that could not be loaded, as far as workers are up."""
        ready = self.health()
        engines = () if ready is None else ready.engines.values()
        disabled = (e.entry for e in engines if isinstance(e, DisabledEngine))
        return [entry for entry in disabled if entry]

    def health(self) -> Ready | None:
        """Return the engines of a running worker; None while none is up."""
        return next((slot.ready for slot in self._slots if slot.ready), None)

    def close(self) -> None:
        """End the workers, whatever they are doing."""
        self._closed = True
        self._threads.shutdown(wait=False, cancel_futures=True)
        for slot in self._slots:
            if slot.process is not None and slot.process.pid is not None:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(slot.process.pid, signal.SIGKILL)
        self._threads.shutdown(wait=True)
        for slot in self._slots:
            slot.stop()

    def _finished(self, _: Future[Any]) -> None:
        with self._lock:
            self._count -= 1

    def _on_slot(self, what: Callable[..., T], *arguments: object) -> T:
        """Use a free slot; there are as many threads as slots, so one is free."""
        if self._closed:
            raise JobFailed("PoolClosed")
        slot = self._free.get()
        try:
            return what(slot, *arguments)
        finally:
            self._free.put(slot)


def _enabled(value: T | DisabledEngine) -> T:
    if isinstance(value, DisabledEngine):
        raise EngineDisabled(f"{value.entry}: {value.reason}")
    return value
