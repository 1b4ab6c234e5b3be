"""Cases that a person decides, each by one reviewer, with evidence shown once.

    open ──take──> taken, for a quarter of an hour ──decide──> decided
                   taken ──(time is over)──> lapsed: asked of the person again

The evidence is shown in the answer to `take` and never again, to the one who took the
case, and wiped with the decision or when the time is over. Who is the person of the
case, or helped to make it, may not take it. Each look and each answer is on record.
"""

import json
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final

from sqlmodel import BigInteger, Column, Field, Index, SQLModel

from idp.domain.audit import Audit, EventTag
from idp.errors import NotFound, WrongStep
from idp.interfaces import Clock
from idp.storage.columns import new_id, to_millis
from idp.storage.store import Row, Transaction

LEASE: Final = timedelta(minutes=15)
MOST: Final = 50


class ReviewState(StrEnum):
    """Where a case stands."""

    OPEN = "open"
    TAKEN = "taken"
    DECIDED = "decided"


class Answer(StrEnum):
    """What a reviewer may say; `lapsed` is said by the clock."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    DOCUMENT_AGAIN = "document-again"
    FACE_AGAIN = "face-again"
    LAPSED = "lapsed"


class ReviewRow(SQLModel, table=True):
    """One case. `subject_id` is a registration's id; instants in milliseconds."""

    __tablename__ = "review"
    __table_args__ = (
        Index("review_state", "state", "opened_at"),
        Index("review_subject", "subject_id"),
    )
    id: str = Field(primary_key=True)
    kind: str
    subject_id: str
    reasons: str
    state: str
    opened_at: int = Field(sa_column=Column(BigInteger, nullable=False))
    taken_by: str | None = None
    taken_until: int | None = Field(default=None, sa_column=Column(BigInteger))
    decided_by: str | None = None
    decided_at: int | None = Field(default=None, sa_column=Column(BigInteger))
    answer: str = ""


@dataclass(frozen=True, slots=True)
class ReviewCase:
    """A case as a reviewer reads it. Instants in milliseconds."""

    id: str
    kind: str
    subject_id: str
    reasons: tuple[str, ...]
    state: ReviewState
    opened_at: int
    taken_by: str | None
    taken_until: int


INSERT = (
    "INSERT INTO review (id, kind, subject_id, reasons, state, opened_at, answer)"
    " VALUES ($1, $2, $3, $4, 'open', $5, '')"
)
_FOUND = (
    "SELECT id, kind, subject_id, reasons, state, opened_at, taken_by, taken_until"
    " FROM review WHERE "
)
FIND = _FOUND + "id = $1"
OPEN = _FOUND + "state = 'open' ORDER BY opened_at, id LIMIT $1"
LAPSED = _FOUND + "state = 'taken' AND taken_until <= $1 LIMIT $2"
TAKE = (
    "UPDATE review SET state = 'taken', taken_by = $2, taken_until = $3"
    " WHERE id = $1 AND state = 'open'"
)
DECIDE = (
    "UPDATE review SET state = 'decided', decided_by = $2, decided_at = $3,"
    " answer = $4 WHERE id = $1 AND state = 'taken' AND taken_by = $2"
    " AND taken_until > $3"
)
LAPSE = (
    "UPDATE review SET state = 'decided', decided_at = $2, answer = 'lapsed'"
    " WHERE id = $1 AND state = 'taken' AND taken_until <= $2"
)
CLOSE = (
    "UPDATE review SET state = 'decided', decided_at = $2, answer = 'withdrawn'"
    " WHERE subject_id = $1 AND state <> 'decided'"
)


@dataclass(frozen=True, slots=True)
class Reviews:
    """Open cases, hand them out, take answers. The desk of RegistrationDecisions."""

    clock: Clock
    audit: Audit

    async def open(
        self, tx: Transaction, *, kind: str, subject_id: str, reasons: tuple[str, ...]
    ) -> str:
        """Open a case; return its id."""
        review_id, now = new_id(), to_millis(self.clock.now())
        await tx.run(INSERT, review_id, kind, subject_id, json.dumps(reasons), now)
        detail = {"review": review_id, "registration": subject_id}
        await self.audit.record(tx, EventTag.REVIEW_OPENED, detail=detail)
        return review_id

    async def waiting(self, tx: Transaction) -> list[ReviewCase]:
        """Return the cases that nobody has taken, the oldest first."""
        return [_case(row) for row in await tx.all(OPEN, MOST)]

    async def find(self, tx: Transaction, review_id: str) -> ReviewCase:
        """Return a case; raises NotFound."""
        row = await tx.one(FIND, review_id)
        if row is None:
            raise NotFound("review")
        return _case(row)

    async def take(
        self, tx: Transaction, review_id: str, *, reviewer: str
    ) -> ReviewCase:
        """Give an open case to a reviewer (an account); raises NotFound, WrongStep."""
        await self.find(tx, review_id)
        until = to_millis(self.clock.now() + LEASE)
        if await tx.run(TAKE, review_id, reviewer, until) != 1:
            raise WrongStep("taken")
        await self._note(tx, EventTag.REVIEW_SHOWN, review_id, reviewer)
        return await self.find(tx, review_id)

    async def decide(
        self, tx: Transaction, review_id: str, *, reviewer: str, answer: Answer
    ) -> ReviewCase:
        """Take the answer of whoever holds the case; raises WrongStep, NotFound."""
        found = await self.find(tx, review_id)
        now = to_millis(self.clock.now())
        if await tx.run(DECIDE, review_id, reviewer, now, answer.value) != 1:
            raise WrongStep(found.state.value)
        await self._note(
            tx, EventTag.REVIEW_DECIDED, review_id, reviewer, answer=answer.value
        )
        return found

    async def lapse(self, tx: Transaction) -> list[ReviewCase]:
        """Close the cases whose reviewer let the time pass; return them."""
        now = to_millis(self.clock.now())
        found = [_case(row) for row in await tx.all(LAPSED, now, MOST)]
        return [one for one in found if await tx.run(LAPSE, one.id, now) == 1]

    async def withdraw(self, tx: Transaction, subject_id: str) -> None:
        """Close what is open of a registration that its person gave up."""
        await tx.run(CLOSE, subject_id, to_millis(self.clock.now()))

    async def _note(
        self,
        tx: Transaction,
        tag: EventTag,
        review_id: str,
        reviewer: str,
        **detail: str,
    ) -> None:
        facts = {"review": review_id, **detail}
        await self.audit.record(tx, tag, account=reviewer, detail=facts)


def _case(row: Row) -> ReviewCase:
    found, kind, subject_id, reasons, state, opened_at, taken_by, taken_until = row
    return ReviewCase(
        id=str(found),
        kind=str(kind),
        subject_id=str(subject_id),
        reasons=tuple(json.loads(str(reasons))),
        state=ReviewState(str(state)),
        opened_at=int(opened_at or 0),
        taken_by=None if taken_by is None else str(taken_by),
        taken_until=int(taken_until or 0),
    )
