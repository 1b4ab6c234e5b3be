"""Numbers and addresses of an account, with their history.

    an address   pending ──code──> current
    a number     pending ──code──> waiting ──(time, or the old number)──> current
    pending, waiting ──objection──> cancelled
    current ──replaced, removed──> past

The number that is used stands in the account's facts; here is how it came to be.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from sqlmodel import BigInteger, Column, Field, Index, LargeBinary, SQLModel

from idp.errors import NotFound, WrongStep
from idp.interfaces import Clock
from idp.storage.columns import new_id, to_millis
from idp.storage.encryption import Sealer
from idp.storage.store import Row, Transaction

MOST: Final = 50


class ContactKind(StrEnum):
    """What is reached by it."""

    PHONE = "phone"
    EMAIL = "email"


class ContactState(StrEnum):
    """Where a number or address stands."""

    PENDING = "pending"
    WAITING = "waiting"
    CURRENT = "current"
    PAST = "past"
    CANCELLED = "cancelled"


class ContactRow(SQLModel, table=True):
    """One number or address. Instants in milliseconds."""

    __tablename__ = "contact"
    __table_args__ = (
        Index("contact_account", "account_id", "kind", "made_at"),
        Index("contact_ready", "state", "ready_at"),
    )
    id: str = Field(primary_key=True)
    account_id: str
    kind: str
    state: str
    sealed: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    made_at: int = Field(sa_column=Column(BigInteger, nullable=False))
    ready_at: int | None = Field(default=None, sa_column=Column(BigInteger))
    ended_at: int | None = Field(default=None, sa_column=Column(BigInteger))


@dataclass(frozen=True, slots=True)
class Contact:
    """A number (E.164) or an address. Instants in milliseconds."""

    id: str
    account_id: str
    kind: ContactKind
    state: ContactState
    value: str
    made_at: int
    ready_at: int | None


INSERT = (
    "INSERT INTO contact (id, account_id, kind, state, sealed, made_at)"
    " VALUES ($1, $2, $3, 'pending', $4, $5)"
)
_FOUND = (
    "SELECT id, account_id, kind, state, sealed, made_at, ready_at FROM contact WHERE "
)
FIND = _FOUND + "id = $1 AND account_id = $2"
CURRENT = _FOUND + "account_id = $1 AND kind = $2 AND state = 'current' LIMIT 1"
OPEN = (
    _FOUND + "account_id = $1 AND kind = $2 AND state IN ('pending', 'waiting')"
    " ORDER BY made_at DESC, id LIMIT 1"
)
DUE = _FOUND + "state = 'waiting' AND ready_at <= $1 ORDER BY ready_at, id LIMIT $2"
MOVE = (
    "UPDATE contact SET state = $3, ready_at = $4, ended_at = $5"
    " WHERE id = $1 AND state = $2"
)
CLOSE = (
    "UPDATE contact SET state = $4, ended_at = $5"
    " WHERE account_id = $1 AND kind = $2 AND id <> $3 AND state IN "
)
CANCEL_OTHERS = CLOSE + "('pending', 'waiting')"
CANCEL_ALL = (
    "UPDATE contact SET state = 'cancelled', ended_at = $2"
    " WHERE account_id = $1 AND state IN ('pending', 'waiting')"
)
RETIRE_OTHERS = CLOSE + "('current')"
OVER: Final = frozenset({ContactState.PAST, ContactState.CANCELLED})


@dataclass(frozen=True, slots=True)
class ContactRows:
    """Write, find and move contacts, each move once."""

    clock: Clock
    sealer: Sealer

    async def begin(
        self, tx: Transaction, account_id: str, kind: ContactKind, value: str
    ) -> Contact:
        """Write a pending one in the place of any that was under way."""
        found, now = new_id(), to_millis(self.clock.now())
        sealed = self.sealer.seal_text(value, context=_context(found))
        cancelled = ContactState.CANCELLED.value
        await tx.run(CANCEL_OTHERS, account_id, kind.value, found, cancelled, now)
        await tx.run(INSERT, found, account_id, kind.value, sealed, now)
        pending = ContactState.PENDING
        return Contact(found, account_id, kind, pending, value, now, None)

    async def find(
        self, tx: Transaction, contact_id: str, *, account_id: str
    ) -> Contact:
        """Return one of the account's; raises NotFound."""
        row = await tx.one(FIND, contact_id, account_id)
        if row is None:
            raise NotFound("contact")
        return self._read(row)

    async def current(
        self, tx: Transaction, account_id: str, kind: ContactKind
    ) -> Contact | None:
        """Return what is used, if it came to be here."""
        row = await tx.one(CURRENT, account_id, kind.value)
        return None if row is None else self._read(row)

    async def email_of(self, tx: Transaction, account_id: str) -> str | None:
        """Return the proved address of an account, or None."""
        found = await self.current(tx, account_id, ContactKind.EMAIL)
        return None if found is None else found.value

    async def under_way(
        self, tx: Transaction, account_id: str, kind: ContactKind
    ) -> Contact | None:
        """Return what is pending or waiting."""
        row = await tx.one(OPEN, account_id, kind.value)
        return None if row is None else self._read(row)

    async def due(self, tx: Transaction) -> list[Contact]:
        """Return those whose wait is over."""
        rows = await tx.all(DUE, to_millis(self.clock.now()), MOST)
        return [self._read(row) for row in rows]

    async def cancel_all(self, tx: Transaction, account_id: str) -> int:
        """Cancel what is under way; return how many."""
        return await tx.run(CANCEL_ALL, account_id, to_millis(self.clock.now()))

    async def move(
        self,
        tx: Transaction,
        found: Contact,
        to: ContactState,
        *,
        ready_at: int | None = None,
    ) -> None:
        """Move it once; a new current one retires the last. Raises WrongStep."""
        now = to_millis(self.clock.now())
        ended = now if to in OVER else None
        moved = await tx.run(
            MOVE, found.id, found.state.value, to.value, ready_at, ended
        )
        if moved != 1:
            raise WrongStep(to.value)
        if to is ContactState.CURRENT:
            past = ContactState.PAST.value
            who = (found.account_id, found.kind.value, found.id)
            await tx.run(RETIRE_OTHERS, *who, past, now)

    def _read(self, row: Row) -> Contact:
        found, account_id, kind, state, sealed, made_at, ready_at = row
        assert isinstance(sealed, bytes)
        return Contact(
            id=str(found),
            account_id=str(account_id),
            kind=ContactKind(str(kind)),
            state=ContactState(str(state)),
            value=self.sealer.open_text(sealed, context=_context(str(found))),
            made_at=int(made_at or 0),
            ready_at=None if ready_at is None else int(ready_at),
        )


def _context(contact_id: str) -> str:
    return f"contact:{contact_id}"
