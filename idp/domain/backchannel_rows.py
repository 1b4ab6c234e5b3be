"""The row of a backchannel request, and every statement about it.

What a party asked for must be answered after any restart: the row holds the request
(sealed, with the challenge as it was opened), and the answer is the challenge's
durable decision. `next_try_at` is when a ping or push is due, NULL when none is.
"""

from sqlmodel import BigInteger, Column, Field, Index, LargeBinary, SQLModel


class BackchannelRequestRow(SQLModel, table=True):
    """One request; its id is the challenge's. Instants in milliseconds."""

    __tablename__ = "backchannel_request"
    __table_args__ = (
        Index("backchannel_request_account", "account_id", "made_at"),
        Index("backchannel_request_due", "next_try_at"),
        Index("backchannel_request_expires", "expires_at"),
    )
    id: str = Field(primary_key=True)
    relying_party_id: str = Field(foreign_key="relying_party.id")
    account_id: str = Field(foreign_key="account.id")
    delivery: str
    sealed: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    made_at: int = Field(sa_column=Column(BigInteger, nullable=False))
    expires_at: int = Field(sa_column=Column(BigInteger, nullable=False))
    issued_at: int | None = Field(default=None, sa_column=Column(BigInteger))
    next_try_at: int | None = Field(default=None, sa_column=Column(BigInteger))
    tries: int = Field(sa_column=Column(BigInteger, nullable=False))


COLUMNS = (
    "id, relying_party_id, account_id, delivery, sealed, made_at, expires_at,"
    " issued_at, tries"
)
# Takes the account's row lock (SQLite has one writer anyway): one person's prompts
# are counted and opened one after the other. No row: nobody is there to be asked.
LOCK_ACCOUNT = "UPDATE account SET state = state WHERE id = $1 AND state = 'active'"
# A prompt that ended in a no (a wrong binding code too) is counted like one that
# nobody answered: else whoever is refused may ask again for ever.
UNANSWERED = (
    "SELECT COUNT(*), COALESCE(SUM(CASE WHEN b.expires_at > $3"
    " AND d.challenge_id IS NULL THEN 1 ELSE 0 END), 0)"
    " FROM backchannel_request b LEFT JOIN decision d ON d.challenge_id = b.id"
    " WHERE b.account_id = $1 AND b.made_at > $2"
    " AND (d.challenge_id IS NULL OR d.state = 'denied')"
)
INSERT = (
    "INSERT INTO backchannel_request (id, relying_party_id, account_id, delivery,"
    " sealed, made_at, expires_at, next_try_at, tries)"
    " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0)"
)
FIND = f"SELECT {COLUMNS} FROM backchannel_request WHERE id = $1"  # noqa: S608 - constant
OPEN_FOR = (
    "SELECT b.id, b.expires_at FROM backchannel_request b"
    " WHERE b.account_id = $1 AND b.made_at > $2 AND b.expires_at > $3"
    " AND NOT EXISTS (SELECT 1 FROM decision d WHERE d.challenge_id = b.id)"
    " ORDER BY b.made_at"
)
SPEND = (
    "UPDATE backchannel_request SET issued_at = $2 WHERE id = $1 AND issued_at IS NULL"
)
DUE_NOW = (
    "UPDATE backchannel_request SET next_try_at = $2"
    " WHERE id = $1 AND next_try_at IS NOT NULL"
)
DUE = (
    "SELECT id, next_try_at, tries FROM backchannel_request"
    " WHERE next_try_at <= $1 ORDER BY next_try_at LIMIT $2"
)
NEXT_DUE = "SELECT MIN(next_try_at) FROM backchannel_request"
# A lease: whoever moves the instant may try, and a crash only delays the next try.
LEASE = (
    "UPDATE backchannel_request SET next_try_at = $3, tries = tries + 1"  # noqa: S608 - constant
    f" WHERE id = $1 AND next_try_at = $2 RETURNING {COLUMNS}"
)
DELIVERED = "UPDATE backchannel_request SET next_try_at = NULL WHERE id = $1"
DROP_OLD = "DELETE FROM backchannel_request WHERE expires_at < $1"
