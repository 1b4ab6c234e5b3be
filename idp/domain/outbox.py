"""Messages that are still to leave: sealed rows, leased by any node.

    waiting --claim--> leased --close--> done | refused | given-up   (content wiped)
       ^                  |--postpone--> waiting, later
       |__________________|  the lease ran out: its node died

A row is written in the transaction that decides what is told, so nothing is lost
between the two. Recipient and text are one sealed value that is emptied when the
row is closed; what stays says that something was sent, and how, to nobody's number.
"""

import secrets
from dataclasses import asdict, dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any, Final

import orjson
from sqlmodel import BigInteger, Column, Field, Index, LargeBinary, SQLModel

from idp.interfaces import Clock
from idp.storage.columns import new_id, to_millis
from idp.storage.encryption import Sealer
from idp.storage.store import Row, Transaction

DAY: Final = timedelta(days=1)
KEPT: Final = timedelta(days=7)
LEASE: Final = timedelta(seconds=120)
FIRST_PAUSE: Final = timedelta(seconds=30)
LONGEST_PAUSE: Final = timedelta(hours=1)
MOST_DOUBLINGS: Final = 12
JITTER: Final = 1000
BATCH: Final = 16


class MessageChannel(StrEnum):
    """How a message travels."""

    SMS = "sms"
    EMAIL = "email"


class OutboxState(StrEnum):
    """What became of one message."""

    WAITING = "waiting"
    DONE = "done"
    REFUSED = "refused"
    GIVEN_UP = "given-up"


class OutboxRow(SQLModel, table=True):
    """One message on one channel. Instants in milliseconds; `answer` is the last."""

    __tablename__ = "outbox_message"
    __table_args__ = (
        Index("outbox_message_next", "state", "next_attempt_at"),
        Index("outbox_message_account", "account_id", "made_at"),
        Index("outbox_message_made", "made_at"),
    )
    id: str = Field(primary_key=True)
    account_id: str
    notice: str
    channel: str
    sealed: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    state: str
    provider: str
    reference: str
    answer: str
    attempts: int = Field(sa_column=Column(BigInteger, nullable=False))
    made_at: int = Field(sa_column=Column(BigInteger, nullable=False))
    next_attempt_at: int = Field(sa_column=Column(BigInteger, nullable=False))
    closed_at: int | None = Field(default=None, sa_column=Column(BigInteger))
    lease: str
    lease_until: int = Field(sa_column=Column(BigInteger, nullable=False))


@dataclass(frozen=True, slots=True)
class Letter:
    """What is sent: `html` and `subject` are empty for a text message."""

    to: str
    text: str
    subject: str = ""
    html: str = ""


@dataclass(frozen=True, slots=True)
class Posting:
    """A leased row. Instants in milliseconds."""

    id: str
    account_id: str
    notice: str
    channel: MessageChannel
    sealed: bytes
    attempts: int
    made_at: int
    lease: str


PUT = (
    "INSERT INTO outbox_message (id, account_id, notice, channel, sealed, state,"
    " provider, reference, answer, attempts, made_at, next_attempt_at, lease,"
    " lease_until) VALUES ($1, $2, $3, $4, $5, 'waiting', '', '', '', 0, $6, $6,"
    " '', 0)"
)
CLAIM = (
    "UPDATE outbox_message SET lease = $1, lease_until = $2, attempts = attempts + 1"
    " WHERE state = 'waiting' AND lease_until <= $3 AND id IN"
    " (SELECT id FROM outbox_message WHERE state = 'waiting'"
    " AND next_attempt_at <= $3 AND lease_until <= $3"
    " ORDER BY next_attempt_at, id LIMIT $4)"
    " RETURNING id, account_id, notice, channel, sealed, attempts, made_at, lease"
)
IS_DUE = (
    "SELECT 1 FROM outbox_message"
    " WHERE state = 'waiting' AND next_attempt_at <= $1 AND lease_until <= $1 LIMIT 1"
)
POSTPONE = (
    "UPDATE outbox_message"
    " SET answer = $3, next_attempt_at = $4, lease = '', lease_until = 0"
    " WHERE id = $1 AND lease = $2 AND state = 'waiting'"
)
CLOSE = (
    "UPDATE outbox_message SET state = $3, answer = $4, provider = $5,"
    " reference = $6, closed_at = $7, sealed = $8, lease = '', lease_until = 0"
    " WHERE id = $1 AND lease = $2 AND state = 'waiting'"
)
SENT_SINCE = (
    "SELECT COUNT(*) FROM outbox_message"
    " WHERE account_id = $1 AND channel = $2 AND made_at > $3"
)
COUNTS = "SELECT state, COUNT(*) FROM outbox_message GROUP BY state ORDER BY state"
DROP_OLD = "DELETE FROM outbox_message WHERE made_at < $1"


