"""What stays on record of a recovery: whose it is, by which way, and how it ended.

    open ──(the old phone says yes)──> approved ─┐
      └──────(document and face)─────────────────┴─> waiting ──> done
    open, approved, waiting ──(the old phone says no, or it stops)──> ended

The journey itself is a registration (registration_rows.py) with the same id; this row
is what other phones of the account may see, and it is never deleted.
"""

from dataclasses import dataclass
from enum import StrEnum

from sqlmodel import BigInteger, Column, Field, Index, LargeBinary, SQLModel

from idp.errors import NotFound, WrongStep
from idp.interfaces import Clock
from idp.storage.columns import to_millis
from idp.storage.encryption import Sealer
from idp.storage.store import Row, Transaction


class RecoveryState(StrEnum):
    """Where a recovery stands."""

    OPEN = "open"
    APPROVED = "approved"
    WAITING = "waiting"
    DONE = "done"
    ENDED = "ended"


LIVE = ("open", "approved", "waiting")


class RecoveryRow(SQLModel, table=True):
    """One recovery. Instants in milliseconds; `phone_index` is a blind index."""

    __tablename__ = "recovery"
    __table_args__ = (
        Index("recovery_account", "account_id", "started_at"),
        Index("recovery_phone", "phone_index", "started_at"),
    )
    id: str = Field(primary_key=True)
    device_id: str
    account_id: str | None = None
    phone_index: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    state: str
    way: str
    binding_code: str
    started_at: int = Field(sa_column=Column(BigInteger, nullable=False))
    ready_at: int | None = Field(default=None, sa_column=Column(BigInteger))
    ended_at: int | None = Field(default=None, sa_column=Column(BigInteger))


@dataclass(frozen=True, slots=True)
class Recovery:
    """A recovery as its account's phones may see it. Instants in milliseconds."""

    id: str
    device_id: str
    account_id: str | None
    state: RecoveryState
    way: str
    binding_code: str
    started_at: int
    ready_at: int | None


_FOUND = (
    "SELECT id, device_id, account_id, state, way, binding_code, started_at, ready_at"
    " FROM recovery WHERE "
)
INSERT = (
    "INSERT INTO recovery (id, device_id, phone_index, state, way, binding_code,"
    " started_at) VALUES ($1, $2, $3, 'open', '', $4, $5)"
)
FIND = _FOUND + "id = $1"
# A recovery without an account is shown to the phones of its number: they may say yes.
LIVE_OF = (
    _FOUND + "state IN ('open', 'approved', 'waiting') AND started_at > $3"
    " AND (account_id = $1 OR (account_id IS NULL AND phone_index = $2))"
    " ORDER BY started_at DESC, id LIMIT 5"
)
MOVE = (
    "UPDATE recovery SET state = $3, account_id = $4, way = $5, ready_at = $6,"
    " ended_at = $7 WHERE id = $1 AND state = $2"
)


@dataclass(frozen=True, slots=True)
class RecoveryRows:
    """Read recoveries and move them, each move once."""

    clock: Clock
    sealer: Sealer

    async def insert(
        self,
        tx: Transaction,
        recovery_id: str,
        *,
        device_id: str,
        phone: str,
        binding_code: str,
    ) -> None:
        """Write a new recovery for a number (E.164)."""
        index = self.sealer.blind_index("phone", phone)
        now = to_millis(self.clock.now())
        await tx.run(INSERT, recovery_id, device_id, index, binding_code, now)

    async def find(self, tx: Transaction, recovery_id: str) -> Recovery:
        """Return a recovery; raises NotFound."""
        row = await tx.one(FIND, recovery_id)
        if row is None:
            raise NotFound("recovery")
        return _recovery(row)

    async def live_of(
        self, tx: Transaction, *, account_id: str, phone: str, since: int
    ) -> list[Recovery]:
        """Return what an account's phones should know of, the newest first."""
        index = self.sealer.blind_index("phone", phone)
        rows = await tx.all(LIVE_OF, account_id, index, since)
        return [_recovery(row) for row in rows]

    async def move(
        self,
        tx: Transaction,
        found: Recovery,
        to: RecoveryState,
        *,
        account_id: str | None = None,
        way: str = "",
        ready_at: int | None = None,
    ) -> None:
        """Move it once; raises WrongStep when it has moved meanwhile."""
        over = to in {RecoveryState.DONE, RecoveryState.ENDED}
        ended_at = to_millis(self.clock.now()) if over else None
        moved = await tx.run(
            MOVE,
            found.id,
            found.state.value,
            to.value,
            account_id or found.account_id,
            way or found.way,
            found.ready_at if ready_at is None else ready_at,
            ended_at,
        )
        if moved != 1:
            raise WrongStep(to.value)


def _recovery(row: Row) -> Recovery:
    found, device_id, account_id, state, way, code, started_at, ready_at = row
    return Recovery(
        id=str(found),
        device_id=str(device_id),
        account_id=None if account_id is None else str(account_id),
        state=RecoveryState(str(state)),
        way=str(way),
        binding_code=str(code),
        started_at=int(started_at or 0),
        ready_at=None if ready_at is None else int(ready_at),
    )
