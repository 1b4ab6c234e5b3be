"""A citizen account: opened once, for good.

`camdigikey_id` is permanent and opaque; the document is an attribute with a date,
never the key. Everything personal is one sealed value; a document number or a
phone is found by its blind index.

The level of an account is that of today: what was proved, as long as a document that
proves it is valid (documents.py). Expiry lowers it to `low` and closes nothing.
"""

import secrets
from collections.abc import Callable
from dataclasses import asdict, dataclass
from enum import StrEnum

import orjson
from sqlmodel import BigInteger, Column, Field, LargeBinary, SQLModel

from idp.domain.documents import (
    RANKS,
    DocumentFacts,
    Kind,
    document_index,
    expires_at,
)
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
    """What is known of a person. Dates are ISO 8601; `phone` is E.164.

    The document is the one that was proved last. Khmer names may be empty for people
    who have none; `given_name_latin` for people with one name; an inexact birth date
    has `XX` for what is unknown (`1950-XX-XX`).
    """

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
    document_kind: str = Kind.ID_CARD.value
    document_issuer: str = "KHM"

    @property
    def document(self) -> DocumentFacts:
        """Return the document that was proved last."""
        return DocumentFacts(
            kind=self.document_kind,
            issuer=self.document_issuer,
            number=self.document_number,
            expires=self.document_expires,
        )

    @property
    def initials(self) -> str:
        """Return the first letters, surname first, in Khmer if there are: `ស. ស.`."""
        khmer = (self.surname_khmer, self.given_name_khmer)
        names = khmer if any(khmer) else (self.surname_latin, self.given_name_latin)
        return " ".join(f"{name[:1]}." for name in names if name)

    @property
    def birthdate(self) -> str:
        """Return the date as OpenID Connect writes it (Core, 5.1).

        The year alone when the day or the month is unknown.
        """
        return self.birth_date[:4] if "XX" in self.birth_date else self.birth_date


@dataclass(frozen=True, slots=True)
class Account:
    """An open account and the person behind it. `level` is that of today."""

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
# The rank of the best valid document; NULL for accounts that have none on record.
FIND = (
    "SELECT id, camdigikey_id, state, level, opened_at, sealed,"
    " (SELECT MAX(CASE WHEN replaced_at IS NOT NULL OR expires_at <= $2 THEN 0"
    " WHEN level = 'high' THEN 2 WHEN level = 'substantial' THEN 1 ELSE 0 END)"
    " FROM document WHERE account_id = account.id)"
    " FROM account WHERE id = $1"
)
LOCK = "UPDATE account SET state = state WHERE id = $1"
AMEND = (
    "UPDATE account SET level = $2, document_index = $3, phone_index = $4, sealed = $5"
    " WHERE id = $1"
)
BY_PHONE = "SELECT id FROM account WHERE phone_index = $1 ORDER BY id LIMIT $2"
BY_DOCUMENT = (
    "SELECT id FROM account WHERE document_index = $1"
    " UNION ALL SELECT account_id FROM document WHERE number_index = $1 LIMIT 1"
)
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
            document_index(self.sealer, facts.document),
            self.sealer.blind_index("phone", facts.phone),
            self._seal(account_id, facts),
            now,
        )
        if opened != 1:
            raise AlreadyRegistered("document")
        today = _today(level, facts, rank=None, now=now)
        return Account(
            account_id, camdigikey_id, AccountState.ACTIVE, today, now, facts
        )

    async def find(self, tx: Transaction, account_id: str) -> Account:
        """Return the account; raises NotFound."""
        now = to_millis(self.clock.now())
        row = await tx.one(FIND, account_id, now)
        if row is None:
            raise NotFound("account")
        found, camdigikey_id, state, level, opened_at, sealed, rank = row
        assert isinstance(sealed, bytes)
        opened = self.sealer.open(sealed, context=_context(account_id))
        facts = AccountFacts(**orjson.loads(opened))
        known = None if rank is None else int(rank)
        return Account(
            id=str(found),
            camdigikey_id=str(camdigikey_id),
            state=AccountState(str(state)),
            level=_today(str(level), facts, rank=known, now=now),
            opened_at=int(opened_at or 0),
            facts=facts,
        )

    async def lock(self, tx: Transaction, account_id: str) -> None:
        """Let nobody else change this account until the transaction ends."""
        await tx.run(LOCK, account_id)

    async def amend(
        self,
        tx: Transaction,
        account_id: str,
        change: Callable[[AccountFacts], AccountFacts],
        *,
        level: str | None = None,
    ) -> Account:
        """Change what is known of a person, under the account's lock.

        `level` replaces the level that the person proved; identifiers never change.
        Raises NotFound, and AlreadyRegistered for another account's document.
        """
        await self.lock(tx, account_id)
        row = await tx.one(FIND, account_id, to_millis(self.clock.now()))
        was = await self.find(tx, account_id)
        facts = change(was.facts)
        if await self.by_document(tx, facts.document) not in {None, account_id}:
            raise AlreadyRegistered("document")
        assert row is not None
        await tx.run(
            AMEND,
            account_id,
            level or str(row[3]),
            document_index(self.sealer, facts.document),
            self.sealer.blind_index("phone", facts.phone),
            self._seal(account_id, facts),
        )
        return await self.find(tx, account_id)

    async def active(self, tx: Transaction, account_id: str) -> Account:
        """Return an account that may be used; raises AccountSuspended, NotFound."""
        account = await self.find(tx, account_id)
        if account.state is not AccountState.ACTIVE:
            raise AccountSuspended(account.state.value)
        return account

    async def by_phone(self, tx: Transaction, phone: str, *, most: int) -> list[str]:
        """Return the ids of the accounts with this number (E.164); families share."""
        index = self.sealer.blind_index("phone", phone)
        return [str(found) for (found,) in await tx.all(BY_PHONE, index, most)]

    async def by_document(
        self, tx: Transaction, document: str | DocumentFacts
    ) -> str | None:
        """Return the id of the account whose document this is or was, if any.

        A text is the number of a Khmer identity card.
        """
        if isinstance(document, str):
            document = DocumentFacts(
                kind=Kind.ID_CARD, issuer="KHM", number=document, expires=""
            )
        row = await tx.one(BY_DOCUMENT, document_index(self.sealer, document))
        return None if row is None else str(row[0])

    async def log_out_everywhere(self, tx: Transaction, account_id: str) -> None:
        """Refuse every approval, code and refresh family older than now."""
        await tx.run(LOG_OUT_EVERYWHERE, account_id, to_millis(self.clock.now()))

    def _seal(self, account_id: str, facts: AccountFacts) -> bytes:
        return self.sealer.seal(
            orjson.dumps(asdict(facts)), context=_context(account_id)
        )


def _today(level: str, facts: AccountFacts, *, rank: int | None, now: int) -> str:
    """Return the level that holds now: never above what a valid document proves.

    An account without a document on record (`rank` is None) is judged by the one it
    was opened with. Pure.
    """
    if rank is None:
        is_valid = now < expires_at(facts.document_expires)
        rank = RANKS.index(level) if is_valid else 0
    return RANKS[min(rank, RANKS.index(level))]


def _context(account_id: str) -> str:
    return f"account:{account_id}"
