"""How a recovery ends well: the new phone takes over, or comes beside the others.

    take_over   every old phone, passkey, session and pending change ends; the new
                phone, its number and what was proved become the account's
    join        one phone more, and nothing else changes

Both within the caller's transaction, which holds the account's lock: all of it, or
nothing.
"""

from dataclasses import dataclass, replace
from typing import Any, Final

from idp.domain.accounts import Account, Accounts
from idp.domain.assurance import lowest
from idp.domain.audit import Audit, EventTag
from idp.domain.contact_rows import ContactRows
from idp.domain.device_changes import DeviceChanges, Reason
from idp.domain.logouts import Logouts
from idp.domain.messages import Messages, Notice
from idp.domain.passkeys import Passkeys
from idp.domain.registration_rows import Registration
from idp.domain.registrations import Registrations
from idp.errors import AlreadyRegistered, DeviceRevoked, DevicesFull, DeviceSuspended
from idp.storage.store import Transaction

MOST_DEVICES: Final = 5


@dataclass(frozen=True, slots=True)
class NewPhone:
    """The keys of the phone to be bound, public JWKs, and the name of it."""

    public_key: dict[str, Any]
    pin_key: dict[str, Any]
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryEndings:
    """Bind the phone that a recovery was for."""

    registrations: Registrations
    accounts: Accounts
    contacts: ContactRows
    devices: DeviceChanges
    passkeys: Passkeys
    logouts: Logouts
    messages: Messages
    audit: Audit

    async def require_room(self, tx: Transaction, account_id: str) -> None:
        """Raise DevicesFull when the account has as many phones as one may have."""
        if len(await self.devices.devices.of_account(tx, account_id)) >= MOST_DEVICES:
            raise DevicesFull(account_id)

    async def still_vouches(self, tx: Transaction, device_id: str) -> bool:
        """Say whether a phone that said yes is neither revoked nor reported lost."""
        try:
            await self.devices.devices.find(tx, device_id)
        except (DeviceRevoked, DeviceSuspended):
            return False
        return True

    async def take_over(
        self,
        tx: Transaction,
        account: Account,
        won: Registration,
        phone: NewPhone,
        *,
        by_document: bool,
    ) -> None:
        """End every old phone, bind the new one, bring the account up to date.

        By the document, the level afterwards is at most what it proved.
        """
        await self._end_the_old(tx, account)
        await self._bind(tx, account, won, phone)
        await self._bring_up_to_date(tx, account, won, by_document=by_document)
        detail = {"device": phone.name}
        await self.messages.tell(tx, account.id, Notice.RECOVERY_DONE, detail=detail)
        await self._note(tx, EventTag.RECOVERY_DONE, won, account)

    async def join(
        self, tx: Transaction, account: Account, won: Registration, phone: NewPhone
    ) -> None:
        """Bind one phone more; ask require_room before anything is written."""
        await self._bind(tx, account, won, phone)
        detail = {"device": phone.name}
        await self.messages.tell(tx, account.id, Notice.DEVICE_BOUND, detail=detail)
        await self._note(tx, EventTag.DEVICE_BOUND, won, account)

    async def _bind(
        self, tx: Transaction, account: Account, won: Registration, phone: NewPhone
    ) -> None:
        try:
            await self.devices.devices.bind(
                tx,
                device_id=won.device_id,
                account_id=account.id,
                public_key=phone.public_key,
                pin_key=phone.pin_key,
                name=phone.name,
            )
        except AlreadyRegistered as refusal:
            # A refusal would commit an account that has lost every phone: roll back.
            raise RuntimeError("the device was bound meanwhile") from refusal

    async def _end_the_old(self, tx: Transaction, account: Account) -> None:
        ended = await self.devices.revoke_others(
            tx, account_id=account.id, keep=None, reason=Reason.RECOVERY
        )
        for device in ended:
            await self.registrations.stop_of_device(tx, device.id)
        for passkey in await self.passkeys.of_account(tx, account.id):
            await self.passkeys.remove(tx, passkey.id, account_id=account.id)
        if await self.contacts.cancel_all(tx, account.id):
            tag = EventTag.PHONE_CHANGE_CANCELLED
            await self.audit.record(tx, tag, account=account.id)
        await self.logouts.everywhere(tx, account.id)

    async def _bring_up_to_date(
        self, tx: Transaction, account: Account, won: Registration, *, by_document: bool
    ) -> None:
        """Take over number, document and face; the level is what was proved."""
        told, was = won.told, account.facts
        level = None
        if by_document:
            level = lowest(account.level, str(told.judged["level"]))
        await self.accounts.amend(
            tx,
            account.id,
            lambda known: replace(known, phone=told.phone),
            level=level,
        )
        if was.phone != told.phone:
            await self.messages.tell_number(
                tx, was.phone, Notice.PHONE_CHANGED, locale=told.locale
            )
        if by_document:
            await self.registrations.settle_recovered(tx, won, account)

    async def _note(
        self, tx: Transaction, tag: EventTag, won: Registration, account: Account
    ) -> None:
        detail = {"registration": won.id}
        await self.audit.record(
            tx, tag, account=account.id, device=won.device_id, detail=detail
        )
