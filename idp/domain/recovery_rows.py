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


COLUMNS = (
    "r.id, r.device_id, r.account_id, r.state, r.way, r.binding_code, r.started_at,"
    " r.ready_at"
)
INSERT = (
    "INSERT INTO recovery (id, device_id, phone_index, state, way, binding_code,"
    " started_at) VALUES ($1, $2, $3, 'open', '', $4, $5)"
)
FIND = f"SELECT {COLUMNS} FROM recovery r WHERE r.id = $1"  # noqa: S608 - constant
# A recovery without an account is shown to the phones of its number, once that was
# proved: they may say yes. It is known for as long as its journey may go on.
_KNOWN = (
    f"SELECT {COLUMNS} FROM recovery r JOIN registration j ON j.id = r.id"  # noqa: S608
    " WHERE r.state IN ('open', 'approved', 'waiting') AND j.expires_at > $3"
    " AND j.state NOT IN ('phone_code', 'stopped', 'refused', 'done')"
    " AND (r.account_id = $1 OR (r.account_id IS NULL AND r.phone_index = $2))"
)
# What names the account comes first: nobody hides it by beginning many others.
KNOWN_OF = _KNOWN + " ORDER BY r.account_id IS NULL, r.started_at DESC, r.id LIMIT 20"
KNOWN_ONE = _KNOWN + " AND r.id = $4"
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

    async def known_to(
        self, tx: Transaction, *, account_id: str, phone: str
    ) -> list[Recovery]:
        """Return what an account's phones should know of: its own, the newest first."""
        rows = await tx.all(KNOWN_OF, *self._asked(account_id, phone))
        return [_recovery(row) for row in rows]

    async def find_known(
        self, tx: Transaction, recovery_id: str, *, account_id: str, phone: str
    ) -> Recovery:
        """Return one of those; raises NotFound."""
        asked = self._asked(account_id, phone)
        row = await tx.one(KNOWN_ONE, *asked, recovery_id)
        if row is None:
            raise NotFound("recovery")
        return _recovery(row)

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

    def _asked(self, account_id: str, phone: str) -> tuple[str, bytes, int]:
        index = self.sealer.blind_index("phone", phone)
        return account_id, index, to_millis(self.clock.now())


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
