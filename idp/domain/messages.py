"""What a person is told of the account: a list in the app, and by message.

`tell` writes one notice for the app's list and one row of the outbox for each
channel of the account (text message, e-mail), all in the caller's transaction; the
courier (message_courier.py) delivers them. Nothing here decides whether something
may happen: a notice that cannot be delivered stops nobody.

Text messages cost money and can be made a nuisance, so an account gets at most
TEXTS_A_DAY of them; what says that somebody may be taking the account over is told
always, for those steps are limited where they begin.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final, Protocol

import orjson
from sqlmodel import BigInteger, Column, Field, Index, LargeBinary, SQLModel

from idp.domain.accounts import Accounts
from idp.domain.message_texts import email_of_notice, text_of_notice
from idp.domain.outbox import Letter, MessageChannel, Outbox
from idp.interfaces import Clock
from idp.storage.columns import new_id, to_millis
from idp.storage.encryption import Sealer
from idp.storage.store import Row, Transaction

TEXTS_A_DAY: Final = 10
SHOWN: Final = 100
KEPT: Final = timedelta(days=400)
MOST_DETAILS: Final = 8
LONGEST_DETAIL: Final = 200
DETAIL_NAME: Final = re.compile(r"[a-z][a-z_]{0,31}")
Detail = Mapping[str, str | int]
NO_DETAIL: Final[Detail] = {}


class Notice(StrEnum):
    """Everything that a person is told; a text of the catalogues each."""

    DEVICE_BOUND = "device-bound"
    DEVICE_REVOKED = "device-revoked"
    DEVICES_SUSPENDED = "devices-suspended"
    PIN_BLOCKED = "pin-blocked"
    PIN_CHANGED = "pin-changed"
    CREDENTIAL_BOUND = "credential-bound"
    CREDENTIAL_REMOVED = "credential-removed"
    PASSKEY_ADDED = "passkey-added"
    PASSKEY_REMOVED = "passkey-removed"
    RECOVERY_STARTED = "recovery-started"
    RECOVERY_DONE = "recovery-done"
    RECOVERY_CANCELLED = "recovery-cancelled"
    PHONE_CHANGE_STARTED = "phone-change-started"
    PHONE_CHANGED = "phone-changed"
    EMAIL_CHANGED = "email-changed"
    DOCUMENT_EXPIRES = "document-expires"
    DOCUMENT_RENEWED = "document-renewed"
    LEVEL_LOWERED = "level-lowered"
    LOGIN_NEW_BROWSER = "login-new-browser"
    REVIEW_DECIDED = "review-decided"


# Told in the app and by e-mail only: frequent, or nothing that must wake anybody.
NOT_BY_SMS: Final = frozenset(
    {Notice.LOGIN_NEW_BROWSER, Notice.LEVEL_LOWERED, Notice.DOCUMENT_RENEWED}
)
# Somebody may be taking the account over: never left out for having sent many.
ALWAYS: Final = frozenset(
    {
        Notice.DEVICE_BOUND,
        Notice.RECOVERY_STARTED,
        Notice.RECOVERY_DONE,
        Notice.PHONE_CHANGE_STARTED,
        Notice.PHONE_CHANGED,
        Notice.EMAIL_CHANGED,
    }
)


class NoticeRow(SQLModel, table=True):
    """One notice in a person's list. Instants in ms; `sealed` holds the detail."""

    __tablename__ = "notice"
    __table_args__ = (
        Index("notice_account", "account_id", "made_at"),
        Index("notice_made", "made_at"),
    )
    id: str = Field(primary_key=True)
    account_id: str
    notice: str
    sealed: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    made_at: int = Field(sa_column=Column(BigInteger, nullable=False))
    seen_at: int | None = Field(default=None, sa_column=Column(BigInteger))


@dataclass(frozen=True, slots=True)
class ToldNotice:
    """A notice as its person sees it. Instants in milliseconds."""

    id: str
    notice: Notice
    detail: Detail
    made_at: int
    seen_at: int | None


class EmailBook(Protocol):
    """Knows the verified e-mail address of an account."""

    async def email_of(self, tx: Transaction, account_id: str) -> str | None:
        """Return the address, or None."""
        ...


class NoEmails:
    """Where nobody has an address."""

    async def email_of(self, tx: Transaction, account_id: str) -> str | None:
        """Return None."""
        del tx, account_id
        return None


INSERT = (
    "INSERT INTO notice (id, account_id, notice, sealed, made_at)"
    " VALUES ($1, $2, $3, $4, $5)"
)
OF_ACCOUNT = (
    "SELECT id, notice, sealed, made_at, seen_at FROM notice"
    " WHERE account_id = $1 ORDER BY made_at DESC, id LIMIT $2"
)
SEEN = (
    "UPDATE notice SET seen_at = $3"
    " WHERE account_id = $1 AND id = $2 AND seen_at IS NULL"
)
DROP_OLD = "DELETE FROM notice WHERE made_at < $1"


