"""Access tokens that were revoked one by one: those without a grant of their own.

A token that came of a login dies with its grant. One that a party got in its own
name, or in exchange, is listed here until it would have expired anyway.
"""

from dataclasses import dataclass

from sqlmodel import BigInteger, Column, Field, Index, SQLModel

from idp.interfaces import Clock
from idp.storage.columns import to_millis
from idp.storage.store import Transaction


class RevokedToken(SQLModel, table=True):
    """One revoked access token by its `jti`. `expires_at` in milliseconds."""

    __tablename__ = "revoked_token"
    __table_args__ = (Index("revoked_token_expires", "expires_at"),)
    id: str = Field(primary_key=True)
    relying_party_id: str
    revoked_at: int = Field(sa_column=Column(BigInteger, nullable=False))
    expires_at: int = Field(sa_column=Column(BigInteger, nullable=False))


REVOKE = (
    "INSERT INTO revoked_token (id, relying_party_id, revoked_at, expires_at)"
    " VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING"
)
FIND = "SELECT 1 FROM revoked_token WHERE id = $1"
DROP_EXPIRED = "DELETE FROM revoked_token WHERE expires_at < $1"


@dataclass(frozen=True, slots=True)
class TokenStatus:
    """Revoke single access tokens, and ask."""

    clock: Clock

    async def revoke(
        self, tx: Transaction, token_id: str, *, relying_party_id: str, expires_at: int
    ) -> None:
        """Revoke a token; quiet when it was before. `expires_at` in milliseconds."""
        now = to_millis(self.clock.now())
        await tx.run(REVOKE, token_id, relying_party_id, now, expires_at)

    async def is_revoked(self, tx: Transaction, token_id: str) -> bool:
        """Say whether the token was revoked."""
        return await tx.one(FIND, token_id) is not None

    async def drop_expired(self, tx: Transaction) -> int:
        """Delete what has expired anyway; return how many."""
        return await tx.run(DROP_EXPIRED, to_millis(self.clock.now()))
