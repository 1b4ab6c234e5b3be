"""A registration: from a telephone number to an account and a device.

    phone_code → document → details → register → face → [review] → device → done
                   ^           ^________|   (the register disagreed)
                   |___________|            (a new picture)
                document ←———— face         (the kept picture was wiped meanwhile)
                document, face ←—— review   (a person asks for it again)
    from details on → stopped               (too many tries; assisted registration)
    from details on → refused               (a rule or a person says no)

Documents that the national register does not know go from details to the face. How
the face, and with it everything, is decided: registration_decisions.py. A person who
has an account starts at the document (`renew`) and ends at `done` without a device.

A registration belongs to the thumbprint of the device key that started it, and a
device has one at a time. No order of calls skips a step, and of two racers one
moves and the other is told to look again (registration_rows.py). A killed server
loses nothing: what was answered is a row.
"""

from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final

from idp.domain.accounts import Account
from idp.domain.audit import EventTag
from idp.domain.devices import Devices
from idp.domain.evidence import EvidenceKind
from idp.domain.one_time_codes import IssuedCode, OneTimeCodes
from idp.domain.rate_limits import Budgets
from idp.domain.registration_decisions import RegistrationDecisions
from idp.domain.registration_facts import facts_of, finished
from idp.domain.registration_rows import (
    NEXT,
    REPLACEABLE,
    Registration,
    State,
    Told,
)
from idp.errors import AlreadyRegistered, DeviceUnknown, NotFound, WrongStep
from idp.interfaces import Clock
from idp.storage.columns import new_id, to_millis
from idp.storage.store import Transaction

HOUR: Final = timedelta(hours=1)
DAY: Final = timedelta(days=1)
RENEWALS_A_DAY: Final = 5


