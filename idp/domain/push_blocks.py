"""A relying party that may not prompt a person for a while, because he said no.

The person sees the block and can lift it; time lifts it too.
"""

from dataclasses import dataclass
from datetime import timedelta

from sqlmodel import BigInteger, Column, Field, SQLModel

from idp.domain.audit import Audit, EventTag
from idp.errors import NotFound
from idp.interfaces import Clock
from idp.storage.columns import to_millis
from idp.storage.store import Transaction


class PushBlockRow(SQLModel, table=True):
    """One party that one person does not want to be prompted by. Instants in ms."""

    __tablename__ = "push_block"
    account_id: str = Field(primary_key=True, foreign_key="account.id")
    relying_party_id: str = Field(primary_key=True, foreign_key="relying_party.id")
    ends_at: int = Field(sa_column=Column(BigInteger, nullable=False, index=True))


@dataclass(frozen=True, slots=True)
class PushBlock:
    """A block that stands until `ends_at` (milliseconds)."""

    relying_party_id: str
    ends_at: int


BLOCK = (
    "INSERT INTO push_block (account_id, relying_party_id, ends_at)"
    " VALUES ($1, $2, $3) ON CONFLICT (account_id, relying_party_id)"
    " DO UPDATE SET ends_at = excluded.ends_at"
)
STANDS = (
    "SELECT 1 FROM push_block"
    " WHERE account_id = $1 AND relying_party_id = $2 AND ends_at > $3"
)
OF_ACCOUNT = (
    "SELECT relying_party_id, ends_at FROM push_block"
    " WHERE account_id = $1 AND ends_at > $2 ORDER BY ends_at DESC"
)
LIFT = (
    "DELETE FROM push_block"
    " WHERE account_id = $1 AND relying_party_id = $2 AND ends_at > $3"
)
DROP_OVER = "DELETE FROM push_block WHERE ends_at <= $1"


@dataclass(frozen=True, slots=True)
class PushBlocks:
    """Block, ask and lift. `life` is how long a block stands."""

    clock: Clock
    audit: Audit
    life: timedelta

    async def block(
        self, tx: Transaction, *, account_id: str, relying_party_id: str
    ) -> None:
        """Block the party's prompts from now on."""
        ends_at = to_millis(self.clock.now() + self.life)
        await tx.run(BLOCK, account_id, relying_party_id, ends_at)

    async def stands(
        self, tx: Transaction, *, account_id: str, relying_party_id: str
    ) -> bool:
        """Say whether the party is blocked now."""
        now = to_millis(self.clock.now())
        return await tx.one(STANDS, account_id, relying_party_id, now) is not None

    async def of_account(self, tx: Transaction, account_id: str) -> list[PushBlock]:
        """Return the blocks of a person, the newest first."""
        rows = await tx.all(OF_ACCOUNT, account_id, to_millis(self.clock.now()))
        return [PushBlock(str(party), int(ends_at or 0)) for party, ends_at in rows]

    async def lift(
        self, tx: Transaction, *, account_id: str, relying_party_id: str
    ) -> None:
        """Let the party prompt again; raises NotFound when it was not blocked."""
        now = to_millis(self.clock.now())
        if await tx.run(LIFT, account_id, relying_party_id, now) != 1:
            raise NotFound("push block")
        await self.audit.record(
            tx,
            EventTag.PUSH_BLOCK_LIFTED,
            account=account_id,
            relying_party=relying_party_id,
        )

    async def drop_over(self, tx: Transaction) -> int:
        """Delete blocks that stand no more; return how many."""
        return await tx.run(DROP_OVER, to_millis(self.clock.now()))
