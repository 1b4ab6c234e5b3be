"""Authenticators bound to an account: bind, use, revoke.

A device is its key: the id is the RFC 7638 thumbprint of a P-256 key that cannot
leave the phone. Beside it stand the public half of the PIN key and, when the
person wants it, one WebAuthn platform credential. A wrong PIN is counted here and
nowhere else: nothing on the phone can tell a right one.

    wrong PINs in a row   1  2  3        4       5
    the next try          at once        +10 min +1 h    never (recovery)
                                (after the 3rd) (after the 4th)

Every authenticator ever bound stays on record (NIST SP 800-63B-4, 4.1).
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import orjson
from sqlmodel import BigInteger, Column, Field, LargeBinary, SQLModel

from idp.domain.jws import thumbprint
from idp.errors import (
    AlreadyRegistered,
    DeviceRevoked,
    DeviceSuspended,
    DeviceUnknown,
    Exhausted,
)
from idp.interfaces import Clock
from idp.storage.columns import canonical_json, to_millis
from idp.storage.store import Row, Transaction

MAX_FAILURES = 5
HARDWARE = frozenset({"android-key", "app-attest", "webauthn"})
DELAYS = {3: timedelta(minutes=10), 4: timedelta(hours=1)}


class DeviceRow(SQLModel, table=True):
    """One bound phone. Keys are public halves; instants in milliseconds."""

    __tablename__ = "device"
    id: str = Field(primary_key=True)
    account_id: str = Field(foreign_key="account.id", index=True)
    name: str
    public_jwk: str
    pin_jwk: str
    failures: int = 0
    retry_at: int = Field(default=0, sa_column=Column(BigInteger, nullable=False))
    credential_id: str | None = None
    credential_key: bytes | None = Field(default=None, sa_column=Column(LargeBinary))
    credential_count: int = Field(
        default=0, sa_column=Column(BigInteger, nullable=False)
    )
    credential_synced: int = 0
    made_at: int = Field(sa_column=Column(BigInteger, nullable=False))
    last_used_at: int = Field(sa_column=Column(BigInteger, nullable=False))
    suspended_at: int | None = Field(default=None, sa_column=Column(BigInteger))
    attestation: str = ""
    attested_at: int | None = Field(default=None, sa_column=Column(BigInteger))
    revoked_at: int | None = Field(default=None, sa_column=Column(BigInteger))


class BoundAuthenticator(SQLModel, table=True):
    """Every authenticator ever bound, also those that are gone."""

    __tablename__ = "bound_authenticator"
    id: str = Field(primary_key=True)
    kind: str
    device_id: str = Field(index=True)
    account_id: str = Field(index=True)
    bound_at: int = Field(sa_column=Column(BigInteger, nullable=False))
    removed_at: int | None = Field(default=None, sa_column=Column(BigInteger))


@dataclass(frozen=True, slots=True)
class Credential:
    """A WebAuthn platform credential. `is_synced` is BE = 1."""

    id: str
    public_key: bytes
    sign_count: int
    is_synced: bool


@dataclass(frozen=True, slots=True)
class Device:
    """A bound device and its keys (public JWKs).

    `attestation` names what vouched for the device key ("" when nothing did).
    """

    id: str
    account_id: str
    name: str
    public_jwk: dict[str, Any]
    pin_jwk: dict[str, Any]
    failures: int
    retry_at: int
    credential: Credential | None
    made_at: int
    last_used_at: int
    attestation: str = ""
    is_suspended: bool = False

    @property
    def is_hardware(self) -> bool:
        """Whether the device key was proved to live in hardware (login.md, 7)."""
        return self.attestation in HARDWARE

    @property
    def pin_key_id(self) -> str:
        """The thumbprint of the PIN key."""
        return thumbprint(self.pin_jwk)

    @property
    def is_blocked(self) -> bool:
        """Whether too many PINs were wrong."""
        return self.failures >= MAX_FAILURES


COLUMNS = (
    "id, account_id, name, public_jwk, pin_jwk, failures, retry_at, credential_id,"
    " credential_key, credential_count, credential_synced, made_at, last_used_at,"
    " attestation, suspended_at"
)
INSERT = (
    "INSERT INTO device (id, account_id, name, public_jwk, pin_jwk, failures,"
    " retry_at, credential_count, credential_synced, made_at, last_used_at,"
    " attestation)"
    " VALUES ($1, $2, $3, $4, $5, 0, 0, 0, 0, $6, $6, '') ON CONFLICT DO NOTHING"
)
RECORD = (
    "INSERT INTO bound_authenticator (id, kind, device_id, account_id, bound_at)"
    " VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING"
)
RECORD_REMOVAL = "UPDATE bound_authenticator SET removed_at = $2 WHERE id = $1"
FIND = f"SELECT {COLUMNS}, revoked_at FROM device WHERE id = $1"  # noqa: S608 - constant
OF_ACCOUNT = (
    f"SELECT {COLUMNS}, revoked_at FROM device"  # noqa: S608 - constant
    " WHERE account_id = $1 AND revoked_at IS NULL ORDER BY made_at"
)
SPEND_TRY = (
    "UPDATE device SET failures = failures + 1,"
    " retry_at = CAST($2 AS BIGINT) + CASE failures"
    " WHEN 2 THEN 600000 WHEN 3 THEN 3600000 ELSE 0 END"
    " WHERE id = $1 AND failures < 5 AND retry_at <= $2 AND revoked_at IS NULL"
    " RETURNING failures"
)
RESET_TRIES = (
    "UPDATE device SET failures = 0, retry_at = 0, last_used_at = $2"
    " WHERE id = $1 AND revoked_at IS NULL"
)
USE_CREDENTIAL = (
    "UPDATE device SET credential_count = $3, last_used_at = $4 WHERE id = $1"
    " AND credential_id = $2 AND failures < 5 AND revoked_at IS NULL"
    " AND (credential_count < $3 OR (credential_count = 0 AND $3 = 0))"
)
SET_CREDENTIAL = (
    "UPDATE device SET credential_id = $2, credential_key = $3,"
    " credential_count = $4, credential_synced = $5"
    " WHERE id = $1 AND revoked_at IS NULL"
)


@dataclass(frozen=True, slots=True)
class Devices:
    """Bind devices, find them, count their tries."""

    clock: Clock

    async def bind(
        self,
        tx: Transaction,
        *,
        device_id: str,
        account_id: str,
        public_key: dict[str, Any],
        pin_key: dict[str, Any],
        name: str,
    ) -> None:
        """Bind a device key and a PIN key; raises AlreadyRegistered."""
        now = to_millis(self.clock.now())
        keys = (canonical_json(public_key).decode(), canonical_json(pin_key).decode())
        if await tx.run(INSERT, device_id, account_id, name, *keys, now) != 1:
            raise AlreadyRegistered("device")
        await tx.run(RECORD, device_id, "device", device_id, account_id, now)
        pin_id = f"{device_id}:{thumbprint(pin_key)}"
        await tx.run(RECORD, pin_id, "pin", device_id, account_id, now)

    async def find(self, tx: Transaction, device_id: str) -> Device:
        """Return a live device.

        Raises DeviceUnknown, DeviceRevoked, DeviceSuspended.
        """
        found = await self.find_bound(tx, device_id)
        if found.is_suspended:
            raise DeviceSuspended(device_id)
        return found

    async def find_bound(self, tx: Transaction, device_id: str) -> Device:
        """Return a device, be it suspended; raises DeviceUnknown, DeviceRevoked."""
        row = await tx.one(FIND, device_id)
        if row is None:
            raise DeviceUnknown(device_id)
        if row[-1] is not None:
            raise DeviceRevoked(device_id)
        return _device(row)

    async def of_account(self, tx: Transaction, account_id: str) -> list[Device]:
        """Return the bound devices of an account, suspended ones too, oldest first."""
        return [_device(row) for row in await tx.all(OF_ACCOUNT, account_id)]

    async def spend_pin_try(self, tx: Transaction, device: Device) -> int:
        """Count one try before it is looked at; return the failures so far.

        Raises Exhausted when no try is left now; then nothing is counted.
        """
        now = to_millis(self.clock.now())
        row = await tx.one(SPEND_TRY, device.id, now)
        if row is not None:
            return int(row[0] or 0)
        fresh = await self.find_bound(tx, device.id)
        if fresh.is_blocked:
            raise Exhausted("pin", retry_after=0)
        raise Exhausted("pin", retry_after=max(1, (fresh.retry_at - now) // 1000))

    async def pin_was_right(self, tx: Transaction, device: Device) -> None:
        """Forget the failures; raises DeviceRevoked when it was revoked meanwhile."""
        now = to_millis(self.clock.now())
        if await tx.run(RESET_TRIES, device.id, now) != 1:
            raise DeviceRevoked(device.id)

    async def credential_was_used(
        self, tx: Transaction, device: Device, *, sign_count: int
    ) -> None:
        """Keep the sign count; raises DeviceRevoked when it may not be used."""
        assert device.credential is not None
        now = to_millis(self.clock.now())
        done = await tx.run(
            USE_CREDENTIAL, device.id, device.credential.id, sign_count, now
        )
        if done != 1:
            raise DeviceRevoked("credential")

    async def bind_credential(
        self, tx: Transaction, device: Device, credential: Credential
    ) -> None:
        """Bind a WebAuthn credential in place of any other."""
        now = to_millis(self.clock.now())
        if device.credential is not None:
            await tx.run(RECORD_REMOVAL, device.credential.id, now)
        await tx.run(
            SET_CREDENTIAL,
            device.id,
            credential.id,
            credential.public_key,
            credential.sign_count,
            int(credential.is_synced),
        )
        await tx.run(
            RECORD, credential.id, "webauthn", device.id, device.account_id, now
        )

    async def remove_credential(self, tx: Transaction, device: Device) -> None:
        """Remove the WebAuthn credential, if there is one."""
        if device.credential is None:
            return
        await tx.run(SET_CREDENTIAL, device.id, None, None, 0, 0)
        now = to_millis(self.clock.now())
        await tx.run(RECORD_REMOVAL, device.credential.id, now)


def _device(row: Row) -> Device:
    values: list[Any] = list(row)
    credential = None
    if values[7] is not None:
        credential = Credential(values[7], values[8], values[9], bool(values[10]))
    return Device(
        id=values[0],
        account_id=values[1],
        name=values[2],
        public_jwk=orjson.loads(values[3]),
        pin_jwk=orjson.loads(values[4]),
        failures=values[5],
        retry_at=values[6],
        credential=credential,
        made_at=values[11],
        last_used_at=values[12],
        attestation=values[13],
        is_suspended=values[14] is not None,
    )