@dataclass(frozen=True, slots=True)
class Limits:
    """How often things may be tried."""

    registrations_per_device_a_day: int = 3
    codes_per_number_an_hour: int = 5
    codes_per_prefix_an_hour: int = 20
    documents_an_hour: int = 20
    face_attempts: int = 5
    disagreements: int = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Registrations(RegistrationDecisions):
    """Start registrations and move them along, one step at a time."""

    clock: Clock
    budgets: Budgets
    codes: OneTimeCodes
    devices: Devices
    life: timedelta
    limits: Limits

    async def start(
        self,
        tx: Transaction,
        *,
        device_id: str,
        phone: str,
        locale: str,
        network: str,
        is_recovery: bool = False,
    ) -> tuple[Registration, IssuedCode]:
        """Start the device's registration; the code is to be sent after the commit.

        One that still waits for its first code is replaced (a mistyped number).
        Raises Exhausted, AlreadyRegistered, WrongStep (another one is under way).
        """
        await self._refuse_known_device(tx, device_id)
        await self._refuse_another(tx, device_id)
        limit = self.limits.registrations_per_device_a_day
        await self.budgets.spend(
            tx, "registrations", device_id, limit=limit, window=DAY
        )
        await self._spend_code(tx, phone=phone, network=network)
        told = Told(phone, locale, recovery={"way": ""} if is_recovery else {})
        registration = await self._open(tx, device_id, State.PHONE_CODE, told)
        code = await self.codes.issue(tx, registration.id)
        await self._note(tx, EventTag.REGISTRATION_STARTED, registration)
        return registration, code

    async def renew(
        self, tx: Transaction, *, device_id: str, account: Account, locale: str
    ) -> Registration:
        """Start a renewal of the account's documents on its own, bound device.

        Raises Exhausted, WrongStep (a registration is under way).
        """
        await self._refuse_another(tx, device_id)
        await self.budgets.spend(
            tx, "renewals", account.id, limit=RENEWALS_A_DAY, window=DAY
        )
        told = Told(account.facts.phone, locale, account_id=account.id)
        registration = await self._open(tx, device_id, State.DOCUMENT, told)
        await self._note(tx, EventTag.RENEWAL_STARTED, registration)
        return registration

    async def current(self, tx: Transaction, device_id: str) -> Registration:
        """Return the device's registration; raises NotFound."""
        return await self.rows.current(tx, device_id)

    async def at(
        self, tx: Transaction, registration_id: str, device_id: str, *states: State
    ) -> Registration:
        """Return the device's own registration if it stands at one of `states`.

        Raises NotFound, also for another device's; WrongStep. A renewal needs its
        device to be live still: DeviceRevoked and its like.
        """
        found = await self.rows.find(tx, registration_id)
        if found.device_id != device_id:
            raise NotFound("registration")
        if found.told.account_id:
            device = await self.devices.find(tx, device_id)
            if device.account_id != found.told.account_id:
                raise NotFound("registration")
        if states and found.state not in states:
            raise WrongStep(found.state)
        return found

    async def resend(
        self, tx: Transaction, registration: Registration, *, network: str
    ) -> IssuedCode:
        """Make the next code; raises Exhausted, WrongStep."""
        _expect(registration, State.PHONE_CODE)
        await self.codes.require_wait(tx, registration.id)
        await self._spend_code(tx, phone=registration.told.phone, network=network)
        return await self.codes.issue(tx, registration.id)

    async def prove_phone(
        self, tx: Transaction, registration: Registration, code: str
    ) -> Registration:
        """Check the code; raises CodeWrong, CodeExpired, WrongStep."""
        _expect(registration, State.PHONE_CODE)
        await self.codes.check(tx, registration.id, code)
        moved = await self.rows.move(tx, registration, State.DOCUMENT)
        await self._note(tx, EventTag.REGISTRATION_PHONE_PROVED, moved)
        return moved

    async def spend_document_picture(
        self, tx: Transaction, registration: Registration
    ) -> None:
        """Spend one picture before it is read; raises Exhausted, WrongStep."""
        _expect(registration, State.DOCUMENT, State.DETAILS)
        limit = self.limits.documents_an_hour
        key = registration.device_id
        await self.budgets.spend(tx, "documents", key, limit=limit, window=HOUR)

    async def document_read(
        self, tx: Transaction, registration: Registration, document: dict[str, Any]
    ) -> Registration:
        """Keep what the document says; what was typed before is asked again."""
        told = replace(registration.told, document=document, incorrect_fields=())
        moved = await self.rows.move(tx, registration, State.DETAILS, told)
        detail = {"kind": str(document.get("kind", ""))}
        await self._note(tx, EventTag.REGISTRATION_DOCUMENT_READ, moved, detail)
        return moved

    async def details_given(
        self,
        tx: Transaction,
        registration: Registration,
        details: dict[str, str],
        *,
        asks_register: bool = True,
    ) -> Registration:
        """Keep what was confirmed; ask the register if it knows such documents.

        What the register said of other details is not said of these.
        """
        await self.evidence.outdate(tx, registration.id, EvidenceKind.REGISTER)
        told = replace(registration.told, details=details, incorrect_fields=())
        if not asks_register:
            return await self.rows.move(tx, registration, State.FACE, told)
        moved = await self.rows.move(tx, registration, State.REGISTER, told)
        await self.questions.ask(tx, registration.id)
        return moved

    async def register_agreed(
        self, tx: Transaction, registration: Registration
    ) -> Registration:
        """Go on to the face: the register knows this person."""
        moved = await self.rows.move(tx, registration, State.FACE)
        detail = {"agreed": 1}
        await self._note(tx, EventTag.REGISTRATION_REGISTER_ANSWERED, moved, detail)
        return moved

    async def register_disagreed(
        self, tx: Transaction, registration: Registration, incorrect: tuple[str, ...]
    ) -> Registration:
        """Ask for the details again, or stop after too many disagreements."""
        count = registration.told.disagreements + 1
        told = replace(
            registration.told, incorrect_fields=incorrect, disagreements=count
        )
        is_over = count >= self.limits.disagreements
        to = State.STOPPED if is_over else State.DETAILS
        moved = await self.rows.move(tx, registration, to, told)
        if is_over:
            await self.evidence.wipe(tx, registration.id)
        detail = {"agreed": 0, "fields": len(incorrect)}
        await self._note(tx, EventTag.REGISTRATION_REGISTER_ANSWERED, moved, detail)
        return moved

    async def spend_face_try(
        self, tx: Transaction, registration: Registration
    ) -> Registration:
        """Spend one try before the face is looked at; raises WrongStep."""
        _expect(registration, State.FACE)
        return await self.rows.spend_face_try(tx, registration)

    async def return_face_try(
        self, tx: Transaction, registration: Registration
    ) -> None:
        """Give a spent try back: the engines failed, not the person."""
        await self.rows.return_face_try(tx, registration)

    async def portrait_lost(
        self, tx: Transaction, registration: Registration
    ) -> Registration:
        """Ask for the document again: its picture is not kept for longer."""
        _expect(registration, State.FACE)
        return await self.rows.move(tx, registration, State.DOCUMENT)

    async def face_refused(
        self, tx: Transaction, registration: Registration
    ) -> Registration:
        """Let the person try again, or stop when the last try was spent."""
        if registration.face_left > 0:
            return registration
        return await self.stop(tx, registration, reason="face")

    async def finish(
        self,
        tx: Transaction,
        registration: Registration,
        *,
        public_key: dict[str, Any],
        pin_key: dict[str, Any],
        name: str,
    ) -> Registration:
        """Open the account and bind the device: all of it, or nothing.

        Raises AlreadyRegistered, WrongStep.
        """
        await self._refuse_known_device(tx, registration.device_id)
        won = await self.rows.move(tx, registration, State.DONE)
        account = await self._open_account(tx, won)
        device_id = won.device_id
        keys = {"public_key": public_key, "pin_key": pin_key}
        try:
            await self.devices.bind(
                tx, device_id=device_id, account_id=account.id, name=name, **keys
            )
        except AlreadyRegistered as refusal:
            # A refusal would commit an account that nobody can use: roll back.
            raise RuntimeError("the device was bound meanwhile") from refusal
        result = {
            "account_id": account.id,
            "camdigikey_id": account.camdigikey_id,
            "device_id": device_id,
        }
        await self.settle_account(tx, won, account.id)
        for tag in (EventTag.ACCOUNT_OPENED, EventTag.DEVICE_BOUND):
            await self.audit.record(tx, tag, account=account.id, device=device_id)
        return await self.rows.settle(tx, won, State.DONE, finished(won.told, result))

    async def stop_of_device(self, tx: Transaction, device_id: str) -> None:
        """Stop the renewal that a revoked device had under way, in review too."""
        with suppress(NotFound):
            found = await self.rows.current(tx, device_id)
            if found.told.account_id and State.STOPPED in NEXT[found.state]:
                await self.stop(tx, found, reason="device revoked")

    async def cancel(self, tx: Transaction, registration: Registration) -> None:
        """Forget everything about it; raises WrongStep when it is done."""
        if registration.state is State.DONE:
            raise WrongStep("done")
        await self.rows.delete(tx, registration)
        await self._forget(tx, registration.id)
        await self._note(tx, EventTag.REGISTRATION_CANCELLED, registration)

    async def sweep(self, tx: Transaction) -> int:
        """Delete a batch of registrations whose time is over; return how many."""
        tries = self.limits.face_attempts
        await self.ask_again_what_is_gone(tx, tries=tries)
        gone = await self.rows.delete_expired(tx)
        for registration_id in gone:
            await self._forget(tx, registration_id)
        return len(gone)

    async def _open(
        self, tx: Transaction, device_id: str, state: State, told: Told
    ) -> Registration:
        """Write a new registration in place of one that is over."""
        for old in await self.rows.release(tx, device_id):
            await self._forget(tx, old)
        registration = Registration(
            id=new_id(),
            device_id=device_id,
            state=state,
            version=0,
            face_left=self.limits.face_attempts,
            expires_at=to_millis(self.clock.now() + self.life),
            told=told,
        )
        await self.rows.insert(tx, registration)
        return registration

    async def _refuse_known_device(self, tx: Transaction, device_id: str) -> None:
        try:
            await self.devices.find(tx, device_id)
        except DeviceUnknown:
            return
        raise AlreadyRegistered("device")

    async def _refuse_another(self, tx: Transaction, device_id: str) -> None:
        try:
            found = await self.rows.current(tx, device_id)
        except NotFound:
            return
        if found.state not in REPLACEABLE:
            raise WrongStep(found.state)

    async def _open_account(self, tx: Transaction, won: Registration) -> Account:
        facts, level = facts_of(won.told), str(won.told.judged["level"])
        if await self.accounts.by_document(tx, facts.document) is None:
            with suppress(AlreadyRegistered):
                return await self.accounts.open(tx, facts, level=level)
        # Nothing was opened; a refusal commits, so it must not say "done".
        await self.rows.settle(tx, won, State.STOPPED)
        raise AlreadyRegistered("document")

    async def _spend_code(self, tx: Transaction, *, phone: str, network: str) -> None:
        for name, key, limit in (
            # The sender's own budget first: an exhausted network must not be able
            # to spend what belongs to somebody else's number.
            ("codes a prefix", network, self.limits.codes_per_prefix_an_hour),
            ("codes a number", phone, self.limits.codes_per_number_an_hour),
        ):
            await self.budgets.spend(tx, name, key, limit=limit, window=HOUR)

    async def _forget(self, tx: Transaction, registration_id: str) -> None:
        await self.codes.forget(tx, registration_id)
        await self.questions.forget(tx, registration_id)
        await self.evidence.forget(tx, registration_id)
        await self._withdraw(tx, registration_id)


def _expect(registration: Registration, *states: State) -> None:
    if registration.state not in states:
        raise WrongStep(registration.state)
