"""One-time codes sent by text message or e-mail: issue, spend an attempt, check.

    (none) --issue--> waiting --check, right--> proved
                      waiting --check, wrong--> waiting, one attempt fewer
                      waiting --issue (later)--> waiting, the next counter

A code is the HOTP value (RFC 4226) of a sealed secret, one per owner, and a counter
that never returns. The attempt is spent by one statement before anything is
compared; with no attempt left, or too late, no code is right any more.
"""

import hmac
from dataclasses import dataclass
from datetime import timedelta
from math import ceil
from typing import Final

import pyotp
from sqlmodel import BigInteger, Column, Field, Index, LargeBinary, SQLModel

from idp.domain.names import ascii_digits
from idp.domain.sent_messages import SentMessages
from idp.errors import CodeExpired, CodeWrong, Exhausted
from idp.interfaces import Clock
from idp.storage.columns import to_millis
from idp.storage.encryption import Sealer
from idp.storage.store import Transaction

MOST_SENDS: Final = 10  # of one owner; then another way must be found
NEVER: Final = 0


class OneTimeCode(SQLModel, table=True):
    """The code that one owner waits for. Instants are milliseconds."""

    __tablename__ = "one_time_code"
    __table_args__ = (Index("one_time_code_expires", "expires_at"),)
    owner_id: str = Field(primary_key=True)
    secret: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    counter: int = Field(sa_column=Column(BigInteger, nullable=False))
    attempts_left: int = Field(sa_column=Column(BigInteger, nullable=False))
    expires_at: int = Field(sa_column=Column(BigInteger, nullable=False))
    resend_at: int = Field(sa_column=Column(BigInteger, nullable=False))


@dataclass(frozen=True, slots=True)
class IssuedCode:
    """A fresh code: what the text message says. Instants are milliseconds."""

    code: str
    expires_at: int
    resend_at: int


@dataclass(frozen=True, slots=True)
class CodeStatus:
    """What its owner may know of the code. Instants are milliseconds."""

    attempts_left: int
    expires_at: int
    resend_at: int


INSERT = (
    "INSERT INTO one_time_code"
    " (owner_id, secret, counter, attempts_left, expires_at, resend_at)"
    " VALUES ($1, $2, 0, $3, $4, $5)"
)
CURRENT = "SELECT counter, resend_at, secret FROM one_time_code WHERE owner_id = $1"
ADVANCE = (
    "UPDATE one_time_code"
    " SET counter = counter + 1, attempts_left = $3, expires_at = $4, resend_at = $5"
    " WHERE owner_id = $1 AND counter = $2"
)
SPEND_ATTEMPT = (
    "UPDATE one_time_code SET attempts_left = attempts_left - 1"
    " WHERE owner_id = $1 AND attempts_left > 0 AND expires_at > $2"
    " RETURNING secret, counter, attempts_left"
)
STATUS_OF = (
    "SELECT attempts_left, expires_at, resend_at FROM one_time_code WHERE owner_id = $1"
)
FORGET = "DELETE FROM one_time_code WHERE owner_id = $1"


def code_at(secret: str, counter: int, *, digits: int) -> str:
    """Return the HOTP value (RFC 4226, 5.3). Pure."""
    return str(pyotp.HOTP(secret, digits=digits).at(counter))


def _context(owner: str) -> str:
    return f"one_time_code.secret:{owner}"


@dataclass(frozen=True, slots=True)
class OneTimeCodes:
    """Issue codes and check them. `resend` holds the waits in seconds."""

    clock: Clock
    sealer: Sealer
    digits: int
    validity: timedelta
    attempts: int
    resend: tuple[int, ...]

    async def issue(self, tx: Transaction, owner: str) -> IssuedCode:
        """Make the first or the next code; the one before is over.

        Raises Exhausted while it is too early, and for good after ten.
        """
        await self.require_wait(tx, owner)
        row = await tx.one(CURRENT, owner)
        if row is None:
            return await self._first(tx, owner)
        counter, _, sealed = row
        assert isinstance(counter, int)
        assert isinstance(sealed, bytes)
        times = self._times(counter + 1)
        if not await tx.run(ADVANCE, owner, counter, self.attempts, *times):
            raise Exhausted("code resend", retry_after=self.resend[-1])
        return IssuedCode(self._code(sealed, owner, counter + 1), *times)

    async def require_wait(self, tx: Transaction, owner: str) -> None:
        """Raise Exhausted while the next code may not be made."""
        row = await tx.one(CURRENT, owner)
        if row is None:
            return
        counter, resend_at, _ = row
        assert isinstance(counter, int)
        assert isinstance(resend_at, int)
        if counter + 1 >= MOST_SENDS:
            raise Exhausted("codes sent", retry_after=NEVER)
        wait = resend_at - to_millis(self.clock.now())
        if wait > 0:
            raise Exhausted("code resend", retry_after=ceil(wait / 1000))

    async def check(self, tx: Transaction, owner: str, typed: str) -> None:
        """Spend an attempt, then compare; a right code is used up.

        Raises CodeExpired when no code can be right, CodeWrong otherwise.
        """
        now = to_millis(self.clock.now())
        row = await tx.one(SPEND_ATTEMPT, owner, now)
        if row is None:
            raise CodeExpired("no code is waiting")
        sealed, counter, left = row
        assert isinstance(sealed, bytes)
        assert isinstance(counter, int)
        assert isinstance(left, int)
        expected = self._code(sealed, owner, counter).encode()
        if not hmac.compare_digest(expected, ascii_digits(typed).strip().encode()):
            raise CodeWrong("one-time code", attempts_left=left)
        await tx.run(FORGET, owner)
        await SentMessages(self.clock).code_used(tx, owner)

    async def status(self, tx: Transaction, owner: str) -> CodeStatus | None:
        """Return what the owner may know, or None when no code was sent."""
        row = await tx.one(STATUS_OF, owner)
        return None if row is None else CodeStatus(*(int(v or 0) for v in row))

    async def forget(self, tx: Transaction, owner: str) -> None:
        """Delete the owner's code and secret."""
        await tx.run(FORGET, owner)

    async def _first(self, tx: Transaction, owner: str) -> IssuedCode:
        secret = self.sealer.seal_text(pyotp.random_base32(), context=_context(owner))
        times = self._times(0)
        await tx.run(INSERT, owner, secret, self.attempts, *times)
        return IssuedCode(self._code(secret, owner, 0), *times)

    def _times(self, sends: int) -> tuple[int, int]:
        """Return when the code ends and when the next may be asked for."""
        now = self.clock.now()
        wait = self.resend[min(sends, len(self.resend) - 1)]
        return to_millis(now + self.validity), to_millis(now + timedelta(seconds=wait))

    def _code(self, sealed: bytes, owner: str, counter: int) -> str:
        secret = self.sealer.open_text(sealed, context=_context(owner))
        return code_at(secret, counter, digits=self.digits)
