"""A lost phone, reported without a phone and without a login.

    number ─begin─> case ─(a code reaches the number's new SIM)─> prove ─> suspended

The answer is the same whether the number has an account or not: a case without one
has a code, too, that nobody is sent. Little is proved, so little is done: the phones
are suspended, and their own PIN takes that back (device_changes.py).
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from idp.domain.accounts import Accounts
from idp.domain.audit import Audit, EventTag
from idp.domain.contact_rows import ContactRows
from idp.domain.device_changes import DeviceChanges, Reason
from idp.domain.messages import Messages, Notice
from idp.domain.one_time_codes import OneTimeCodes
from idp.domain.rate_limits import Budgets
from idp.errors import CodeExpired
from idp.storage.columns import new_id
from idp.storage.ephemeral import Ephemeral
from idp.storage.store import Transaction

LIFE: Final = timedelta(minutes=15)
MOST_ACCOUNTS: Final = 8
HOUR: Final = timedelta(hours=1)
PER_NETWORK, PER_NUMBER = 10, 3


@dataclass(frozen=True, slots=True)
class LostPhoneCase:
    """A case that waits for its code. `code` is empty when nobody is to be sent one."""

    id: str
    code: str


@dataclass(frozen=True, slots=True)
class LostPhones:
    """Take a report, check its code, suspend."""

    ephemeral: Ephemeral
    budgets: Budgets
    codes: OneTimeCodes
    accounts: Accounts
    devices: DeviceChanges
    contacts: ContactRows
    messages: Messages
    audit: Audit

    async def begin(
        self, tx: Transaction, *, phone: str, network: str
    ) -> LostPhoneCase:
        """Open a case for a number (E.164); raises Exhausted.

        The network's budget is spent first: it must not empty a stranger's number's.
        """
        for name, key, limit in (
            ("lost phones a network", network, PER_NETWORK),
            ("lost phones a number", phone, PER_NUMBER),
        ):
            await self.budgets.spend(tx, name, key, limit=limit, window=HOUR)
        found = await self.accounts.by_phone(tx, phone, most=MOST_ACCOUNTS)
        case_id = new_id()
        issued = await self.codes.issue(tx, _owner(case_id))
        record = {"accounts": " ".join(found)}
        seconds = int(LIFE.total_seconds())
        await self.ephemeral.put(_owner(case_id), record, seconds=seconds)
        return LostPhoneCase(case_id, issued.code if found else "")

    async def prove(self, tx: Transaction, case_id: str, code: str) -> None:
        """Check the code and suspend every phone; raises CodeWrong, CodeExpired."""
        record = await self.ephemeral.get(_owner(case_id))
        if record is None:
            raise CodeExpired("no such case")
        await self.codes.check(tx, _owner(case_id), code)
        for account_id in record["accounts"].split():
            await self.devices.suspend_all(tx, account_id, reason=Reason.LOST)
            # Whoever has the phone may have begun to take the number as well.
            await self.contacts.cancel_all(tx, account_id)
            await self.audit.record(
                tx, EventTag.PHONE_REPORTED_LOST, account=account_id
            )
            await self.messages.tell(tx, account_id, Notice.DEVICES_SUSPENDED)

    async def forget(self, tx: Transaction, case_id: str) -> None:
        """Close a case whose code could not be sent."""
        await self.codes.forget(tx, _owner(case_id))
        await self.ephemeral.delete(_owner(case_id))


def _owner(case_id: str) -> str:
    return f"lost:{case_id}"
