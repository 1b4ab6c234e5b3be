"""What became of messages: sent, delivered, failed; and which codes were used.

    sent ──► delivered        what its provider reports, by a call or when asked
       └───► failed
    code asked ──► code used  the conversion, by the prefix of the number

No number is kept, only its prefix (`+85512`): enough to see that a route does not
arrive, or that somebody asks for codes which nobody types (artificial traffic).
"""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final

import phonenumbers
from sqlmodel import BigInteger, Column, Field, Index, SQLModel

from idp.interfaces import Clock, Sent
from idp.storage.columns import new_id, to_millis
from idp.storage.store import Transaction

KEPT: Final = timedelta(days=7)
PREFIX_DIGITS: Final = 2  # of the national number: what names a network, or nearly


class SentState(StrEnum):
    """What is known of one message."""

    SENT = "sent"
    DELIVERED = "delivered"
    FAILED = "failed"


class SentKind(StrEnum):
    """What a message was."""

    CODE = "code"
    NOTICE = "notice"


class SentRow(SQLModel, table=True):
    """One message. Instants in milliseconds; `prefix` is empty for an e-mail."""

    __tablename__ = "sent_message"
    __table_args__ = (
        Index("sent_message_reference", "provider", "reference"),
        Index("sent_message_owner", "owner_id", "sent_at"),
        Index("sent_message_at", "sent_at"),
    )
    id: str = Field(primary_key=True)
    owner_id: str
    kind: str
    provider: str
    reference: str
    prefix: str
    state: str
    sent_at: int = Field(sa_column=Column(BigInteger, nullable=False))
    changed_at: int = Field(sa_column=Column(BigInteger, nullable=False))
    used_at: int | None = Field(default=None, sa_column=Column(BigInteger))


@dataclass(frozen=True, slots=True)
class Tally:
    """How the messages of one provider to one prefix fared."""

    provider: str
    prefix: str
    sent: int
    delivered: int
    failed: int
    codes: int
    used: int


@dataclass(frozen=True, slots=True)
class Unknown:
    """A message whose fate is not known yet; `is_used` when its code was typed."""

    id: str
    reference: str
    is_used: bool


INSERT = (
    "INSERT INTO sent_message (id, owner_id, kind, provider, reference, prefix,"
    " state, sent_at, changed_at) VALUES ($1, $2, $3, $4, $5, $6, 'sent', $7, $7)"
)
# A report that comes late or twice changes nothing that is final.
REPORTED = (
    "UPDATE sent_message SET state = $3, changed_at = $4"
    " WHERE provider = $1 AND reference = $2 AND state = 'sent'"
)
USED = (
    "UPDATE sent_message SET used_at = $2"
    " WHERE owner_id = $1 AND kind = 'code' AND used_at IS NULL"
)
TALLIES = (
    "SELECT provider, prefix, COUNT(*),"
    " SUM(CASE WHEN state = 'delivered' THEN 1 ELSE 0 END),"
    " SUM(CASE WHEN state = 'failed' THEN 1 ELSE 0 END),"
    " COUNT(DISTINCT CASE WHEN kind = 'code' THEN owner_id END),"
    " COUNT(DISTINCT CASE WHEN used_at IS NOT NULL THEN owner_id END)"
    " FROM sent_message WHERE sent_at > $1 AND sent_at <= $2"
    " GROUP BY provider, prefix ORDER BY provider, prefix"
)
UNKNOWN = (
    "SELECT id, reference, used_at FROM sent_message"
    " WHERE provider = $1 AND state = 'sent' AND reference <> ''"
    " AND sent_at > $2 AND changed_at <= $3 ORDER BY changed_at, id LIMIT $4"
)
LOOKED = "UPDATE sent_message SET changed_at = $2 WHERE id = $1"
DROP_OLD = "DELETE FROM sent_message WHERE sent_at < $1"


def prefix_of(e164: str) -> str:
    """Return what may be kept of a number: its country and two digits. Pure."""
    number = phonenumbers.parse(e164)
    national = phonenumbers.national_significant_number(number)
    return f"+{number.country_code}{national[:PREFIX_DIGITS]}"


@dataclass(frozen=True, slots=True)
class SentMessages:
    """Note what left, what was reported, and which codes were typed."""

    clock: Clock

    async def note(
        self, tx: Transaction, sent: Sent, *, kind: SentKind, owner: str, prefix: str
    ) -> None:
        """Write one message that a provider took."""
        now = to_millis(self.clock.now())
        what = (owner, kind.value, sent.provider, sent.reference, prefix)
        await tx.run(INSERT, new_id(), *what, now)

    async def reported(
        self, tx: Transaction, *, provider: str, reference: str, state: SentState
    ) -> bool:
        """Take a provider's report; False when it changes nothing."""
        now = to_millis(self.clock.now())
        if not reference or state is SentState.SENT:
            return False
        return await tx.run(REPORTED, provider, reference, state.value, now) > 0

    async def code_used(self, tx: Transaction, owner: str) -> None:
        """Note that the owner typed the right code."""
        await tx.run(USED, owner, to_millis(self.clock.now()))

    async def tallies(
        self, tx: Transaction, *, window: timedelta, settled: timedelta = timedelta()
    ) -> list[Tally]:
        """Count by provider and prefix, what is younger than `settled` left out."""
        now = self.clock.now()
        since, until = to_millis(now - window), to_millis(now - settled)
        rows = await tx.all(TALLIES, since, until)
        return [
            Tally(str(provider), str(prefix), *(int(n or 0) for n in counts))
            for provider, prefix, *counts in rows
        ]

    async def unknown(
        self, tx: Transaction, provider: str, *, window: timedelta, limit: int
    ) -> list[Unknown]:
        """Return messages whose fate is not known, those asked longest ago first."""
        now = self.clock.now()
        before = to_millis(now - timedelta(seconds=20))
        rows = await tx.all(UNKNOWN, provider, to_millis(now - window), before, limit)
        return [
            Unknown(str(row_id), str(reference), used_at is not None)
            for row_id, reference, used_at in rows
        ]

    async def looked(self, tx: Transaction, row_id: str) -> None:
        """Note that this one was asked about just now."""
        await tx.run(LOOKED, row_id, to_millis(self.clock.now()))

    async def drop_old(self, tx: Transaction) -> int:
        """Delete what is older than seven days; return how many."""
        return await tx.run(DROP_OLD, to_millis(self.clock.now() - KEPT))
