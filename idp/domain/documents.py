"""The documents of an account over time: proved, running out, replaced.

    live --(its last day is over)--> expired --replace--> history
      |__________________replace__________________________^

An account has several documents at once (card, passport), each proved at a level of
its own; one that was replaced stays in the history, so that its number still leads
to its person. A document has one live row in the whole database. Expiry takes the
level of the document away, never the account. Number and dates are one sealed value;
a number is found by its blind index.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from enum import StrEnum
from typing import Final

import orjson
from sqlmodel import BigInteger, Column, Field, Index, LargeBinary, SQLModel

from idp.errors import AlreadyRegistered
from idp.interfaces import Clock
from idp.storage.columns import new_id, to_millis
from idp.storage.encryption import Sealer
from idp.storage.store import Row, Transaction

CAMBODIA: Final = timezone(timedelta(hours=7))
# A card that is valid for life has no day (cambodia.md: from the age of 60).
NEVER: Final = to_millis(datetime(9999, 1, 1, tzinfo=UTC))
REMINDERS: Final = (90, 30, 7)  # days before the end, and once when it has come
RANKS: Final = ("low", "substantial", "high")
SWEEP: Final = 100


class Kind(StrEnum):
    """What a document is."""

    ID_CARD = "id_card"
    PASSPORT = "passport"


class DocumentRow(SQLModel, table=True):
    """One document of one account. Instants are milliseconds.

    `live_index` is the blind index while the document is nobody's past;
    `next_notice_at` is when its person hears of its end, None when nothing is left
    to say.
    """

    __tablename__ = "document"
    __table_args__ = (
        Index("document_account", "account_id", "added_at"),
        Index("document_number", "number_index"),
        Index("document_notice", "next_notice_at"),
    )
    id: str = Field(primary_key=True)
    account_id: str
    kind: str
    issuer: str
    number_index: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    live_index: bytes | None = Field(
        default=None, sa_column=Column(LargeBinary, nullable=True, unique=True)
    )
    sealed: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    level: str
    proved_by: str
    added_at: int = Field(sa_column=Column(BigInteger, nullable=False))
    expires_at: int = Field(sa_column=Column(BigInteger, nullable=False))
    replaced_at: int | None = Field(default=None, sa_column=Column(BigInteger))
    next_notice_at: int | None = Field(default=None, sa_column=Column(BigInteger))


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentFacts:
    """What names a document. `issuer` is a code of ICAO 9303-3; `expires` ISO or ""."""

    kind: str
    issuer: str
    number: str
    expires: str


@dataclass(frozen=True, slots=True)
class Document:
    """A document on record. `level` is what it proves while it is valid."""

    id: str
    account_id: str
    facts: DocumentFacts
    level: str
    proved_by: str
    added_at: int
    expires_at: int
    replaced_at: int | None
    next_notice_at: int | None

    def is_valid_at(self, instant: int) -> bool:
        """Say whether it counts at this instant (milliseconds)."""
        return self.replaced_at is None and instant < self.expires_at


INSERT = (
    "INSERT INTO document (id, account_id, kind, issuer, number_index, live_index,"
    " sealed, level, proved_by, added_at, expires_at, next_notice_at)"
    " VALUES ($1, $2, $3, $4, $5, $5, $6, $7, $8, $9, $10, $11)"
    " ON CONFLICT DO NOTHING"
)
_FOUND = (
    "SELECT id, account_id, kind, issuer, sealed, level, proved_by, added_at,"
    " expires_at, replaced_at, next_notice_at FROM document WHERE "
)
OF_ACCOUNT = _FOUND + "account_id = $1 ORDER BY added_at, replaced_at IS NULL, id"
DUE = _FOUND + "next_notice_at <= $1 ORDER BY next_notice_at, id LIMIT $2"
HOLDER = (
    "SELECT account_id FROM document WHERE number_index = $1"
    " ORDER BY added_at DESC, id LIMIT 1"
)
REPLACE = (
    "UPDATE document SET live_index = NULL, replaced_at = $4, next_notice_at = NULL"
    " WHERE account_id = $1 AND kind = $2 AND issuer = $3 AND replaced_at IS NULL"
)
RAISE = (
    "UPDATE document SET level = $3, proved_by = $4"
    " WHERE account_id = $1 AND id = $2 AND replaced_at IS NULL"
)
NOTICED = (
    "UPDATE document SET next_notice_at = $3 WHERE id = $1 AND next_notice_at = $2"
)


@dataclass(frozen=True, slots=True)
class Documents:
    """Add, replace and list documents."""

    clock: Clock
    sealer: Sealer

    async def add(
        self,
        tx: Transaction,
        account_id: str,
        facts: DocumentFacts,
        *,
        level: str,
        proved_by: str,
    ) -> Document:
        """Put a document on record in place of the account's own of the same kind.

        `proved_by` names the registration or renewal. Raises AlreadyRegistered when
        the document is another account's, or another's past.
        """
        number_index = self.index_of(facts)
        holder = await self.holder(tx, facts)
        if holder not in {None, account_id}:
            raise AlreadyRegistered("document")
        now = to_millis(self.clock.now())
        await tx.run(REPLACE, account_id, facts.kind, facts.issuer, now)
        document_id, ends = new_id(), expires_at(facts.expires)
        sealed = self.sealer.seal(
            orjson.dumps(asdict(facts)), context=_context(document_id)
        )
        head = (document_id, account_id, facts.kind, facts.issuer, number_index)
        tail = (level, proved_by, now, ends, next_notice(ends, after=now))
        if await tx.run(INSERT, *head, sealed, *tail) != 1:
            # A refusal would commit what was replaced above: roll back.
            raise RuntimeError("the document became another's meanwhile")
        return Document(
            document_id, account_id, facts, level, proved_by, now, ends, None, tail[-1]
        )

    async def of_account(self, tx: Transaction, account_id: str) -> list[Document]:
        """Return every document of the account, the oldest first."""
        return [self._read(row) for row in await tx.all(OF_ACCOUNT, account_id)]

    async def holder(self, tx: Transaction, facts: DocumentFacts) -> str | None:
        """Return whose document this is or was."""
        row = await tx.one(HOLDER, self.index_of(facts))
        return None if row is None else str(row[0])

    async def raise_level(
        self,
        tx: Transaction,
        account_id: str,
        document_id: str,
        *,
        level: str,
        proved_by: str,
    ) -> bool:
        """Say that a live document proves more now; False when it was replaced."""
        return await tx.run(RAISE, account_id, document_id, level, proved_by) == 1

    async def due(self, tx: Transaction) -> list[Document]:
        """Return documents of whose end their person should hear now."""
        rows = await tx.all(DUE, to_millis(self.clock.now()), SWEEP)
        return [self._read(row) for row in rows]

    async def take_notice(self, tx: Transaction, document: Document) -> bool:
        """Take the notice that is due, once; False when another node has it."""
        now = to_millis(self.clock.now())
        following = next_notice(document.expires_at, after=now)
        values = (document.id, document.next_notice_at, following)
        return await tx.run(NOTICED, *values) == 1

    def index_of(self, facts: DocumentFacts) -> bytes:
        """Return the blind index of a document."""
        return document_index(self.sealer, facts)

    def _read(self, row: Row) -> Document:
        found, account_id, kind, issuer, sealed, level, proved_by, *instants = row
        assert isinstance(sealed, bytes)
        opened = self.sealer.open(sealed, context=_context(str(found)))
        facts = DocumentFacts(**orjson.loads(opened))
        assert (facts.kind, facts.issuer) == (kind, issuer)
        added_at, ends, replaced_at, next_at = instants
        return Document(
            id=str(found),
            account_id=str(account_id),
            facts=facts,
            level=str(level),
            proved_by=str(proved_by),
            added_at=int(added_at or 0),
            expires_at=int(ends or 0),
            replaced_at=None if replaced_at is None else int(replaced_at),
            next_notice_at=None if next_at is None else int(next_at),
        )


def expires_at(day: str) -> int:
    """Return the instant after the last valid day (ISO) in Cambodia; "" is never."""
    if not day:
        return NEVER
    last = date.fromisoformat(day)
    if last.year >= 9998:  # noqa: PLR2004 - the calendar ends at 9999
        return NEVER
    following = last + timedelta(days=1)
    return to_millis(
        datetime(following.year, following.month, following.day, tzinfo=CAMBODIA)
    )


def next_notice(ends: int, *, after: int) -> int | None:
    """Return the next instant to speak of a document's end, None when all is said."""
    if ends >= NEVER:
        return None
    day = int(timedelta(days=1).total_seconds() * 1000)
    instants = [ends - days * day for days in REMINDERS]
    return next((one for one in (*instants, ends) if one > after), None)


def best_level(documents: Sequence[Document], *, at: int) -> str:
    """Return the level that the documents valid at `at` (milliseconds) prove."""
    levels = [one.level for one in documents if one.is_valid_at(at)]
    return max(levels, key=RANKS.index, default="low")


def level_until(documents: Sequence[Document], *, at: int) -> int | None:
    """Return the instant at which today's level ends; None when it does not end."""
    today = RANKS.index(best_level(documents, at=at))
    if today == 0:
        return None
    carrying = [
        one.expires_at
        for one in documents
        if one.is_valid_at(at) and RANKS.index(one.level) >= today
    ]
    ends = max(carrying)
    return None if ends >= NEVER else ends


def document_index(sealer: Sealer, facts: DocumentFacts) -> bytes:
    """Return the blind index of a document.

    The Khmer card's number is unique by itself and stands alone, as it always has.
    """
    if (facts.kind, facts.issuer) == (Kind.ID_CARD, "KHM"):
        return sealer.blind_index("document", facts.number)
    named = f"{facts.kind}:{facts.issuer}:{facts.number}"
    return sealer.blind_index("document", named)


def _context(document_id: str) -> str:
    return f"document:{document_id}"
