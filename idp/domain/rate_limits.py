"""Budgets that are spent before the check, shared by every process.

A budget is a name, a key (a number, an address prefix, a device) and a limit within
a window that slides: `limit` spends at most in any stretch of `window`. Its row
holds the instants still inside the window and is written before anything is checked,
so two processes share it on either database. What is refused is not counted: who
hammers a closed door does not keep it closed.

The key is kept as a blind index; no telephone number or address stands in the table.
"""

import struct
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import IPv4Address, ip_address
from math import ceil

from sqlmodel import BigInteger, Column, Field, Index, LargeBinary, SQLModel

from idp.errors import Exhausted
from idp.interfaces import Clock
from idp.storage.columns import to_millis
from idp.storage.encryption import Sealer
from idp.storage.store import Transaction

SWEEP = 500
INSTANT = 8  # bytes


class Budget(SQLModel, table=True):
    """The recent spends of one key. `expires_at` is in milliseconds."""

    __tablename__ = "budget"
    __table_args__ = (Index("budget_expires", "expires_at"),)
    id: bytes = Field(sa_column=Column(LargeBinary, primary_key=True))
    spends: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    expires_at: int = Field(sa_column=Column(BigInteger, nullable=False))


# The upsert takes the row's lock on PostgreSQL (SQLite has one writer anyway), so
# that nobody else reads the spends before the new ones are written.
TAKE = (
    "INSERT INTO budget (id, spends, expires_at) VALUES ($1, $2, $3)"
    " ON CONFLICT (id) DO UPDATE SET expires_at = excluded.expires_at"
    " RETURNING spends"
)
SPEND = "UPDATE budget SET spends = $2 WHERE id = $1"
DELETE_EXPIRED = (
    "DELETE FROM budget WHERE id IN"
    " (SELECT id FROM budget WHERE expires_at <= $1 LIMIT $2)"
)


def network_of(address: str) -> str:
    """Return the prefix that one subscriber may roam in: IPv4 /24, IPv6 /48."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return "unknown"
    mapped = getattr(parsed, "ipv4_mapped", None)
    if mapped is not None:
        parsed = mapped
    kept = 3 if isinstance(parsed, IPv4Address) else 6
    return parsed.packed[:kept].hex()


def within(spends: bytes, *, after: int) -> list[int]:
    """Return the packed instants later than `after`, oldest first. Pure."""
    instants = struct.unpack(f">{len(spends) // INSTANT}q", spends)
    return [instant for instant in instants if instant > after]


@dataclass(frozen=True, slots=True)
class Budgets:
    """Spend, and forget what no longer counts."""

    clock: Clock
    sealer: Sealer

    async def spend(
        self, tx: Transaction, name: str, key: str, *, limit: int, window: timedelta
    ) -> None:
        """Spend one; raises Exhausted with the seconds until the next is free."""
        now = to_millis(self.clock.now())
        length = to_millis(self.clock.now() + window) - now
        row_id = self.sealer.blind_index(f"budget {name}", key)
        row = await tx.one(TAKE, row_id, b"", now + length)
        assert row is not None
        assert isinstance(row[0], bytes)
        recent = within(row[0], after=now - length)
        if len(recent) >= limit:
            free_in = recent[-limit] + length - now
            raise Exhausted(name, retry_after=max(1, ceil(free_in / 1000)))
        recent.append(now)
        await tx.run(SPEND, row_id, struct.pack(f">{len(recent)}q", *recent))

    async def sweep(self, tx: Transaction) -> int:
        """Delete a batch of budgets that nothing counts in; return how many."""
        return await tx.run(DELETE_EXPIRED, to_millis(self.clock.now()), SWEEP)
