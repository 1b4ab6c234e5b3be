"""Back to one's own account from another phone, without anybody's help.

The journey is that of a registration (registrations.py), up to the living face; then:

    by the old phone      its PIN or biometric, and the face that is on record
    beside the old phone  the same, and both phones are the person's afterwards
    by the document       the register, its portrait, and the face that is on record
        │
      waiting ──ready──> finish: the new phone is bound, every old one is dead at once
        └──objection (any old phone, with its PIN)──> ended

Every channel of the account is told when the wait begins, when it ends, and when
somebody objects. The wait is nothing when the old phone has said yes, a day when the
account's own number was proved, and three days otherwise: time for the owner to say
no. Nothing is ever given above what was proved.
"""

import secrets
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final

from idp.domain.accounts import Account, Accounts
from idp.domain.assurance import lowest
from idp.domain.audit import Audit, EventTag
from idp.domain.devices import Device
from idp.domain.messages import Messages, Notice
from idp.domain.one_time_codes import IssuedCode
from idp.domain.rate_limits import Budgets
from idp.domain.recovery_endings import NewPhone, RecoveryEndings
from idp.domain.recovery_rows import LIVE, Recovery, RecoveryRows, RecoveryState
from idp.domain.registration_decisions import Judged, LiveFace, with_judged
from idp.domain.registration_facts import facts_of
from idp.domain.registration_rows import Registration, State, Told
from idp.domain.registrations import Registrations
from idp.errors import EvidenceInsufficient, NotFound, WrongStep
from idp.interfaces import Clock
from idp.storage.columns import to_millis
from idp.storage.store import Transaction

BY_DEVICE, BESIDE, BY_DOCUMENT = "device", "beside", "document"
VOUCHED: Final = frozenset({BY_DEVICE, BESIDE})
FINISH_WITHIN: Final = timedelta(days=7)
DAY: Final = timedelta(days=1)
WAITS_A_DAY: Final = 3
APPROVABLE: Final = frozenset({State.DOCUMENT, State.DETAILS})
NO_ACCOUNT: Final = "no-account"


