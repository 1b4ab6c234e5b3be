"""The durable answer to a challenge: one row, for which every answer races.

The challenge id is the primary key, so approve, deny and cancel cannot both happen.
The row holds all that is needed to finish the login, also after every short-lived
record was lost: the interaction (sealed), the cookie's hash, who, how, and when.
"""

import hmac
import re
from dataclasses import dataclass
from datetime import timedelta

import orjson
from sqlmodel import BigInteger, Column, Field, LargeBinary, SQLModel

from idp.domain.challenge_records import Challenge, State
from idp.domain.interactions import Interaction, freeze, thaw
from idp.interfaces import Clock
from idp.storage.columns import b64encode, to_millis
from idp.storage.encryption import Sealer
from idp.storage.store import Transaction

RETURN_HASH = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)


class DecisionRow(SQLModel, table=True):
    """What was decided. Instants in milliseconds."""

    __tablename__ = "decision"
    challenge_id: str = Field(primary_key=True)
    state: str
    jti: str
    account_id: str
    device_id: str
    acr: str
    amr: str
    claims: str
    return_hash: str
    assertion: str
    interaction: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    decided_at: int = Field(sa_column=Column(BigInteger, nullable=False, index=True))


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a device answered, once everything about it was checked.

    `claims` are the ones released; `acr` is a short name; `return_hash` is empty
    but for the same device.
    """

    state: State
    jti: str
    account_id: str
    device_id: str
    acr: str = ""
    amr: tuple[str, ...] = ()
    claims: tuple[str, ...] = ()
    return_hash: str = ""
    assertion: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """A verdict with its interaction, as it was written."""

    challenge_id: str
    verdict: Verdict
    interaction: Interaction
    decided_at: int


INSERT = (
    "INSERT INTO decision (challenge_id, state, jti, account_id, device_id, acr, amr,"
    " claims, return_hash, assertion, interaction, decided_at)"
    " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"
    " ON CONFLICT DO NOTHING"
)
FIND = (
    "SELECT state, jti, account_id, device_id, acr, amr, claims, return_hash,"
    " assertion, interaction, decided_at FROM decision WHERE challenge_id = $1"
)
CANCEL_APPROVED = (
    "UPDATE decision SET state = 'cancelled'"
    " WHERE challenge_id = $1 AND state = 'approved' AND NOT EXISTS (SELECT 1"
    " FROM authorization_grant g WHERE g.id = decision.challenge_id)"
)
EXPIRED = "DELETE FROM decision WHERE decided_at < $1"


@dataclass(frozen=True, slots=True)
class Decisions:
    """Write a decision once and read it back."""

    clock: Clock
    sealer: Sealer
    approved_life: timedelta

    async def decide(
        self, tx: Transaction, challenge: Challenge, verdict: Verdict
    ) -> bool:
        """Write the decision; False when another one was first."""
        context = _context(challenge.id)
        kept = freeze(challenge.interaction)
        written = await tx.run(
            INSERT,
            challenge.id,
            verdict.state.value,
            verdict.jti,
            verdict.account_id,
            verdict.device_id,
            verdict.acr,
            " ".join(verdict.amr),
            orjson.dumps(verdict.claims).decode(),
            verdict.return_hash,
            verdict.assertion,
            self.sealer.seal_token(kept, context=context),
            to_millis(self.clock.now()),
        )
        return written == 1

    async def find(self, tx: Transaction, challenge_id: str) -> Decision | None:
        """Return what was decided, if anything was."""
        row = await tx.one(FIND, challenge_id)
        if row is None:
            return None
        texts = [str(value) for value in row[:9]]
        sealed = row[9]
        assert isinstance(sealed, bytes)
        kept = self.sealer.open_token(sealed, context=_context(challenge_id))
        verdict = Verdict(
            state=State(texts[0]),
            jti=texts[1],
            account_id=texts[2],
            device_id=texts[3],
            acr=texts[4],
            amr=tuple(texts[5].split()),
            claims=tuple(orjson.loads(texts[6])),
            return_hash=texts[7],
            assertion=texts[8],
        )
        return Decision(challenge_id, verdict, thaw(kept), int(row[10] or 0))

    async def cancel(self, tx: Transaction, challenge_id: str) -> bool:
        """Turn an approval into nothing; False when there was none."""
        return await tx.run(CANCEL_APPROVED, challenge_id) == 1

    async def drop_old(self, tx: Transaction, *, kept: timedelta) -> int:
        """Delete decisions older than `kept`; return how many."""
        return await tx.run(EXPIRED, to_millis(self.clock.now() - kept))

    def may_finish(self, decision: Decision) -> bool:
        """Say whether an approval is still fresh enough to be finished."""
        age = to_millis(self.clock.now()) - decision.decided_at
        return (
            decision.verdict.state is State.APPROVED
            and age <= self.approved_life.total_seconds() * 1000
        )

    def return_value(self, challenge_id: str, return_hash: str) -> str:
        """Return the server's half of a same-device return (login.md, 6)."""
        key = self.sealer.derived_key("same-device return")
        message = f"return1|{challenge_id}|{return_hash}".encode()
        return b64encode(hmac.digest(key, message, "sha256"))


def _context(challenge_id: str) -> str:
    return f"decision:{challenge_id}"
