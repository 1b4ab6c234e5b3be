"""The faces of accounts, as numbers, sealed.

An embedding is kept when an account is opened, renewed or recovered: recovery compares
the living face with it, and a new registration looks for faces that have an account
already. Each row says which engine made it; engines are never compared with each other.
What is forgotten loses its numbers and keeps its row, so that every index hears of it.
"""

from dataclasses import dataclass
from typing import Final

from sqlmodel import BigInteger, Column, Field, Index, LargeBinary, SQLModel

from idp.interfaces import Clock
from idp.storage.columns import new_id, to_millis
from idp.storage.encryption import Sealer
from idp.storage.store import Row, Transaction

BATCH: Final = 2000


class FaceEnrolmentRow(SQLModel, table=True):
    """One kept face. Instants in milliseconds; `sealed` is None once forgotten."""

    __tablename__ = "face_enrolment"
    __table_args__ = (
        Index("face_enrolment_account", "account_id", "made_at"),
        Index("face_enrolment_changed", "changed_at", "id"),
    )
    id: str = Field(primary_key=True)
    account_id: str
    engine: str
    sealed: bytes | None = Field(
        default=None, sa_column=Column(LargeBinary, nullable=True)
    )
    made_at: int = Field(sa_column=Column(BigInteger, nullable=False))
    changed_at: int = Field(sa_column=Column(BigInteger, nullable=False))


@dataclass(frozen=True, slots=True)
class FaceEnrolment:
    """A kept face: 128 little-endian floats, empty once forgotten. Milliseconds."""

    id: str
    account_id: str
    engine: str
    embedding: bytes
    changed_at: int


INSERT = (
    "INSERT INTO face_enrolment (id, account_id, engine, sealed, made_at, changed_at)"
    " VALUES ($1, $2, $3, $4, $5, $5)"
)
FORGET_OLDER = (
    "UPDATE face_enrolment SET sealed = NULL, changed_at = $4"
    " WHERE account_id = $1 AND engine = $2 AND id <> $3 AND sealed IS NOT NULL"
)
FORGET = (
    "UPDATE face_enrolment SET sealed = NULL, changed_at = $2"
    " WHERE account_id = $1 AND sealed IS NOT NULL"
)
_FOUND = "SELECT id, account_id, engine, sealed, changed_at FROM face_enrolment WHERE "
OF_ACCOUNT = _FOUND + "account_id = $1 AND sealed IS NOT NULL ORDER BY made_at, id"
SINCE = (
    _FOUND + "(changed_at > $1 OR (changed_at = $1 AND id > $2))"
    " ORDER BY changed_at, id LIMIT $3"
)


@dataclass(frozen=True, slots=True)
class FaceEnrolments:
    """Keep faces, forget them, read them in the order in which they changed."""

    clock: Clock
    sealer: Sealer

    async def keep(
        self, tx: Transaction, account_id: str, *, engine: str, embedding: bytes
    ) -> str:
        """Keep a face in the place of the account's last by this engine."""
        found, now = new_id(), to_millis(self.clock.now())
        sealed = self.sealer.seal(embedding, context=_context(found))
        await tx.run(INSERT, found, account_id, engine, sealed, now)
        await tx.run(FORGET_OLDER, account_id, engine, found, now)
        return found

    async def of_account(self, tx: Transaction, account_id: str) -> list[FaceEnrolment]:
        """Return the kept faces of an account, one for each engine."""
        return [self._read(row) for row in await tx.all(OF_ACCOUNT, account_id)]

    async def since(
        self, tx: Transaction, changed_at: int, after: str = ""
    ) -> list[FaceEnrolment]:
        """Return a batch of what changed later than that, in order; also what went."""
        rows = await tx.all(SINCE, changed_at, after, BATCH)
        return [self._read(row) for row in rows]

    async def forget(self, tx: Transaction, account_id: str) -> None:
        """Forget every face of an account."""
        await tx.run(FORGET, account_id, to_millis(self.clock.now()))

    def _read(self, row: Row) -> FaceEnrolment:
        found, account_id, engine, sealed, changed_at = row
        embedding = b""
        if isinstance(sealed, bytes):
            embedding = self.sealer.open(sealed, context=_context(str(found)))
        return FaceEnrolment(
            id=str(found),
            account_id=str(account_id),
            engine=str(engine),
            embedding=embedding,
            changed_at=int(changed_at or 0),
        )


def _context(enrolment_id: str) -> str:
    return f"face:{enrolment_id}"
