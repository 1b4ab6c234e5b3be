"""What the mobile API needs beyond the provider's services: workers and the register.

Both stand behind Protocols, so that no endpoint knows a process pool or the bridge.
"""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from hashlib import sha256
from typing import Protocol

from idp.domain.evidence import Engine
from idp.domain.liveness_sessions import Script
from mobile_api.face_index import FaceIndex
from mobile_api.interfaces import DocumentReading, FaceReading, LivenessReading
from mobile_api.policy import ProofingPolicy


@dataclass(frozen=True, slots=True)
class RegisterAnswer:
    """What the national register said: agreed when no field is incorrect.

    `asked` is the digest of the details that it is an answer to (`question_digest`);
    `face_score` (0 to 1) is there when a living face was asked about.
    """

    incorrect_fields: tuple[str, ...]
    engine: Engine
    judged: Mapping[str, object]
    asked: bytes
    face_score: float | None = None


def question_digest(details: Mapping[str, str]) -> bytes:
    """Return what binds an answer to the details that were asked. Pure."""
    plain = json.dumps(dict(details), sort_keys=True, ensure_ascii=False)
    return sha256(plain.encode()).digest()


class RegisterAway(Exception):
    """The register did not answer; it has said nothing about the person.

    A permanent failure (we may not ask, the question was not understood) is for the
    operator to mend: the person waits all the same.
    """

    def __init__(self, reason: str, *, is_temporary: bool) -> None:
        super().__init__(reason)
        self.reason = reason
        self.is_temporary = is_temporary


class ImageWork(Protocol):
    """Measures pictures in other processes. Raises mobile_api.engines.EngineProblem."""

    async def read_document(self, picture: bytes, *, today: date) -> DocumentReading:
        """Read the zone and find the portrait of a document."""
        ...

    def disabled_engines(self) -> list[str]:
        """Return the entries of engines that could not be loaded."""
        ...

    async def compare_faces(
        self,
        *,
        document: bytes,
        selfie: bytes,
        doubts: Mapping[str, tuple[float, float]],
    ) -> FaceReading:
        """Compare the face of the portrait with that of a selfie.

        `doubts` says for an engine where a second one is to be asked.
        """
        ...

    async def measure_clip(self, clip: bytes, script: Script) -> LivenessReading:
        """Measure a clip (`mobile_api.clips`) by the script that was told."""
        ...


class NationalRegister(Protocol):
    """Compares what a person says with what the state knows."""

    async def verify(
        self, details: Mapping[str, str], *, face: bytes | None = None
    ) -> RegisterAnswer:
        """Compare the details, and a living face (JPEG) too; raises RegisterAway."""
        ...


@dataclass(frozen=True, slots=True)
class Backoff:
    """When an unanswered question is asked again: doubling, with jitter."""

    first: timedelta = timedelta(seconds=2)
    most: timedelta = timedelta(minutes=5)
    permanent: timedelta = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class MobileServices:
    """The mobile API's own services. `patience`: how long a call waits for it."""

    workers: ImageWork
    register: NationalRegister
    policy: ProofingPolicy = field(default_factory=ProofingPolicy)
    faces: FaceIndex = field(default_factory=FaceIndex)
    backoff: Backoff = Backoff()
    patience: timedelta = timedelta(seconds=4)
    tasks: set[asyncio.Task[bool]] = field(default_factory=set)
