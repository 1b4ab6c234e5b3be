"""Which relying parties are still to learn that a browser session has ended.

    waiting --claim--> leased --close--> done | refused | given-up
       ^                  |--postpone--> waiting, later
       |__________________|  the lease ran out: its node died

A row is written for each party with a grant of the session and a registered
`backchannel_logout_uri`, in the transaction that ends the session, so nothing is lost
between the two. A lease is a random token with an end, taken by one statement: two
nodes never work the same row, and a node that dies between the post and its record
leaves a row that is sent again (OpenID Connect Back-Channel Logout 1.0, 2.5).
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any

from sqlmodel import BigInteger, Column, Field, Index, SQLModel

from idp.interfaces import Clock
from idp.storage.columns import new_id, to_millis
from idp.storage.store import Row, Transaction

DAY = timedelta(days=1)
KEPT = timedelta(days=7)
LEASE = timedelta(seconds=60)
FIRST_PAUSE = timedelta(seconds=5)
LONGEST_PAUSE = timedelta(hours=1)
MOST_DOUBLINGS = 12
JITTER = 1000
BATCH = 16
SHOWN = 500


class DeliveryState(StrEnum):
    """What became of one delivery."""

    WAITING = "waiting"
    DONE = "done"
    REFUSED = "refused"
    GIVEN_UP = "given-up"


class LogoutDelivery(SQLModel, table=True):
    """One session and one party. Instants in ms; `answer` is the last one."""

    __tablename__ = "logout_delivery"
    __table_args__ = (
        Index("logout_delivery_next", "state", "next_attempt_at"),
        Index("logout_delivery_party", "relying_party_id", "made_at"),
        Index("logout_delivery_made", "made_at"),
    )
    id: str = Field(primary_key=True)
    session_id: str
    relying_party_id: str
    account_id: str
    state: str
    answer: str
    attempts: int = Field(sa_column=Column(BigInteger, nullable=False))
    made_at: int = Field(sa_column=Column(BigInteger, nullable=False))
    next_attempt_at: int = Field(sa_column=Column(BigInteger, nullable=False))
    closed_at: int | None = Field(default=None, sa_column=Column(BigInteger))
    lease: str
    lease_until: int = Field(sa_column=Column(BigInteger, nullable=False))


@dataclass(frozen=True, slots=True)
class Delivery:
    """A delivery as it stands. Instants in milliseconds."""

    id: str
    session_id: str
    relying_party_id: str
    account_id: str
    state: DeliveryState
    answer: str
    attempts: int
    made_at: int
    next_attempt_at: int
    lease: str = ""


COLUMNS = (
    "id, session_id, relying_party_id, account_id, state, answer, attempts, made_at,"
    " next_attempt_at, lease"
)
# Metadata leaves out what is not registered, and a quotation mark inside a JSON text
# is escaped: the member's name between two bare ones stands for the member alone.
ANNOUNCE = (
    "INSERT INTO logout_delivery (id, session_id, relying_party_id, account_id, state,"
    " answer, attempts, made_at, next_attempt_at, lease, lease_until)"
    " SELECT DISTINCT g.session_id || ':' || g.relying_party_id, g.session_id,"
    " g.relying_party_id, g.account_id, 'waiting', '', 0, CAST($2 AS BIGINT),"
    " CAST($2 AS BIGINT), '', 0"
    " FROM authorization_grant g JOIN relying_party r ON r.id = g.relying_party_id"
    " WHERE g.session_id = $1 AND r.disabled_at IS NULL"
    """ AND r.metadata LIKE '%"backchannel_logout_uri":%'"""
    " ON CONFLICT (id) DO NOTHING"
)
CLAIM = (
    "UPDATE logout_delivery"  # noqa: S608 - constant
    " SET lease = $1, lease_until = $2, attempts = attempts + 1"
    " WHERE state = 'waiting' AND lease_until <= $3 AND id IN"
    " (SELECT id FROM logout_delivery WHERE state = 'waiting'"
    " AND next_attempt_at <= $3 AND lease_until <= $3"
    " ORDER BY next_attempt_at, id LIMIT $4)"
    f" RETURNING {COLUMNS}"
)
IS_DUE = (
    "SELECT 1 FROM logout_delivery"
    " WHERE state = 'waiting' AND next_attempt_at <= $1 AND lease_until <= $1 LIMIT 1"
)
POSTPONE = (
    "UPDATE logout_delivery"
    " SET answer = $3, next_attempt_at = $4, lease = '', lease_until = 0"
    " WHERE id = $1 AND lease = $2 AND state = 'waiting'"
)
CLOSE = (
    "UPDATE logout_delivery SET state = $3, answer = $4, closed_at = $5, lease = '',"
    " lease_until = 0 WHERE id = $1 AND lease = $2 AND state = 'waiting'"
)
NEWEST = (
    f"SELECT {COLUMNS} FROM logout_delivery"  # noqa: S608 - constant
    " ORDER BY made_at DESC, id LIMIT $1"
)
NEWEST_OF_PARTY = (
    f"SELECT {COLUMNS} FROM logout_delivery WHERE relying_party_id = $1"  # noqa: S608 - constant
    " ORDER BY made_at DESC, id LIMIT $2"
)
DROP_OLD = "DELETE FROM logout_delivery WHERE made_at < $1"


def pause_after(attempts: int) -> timedelta:
    """Return the pause after so many attempts: doubling, with ±25 % of jitter."""
    doubled = FIRST_PAUSE * (1 << min(attempts - 1, MOST_DOUBLINGS))
    return min(doubled, LONGEST_PAUSE) * (0.75 + secrets.randbelow(JITTER) / JITTER / 2)


@dataclass(frozen=True, slots=True)
class LogoutDeliveries:
    """Write, claim, close or put off; tell what became of them."""

    clock: Clock

    async def announce(self, tx: Transaction, sessions: Sequence[str]) -> int:
        """Write what the end of these sessions owes; return how many rows.

        Belongs in the transaction that ends them.
        """
        now = to_millis(self.clock.now())
        return sum([await tx.run(ANNOUNCE, session, now) for session in sessions])

    async def is_any_due(self, tx: Transaction) -> bool:
        """Say whether there is anything to claim; reads only."""
        return await tx.one(IS_DUE, to_millis(self.clock.now())) is not None

    async def claim(self, tx: Transaction) -> list[Delivery]:
        """Lease what is due, at most BATCH rows, those due longest first."""
        now = self.clock.now()
        values = (new_id(), to_millis(now + LEASE), to_millis(now), BATCH)
        return [_delivery(row) for row in await tx.all(CLAIM, *values)]

    async def close(
        self, tx: Transaction, delivery: Delivery, state: DeliveryState, *, answer: str
    ) -> bool:
        """Record the end; False when the lease is no longer ours."""
        now = to_millis(self.clock.now())
        values = (delivery.id, delivery.lease, state.value, answer, now)
        return await tx.run(CLOSE, *values) == 1

    async def postpone(
        self, tx: Transaction, delivery: Delivery, *, answer: str
    ) -> bool:
        """Try again after a growing pause; False when the day is over by then."""
        next_attempt_at = to_millis(self.clock.now() + pause_after(delivery.attempts))
        if next_attempt_at >= delivery.made_at + _millis(DAY):
            return False
        values = (delivery.id, delivery.lease, answer, next_attempt_at)
        await tx.run(POSTPONE, *values)
        return True

    async def newest(
        self, tx: Transaction, *, relying_party_id: str | None = None
    ) -> list[Delivery]:
        """Return the newest deliveries, of one party if named, at most SHOWN."""
        if relying_party_id is None:
            found = await tx.all(NEWEST, SHOWN)
        else:
            found = await tx.all(NEWEST_OF_PARTY, relying_party_id, SHOWN)
        return [_delivery(row) for row in found]

    async def drop_old(self, tx: Transaction) -> int:
        """Delete what is older than seven days; return how many."""
        return await tx.run(DROP_OLD, to_millis(self.clock.now() - KEPT))


def _delivery(row: Row) -> Delivery:
    values: list[Any] = list(row)
    values[4] = DeliveryState(values[4])
    return Delivery(*values)


def _millis(span: timedelta) -> int:
    return int(span.total_seconds() * 1000)
