"""Questions that wait for the national register, worked by any node.

    waiting --claim--> leased --close--> (gone: answered)
       ^                  |--postpone--> waiting, later
       |__________________|  the lease ran out: its node died

A question names a registration and nothing else; what is asked stays sealed there.
A lease is a random token with an end, taken by one statement, so that two nodes
never answer for the same registration.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import BigInteger, Column, Field, Index, SQLModel

from idp.interfaces import Clock
from idp.storage.columns import new_id, to_millis
from idp.storage.store import Transaction


class RegisterQuestion(SQLModel, table=True):
    """One registration that waits. Instants are milliseconds."""

    __tablename__ = "register_question"
    __table_args__ = (Index("register_question_next", "next_attempt_at"),)
    registration_id: str = Field(primary_key=True)
    attempts: int = Field(sa_column=Column(BigInteger, nullable=False))
    next_attempt_at: int = Field(sa_column=Column(BigInteger, nullable=False))
    lease: str
    lease_until: int = Field(sa_column=Column(BigInteger, nullable=False))


@dataclass(frozen=True, slots=True)
class ClaimedQuestion:
    """A question that only the holder of the lease may answer."""

    registration_id: str
    attempts: int
    lease: str


ASK = (
    "INSERT INTO register_question"
    " (registration_id, attempts, next_attempt_at, lease, lease_until)"
    " VALUES ($1, 0, $2, '', 0) ON CONFLICT (registration_id) DO UPDATE"
    " SET attempts = 0, next_attempt_at = $2, lease = '', lease_until = 0"
)
CLAIM = (
    "UPDATE register_question"
    " SET lease = $1, lease_until = $2, attempts = attempts + 1"
    " WHERE lease_until <= $3 AND next_attempt_at <= $3 AND registration_id ="
    " (SELECT registration_id FROM register_question"
    " WHERE next_attempt_at <= $3 AND lease_until <= $3"
    " ORDER BY next_attempt_at, registration_id LIMIT 1)"
    " RETURNING registration_id, attempts"
)
CLAIM_THIS = (
    "UPDATE register_question"
    " SET lease = $1, lease_until = $2, attempts = attempts + 1"
    " WHERE lease_until <= $3 AND next_attempt_at <= $3 AND registration_id = $4"
    " RETURNING registration_id, attempts"
)
POSTPONE = (
    "UPDATE register_question SET next_attempt_at = $3, lease = '', lease_until = 0"
    " WHERE registration_id = $1 AND lease = $2"
)
CLOSE = "DELETE FROM register_question WHERE registration_id = $1 AND lease = $2"
FORGET = "DELETE FROM register_question WHERE registration_id = $1"
IS_DUE = (
    "SELECT 1 FROM register_question"
    " WHERE next_attempt_at <= $1 AND lease_until <= $1 LIMIT 1"
)
NEXT_ATTEMPT = (
    "SELECT next_attempt_at FROM register_question WHERE registration_id = $1"
)


@dataclass(frozen=True, slots=True)
class RegisterQuestions:
    """Ask, claim, answer or put off. A lease outlives any one question."""

    clock: Clock
    lease: timedelta = timedelta(seconds=60)

    async def ask(self, tx: Transaction, registration_id: str) -> None:
        """Put a question, to be asked at once."""
        await tx.run(ASK, registration_id, to_millis(self.clock.now()))

    async def is_any_due(self, tx: Transaction) -> bool:
        """Say whether there is anything to claim; reads only."""
        return await tx.one(IS_DUE, to_millis(self.clock.now())) is not None

    async def claim(
        self, tx: Transaction, registration_id: str | None = None
    ) -> ClaimedQuestion | None:
        """Take a question that is due (this one, or the one due longest)."""
        now, token = self.clock.now(), new_id()
        values = (token, to_millis(now + self.lease), to_millis(now))
        if registration_id is None:
            row = await tx.one(CLAIM, *values)
        else:
            row = await tx.one(CLAIM_THIS, *values, registration_id)
        return (
            None if row is None else ClaimedQuestion(str(row[0]), _int(row[1]), token)
        )

    async def postpone(
        self, tx: Transaction, question: ClaimedQuestion, *, until: datetime
    ) -> bool:
        """Put a claimed question off; False when the lease is no longer ours."""
        values = (question.registration_id, question.lease, to_millis(until))
        return await tx.run(POSTPONE, *values) == 1

    async def close(self, tx: Transaction, question: ClaimedQuestion) -> bool:
        """Take away an answered question; False when the lease is no longer ours."""
        return await tx.run(CLOSE, question.registration_id, question.lease) == 1

    async def forget(self, tx: Transaction, registration_id: str) -> None:
        """Take away the question of a registration that is over."""
        await tx.run(FORGET, registration_id)

    async def next_attempt_at(self, tx: Transaction, registration_id: str) -> int:
        """Return when it will be asked again (milliseconds), 0 for no question."""
        row = await tx.one(NEXT_ATTEMPT, registration_id)
        return 0 if row is None else _int(row[0])


def _int(value: object) -> int:
    assert isinstance(value, int)
    return value
