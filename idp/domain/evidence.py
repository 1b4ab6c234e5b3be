"""What a proofing decision rests on: digests for good, pictures for a short while.

    kept --(decision, or its time is over)--> wiped: the picture is gone

A record names the kind of evidence, the digest of what was judged, the engine with
its version and model, and the scores (sealed). The picture itself, where a later
step still needs it (the portrait of the document, until the face is compared), is
sealed beside it and wiped at the decision, within hours at most.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from hashlib import sha256

import orjson
from sqlmodel import BigInteger, Column, Field, Index, LargeBinary, SQLModel

from idp.errors import EvidenceInsufficient
from idp.interfaces import Clock
from idp.storage.columns import new_id, to_millis
from idp.storage.encryption import Sealer
from idp.storage.store import Transaction

SWEEP = 200


class EvidenceKind(StrEnum):
    """What was looked at."""

    DOCUMENT = "document"
    ZONE = "zone"
    PORTRAIT = "portrait"
    REGISTER = "register"
    FACE = "face"
    LIVENESS = "liveness"
    DECISION = "decision"


class Evidence(SQLModel, table=True):
    """One thing that was judged. Instants are milliseconds."""

    __tablename__ = "evidence"
    __table_args__ = (
        Index("evidence_registration", "registration_id", "kind", "at"),
        Index("evidence_wipe", "wipe_at"),
    )
    id: str = Field(primary_key=True)
    registration_id: str
    account_id: str | None = Field(default=None, index=True)
    kind: str
    at: int = Field(sa_column=Column(BigInteger, nullable=False))
    engine: str
    model_hash: str
    digest: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    facts: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    picture: bytes | None = Field(sa_column=Column(LargeBinary, nullable=True))
    wipe_at: int | None = Field(sa_column=Column(BigInteger, nullable=True))


@dataclass(frozen=True, slots=True)
class Engine:
    """Who judged: a name with its version, and the SHA-256 (hex) of its model."""

    name: str
    version: str
    model_hash: str = ""


@dataclass(frozen=True, slots=True)
class EvidenceRecord:
    """A record as reviewers read it. `at` is in milliseconds."""

    id: str
    registration_id: str
    kind: str
    at: int
    engine: str
    digest: bytes
    facts: dict[str, object]
    has_picture: bool


@dataclass(frozen=True, slots=True)
class Proofing:
    """The checks that an account rests on: of each kind the latest.

    `register` is there only when the register agreed with every field.
    """

    registration_id: str = ""
    document: EvidenceRecord | None = None
    register: EvidenceRecord | None = None
    face: EvidenceRecord | None = None

    @property
    def finished_at(self) -> int:
        """When the last of the checks was done, in milliseconds; 0 without one."""
        records = (self.document, self.register, self.face)
        return max((one.at for one in records if one is not None), default=0)


INSERT = (
    "INSERT INTO evidence (id, registration_id, account_id, kind, at, engine,"
    " model_hash, digest, facts, picture, wipe_at)"
    " VALUES ($1, $2, NULL, $3, $4, $5, $6, $7, $8, $9, $10)"
)
# A picture whose time is over is gone, whether or not somebody has swept.
PICTURES = (
    "SELECT id, picture FROM evidence"
    " WHERE registration_id = $1 AND kind = $2 AND picture IS NOT NULL"
    " AND wipe_at > $3 ORDER BY at DESC, id LIMIT $4"
)
WIPE_OLDER = (
    "UPDATE evidence SET picture = NULL, wipe_at = NULL WHERE registration_id = $1"
    " AND kind = $2 AND picture IS NOT NULL AND id NOT IN (SELECT id FROM evidence"
    " WHERE registration_id = $1 AND kind = $2 AND picture IS NOT NULL"
    " ORDER BY at DESC, id LIMIT $3)"
)
OF_REGISTRATION = (
    "SELECT id, registration_id, kind, at, engine, digest, facts, picture"
    " FROM evidence WHERE registration_id = $1 ORDER BY at, id"
)
OF_ACCOUNT = (
    "SELECT id, registration_id, kind, at, engine, digest, facts, picture"
    " FROM evidence WHERE account_id = $1 ORDER BY at, id"
)
WIPE = (
    "UPDATE evidence SET picture = NULL, wipe_at = NULL"
    " WHERE registration_id = $1 AND wipe_at IS NOT NULL"
)
WIPE_DUE = (
    "UPDATE evidence SET picture = NULL, wipe_at = NULL WHERE id IN"
    " (SELECT id FROM evidence WHERE wipe_at <= $1 LIMIT $2)"
)
ATTACH = "UPDATE evidence SET account_id = $2 WHERE registration_id = $1"
OUTDATE = (
    "DELETE FROM evidence"
    " WHERE registration_id = $1 AND kind = $2 AND account_id IS NULL"
)
FORGET = "DELETE FROM evidence WHERE registration_id = $1 AND account_id IS NULL"


def _facts_context(record_id: str) -> str:
    return f"evidence.facts:{record_id}"


def _picture_context(record_id: str) -> str:
    return f"evidence.picture:{record_id}"


@dataclass(frozen=True, slots=True)
class EvidenceBox:
    """Keep evidence, read the picture a later step needs, wipe pictures."""

    clock: Clock
    sealer: Sealer
    retention: timedelta

    async def keep(
        self,
        tx: Transaction,
        registration_id: str,
        kind: EvidenceKind,
        *,
        judged: bytes,
        engine: Engine,
        facts: Mapping[str, object],
        picture: bytes | None = None,
        most: int = 1,
    ) -> None:
        """Record what was judged (its digest) and keep `picture`, sealed, for later.

        Of one kind the `most` latest pictures are kept.
        """
        now, record_id = self.clock.now(), new_id()
        sealed = self.sealer.seal(
            orjson.dumps(dict(facts)), context=_facts_context(record_id)
        )
        hidden = wipe_at = None
        if picture is not None:
            await tx.run(WIPE_OLDER, registration_id, kind.value, most - 1)
            hidden = self.sealer.seal(picture, context=_picture_context(record_id))
            wipe_at = to_millis(now + self.retention)
        who = (f"{engine.name} {engine.version}", engine.model_hash)
        head = (record_id, registration_id, kind.value, to_millis(now), *who)
        digest = sha256(judged).digest()
        await tx.run(INSERT, *head, digest, sealed, hidden, wipe_at)

    async def picture(
        self, tx: Transaction, registration_id: str, kind: EvidenceKind
    ) -> bytes:
        """Return the picture kept last; raises EvidenceInsufficient once wiped."""
        found = await self.pictures(tx, registration_id, kind, most=1)
        if not found:
            raise EvidenceInsufficient(kind.value, advice=("take-again",))
        return found[0]

    async def pictures(
        self, tx: Transaction, registration_id: str, kind: EvidenceKind, *, most: int
    ) -> list[bytes]:
        """Return the latest pictures of a kind that are still kept, newest first."""
        now = to_millis(self.clock.now())
        rows = await tx.all(PICTURES, registration_id, kind.value, now, most)
        return [self._opened(*row) for row in rows]

    async def of_registration(
        self, tx: Transaction, registration_id: str
    ) -> list[EvidenceRecord]:
        """Return the records of a registration, oldest first."""
        rows = await tx.all(OF_REGISTRATION, registration_id)
        return [self._record(*row) for row in rows]

    async def proofing(self, tx: Transaction, account_id: str) -> Proofing:
        """Return the checks that an account rests on; digests and facts stay."""
        rows = await tx.all(OF_ACCOUNT, account_id)
        return proofing_of([self._record(*row) for row in rows])

    async def wipe(self, tx: Transaction, registration_id: str) -> None:
        """Wipe every picture of a registration: it has been decided."""
        await tx.run(WIPE, registration_id)

    async def outdate(
        self, tx: Transaction, registration_id: str, *kinds: EvidenceKind
    ) -> None:
        """Delete what was judged of something else than is claimed from now on."""
        for kind in kinds:
            await tx.run(OUTDATE, registration_id, kind.value)

    async def attach(
        self, tx: Transaction, registration_id: str, *, account_id: str
    ) -> None:
        """Say whose evidence it is, once the account is open."""
        await tx.run(ATTACH, registration_id, account_id)

    async def forget(self, tx: Transaction, registration_id: str) -> None:
        """Delete the evidence of a registration that led to no account."""
        await tx.run(FORGET, registration_id)

    async def sweep(self, tx: Transaction) -> int:
        """Wipe a batch of pictures whose time is over; return how many."""
        return await tx.run(WIPE_DUE, to_millis(self.clock.now()), SWEEP)

    def _opened(self, record_id: object, sealed: object) -> bytes:
        assert isinstance(sealed, bytes)
        return self.sealer.open(sealed, context=_picture_context(str(record_id)))

    def _record(self, record_id: object, *columns: object) -> EvidenceRecord:
        registration_id, kind, at, engine, digest, facts, picture = columns
        assert isinstance(at, int)
        assert isinstance(digest, bytes)
        assert isinstance(facts, bytes)
        opened = self.sealer.open(facts, context=_facts_context(str(record_id)))
        return EvidenceRecord(
            id=str(record_id),
            registration_id=str(registration_id),
            kind=str(kind),
            at=at,
            engine=str(engine),
            digest=digest,
            facts=orjson.loads(opened),
            has_picture=picture is not None,
        )


def proofing_of(records: Sequence[EvidenceRecord]) -> Proofing:
    """Return what the latest registration rests on, of records in their order. Pure."""
    if not records:
        return Proofing()
    registration_id = records[-1].registration_id
    last = {one.kind: one for one in records if one.registration_id == registration_id}
    register = last.get(EvidenceKind.REGISTER)
    agreed = register is not None and register.facts.get("incorrect_fields") == []
    return Proofing(
        registration_id=registration_id,
        document=last.get(EvidenceKind.PORTRAIT),
        register=register if agreed else None,
        face=last.get(EvidenceKind.FACE),
    )
