"""Passkeys of an account: WebAuthn credentials that log in at our own origin.

    live --the sign count went back--> suspended
      '-------------- remove ------------'------> removed

A count that does not grow means that two authenticators hold the key (WebAuthn 3,
7.2 step 22): the passkey logs nobody in from then on, and its person is shown why.
Every authenticator ever bound stays on record (NIST SP 800-63B-4, 4.1).
"""

from dataclasses import dataclass
from typing import Any

from sqlmodel import BigInteger, Column, Field, LargeBinary, SQLModel

from idp.domain.audit import Audit, EventTag
from idp.domain.passkey_answers import NewPasskey, Use
from idp.domain.user_verification import WebAuthnParty
from idp.errors import (
    AccountSuspended,
    AlreadyRegistered,
    AssertionInvalid,
    Exhausted,
    NotFound,
)
from idp.interfaces import Clock
from idp.storage.columns import to_millis
from idp.storage.encryption import Sealer
from idp.storage.store import Row, Transaction

MOST = 10  # of one account
LONGEST_NAME = 60  # characters


def _instant(*, nullable: bool) -> Any:
    return Field(sa_column=Column(BigInteger, nullable=nullable), default=None)


class PasskeyRow(SQLModel, table=True):
    """One passkey, also one that is gone. Instants in milliseconds.

    `is_synced` is 1 when it may be copied (BE); `attested_as` is the format of an
    attestation that a trusted root vouches for, "" without one.
    """

    __tablename__ = "passkey"
    id: str = Field(primary_key=True)
    account_id: str = Field(foreign_key="account.id", index=True)
    name: str
    public_key: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    sign_count: int = Field(sa_column=Column(BigInteger, nullable=False))
    is_synced: int = Field(sa_column=Column(BigInteger, nullable=False))
    attested_as: str
    aaguid: str
    made_at: int = _instant(nullable=False)
    last_used_at: int | None = _instant(nullable=True)
    suspended_at: int | None = _instant(nullable=True)
    removed_at: int | None = _instant(nullable=True)


@dataclass(frozen=True, slots=True)
class Passkey:
    """A passkey that was not removed; `id` is the credential id in base64url."""

    id: str
    account_id: str
    name: str
    public_key: bytes
    sign_count: int
    is_synced: bool
    attested_as: str
    made_at: int
    last_used_at: int | None
    is_suspended: bool

    @property
    def is_attested_hardware(self) -> bool:
        """Whether a trusted root says that the key cannot leave its hardware."""
        return bool(self.attested_as) and not self.is_synced


COLUMNS = (
    "id, account_id, name, public_key, sign_count, is_synced, attested_as,"
    " made_at, last_used_at, suspended_at"
)
FIND = f"SELECT {COLUMNS} FROM passkey WHERE id = $1 AND removed_at IS NULL"  # noqa: S608 - constant
OF_ACCOUNT = (
    f"SELECT {COLUMNS} FROM passkey"  # noqa: S608 - constant
    " WHERE account_id = $1 AND removed_at IS NULL ORDER BY made_at, id"
)
# Takes the account's row lock, so that two tabs cannot both add the tenth.
LOCK = (
    "UPDATE account SET logged_out_at = logged_out_at"
    " WHERE id = $1 AND state = 'active'"
)
COUNT = "SELECT COUNT(*) FROM passkey WHERE account_id = $1 AND removed_at IS NULL"
INSERT = (
    "INSERT INTO passkey (id, account_id, name, public_key, sign_count, is_synced,"
    " attested_as, aaguid, made_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
    " ON CONFLICT DO NOTHING"
)
USE = (
    "UPDATE passkey SET sign_count = $2, last_used_at = $3 WHERE id = $1"
    " AND removed_at IS NULL AND suspended_at IS NULL"
    " AND (sign_count < $2 OR (sign_count = 0 AND $2 = 0))"
)
SUSPEND = (
    "UPDATE passkey SET suspended_at = $2 WHERE id = $1"
    " AND removed_at IS NULL AND suspended_at IS NULL"
)
RENAME = (
    "UPDATE passkey SET name = $3 WHERE id = $1 AND account_id = $2"
    " AND removed_at IS NULL"
)
REMOVE = (
    "UPDATE passkey SET removed_at = $3 WHERE id = $1 AND account_id = $2"
    " AND removed_at IS NULL"
)