@dataclass(frozen=True, slots=True)
class Messages:
    """Tell people, and show them what they were told."""

    clock: Clock
    sealer: Sealer
    accounts: Accounts
    outbox: Outbox
    emails: EmailBook

    async def tell(
        self,
        tx: Transaction,
        account_id: str,
        notice: Notice,
        *,
        detail: Detail = NO_DETAIL,
        skip_sms: bool = False,
    ) -> str:
        """Write a notice and its messages; return the notice's id.

        `detail` holds short facts (`device`, `until`, `expires`, …; instants in whole
        seconds); it is sealed, and neither a text message nor a log has it. Raises
        NotFound, ValueError (a detail that no list could show).
        """
        checked = _checked(detail)
        account = await self.accounts.find(tx, account_id)
        notice_id = new_id()
        sealed = self.sealer.seal(orjson.dumps(checked), context=_of(notice_id))
        now = to_millis(self.clock.now())
        await tx.run(INSERT, notice_id, account_id, notice.value, sealed, now)
        phone = account.facts.phone
        if phone and not skip_sms and await self._may_text(tx, account_id, notice):
            await self._text(tx, phone, notice, locale="km", account_id=account_id)
        address = await self.emails.email_of(tx, account_id)
        if address:
            await self._write(tx, address, notice, checked, account_id=account_id)
        return notice_id

    async def tell_number(
        self, tx: Transaction, phone: str, notice: Notice, *, locale: str
    ) -> None:
        """Tell a number (E.164) that belongs, or belonged, to somebody; text only."""
        await self._text(tx, phone, notice, locale=locale)

    async def tell_address(self, tx: Transaction, address: str, notice: Notice) -> None:
        """Tell an address that belonged to somebody; no detail, and e-mail only."""
        await self._write(tx, address, notice, NO_DETAIL)

    async def notices_of(self, tx: Transaction, account_id: str) -> list[ToldNotice]:
        """Return a person's notices, newest first, at most SHOWN."""
        rows = await tx.all(OF_ACCOUNT, account_id, SHOWN)
        return [self._told(row) for row in rows]

    async def mark_seen(
        self, tx: Transaction, account_id: str, ids: tuple[str, ...]
    ) -> int:
        """Mark notices of the account as seen; return how many were not before."""
        now = to_millis(self.clock.now())
        return sum([await tx.run(SEEN, account_id, one, now) for one in ids])

    async def drop_old(self, tx: Transaction) -> int:
        """Delete notices that are older than 400 days; return how many."""
        return await tx.run(DROP_OLD, to_millis(self.clock.now() - KEPT))

    async def _may_text(self, tx: Transaction, account_id: str, notice: Notice) -> bool:
        if notice in NOT_BY_SMS:
            return False
        if notice in ALWAYS:
            return True
        since = to_millis(self.clock.now() - timedelta(days=1))
        sent = await self.outbox.sent_since(tx, account_id, MessageChannel.SMS, since)
        return sent < TEXTS_A_DAY

    async def _text(
        self,
        tx: Transaction,
        phone: str,
        notice: Notice,
        *,
        locale: str,
        account_id: str = "",
    ) -> None:
        letter = Letter(to=phone, text=text_of_notice(notice.value, locale))
        await self.outbox.put(
            tx,
            letter,
            channel=MessageChannel.SMS,
            notice=notice.value,
            account_id=account_id,
        )

    async def _write(
        self,
        tx: Transaction,
        address: str,
        notice: Notice,
        detail: Detail,
        *,
        account_id: str = "",
    ) -> None:
        subject, text, html = email_of_notice(notice.value, detail)
        await self.outbox.put(
            tx,
            Letter(to=address, subject=subject, text=text, html=html),
            channel=MessageChannel.EMAIL,
            notice=notice.value,
            account_id=account_id,
        )

    def _told(self, row: Row) -> ToldNotice:
        notice_id, notice, sealed, made_at, seen_at = row
        assert isinstance(sealed, bytes)
        opened = self.sealer.open(sealed, context=_of(str(notice_id)))
        return ToldNotice(
            id=str(notice_id),
            notice=Notice(str(notice)),
            detail=orjson.loads(opened),
            made_at=int(made_at or 0),
            seen_at=None if seen_at is None else int(seen_at),
        )


def _of(notice_id: str) -> str:
    return f"notice:{notice_id}"


def _checked(detail: Detail) -> dict[str, str | int]:
    """Return the detail if a list can show it; raises ValueError."""
    if len(detail) > MOST_DETAILS:
        raise ValueError("too many details")
    for name, value in detail.items():
        is_number = isinstance(value, int) and not isinstance(value, bool)
        is_text = isinstance(value, str) and len(value) <= LONGEST_DETAIL
        if not DETAIL_NAME.fullmatch(name) or not (is_number or is_text):
            raise ValueError(f"not a detail: {name[:32]}")
    return dict(detail)
