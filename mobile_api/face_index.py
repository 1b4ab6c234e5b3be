"""Which accounts have a face like this one? An index in memory over the sealed rows.

    rows (sealed, in the database) ─follow─> vectors (in memory) ─search─> accounts

The index is made when it is first asked and follows the rows from then on: before each
search it reads what changed since, whoever wrote it. A hit is a signal for a reviewer,
never a refusal: twins exist. Nothing of it is ever written to a disk.

FAISS looks at every vector, kept as 16-bit floats (256 bytes each): nothing is missed,
and a million cost about 9 ms (docs/adr/0020), which the pace of registrations bears
many times over. What was forgotten is left out of the answers, and of the vectors when
it is more than a tenth.
"""

import asyncio
from dataclasses import dataclass, field
from typing import Any, Final

import faiss
import numpy as np

from idp.domain.face_enrolments import BATCH, FaceEnrolment
from idp.services import Services

DIMENSIONS: Final = 128
LOOKED_AT: Final = 16
MOST_GONE: Final = 0.1
LEAST_GONE: Final = 1000
OVERLAP_MS: Final = 60_000  # a slow transaction may commit an older instant later


@dataclass(frozen=True, slots=True)
class Match:
    """An account whose kept face is alike; the cosine, 0 to 1."""

    account_id: str
    similarity: float


def new_vectors() -> Any:
    """Return an empty list of unit vectors, searched by inner product."""
    faiss.omp_set_num_threads(1)  # a login must not wait for a search
    kind = faiss.ScalarQuantizer.QT_fp16
    return faiss.IndexScalarQuantizer(DIMENSIONS, kind, faiss.METRIC_INNER_PRODUCT)


@dataclass(slots=True)
class FaceIndex:
    """The kept faces of one engine. One for each process; safe for many tasks."""

    engine: str = "sface"
    _vectors: Any = field(default_factory=new_vectors, init=False)
    _rows: list[str] = field(default_factory=list, init=False)
    _alive: dict[str, str] = field(default_factory=dict, init=False)
    _at: int = field(default=0, init=False)
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock, init=False)

    async def search(
        self, services: Services, embedding: bytes, *, least: float, engine: str = ""
    ) -> tuple[Match, ...]:
        """Return the accounts with a face at least this much alike, the best first.

        `engine` made the embedding; when it is another than before, the index follows.
        """
        async with self._lock:
            if engine and engine != self.engine:
                self._begin(engine)
            await self._follow(services)
            return await asyncio.to_thread(self._search, embedding, least)

    @property
    def size(self) -> int:
        """Return how many faces can be found."""
        return len(self._alive)

    def _begin(self, engine: str) -> None:
        self.engine, self._at = engine, 0
        self._vectors, self._rows, self._alive = new_vectors(), [], {}

    async def _follow(self, services: Services) -> None:
        """Take in what changed, batch by batch, off the event loop."""
        at, after = max(0, self._at - OVERLAP_MS), ""
        while True:
            async with services.store.read() as tx:
                batch = await services.face_enrolments.since(tx, at, after)
            if batch:
                await asyncio.to_thread(self._take, batch)
                at, after = batch[-1].changed_at, batch[-1].id
            if len(batch) < BATCH:
                break
        self._at = max(self._at, at)
        gone = len(self._rows) - len(self._alive)
        if gone > max(LEAST_GONE, MOST_GONE * len(self._rows)):
            await asyncio.to_thread(self._compact)

    def _take(self, batch: list[FaceEnrolment]) -> None:
        new: list[FaceEnrolment] = []
        for one in batch:
            if one.engine != self.engine:
                continue
            if not one.embedding:
                self._alive.pop(one.id, None)
            elif one.id not in self._alive:
                self._alive[one.id] = one.account_id
                new.append(one)
        if new:
            self._vectors.add(np.stack([_vector(one.embedding) for one in new]))
            self._rows.extend(one.id for one in new)

    def _search(self, embedding: bytes, least: float) -> tuple[Match, ...]:
        if not self._rows:
            return ()
        values, places = self._nearest(_vector(embedding)[np.newaxis], least)
        best: dict[str, float] = {}
        for value, place in zip(values[0], places[0], strict=True):
            account_id = self._alive.get(self._rows[place]) if place >= 0 else None
            if account_id is not None and value >= least:
                best[account_id] = max(best.get(account_id, 0.0), float(value))
        ranked = sorted(best.items(), key=lambda item: -item[1])
        return tuple(Match(account_id, value) for account_id, value in ranked)

    def _nearest(self, asked: Any, least: float) -> tuple[Any, Any]:
        """Return cosines and places, as many as it takes to see past the forgotten."""
        wanted = LOOKED_AT
        while True:
            wanted = min(wanted, len(self._rows))
            values, places = self._vectors.search(asked, wanted)
            living = sum(self._rows[place] in self._alive for place in places[0])
            is_enough = living >= LOOKED_AT or values[0][-1] < least
            if is_enough or wanted == len(self._rows):
                return values, places
            wanted *= 4

    def _compact(self) -> None:
        """Keep the vectors that can still be found, and no others."""
        places = [n for n, found in enumerate(self._rows) if found in self._alive]
        kept = self._vectors.reconstruct_n(0, len(self._rows))[places]
        self._rows = [self._rows[place] for place in places]
        self._vectors = new_vectors()
        self._vectors.add(kept)


def alike(one: bytes, other: bytes) -> float:
    """Return the cosine of two embeddings of the same engine, not below 0. Pure."""
    return max(0.0, float(_vector(one) @ _vector(other)))


def _vector(embedding: bytes) -> Any:
    return np.frombuffer(embedding, dtype="<f4")