@dataclass(frozen=True, slots=True)
class Passkeys:
    """Add passkeys, find them, use them, take them away.

    `roots` are the PEM certificates whose attestations count; usually none.
    """

    clock: Clock
    sealer: Sealer
    audit: Audit
    party: WebAuthnParty
    roots: tuple[bytes, ...] = ()

    def user_handle(self, account_id: str) -> bytes:
        """Return the 32 bytes that name the account to its authenticators.

        They tell nothing of the person (WebAuthn 3, 14.6.1).
        """
        return self.sealer.blind_index("passkey user handle", account_id)

    async def of_account(self, tx: Transaction, account_id: str) -> list[Passkey]:
        """Return the passkeys of an account, also suspended ones, oldest first."""
        return [_passkey(row) for row in await tx.all(OF_ACCOUNT, account_id)]

    async def find(self, tx: Transaction, passkey_id: str) -> Passkey:
        """Return a passkey that logs somebody in; raises AssertionInvalid."""
        row = await tx.one(FIND, passkey_id)
        found = None if row is None else _passkey(row)
        if found is None or found.is_suspended:
            raise AssertionInvalid("unknown, removed or suspended passkey")
        return found

    async def add(
        self, tx: Transaction, new: NewPasskey, *, account_id: str, name: str
    ) -> None:
        """Bind a passkey; raises Exhausted, AlreadyRegistered, AccountSuspended."""
        if await tx.run(LOCK, account_id) != 1:
            raise AccountSuspended("account")
        counted = await tx.one(COUNT, account_id)
        if counted is None or int(counted[0] or 0) >= MOST:
            raise Exhausted("passkeys", retry_after=0)
        done = await tx.run(
            INSERT,
            new.id,
            account_id,
            name,
            new.public_key,
            new.sign_count,
            int(new.is_synced),
            new.attested_as,
            new.aaguid,
            to_millis(self.clock.now()),
        )
        if done != 1:
            raise AlreadyRegistered("passkey")
        await self.audit.record(
            tx,
            EventTag.PASSKEY_ADDED,
            account=account_id,
            detail={"passkey": new.id, "attested": new.attested_as},
        )

    async def was_used(self, tx: Transaction, passkey: Passkey, use: Use) -> None:
        """Keep the sign count of a true signature; raises AssertionInvalid.

        A count that went back suspends the passkey.
        """
        now = to_millis(self.clock.now())
        if await tx.run(USE, passkey.id, use.sign_count, now) == 1:
            return
        if await tx.run(SUSPEND, passkey.id, now) == 1:
            await self.audit.record(
                tx,
                EventTag.PASSKEY_SUSPENDED,
                account=passkey.account_id,
                detail={"passkey": passkey.id, "count": use.sign_count},
            )
        raise AssertionInvalid("the sign count went back")

    async def rename(
        self, tx: Transaction, passkey_id: str, *, account_id: str, name: str
    ) -> None:
        """Give one of the account's passkeys another name; raises NotFound."""
        if await tx.run(RENAME, passkey_id, account_id, name) != 1:
            raise NotFound("passkey")

    async def remove(
        self, tx: Transaction, passkey_id: str, *, account_id: str
    ) -> None:
        """Take one of the account's passkeys away; raises NotFound."""
        now = to_millis(self.clock.now())
        if await tx.run(REMOVE, passkey_id, account_id, now) != 1:
            raise NotFound("passkey")
        await self.audit.record(
            tx,
            EventTag.PASSKEY_REMOVED,
            account=account_id,
            detail={"passkey": passkey_id},
        )


def clean_name(text: str) -> str:
    """Return a name as it is kept: one short line of printable characters. Pure."""
    shown = "".join(c if c.isprintable() else " " for c in text)
    return " ".join(shown.split())[:LONGEST_NAME].strip()


def _passkey(row: Row) -> Passkey:
    values: list[Any] = list(row)
    values[5] = bool(values[5])
    values[9] = values[9] is not None
    return Passkey(*values)
