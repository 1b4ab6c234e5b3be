"""People who work for the registry: citizens with a role, given by the command line.

An operator acts with the phone of his own account, so every act is signed by a key
and a PIN of a known person. Roles are never deleted, only ended.
"""

from dataclasses import dataclass
from enum import StrEnum

from sqlmodel import BigInteger, Column, Field, Index, SQLModel

from idp.domain.audit import Audit, EventTag
from idp.errors import NotFound, RoleMissing
from idp.interfaces import Clock
from idp.storage.columns import new_id, to_millis
from idp.storage.store import Row, Transaction


class Role(StrEnum):
    """What an operator may do."""

    REVIEWER = "reviewer"
    AGENT = "agent"


class OperatorRow(SQLModel, table=True):
    """One role of one account. Instants in milliseconds."""

    __tablename__ = "operator"
    __table_args__ = (Index("operator_account", "account_id", "role"),)
    id: str = Field(primary_key=True)
    account_id: str
    role: str
    granted_by: str
    granted_at: int = Field(sa_column=Column(BigInteger, nullable=False))
    revoked_at: int | None = Field(default=None, sa_column=Column(BigInteger))


INSERT = (
    "INSERT INTO operator (id, account_id, role, granted_by, granted_at)"
    " VALUES ($1, $2, $3, $4, $5)"
)
HAS = (
    "SELECT 1 FROM operator"
    " WHERE account_id = $1 AND role = $2 AND revoked_at IS NULL LIMIT 1"
)
END = (
    "UPDATE operator SET revoked_at = $3"
    " WHERE account_id = $1 AND role = $2 AND revoked_at IS NULL"
)
ALL = (
    "SELECT account_id, role, granted_by, granted_at FROM operator"
    " WHERE revoked_at IS NULL ORDER BY granted_at, id"
)


@dataclass(frozen=True, slots=True)
class Operators:
    """Give roles, take them back, ask for them."""

    clock: Clock
    audit: Audit

    async def grant(
        self, tx: Transaction, account_id: str, role: Role, *, by: str
    ) -> None:
        """Give a role; quiet when the account has it. `by` names who decided."""
        if await tx.one(HAS, account_id, role.value) is not None:
            return
        now = to_millis(self.clock.now())
        await tx.run(INSERT, new_id(), account_id, role.value, by, now)
        await self._note(tx, EventTag.OPERATOR_GRANTED, account_id, role, by)

    async def revoke(
        self, tx: Transaction, account_id: str, role: Role, *, by: str
    ) -> None:
        """Take a role back; raises NotFound."""
        now = to_millis(self.clock.now())
        if await tx.run(END, account_id, role.value, now) == 0:
            raise NotFound("role")
        await self._note(tx, EventTag.OPERATOR_REVOKED, account_id, role, by)

    async def require(self, tx: Transaction, account_id: str, role: Role) -> None:
        """Raise RoleMissing unless the account has the role now."""
        if await tx.one(HAS, account_id, role.value) is None:
            raise RoleMissing(role.value)

    async def all(self, tx: Transaction) -> list[Row]:
        """Return `(account_id, role, granted_by, granted_at)` of every role."""
        return await tx.all(ALL)

    async def _note(
        self, tx: Transaction, tag: EventTag, account_id: str, role: Role, by: str
    ) -> None:
        detail = {"role": role.value, "by": by}
        await self.audit.record(tx, tag, account=account_id, detail=detail)
