r"""An append-only record of every decision; chained and signed each second.

Each event is a row that carries the digest of its own content, so logins never wait
for one another. A task on one node appends the new rows to a chain (each link is
the hash of the link before and the row's digest) and signs its head:

    event  event  event          rows, written inside the decision's transaction
      \      |      /
    link ─ link ─ link ─► head   sealed each second with the provider's key

`camdigikey audit verify` reads it all again and names the first bad row and the
tail that is not sealed yet. Events hold identifiers and facts, no personal data.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import sha256

from sqlmodel import BigInteger, Column, Field, Index, LargeBinary, SQLModel

from idp.interfaces import Clock
from idp.storage.columns import canonical_json, new_id, to_millis
from idp.storage.store import Row, Transaction


class EventTag(StrEnum):
    """Everything that is recorded: `subject:action`."""

    REGISTRATION_STARTED = "registration:started"
    REGISTRATION_PHONE_PROVED = "registration:phone-proved"
    REGISTRATION_DOCUMENT_READ = "registration:document-read"
    REGISTRATION_REGISTER_ANSWERED = "registration:register-answered"
    REGISTRATION_FACE_MATCHED = "registration:face-matched"
    REGISTRATION_JUDGED = "registration:judged"
    REGISTRATION_REVIEWED = "registration:reviewed"
    REGISTRATION_REFUSED = "registration:refused"
    REGISTRATION_CANCELLED = "registration:cancelled"
    RENEWAL_STARTED = "document:renewal-started"
    DOCUMENT_RENEWED = "document:renewed"
    LEVEL_RAISED = "account:level-raised"
    LEVEL_LOWERED = "account:level-lowered"
    ACCOUNT_OPENED = "account:opened"
    DEVICE_BOUND = "device:bound"
    DEVICE_UNLOCKED = "device:unlocked"
    DEVICE_PIN_WRONG = "device:pin-wrong"
    DEVICE_BLOCKED = "device:blocked"
    PHONE_CHANGE_STARTED = "phone:change-started"
    PHONE_CHANGE_CANCELLED = "phone:change-cancelled"
    PHONE_CHANGED = "phone:changed"
    EMAIL_CHANGED = "email:changed"
    OPERATOR_GRANTED = "operator:granted"
    OPERATOR_REVOKED = "operator:revoked"
    ASSISTANCE_OFFERED = "assistance:offered"
    ASSISTANCE_TAKEN = "assistance:taken"
    REVIEW_OPENED = "review:opened"
    REVIEW_SHOWN = "review:shown"
    REVIEW_DECIDED = "review:decided"
    RECOVERY_STARTED = "recovery:started"
    RECOVERY_APPROVED = "recovery:approved"
    RECOVERY_WAITING = "recovery:waiting"
    RECOVERY_DONE = "recovery:done"
    RECOVERY_CANCELLED = "recovery:cancelled"
    DEVICE_RENAMED = "device:renamed"
    DEVICE_PIN_CHANGED = "device:pin-changed"
    DEVICE_ATTESTED = "device:attested"
    DEVICE_SUSPENDED = "device:suspended"
    PHONE_REPORTED_LOST = "phone:reported-lost"
    DEVICE_RESUMED = "device:resumed"
    DEVICE_REVOKED = "device:revoked"
    CREDENTIAL_BOUND = "credential:bound"
    CREDENTIAL_REMOVED = "credential:removed"
    PASSKEY_ADDED = "passkey:added"
    PASSKEY_REMOVED = "passkey:removed"
    PASSKEY_SUSPENDED = "passkey:suspended"
    LOGIN_PASSKEY = "login:passkey"
    LOGIN_RELEASED = "login:released"
    LOGIN_APPROVED = "login:approved"
    LOGIN_DENIED = "login:denied"
    LOGIN_CANCELLED = "login:cancelled"
    LOGIN_NOT_ME = "login:not-me"
    SANDBOX_LOGIN = "login:sandbox"
    PUSH_SENT = "push:sent"
    PUSH_BINDING_CODE_WRONG = "push:binding-code-wrong"
    PUSH_BLOCK_LIFTED = "push:block-lifted"
    PUSH_UNDELIVERED = "push:undelivered"
    TOKEN_ISSUED = "token:issued"  # noqa: S105 - a name, not a secret
    TOKEN_REFRESHED = "token:refreshed"  # noqa: S105
    TOKEN_REUSED = "token:reused"  # noqa: S105
    TOKEN_EXCHANGED = "token:exchanged"  # noqa: S105
    SESSION_ENDED = "session:ended"
    LOGOUT_DELIVERED = "logout:delivered"
    LOGOUT_REFUSED = "logout:refused"
    LOGOUT_GIVEN_UP = "logout:given-up"
    LOGGED_OUT_EVERYWHERE = "account:logged-out-everywhere"
    CONSENT_WITHDRAWN = "consent:withdrawn"
    RELYING_PARTY_ADDED = "relying-party:added"
    REGISTRATION_TOKEN_ISSUED = "relying-party:token-issued"  # noqa: S105
    RELYING_PARTY_CHANGED = "relying-party:changed"
    RELYING_PARTY_DISABLED = "relying-party:disabled"
    KEYS_ROTATED = "keys:rotated"
    KEYS_REVOKED = "keys:revoked"


class AuditEvent(SQLModel, table=True):
    """One decision. `at` is in milliseconds; `digest` covers every other column."""

    __tablename__ = "audit_event"
    __table_args__ = (
        Index("audit_event_account", "account_id", "at"),
        Index("audit_event_at", "at"),
    )
    id: str = Field(primary_key=True)
    at: int = Field(sa_column=Column(BigInteger, nullable=False))
    tag: str
    account_id: str | None = None
    device_id: str | None = None
    relying_party_id: str | None = None
    detail: str
    digest: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class AuditLink(SQLModel, table=True):
    """The place of one event in the chain."""

    __tablename__ = "audit_link"
    position: int = Field(
        sa_column=Column(BigInteger, primary_key=True, autoincrement=False)
    )
    event_id: str = Field(unique=True)
    link: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class AuditSeal(SQLModel, table=True):
    """A signed head of the chain."""

    __tablename__ = "audit_seal"
    position: int = Field(
        sa_column=Column(BigInteger, primary_key=True, autoincrement=False)
    )
    at: int = Field(sa_column=Column(BigInteger, nullable=False))
    signature: str


INSERT = (
    "INSERT INTO audit_event"
    " (id, at, tag, account_id, device_id, relying_party_id, detail, digest)"
    " VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"
)
OF_ACCOUNT = (
    "SELECT at, tag, relying_party_id, device_id FROM audit_event"
    " WHERE account_id = $1 ORDER BY at DESC, id LIMIT $2"
)

NO_DETAIL: Mapping[str, str | int] = {}


def digest_of(
    event_id: str,
    at: int,
    tag: str,
    subjects: tuple[str | None, str | None, str | None],
    detail: str,
) -> bytes:
    """Return the digest of one event's content. Pure."""
    return sha256(canonical_json([event_id, at, tag, *subjects, detail])).digest()


@dataclass(frozen=True, slots=True)
class Audit:
    """Write events and read one person's."""

    clock: Clock = field()

    async def record(
        self,
        tx: Transaction,
        tag: EventTag,
        *,
        account: str | None = None,
        device: str | None = None,
        relying_party: str | None = None,
        detail: Mapping[str, str | int] = NO_DETAIL,
    ) -> None:
        """Write one event in the caller's transaction. No personal data."""
        event_id, at = new_id(), to_millis(self.clock.now())
        text = canonical_json(dict(detail)).decode()
        subjects = (account, device, relying_party)
        digest = digest_of(event_id, at, tag.value, subjects, text)
        await tx.run(INSERT, event_id, at, tag.value, *subjects, text, digest)

    async def of_account(
        self, tx: Transaction, account_id: str, *, limit: int = 50
    ) -> list[Row]:
        """Return `(at, tag, relying_party_id, device_id)`, newest first."""
        return await tx.all(OF_ACCOUNT, account_id, limit)