def pause_after(attempts: int) -> timedelta:
    """Return the pause after so many attempts: doubling, with ±25 % of jitter."""
    doubled = FIRST_PAUSE * (1 << min(max(attempts - 1, 0), MOST_DOUBLINGS))
    return min(doubled, LONGEST_PAUSE) * (0.75 + secrets.randbelow(JITTER) / JITTER / 2)


@dataclass(frozen=True, slots=True)
class Outbox:
    """Put, claim, read, close or put off."""

    clock: Clock
    sealer: Sealer

    async def put(
        self,
        tx: Transaction,
        letter: Letter,
        *,
        channel: MessageChannel,
        notice: str,
        account_id: str = "",
    ) -> str:
        """Write one message in the caller's transaction; return its id."""
        row_id = new_id()
        sealed = self.sealer.seal(orjson.dumps(asdict(letter)), context=_of(row_id))
        now = to_millis(self.clock.now())
        await tx.run(PUT, row_id, account_id, notice, channel.value, sealed, now)
        return row_id

    async def is_any_due(self, tx: Transaction) -> bool:
        """Say whether there is anything to claim; reads only."""
        return await tx.one(IS_DUE, to_millis(self.clock.now())) is not None

    async def claim(self, tx: Transaction) -> list[Posting]:
        """Lease what is due, at most BATCH rows, those due longest first."""
        now = self.clock.now()
        values = (new_id(), to_millis(now + LEASE), to_millis(now), BATCH)
        return [_posting(row) for row in await tx.all(CLAIM, *values)]

    def letter_of(self, posting: Posting) -> Letter:
        """Open what is sent; raises SealBroken."""
        opened = self.sealer.open(posting.sealed, context=_of(posting.id))
        return Letter(**orjson.loads(opened))

    async def close(
        self,
        tx: Transaction,
        posting: Posting,
        state: OutboxState,
        *,
        answer: str = "",
        provider: str = "",
        reference: str = "",
    ) -> bool:
        """Record the end and wipe the content; False when the lease is not ours."""
        now = to_millis(self.clock.now())
        how = (state.value, answer, provider, reference, now, b"")
        return await tx.run(CLOSE, posting.id, posting.lease, *how) == 1

    async def postpone(self, tx: Transaction, posting: Posting, *, answer: str) -> bool:
        """Try again after a growing pause; False when the day is over by then."""
        next_attempt_at = to_millis(self.clock.now() + pause_after(posting.attempts))
        if next_attempt_at >= posting.made_at + DAY // timedelta(milliseconds=1):
            return False
        values = (posting.id, posting.lease, answer, next_attempt_at)
        await tx.run(POSTPONE, *values)
        return True

    async def sent_since(
        self, tx: Transaction, account_id: str, channel: MessageChannel, since: int
    ) -> int:
        """Return how many messages an account was to get since (milliseconds)."""
        row = await tx.one(SENT_SINCE, account_id, channel.value, since)
        return 0 if row is None else int(row[0] or 0)

    async def counts(self, tx: Transaction) -> dict[str, int]:
        """Return how many rows of the last seven days are in each state."""
        rows = await tx.all(COUNTS)
        return {str(state): int(count or 0) for state, count in rows}

    async def drop_old(self, tx: Transaction) -> int:
        """Delete what is older than seven days; return how many."""
        return await tx.run(DROP_OLD, to_millis(self.clock.now() - KEPT))


def _of(row_id: str) -> str:
    return f"outbox_message:{row_id}"


def _posting(row: Row) -> Posting:
    values: list[Any] = list(row)
    values[3] = MessageChannel(values[3])
    return Posting(*values)
