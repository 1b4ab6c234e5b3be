"""What becomes of a bound device: a name, a new PIN, lost and found, revoked.

    live --suspend--> suspended --resume (with its PIN)--> live
    live, suspended --revoke--> revoked, for good

A suspended device approves nothing and shows nothing. Reporting a phone as lost needs
little proof, so it can be taken back; revoking cannot. Whatever stops a device ends
the browser sessions that it opened; the caller wakes the deliveries
(`services.logouts.wake()`) once the transaction is over.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from idp.domain.audit import Audit, EventTag
from idp.domain.devices import RECORD, Device, Devices
from idp.domain.jws import thumbprint
from idp.domain.logouts import Logouts
from idp.errors import DeviceRevoked, NotFound
from idp.interfaces import Clock
from idp.storage.columns import canonical_json, new_id, to_millis
from idp.storage.store import Transaction


class Reason(StrEnum):
    """Why a device was stopped."""

    OWNER = "owner"
    LOST = "lost"
    RECOVERY = "recovery"


RENAME = "UPDATE device SET name = $2 WHERE id = $1 AND revoked_at IS NULL"
CHANGE_PIN = (
    "UPDATE device SET pin_jwk = $3, failures = 0, retry_at = 0"
    " WHERE id = $1 AND pin_jwk = $2 AND revoked_at IS NULL AND suspended_at IS NULL"
)
ATTEST = (
    "UPDATE device SET attestation = $2, attested_at = $3"
    " WHERE id = $1 AND revoked_at IS NULL"
)
SUSPEND = (
    "UPDATE device SET suspended_at = $2 WHERE account_id = $1"
    " AND revoked_at IS NULL AND suspended_at IS NULL RETURNING id"
)
RESUME = (
    "UPDATE device SET suspended_at = NULL"
    " WHERE id = $1 AND suspended_at IS NOT NULL AND revoked_at IS NULL"
)
REVOKE = "UPDATE device SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL"
PINS_GONE = (
    "UPDATE bound_authenticator SET removed_at = $2"
    " WHERE device_id = $1 AND kind = 'pin' AND removed_at IS NULL"
)
AUTHENTICATORS_GONE = (
    "UPDATE bound_authenticator SET removed_at = $2"
    " WHERE device_id = $1 AND removed_at IS NULL"
)


@dataclass(frozen=True, slots=True)
class DeviceChanges:
    """Change bound devices, each change on record."""

    clock: Clock
    audit: Audit
    devices: Devices
    logouts: Logouts

    async def find_own(
        self, tx: Transaction, *, account_id: str, device_id: str
    ) -> Device:
        """Return a bound device of this account; raises NotFound."""
        for device in await self.devices.of_account(tx, account_id):
            if device.id == device_id:
                return device
        raise NotFound("device")

    async def rename(self, tx: Transaction, device: Device, name: str) -> None:
        """Give it another name; raises DeviceRevoked."""
        if await tx.run(RENAME, device.id, name) != 1:
            raise DeviceRevoked(device.id)
        await self._note(tx, EventTag.DEVICE_RENAMED, device)

    async def change_pin(
        self, tx: Transaction, device: Device, pin_key: dict[str, Any]
    ) -> None:
        """Take another PIN key; raises DeviceRevoked when the device changed meanwhile.

        The old key stays on record as removed. The count of wrong PINs starts again.
        """
        now = to_millis(self.clock.now())
        old = canonical_json(device.pin_jwk).decode()
        new = canonical_json(pin_key).decode()
        if await tx.run(CHANGE_PIN, device.id, old, new) != 1:
            raise DeviceRevoked(device.id)
        await tx.run(PINS_GONE, device.id, now)
        pin_id = f"{device.id}:{thumbprint(pin_key)}:{new_id()}"  # may be an old PIN
        await tx.run(RECORD, pin_id, "pin", device.id, device.account_id, now)
        await self._note(tx, EventTag.DEVICE_PIN_CHANGED, device)

    async def attest(self, tx: Transaction, device: Device, attestation: str) -> None:
        """Keep what vouched for the device key; raises DeviceRevoked."""
        now = to_millis(self.clock.now())
        if await tx.run(ATTEST, device.id, attestation, now) != 1:
            raise DeviceRevoked(device.id)
        await self._note(tx, EventTag.DEVICE_ATTESTED, device, kind=attestation)

    async def suspend_all(
        self, tx: Transaction, account_id: str, *, reason: Reason
    ) -> list[str]:
        """Suspend every live device, log out everywhere; return the devices' ids."""
        now = to_millis(self.clock.now())
        rows = await tx.all(SUSPEND, account_id, now)
        await self.logouts.everywhere(tx, account_id)
        for (device_id,) in rows:
            await self.audit.record(
                tx,
                EventTag.DEVICE_SUSPENDED,
                account=account_id,
                device=str(device_id),
                detail={"reason": reason.value},
            )
        return [str(device_id) for (device_id,) in rows]

    async def resume(self, tx: Transaction, device: Device) -> None:
        """Take a suspension back; quiet when there is none."""
        if await tx.run(RESUME, device.id) == 1:
            await self._note(tx, EventTag.DEVICE_RESUMED, device)

    async def revoke(self, tx: Transaction, device: Device, *, reason: Reason) -> bool:
        """End a device and what it opened; False when it was revoked before.

        What it approved and nobody has redeemed is refused from here on, too:
        redemption reads the device again.
        """
        now = to_millis(self.clock.now())
        if await tx.run(REVOKE, device.id, now) != 1:
            return False
        await tx.run(AUTHENTICATORS_GONE, device.id, now)
        await self.logouts.of_device(
            tx, account_id=device.account_id, device_id=device.id
        )
        await self._note(tx, EventTag.DEVICE_REVOKED, device, reason=reason.value)
        return True

    async def revoke_others(
        self,
        tx: Transaction,
        *,
        account_id: str,
        keep: str | None,
        reason: Reason,
    ) -> list[Device]:
        """Revoke every device of the account but `keep`; return those that ended."""
        bound = await self.devices.of_account(tx, account_id)
        others = [device for device in bound if device.id != keep]
        return [one for one in others if await self.revoke(tx, one, reason=reason)]

    async def _note(
        self, tx: Transaction, tag: EventTag, device: Device, **detail: str
    ) -> None:
        await self.audit.record(
            tx, tag, account=device.account_id, device=device.id, detail=detail
        )
