"""Change the number of an account, and give it an e-mail address.

A number is a contact and no identity, and still it opens the way to a recovery: it is
changed by a bound phone with its PIN, by a code to the new number, and after a wait in
which every channel knows and any bound phone may object. A code to the old number too
ends the wait at once. An e-mail address needs PIN and code, and no wait.
"""

import re
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from idp.domain.accounts import Accounts
from idp.domain.audit import Audit, EventTag
from idp.domain.contact_rows import Contact, ContactKind, ContactRows, ContactState
from idp.domain.messages import Messages, Notice
from idp.domain.one_time_codes import IssuedCode, OneTimeCodes
from idp.domain.rate_limits import Budgets
from idp.errors import EmailInvalid, PhoneInvalid, WrongStep
from idp.interfaces import Clock
from idp.storage.columns import to_millis
from idp.storage.store import Transaction

DAY: Final = timedelta(days=1)
CHANGES_A_DAY: Final = 3
CODES_A_DAY: Final = 5
LONGEST: Final = 254  # RFC 5321, 4.5.3.1
ADDRESS: Final = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@"
    r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
    r"(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?)+"
)


def read_email(text: str) -> str:
    """Return the address as it is written to; raises EmailInvalid. Pure."""
    typed = text.strip()
    if len(typed) > LONGEST or ADDRESS.fullmatch(typed) is None:
        raise EmailInvalid("not an address")
    local, _, domain = typed.rpartition("@")
    return f"{local}@{domain.lower()}"


@dataclass(frozen=True, slots=True)
class Contacts:
    """Begin changes, prove them, end them. `wait` is an owner's time to object."""

    clock: Clock
    rows: ContactRows
    accounts: Accounts
    codes: OneTimeCodes
    budgets: Budgets
    messages: Messages
    audit: Audit
    wait: timedelta

    async def begin_phone(
        self, tx: Transaction, account_id: str, phone: str
    ) -> tuple[Contact, IssuedCode]:
        """Begin a change to a number (E.164); the code goes to the new one.

        Raises PhoneInvalid (it is the number already), Exhausted.
        """
        account = await self.accounts.active(tx, account_id)
        if phone == account.facts.phone:
            raise PhoneInvalid("the number is the same")
        begun = await self._begin(tx, account_id, ContactKind.PHONE, phone)
        await self.budgets.spend(
            tx, "codes a number a day", phone, limit=CODES_A_DAY, window=DAY
        )
        return begun, await self.codes.issue(tx, _new(begun))

    async def begin_email(
        self, tx: Transaction, account_id: str, address: str
    ) -> tuple[Contact, IssuedCode]:
        """Begin with an address; the code goes to it. Raises Exhausted."""
        begun = await self._begin(tx, account_id, ContactKind.EMAIL, address)
        return begun, await self.codes.issue(tx, _new(begun))

    async def prove(self, tx: Transaction, found: Contact, code: str) -> Contact:
        """Check the code that went to the new number or address.

        An address is used from now on; a number begins its wait, and every channel is
        told. Raises CodeWrong, CodeExpired, WrongStep.
        """
        if found.state is not ContactState.PENDING:
            raise WrongStep(found.state.value)
        await self.codes.check(tx, _new(found), code)
        if found.kind is ContactKind.EMAIL:
            await self._take_address(tx, found)
            return replace(found, state=ContactState.CURRENT)
        ready_at = to_millis(self.clock.now() + self.wait)
        await self.rows.move(tx, found, ContactState.WAITING, ready_at=ready_at)
        tag, notice = EventTag.PHONE_CHANGE_STARTED, Notice.PHONE_CHANGE_STARTED
        await self._tell(tx, found, tag, notice, until=ready_at // 1000)
        return replace(found, state=ContactState.WAITING, ready_at=ready_at)

    async def ask_old_number(
        self, tx: Transaction, found: Contact
    ) -> tuple[str, IssuedCode]:
        """Make a code for the old number: return the number and the code.

        Raises WrongStep, Exhausted.
        """
        if found.state is not ContactState.WAITING:
            raise WrongStep(found.state.value)
        account = await self.accounts.active(tx, found.account_id)
        phone = account.facts.phone
        await self.budgets.spend(
            tx, "codes a number a day", phone, limit=CODES_A_DAY, window=DAY
        )
        return phone, await self.codes.issue(tx, _old(found))

    async def confirm_by_old_number(
        self, tx: Transaction, found: Contact, code: str
    ) -> None:
        """End the wait: the old number's owner says yes. Raises as `prove` does."""
        if found.state is not ContactState.WAITING:
            raise WrongStep(found.state.value)
        await self.codes.check(tx, _old(found), code)
        await self._take_over(tx, found)

    async def object(self, tx: Transaction, found: Contact) -> None:
        """Let any bound phone say no; raises WrongStep when it is over."""
        if found.state not in {ContactState.PENDING, ContactState.WAITING}:
            raise WrongStep(found.state.value)
        await self.rows.move(tx, found, ContactState.CANCELLED)
        await self.audit.record(
            tx, EventTag.PHONE_CHANGE_CANCELLED, account=found.account_id
        )

    async def remove_email(self, tx: Transaction, account_id: str) -> None:
        """Forget the address; quiet when there is none. It is told once more."""
        found = await self.rows.current(tx, account_id, ContactKind.EMAIL)
        if found is None:
            return
        await self._tell(tx, found, EventTag.EMAIL_CHANGED, Notice.EMAIL_CHANGED)
        await self.rows.move(tx, found, ContactState.PAST)

    async def sweep(self, tx: Transaction) -> int:
        """Take over the numbers whose wait is over; return how many."""
        due = await self.rows.due(tx)
        for one in due:
            await self._take_over(tx, one)
        return len(due)

    async def _begin(
        self, tx: Transaction, account_id: str, kind: ContactKind, value: str
    ) -> Contact:
        name = f"{kind.value} changes"
        await self.budgets.spend(tx, name, account_id, limit=CHANGES_A_DAY, window=DAY)
        return await self.rows.begin(tx, account_id, kind, value)

    async def _take_address(self, tx: Transaction, found: Contact) -> None:
        """Use an address from now on; the one before hears of it for the last time."""
        was = await self.rows.email_of(tx, found.account_id)
        await self.rows.move(tx, found, ContactState.CURRENT)
        await self._tell(tx, found, EventTag.EMAIL_CHANGED, Notice.EMAIL_CHANGED)
        if was is not None and was != found.value:
            await self.messages.tell_address(tx, was, Notice.EMAIL_CHANGED)

    async def _take_over(self, tx: Transaction, found: Contact) -> None:
        await self.rows.move(tx, found, ContactState.CURRENT)
        account = await self.accounts.find(tx, found.account_id)
        was = account.facts.phone
        await self.accounts.amend(
            tx, account.id, lambda known: replace(known, phone=found.value)
        )
        await self.messages.tell_number(tx, was, Notice.PHONE_CHANGED, locale="km")
        await self._tell(tx, found, EventTag.PHONE_CHANGED, Notice.PHONE_CHANGED)

    async def _tell(
        self,
        tx: Transaction,
        found: Contact,
        tag: EventTag,
        notice: Notice,
        **detail: int,
    ) -> None:
        await self.audit.record(tx, tag, account=found.account_id)
        await self.messages.tell(tx, found.account_id, notice, detail=detail)


def _new(contact: Contact) -> str:
    return f"contact:{contact.id}"


def _old(contact: Contact) -> str:
    return f"contact-old:{contact.id}"