@dataclass(frozen=True, slots=True)
class Waits:
    """How long an owner has to object."""

    own_number: timedelta = timedelta(hours=24)
    other_number: timedelta = timedelta(hours=72)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recoveries:
    """Bring people back to their accounts."""

    clock: Clock
    rows: RecoveryRows
    registrations: Registrations
    accounts: Accounts
    endings: RecoveryEndings
    messages: Messages
    audit: Audit
    budgets: Budgets
    waits: Waits

    async def start(
        self, tx: Transaction, *, device_id: str, phone: str, locale: str, network: str
    ) -> tuple[Registration, IssuedCode]:
        """Begin; the code is to be sent after the commit, whoever has the number.

        Raises what Registrations.start does.
        """
        started, code = await self.registrations.start(
            tx,
            device_id=device_id,
            phone=phone,
            locale=locale,
            network=network,
            is_recovery=True,
        )
        binding_code = f"{secrets.randbelow(100):02}"
        await self.rows.insert(
            tx, started.id, device_id=device_id, phone=phone, binding_code=binding_code
        )
        await self._note(tx, EventTag.RECOVERY_STARTED, started)
        return started, code

    async def binding_code(self, tx: Transaction, journey: Registration) -> str:
        """Return the digits to show while the old phone may say yes, else ""."""
        if not journey.told.recovery or journey.state not in APPROVABLE:
            return ""
        found = await self.rows.find(tx, journey.id)
        return found.binding_code if found.state is RecoveryState.OPEN else ""

    async def shown_to(self, tx: Transaction, device: Device) -> list[Recovery]:
        """Return the recoveries that a phone of the account should show.

        One that has no account yet is shown once its number was proved.
        """
        account = await self.accounts.active(tx, device.account_id)
        return await self.rows.known_to(
            tx, account_id=account.id, phone=account.facts.phone
        )

    async def approve(
        self,
        tx: Transaction,
        recovery_id: str,
        device: Device,
        *,
        binding_code: str,
        way: str = BY_DEVICE,
    ) -> Registration:
        """Let an old phone say yes: only the face is asked then.

        `way` is BY_DEVICE (the new phone takes over) or BESIDE (both stay). The person
        types the two digits that the new phone shows; a wrong pair ends the recovery.
        Raises NotFound, WrongStep, EvidenceInsufficient, DevicesFull.
        """
        found = await self._of_phone(tx, recovery_id, device)
        journey = await self.registrations.rows.find(tx, recovery_id)
        if found.state is not RecoveryState.OPEN or journey.state not in APPROVABLE:
            raise WrongStep(journey.state)
        if way == BESIDE:
            await self.endings.require_room(tx, device.account_id)
        if not secrets.compare_digest(binding_code, found.binding_code):
            await self._end(tx, found, journey, account_id=device.account_id)
            return await self.registrations.rows.find(tx, recovery_id)
        account_id = device.account_id
        await self.rows.move(
            tx, found, RecoveryState.APPROVED, account_id=account_id, way=way
        )
        known = {"way": way, "account": account_id, "by": device.id}
        told = replace(journey.told, recovery={**journey.told.recovery, **known})
        await self._note(
            tx, EventTag.RECOVERY_APPROVED, journey, account=account_id, by=device.id
        )
        return await self.registrations.rows.move(tx, journey, State.FACE, told)

    async def object(self, tx: Transaction, recovery_id: str, device: Device) -> None:
        """Let an old phone say no; raises NotFound, WrongStep when it is over."""
        found = await self._of_phone(tx, recovery_id, device)
        if found.state.value not in LIVE:
            raise WrongStep(found.state.value)
        journey = await self.registrations.rows.find(tx, recovery_id)
        await self._end(tx, found, journey, account_id=device.account_id)

    async def given_up(self, tx: Transaction, journey: Registration) -> None:
        """Close the row of a recovery that its own phone gives up."""
        found = await self.rows.find(tx, journey.id)
        if found.state.value in LIVE:
            await self.rows.move(tx, found, RecoveryState.ENDED)

    async def account_of(self, tx: Transaction, journey: Registration) -> Account:
        """Return whose account this is; told only to who has its face.

        Raises EvidenceInsufficient("document", advice=("no-account",)),
        AccountSuspended.
        """
        account_id = journey.told.recovery.get("account") or None
        if account_id is None:
            document = facts_of(journey.told).document
            account_id = await self.accounts.by_document(tx, document)
        if account_id is None:
            raise EvidenceInsufficient("document", advice=(NO_ACCOUNT,))
        return await self.accounts.active(tx, account_id)

    async def accepted(
        self,
        tx: Transaction,
        journey: Registration,
        judged: Judged,
        *,
        face: LiveFace | None = None,
    ) -> Registration:
        """Begin the wait, and tell every channel; raises what account_of does."""
        told = with_judged(journey.told, judged, face)
        await self.registrations.record(tx, journey, judged, outcome="accepted")
        return await self._begin_wait(tx, journey, told)

    async def send_to_review(
        self,
        tx: Transaction,
        journey: Registration,
        judged: Judged,
        *,
        face: LiveFace | None = None,
    ) -> Registration:
        """Let a person decide, if there is such an account; raises as account_of."""
        await self.account_of(tx, journey)
        return await self.registrations.send_to_review(tx, journey, judged, face=face)

    async def refuse(
        self, tx: Transaction, journey: Registration, *, reasons: tuple[str, ...]
    ) -> Registration:
        """Say no for good."""
        await self.given_up(tx, journey)
        return await self.registrations.refuse(tx, journey, reasons=reasons)

    async def review_accepted(
        self, tx: Transaction, journey: Registration, level: str
    ) -> Registration:
        """Begin the wait: a person has looked. A review shortens nothing."""
        if journey.state is not State.REVIEW:
            raise WrongStep(journey.state)
        judged = journey.told.judged
        given = lowest(level, str(judged["level"]))
        told = replace(journey.told, judged={**judged, "level": given})
        return await self._begin_wait(tx, journey, told)

    async def review_refused(
        self, tx: Transaction, journey: Registration
    ) -> Registration:
        """End it: a person has said no."""
        return await self.refuse(tx, journey, reasons=("review",))

    async def finish(
        self,
        tx: Transaction,
        journey: Registration,
        *,
        public_key: dict[str, Any],
        pin_key: dict[str, Any],
        name: str,
    ) -> Registration:
        """Bind the new phone; every other one ends, unless this one comes beside it.

        All of it, or nothing. A yes counts only while the phone that gave it does: else
        the recovery is ended. The caller wakes the logout deliveries. Raises WrongStep
        (not yet, or over), AccountSuspended, DevicesFull.
        """
        ready_at = int(journey.told.recovery.get("ready_at") or 0)
        if journey.state is not State.WAITING or to_millis(self.clock.now()) < ready_at:
            raise WrongStep(journey.state)
        found = await self.rows.find(tx, journey.id)
        assert found.account_id is not None
        await self.accounts.lock(tx, found.account_id)
        account = await self.accounts.active(tx, found.account_id)
        by = str(journey.told.recovery.get("by", ""))
        if found.way in VOUCHED and not await self.endings.still_vouches(tx, by):
            await self._end(tx, found, journey, account_id=account.id)
            return await self.registrations.rows.find(tx, journey.id)
        if found.way == BESIDE:
            await self.endings.require_room(tx, account.id)
        await self.rows.move(tx, found, RecoveryState.DONE)
        won = await self.registrations.rows.move(tx, journey, State.DONE)
        phone = NewPhone(public_key, pin_key, name)
        if found.way == BESIDE:
            await self.endings.join(tx, account, won, phone)
        else:
            by_document = found.way == BY_DOCUMENT
            await self.endings.take_over(
                tx, account, won, phone, by_document=by_document
            )
        result = {
            "account_id": account.id,
            "camdigikey_id": account.camdigikey_id,
            "device_id": won.device_id,
        }
        return await self.registrations.settle_done(tx, won, result)

    async def _begin_wait(
        self, tx: Transaction, journey: Registration, told: Told
    ) -> Registration:
        account = await self.account_of(tx, journey)
        await self.budgets.spend(
            tx, "recoveries", account.id, limit=WAITS_A_DAY, window=DAY
        )
        ready_at = to_millis(self.clock.now() + self._wait(journey, account))
        found = await self.rows.find(tx, journey.id)
        way = found.way or BY_DOCUMENT
        to, names = RecoveryState.WAITING, {"account_id": account.id, "way": way}
        await self.rows.move(tx, found, to, ready_at=ready_at, **names)
        known = {"way": way, "account": account.id, "ready_at": ready_at}
        told = replace(told, recovery={**journey.told.recovery, **known})
        await self.registrations.evidence.wipe(tx, journey.id)
        moved = await self.registrations.rows.move(tx, journey, State.WAITING, told)
        until = ready_at + int(FINISH_WITHIN.total_seconds()) * 1000
        await self.registrations.rows.extend(tx, moved, expires_at=until)
        await self._note(tx, EventTag.RECOVERY_WAITING, journey, account=account.id)
        await self.messages.tell(
            tx, account.id, Notice.RECOVERY_STARTED, detail={"until": ready_at // 1000}
        )
        return moved

    def _wait(self, journey: Registration, account: Account) -> timedelta:
        if journey.told.recovery.get("way") in VOUCHED:
            return timedelta()
        is_own = journey.told.phone == account.facts.phone
        return self.waits.own_number if is_own else self.waits.other_number

    async def _of_phone(
        self, tx: Transaction, recovery_id: str, device: Device
    ) -> Recovery:
        """Return a recovery that this phone is shown; raises NotFound."""
        account = await self.accounts.active(tx, device.account_id)
        found = await self.rows.find_known(
            tx, recovery_id, account_id=account.id, phone=account.facts.phone
        )
        if found.device_id == device.id:
            raise NotFound("recovery")
        return found

    async def _end(
        self,
        tx: Transaction,
        found: Recovery,
        journey: Registration,
        *,
        account_id: str,
    ) -> None:
        await self.rows.move(tx, found, RecoveryState.ENDED, account_id=account_id)
        await self.registrations.stop(tx, journey, reason="objection")
        await self._note(tx, EventTag.RECOVERY_CANCELLED, journey, account=account_id)
        await self.messages.tell(tx, account_id, Notice.RECOVERY_CANCELLED)

    async def _note(
        self,
        tx: Transaction,
        tag: EventTag,
        journey: Registration,
        *,
        account: str | None = None,
        by: str = "",
    ) -> None:
        detail = {"registration": journey.id, **({"by": by} if by else {})}
        await self.audit.record(
            tx, tag, account=account, device=journey.device_id, detail=detail
        )
