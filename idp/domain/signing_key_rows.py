"""The row of a signing key: its states, who keeps the private half, and its moves.

Every move is one conditional statement that names the key and the state it leaves, and
a unique index allows one `current` and one `next` key of each algorithm: of nodes that
race, one changes a row and the others learn that they changed none.
"""

from dataclasses import dataclass

from sqlalchemy import text
from sqlmodel import BigInteger, Column, Field, Index, LargeBinary, SQLModel

from idp.storage.store import Row, Transaction

NEXT, CURRENT, RETIRED = "next", "current", "retired"
ARCHIVED, REVOKED = "archived", "revoked"
ONE_OF_EACH = "state IN ('current', 'next')"


class SigningKey(SQLModel, table=True):
    """One key. Instants in milliseconds; `retired_at` is also when it was revoked."""

    __tablename__ = "signing_key"
    __table_args__ = (
        Index(
            "signing_key_one_of_each",
            "alg",
            "state",
            unique=True,
            sqlite_where=text(ONE_OF_EACH),
            postgresql_where=text(ONE_OF_EACH),
        ),
    )
    kid: str = Field(primary_key=True)
    state: str
    public_jwk: str
    private_sealed: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    made_at: int = Field(sa_column=Column(BigInteger, nullable=False))
    retired_at: int | None = Field(default=None, sa_column=Column(BigInteger))
    alg: str = "ES256"
    custody: str = "sealed"
    signs_since: int | None = Field(default=None, sa_column=Column(BigInteger))


COLUMNS = "kid, alg, state, public_jwk, made_at, signs_since, retired_at"
LIVE = (
    f"SELECT {COLUMNS} FROM signing_key"  # noqa: S608 - constants only
    " WHERE state IN ('next', 'current', 'retired') ORDER BY made_at, kid"
)
ALL = f"SELECT {COLUMNS} FROM signing_key ORDER BY made_at, kid"  # noqa: S608
ONE = f"SELECT {COLUMNS} FROM signing_key WHERE kid = $1"  # noqa: S608
HANDLE = "SELECT custody, private_sealed FROM signing_key WHERE kid = $1"
INSERT = (
    "INSERT INTO signing_key (kid, alg, state, public_jwk, custody, private_sealed,"
    " made_at, signs_since) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"
    " ON CONFLICT DO NOTHING"
)
PROMOTE = (
    "UPDATE signing_key SET state = 'current', signs_since = $2"
    " WHERE kid = $1 AND state = 'next'"
)
RETIRE = (
    "UPDATE signing_key SET state = 'retired', retired_at = $2"
    " WHERE kid = $1 AND state IN ('next', 'current')"
)
# A sealed key is wiped in the same statement; one in a token is destroyed there first.
ARCHIVE = (
    "UPDATE signing_key SET state = 'archived', private_sealed ="
    " CASE WHEN custody = 'sealed' THEN $2 ELSE private_sealed END"
    " WHERE kid = $1 AND state = 'retired'"
)
REVOKE = (
    "UPDATE signing_key SET state = 'revoked', retired_at = $2, private_sealed ="
    " CASE WHEN custody = 'sealed' THEN $3 ELSE private_sealed END"
    " WHERE kid = $1 AND state <> 'revoked'"
)
TO_DESTROY = (
    "SELECT kid, custody, private_sealed FROM signing_key"
    " WHERE state IN ('archived', 'revoked') AND private_sealed <> $1"
)
WIPE = "UPDATE signing_key SET private_sealed = $2 WHERE kid = $1"


@dataclass(frozen=True, slots=True)
class KeyRow:
    """What a node knows of a key; the private half stays where it is."""

    kid: str
    alg: str
    state: str
    public_jwk: str
    made_at: int
    signs_since: int | None
    retired_at: int | None


def key_row(row: Row) -> KeyRow:
    """Read a row of COLUMNS. Pure."""
    kid, alg, state, jwk, made_at, signs_since, retired_at = row
    return KeyRow(
        kid=str(kid),
        alg=str(alg),
        state=str(state),
        public_jwk=str(jwk),
        made_at=int(made_at or 0),
        signs_since=None if signs_since is None else int(signs_since),
        retired_at=None if retired_at is None else int(retired_at),
    )


async def read_rows(tx: Transaction, statement: str) -> list[KeyRow]:
    """Return the keys that LIVE or ALL finds, oldest first."""
    return [key_row(row) for row in await tx.all(statement)]
