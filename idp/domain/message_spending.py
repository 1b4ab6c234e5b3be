"""What messages may cost: a stop for each provider and each prefix.

A purse is a name, a stretch of time and a limit, in the operator's own units: money,
or messages when no price is set. Its row is raised by one statement that refuses to
pass the limit, so any number of nodes spend from one purse (spent before sending; a
message that then failed stays counted, for it may have been sent).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from sqlmodel import BigInteger, Column, Field, Index, SQLModel

from idp.interfaces import Clock
from idp.storage.columns import to_millis
from idp.storage.store import Store, Transaction

DAY: Final = timedelta(days=1)
HOUR: Final = timedelta(hours=1)
NO_LIMIT: Final = 2**62


class SpendingRow(SQLModel, table=True):
    """What was spent of one purse in one stretch. `expires_at` is in ms."""

    __tablename__ = "message_spending"
    __table_args__ = (Index("message_spending_expires", "expires_at"),)
    id: str = Field(primary_key=True)
    spent: int = Field(sa_column=Column(BigInteger, nullable=False))
    expires_at: int = Field(sa_column=Column(BigInteger, nullable=False))


OPEN = (
    "INSERT INTO message_spending (id, spent, expires_at) VALUES ($1, 0, $2)"
    " ON CONFLICT (id) DO NOTHING"
)
SPEND = (
    "UPDATE message_spending SET spent = spent + $2 WHERE id = $1 AND spent + $2 <= $3"
)
SPENT = "SELECT spent FROM message_spending WHERE id = $1"
DROP_OLD = "DELETE FROM message_spending WHERE expires_at < $1"


@dataclass(frozen=True, slots=True)
class Spending:
    """Spend from purses. `budgets` and `prices` are by provider, in one unit."""

    clock: Clock
    store: Store
    budgets: Mapping[str, int] = field(default_factory=dict)
    prices: Mapping[str, int] = field(default_factory=dict)

    async def allow(self, provider: str, *, parts: int) -> bool:
        """Spend the provider's price of a message; False when the day is spent."""
        async with self.store.begin() as tx:
            return await self.spend(
                tx,
                f"provider:{provider}",
                cost=self.prices.get(provider, 1) * parts,
                limit=self.budgets.get(provider, NO_LIMIT),
                window=DAY,
            )

    async def spend(
        self, tx: Transaction, purse: str, *, cost: int, limit: int, window: timedelta
    ) -> bool:
        """Spend from a purse; False when it does not hold so much."""
        row_id, ends_at = self._stretch(purse, window)
        await tx.run(OPEN, row_id, ends_at)
        return await tx.run(SPEND, row_id, cost, limit) == 1

    async def spent_today(self, tx: Transaction, provider: str) -> int:
        """Return what a provider cost since the day began (UTC)."""
        row_id, _ = self._stretch(f"provider:{provider}", DAY)
        row = await tx.one(SPENT, row_id)
        return 0 if row is None else int(row[0] or 0)

    async def drop_old(self, tx: Transaction) -> int:
        """Delete stretches that are over; return how many."""
        return await tx.run(DROP_OLD, to_millis(self.clock.now()))

    def _stretch(self, purse: str, window: timedelta) -> tuple[str, int]:
        """Return the row of the stretch that it is now, and when it ends (ms)."""
        length = window // timedelta(milliseconds=1)
        number = to_millis(self.clock.now()) // length
        return f"{purse}:{length}:{number}", (number + 1) * length
