"""The inside of a worker process: load the engines once, then answer jobs.

    parent --(work, args)--> worker --Done | Failed, resident bytes--> parent

Started by spawn, never by fork: dlib and OpenCV keep threads and locks.
"""

import contextlib
import ctypes
import os
import resource
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from mobile_api.engines.loading import DisabledEngine, load_engine
from mobile_api.interfaces import (
    Engine,
    FaceMatcher,
    FaceTracker,
    MrzReader,
    PassiveCheck,
)

ONE_THREAD = ("OMP_THREAD_LIMIT", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineNames:
    """Which engines the workers load (`module:factory`), and where they run.

    An empty name means that there is no such engine here.
    """

    mrz_reader: str = "mobile_api.engines.mrz_fixed_pitch:create"
    face_matcher: str = "mobile_api.engines.face_sface:create"
    second_face_matcher: str = "mobile_api.engines.face_dlib:create"
    landmarks: str = "mobile_api.engines.landmarks_mediapipe:create"
    passive_check: str = ""
    environment: str = "development"


@dataclass(frozen=True, slots=True)
class Ready:
    """The first word of a worker: its engines by role, loaded or disabled."""

    engines: Mapping[str, Engine | DisabledEngine]

    @property
    def mrz_reader(self) -> Engine | DisabledEngine:
        """Return what reads zones."""
        return self.engines["mrz_reader"]

    @property
    def face_matcher(self) -> Engine | DisabledEngine:
        """Return what compares faces."""
        return self.engines["face_matcher"]


@dataclass(frozen=True, slots=True)
class Done:
    """A job's value and the memory that the worker holds after it."""

    value: Any
    resident: int


@dataclass(frozen=True, slots=True)
class Failed:
    """A job raised: the name of the exception only, never its text or data."""

    kind: str
    resident: int


NONE_YET = DisabledEngine("", "no engine is loaded in this process")
NOT_NAMED = DisabledEngine("", "no engine is named")


@dataclass(frozen=True, slots=True)
class Engines:
    """The engines of this process."""

    mrz_reader: MrzReader | DisabledEngine = NONE_YET
    face_matcher: FaceMatcher | DisabledEngine = NONE_YET
    second_face_matcher: FaceMatcher | DisabledEngine = NONE_YET
    landmarks: FaceTracker | DisabledEngine = NONE_YET
    passive_check: PassiveCheck | DisabledEngine = NONE_YET


PROTOCOLS: Mapping[str, type[Any]] = {
    "mrz_reader": MrzReader,
    "face_matcher": FaceMatcher,
    "second_face_matcher": FaceMatcher,
    "landmarks": FaceTracker,
    "passive_check": PassiveCheck,
}
_engines = Engines()


def engines() -> Engines:
    """Return the engines of this process."""
    return _engines


def main(pipe: Connection, names: EngineNames, hard_limit: int) -> None:
    """Serve jobs until the parent hangs up."""
    os.setsid()  # so that the parent can end tesseract along with this process
    resource.setrlimit(resource.RLIMIT_DATA, (hard_limit, hard_limit))
    for name in ONE_THREAD:
        os.environ[name] = "1"  # noqa: TID251 - this process's own, for tesseract
    warnings.simplefilter("ignore")
    pipe.send(prepare(names))
    while True:
        try:
            work, arguments = pipe.recv()
        except EOFError:
            return
        pipe.send(_answer(work, arguments))


def prepare(names: EngineNames) -> Ready:
    """Load the engines of this process."""
    global _engines  # noqa: PLW0603 - a worker is one process with one set of engines
    import cv2  # noqa: PLC0415 - only after the thread limits are set

    cv2.setNumThreads(1)
    loaded = {role: _load(role, names) for role in PROTOCOLS}
    _engines = Engines(**loaded)
    return Ready({role: _status(engine) for role, engine in loaded.items()})


def resident_bytes() -> int:
    """Return the resident set of this process (Linux)."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize()


def _load(role: str, names: EngineNames) -> Any:
    """Return the engine of a role; a role without a name has none, by choice."""
    entry = getattr(names, role)
    if not entry:
        return NOT_NAMED
    return load_engine(entry, PROTOCOLS[role], environment=names.environment)


def _status(engine: Any) -> Engine | DisabledEngine:
    found: Engine | DisabledEngine = (
        engine if isinstance(engine, DisabledEngine) else engine.engine
    )
    return found


def _answer(work: Callable[..., Any], arguments: tuple[Any, ...]) -> Done | Failed:
    try:
        value = work(*arguments)
    except Exception as problem:  # noqa: BLE001 - the parent gets the kind of it
        kind = type(problem).__name__
    else:
        return Done(value, _resident_after_all())
    return Failed(kind, _resident_after_all())


def _resident_after_all() -> int:
    """Return the resident set once what a job has freed is given back (1 to 2 ms).

    The allocator keeps some 150 MiB of a picture's buffers otherwise, and a worker
    would be replaced after each job for what it does not hold.
    """
    with contextlib.suppress(OSError, AttributeError):  # another C library
        ctypes.CDLL(None).malloc_trim(0)
    return resident_bytes()
