"""A citizen account: opened once, for good.

`camdigikey_id` is permanent and opaque; the document is an attribute with a date,
never the key. Everything personal is one sealed value; a document number or a
phone is found by its blind index.
"""

import secrets
from dataclasses import asdict, dataclass
from enum import StrEnum

import orjson
from sqlmodel import BigInteger, Column, Field, LargeBinary, SQLModel

from idp.errors import AccountSuspended, AlreadyRegistered, NotFound
from idp.interfaces import Clock
from idp.storage.columns import new_id, to_millis
from idp.storage.encryption import Sealer
from idp.storage.store import Transaction

ID_DIGITS = 12


class AccountState(StrEnum):
    """Whether the account may be used."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    CLOSED = "closed"


class AccountRow(SQLModel, table=True):
    """One citizen. Instants in milliseconds; `sealed` holds all personal data."""

    __tablename__ = "account"
    id: str = Field(primary_key=True)
    camdigikey_id: str = Field(unique=True)
    state: str
    level: str
    document_index: bytes = Field(
        sa_column=Column(LargeBinary, nullable=False, unique=True)
    )
    phone_index: bytes = Field(
        sa_column=Column(LargeBinary, nullable=False, index=True)
    )
    sealed: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    opened_at: int = Field(sa_column=Column(BigInteger, nullable=False))
    logged_out_at: int | None = Field(default=None, sa_column=Column(BigInteger))


@dataclass(frozen=True, slots=True)
class AccountFacts:
    """What is known of a person. Dates are ISO 8601; `phone` is E.164."""

    surname_khmer: str
    given_name_khmer: str
    surname_latin: str
    given_name_latin: str
    birth_date: str
    sex: str
    document_number: str
    document_expires: str
    phone: str
    nationality: str = "KHM"

    @property
    def initials(self) -> str:
        """Return the first letters in Khmer, surname first: `ស. ស.`."""
        return f"{self.surname_khmer[:1]}. {self.given_name_khmer[:1]}."


@dataclass(frozen=True, slots=True)
class Account:
    """An open account and the person behind it."""

    id: str
    camdigikey_id: str
    state: AccountState
    level: str
    opened_at: int
    facts: AccountFacts


INSERT = (
    "INSERT INTO account (id, camdigikey_id, state, level, document_index,"
    " phone_index, sealed, opened_at) VALUES ($1, $2, 'active', $3, $4, $5, $6, $7)"
    " ON CONFLICT DO NOTHING"
)
FIND = (
    "SELECT id, camdigikey_id, state, level, opened_at, sealed"
    " FROM account WHERE id = $1"
)
BY_DOCUMENT = "SELECT id FROM account WHERE document_index = $1"
LOG_OUT_EVERYWHERE = "UPDATE account SET logged_out_at = $2 WHERE id = $1"


@dataclass(frozen=True, slots=True)
class Accounts:
    """Open and find accounts."""

    clock: Clock
    sealer: Sealer

    async def open(
        self, tx: Transaction, facts: AccountFacts, *, level: str
    ) -> Account:
        """Open an account; raises AlreadyRegistered for a known document."""
        account_id = new_id()
        camdigikey_id = "".join(secrets.choice("0123456789") for _ in range(ID_DIGITS))
        now = to_millis(self.clock.now())
        opened = await tx.run(
            INSERT,
            account_id,
            camdigikey_id,
            level,
            self._document_index(facts.document_number),
            self.sealer.blind_index("phone", facts.phone),
            self.sealer.seal(orjson.dumps(asdict(facts)), context=_context(account_id)),
            now,
        )
        if opened != 1:
            raise AlreadyRegistered("document")
        return Account(
            account_id, camdigikey_id, AccountState.ACTIVE, level, now, facts
        )

    async def find(self, tx: Transaction, account_id: str) -> Account:
        """Return the account; raises NotFound."""
        row = await tx.one(FIND, account_id)
        if row is None:
            raise NotFound("account")
        found, camdigikey_id, state, level, opened_at, sealed = row
        assert isinstance(sealed, bytes)
        opened = self.sealer.open(sealed, context=_context(account_id))
        return Account(
            id=str(found),
            camdigikey_id=str(camdigikey_id),
            state=AccountState(str(state)),
            level=str(level),
            opened_at=int(opened_at or 0),
            facts=AccountFacts(**orjson.loads(opened)),
        )

    async def active(self, tx: Transaction, account_id: str) -> Account:
        """Return an account that may be used; raises AccountSuspended, NotFound."""
        account = await self.find(tx, account_id)
        if account.state is not AccountState.ACTIVE:
            raise AccountSuspended(account.state.value)
        return account

    async def by_document(self, tx: Transaction, number: str) -> str | None:
        """Return the id of the account with this document number, if any."""
        row = await tx.one(BY_DOCUMENT, self._document_index(number))
        return None if row is None else str(row[0])

    async def log_out_everywhere(self, tx: Transaction, account_id: str) -> None:
        """Refuse every approval, code and refresh family older than now."""
        await tx.run(LOG_OUT_EVERYWHERE, account_id, to_millis(self.clock.now()))

    def _document_index(self, number: str) -> bytes:
        return self.sealer.blind_index("document", number)


def _context(account_id: str) -> str:
    return f"account:{account_id}"
