"""How a registration is decided: by what was judged, or by a person.

    face --accepted--> device | done (a document was renewed)
    face --send_to_review--> review --review_accepted--> device | done
                             review --review_again-----> document | face
                             review --review_refused---> refused
    any  --refuse--> refused        any --stop--> stopped

What the account will be is fixed here, sealed in the registration, and never above
what was judged. Pictures are wiped at the decision; while a person has to decide they
stay sealed, 24 hours at most, and are asked for again when they are gone.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Protocol

from idp.domain.accounts import Account, Accounts
from idp.domain.assurance import LEVELS, lowest
from idp.domain.audit import Audit, EventTag
from idp.domain.document_renewals import Renewals
from idp.domain.documents import Documents
from idp.domain.evidence import Engine, EvidenceBox, EvidenceKind
from idp.domain.register_questions import RegisterQuestions
from idp.domain.registration_facts import facts_of, finished
from idp.domain.registration_rows import (
    Registration,
    RegistrationRows,
    State,
    Told,
)
from idp.errors import AlreadyRegistered, WrongStep
from idp.storage.columns import b64decode, b64encode
from idp.storage.store import Transaction

NO_DETAIL: Final[Mapping[str, str | int]] = {}
REVIEW_KIND: Final = "registration"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What followed from the evidence, and by which policy.

    `level` is what the account gets, or the most that a review may give; `reviewed`
    a higher level that a person may give later; `reasons` why a person must look.
    """

    level: str
    policy: str
    policy_hash: str
    reviewed: str = ""
    reasons: tuple[str, ...] = ()
    facts: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveFace:
    """The embedding of the living face, to be kept with the account."""

    engine: str
    embedding: bytes


class ReviewDesk(Protocol):
    """Puts a case before a person."""

    async def open(
        self, tx: Transaction, *, kind: str, subject_id: str, reasons: tuple[str, ...]
    ) -> str:
        """Open a review; return its id."""
        ...

    async def withdraw(self, tx: Transaction, subject_id: str) -> None:
        """Close what is open of a registration: there is nothing to decide any more."""
        ...


class FaceBook(Protocol):
    """Keeps the face of an account, sealed."""

    async def keep(
        self, tx: Transaction, account_id: str, *, engine: str, embedding: bytes
    ) -> object:
        """Keep an embedding for later comparisons."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistrationDecisions:
    """Take a judged registration where it belongs."""

    rows: RegistrationRows
    audit: Audit
    evidence: EvidenceBox
    questions: RegisterQuestions
    accounts: Accounts
    documents: Documents
    renewals: Renewals
    reviews: ReviewDesk | None = None
    faces: FaceBook | None = None

    async def accepted(
        self,
        tx: Transaction,
        registration: Registration,
        judged: Judged,
        *,
        face: LiveFace | None = None,
    ) -> Registration:
        """Go on to the device key, or renew the document at once.

        Raises AlreadyRegistered when the document has another account: told only now,
        to the person whose face is on it.
        """
        await self._refuse_known(tx, registration)
        told = with_judged(registration.told, judged, face)
        await self.record(tx, registration, judged, outcome="accepted")
        if not judged.reviewed:
            await self.evidence.wipe(tx, registration.id)
        await self._note(tx, EventTag.REGISTRATION_FACE_MATCHED, registration)
        return await self._accept(tx, registration, told)

    async def send_to_review(
        self,
        tx: Transaction,
        registration: Registration,
        judged: Judged,
        *,
        face: LiveFace | None = None,
    ) -> Registration:
        """Let a person decide; without a desk the way on is assisted registration."""
        if not registration.told.recovery:
            await self._refuse_known(tx, registration)
        await self.record(tx, registration, judged, outcome="review")
        if self.reviews is None:
            return await self.stop(tx, registration, reason="review")
        told = with_judged(registration.told, judged, face)
        moved = await self.rows.move(tx, registration, State.REVIEW, told)
        await self.reviews.open(
            tx,
            kind=registration.told.purpose,
            subject_id=moved.id,
            reasons=judged.reasons,
        )
        return moved

    async def review_accepted(
        self, tx: Transaction, registration: Registration, level: str
    ) -> Registration:
        """Go on: a person has looked. Never above what the review may give.

        A registration that is done gets its document's level raised. Raises
        WrongStep, AlreadyRegistered.
        """
        judged = registration.told.judged
        if registration.state is State.DONE:
            return await self._raise(tx, registration, level)
        if registration.state is not State.REVIEW or registration.told.recovery:
            raise WrongStep(registration.state)
        given = lowest(level, str(judged["level"]))
        told = replace(
            registration.told, judged={**judged, "level": given, "reviewed": ""}
        )
        await self.evidence.wipe(tx, registration.id)
        detail = {"answer": "accepted", "level": given}
        await self._note(tx, EventTag.REGISTRATION_REVIEWED, registration, detail)
        return await self._accept(tx, registration, told)

    async def review_refused(
        self, tx: Transaction, registration: Registration
    ) -> Registration:
        """End it: a person has said no. An open account keeps its level."""
        detail = {"answer": "refused"}
        await self._note(tx, EventTag.REGISTRATION_REVIEWED, registration, detail)
        if registration.state is State.DONE:
            await self.evidence.wipe(tx, registration.id)
            return registration
        return await self.refuse(tx, registration, reasons=("review",))

    async def review_again(
        self, tx: Transaction, registration: Registration, step: State, *, tries: int
    ) -> Registration:
        """Ask for the document or the face again; raises WrongStep."""
        if step not in {State.DOCUMENT, State.FACE}:
            raise WrongStep(step)
        detail = {"answer": "again", "step": step.value}
        await self._note(tx, EventTag.REGISTRATION_REVIEWED, registration, detail)
        renewed = replace(registration, face_left=tries)
        told = replace(registration.told, judged={}, face={})
        await self._withdraw(tx, registration.id)
        return await self.rows.move(tx, renewed, step, told)

    async def refuse(
        self, tx: Transaction, registration: Registration, *, reasons: tuple[str, ...]
    ) -> Registration:
        """Say no for good; the person may go on with assistance. Pictures go."""
        told = replace(
            Told(phone="", locale=registration.told.locale),
            judged={"reasons": list(reasons)},
        )
        moved = await self.rows.move(tx, registration, State.REFUSED, told)
        return await self._ended(tx, moved, reason=",".join(reasons))

    async def stop(
        self, tx: Transaction, registration: Registration, *, reason: str
    ) -> Registration:
        """End it; the person goes on with assistance. Pictures and face are wiped."""
        told = replace(registration.told, face={})
        moved = await self.rows.move(tx, registration, State.STOPPED, told)
        return await self._ended(tx, moved, reason=reason)

    async def ask_again_what_is_gone(self, tx: Transaction, *, tries: int) -> int:
        """Ask for pictures that were wiped before anybody decided; return how many."""
        waiting = await self.rows.undecidable(tx)
        for registration_id in waiting:
            found = await self.rows.find(tx, registration_id)
            await self.review_again(tx, found, State.DOCUMENT, tries=tries)
        return len(waiting)

    async def settle_account(
        self, tx: Transaction, registration: Registration, account_id: str
    ) -> None:
        """Keep what the new account rests on: document, face, and a later review."""
        told = registration.told
        judged, facts = told.judged, facts_of(told)
        await self.documents.add(
            tx,
            account_id,
            facts.document,
            level=str(judged["level"]),
            proved_by=registration.id,
        )
        await self.evidence.attach(tx, registration.id, account_id=account_id)
        await self._keep_face(tx, account_id, told)
        if judged.get("reviewed") and self.reviews is not None:
            reasons = ("document-without-register",)
            await self.reviews.open(
                tx, kind=REVIEW_KIND, subject_id=registration.id, reasons=reasons
            )

    async def settle_recovered(
        self, tx: Transaction, won: Registration, account: Account
    ) -> None:
        """Keep what a recovery rests on; a new document becomes the account's.

        `account` is as it was before: nothing of a recovery proves more than it had.
        """
        facts = facts_of(won.told)
        level = lowest(account.level, str(won.told.judged["level"]))
        if facts.document != account.facts.document:
            await self.renewals.renew(tx, account.id, facts, level=level)
            await self.documents.add(
                tx, account.id, facts.document, level=level, proved_by=won.id
            )
        await self.evidence.attach(tx, won.id, account_id=account.id)
        await self._keep_face(tx, account.id, won.told)

    async def settle_done(
        self, tx: Transaction, won: Registration, result: dict[str, str]
    ) -> Registration:
        """Keep identifiers only of a journey that is done."""
        return await self.rows.settle(tx, won, State.DONE, finished(won.told, result))

    async def _accept(
        self, tx: Transaction, registration: Registration, told: Told
    ) -> Registration:
        if not told.account_id:
            return await self.rows.move(tx, registration, State.DEVICE, told)
        won = await self.rows.move(tx, registration, State.DONE, told)
        account = await self.renewals.renew(
            tx, told.account_id, facts_of(told), level=str(told.judged["level"])
        )
        await self.settle_account(tx, won, account.id)
        result = {
            "account_id": account.id,
            "camdigikey_id": account.camdigikey_id,
            "device_id": won.device_id,
        }
        return await self.rows.settle(tx, won, State.DONE, finished(told, result))

    async def _raise(
        self, tx: Transaction, registration: Registration, level: str
    ) -> Registration:
        judged = registration.told.judged
        given = lowest(level, str(judged.get("reviewed") or "low"))
        account_id = registration.told.result["account_id"]
        await self.renewals.raise_level(
            tx, account_id, proved_by=registration.id, level=given
        )
        await self.evidence.wipe(tx, registration.id)
        detail = {"answer": "accepted", "level": given}
        await self._note(tx, EventTag.REGISTRATION_REVIEWED, registration, detail)
        return registration

    async def _keep_face(self, tx: Transaction, account_id: str, told: Told) -> None:
        if self.faces is None or not told.face:
            return
        embedding = b64decode(told.face["embedding"])
        await self.faces.keep(
            tx, account_id, engine=told.face["engine"], embedding=embedding
        )

    async def _refuse_known(self, tx: Transaction, registration: Registration) -> None:
        document = facts_of(registration.told).document
        holder = await self.accounts.by_document(tx, document)
        if holder not in {None, registration.told.account_id}:
            await self.stop(tx, registration, reason="already registered")
            raise AlreadyRegistered("document")

    async def record(
        self,
        tx: Transaction,
        registration: Registration,
        judged: Judged,
        *,
        outcome: str,
    ) -> None:
        """Keep the decision with its policy; what it rests on stands beside it."""
        await self.evidence.keep(
            tx,
            registration.id,
            EvidenceKind.DECISION,
            judged=b"",
            engine=Engine("policy", judged.policy, judged.policy_hash),
            facts={
                "outcome": outcome,
                "level": judged.level,
                "reasons": list(judged.reasons),
                **judged.facts,
            },
        )
        detail: dict[str, str | int] = {
            "outcome": outcome,
            "level": judged.level,
            "policy": judged.policy,
            "policy_hash": judged.policy_hash,
        }
        await self._note(tx, EventTag.REGISTRATION_JUDGED, registration, detail)

    async def _ended(
        self, tx: Transaction, moved: Registration, *, reason: str
    ) -> Registration:
        await self.questions.forget(tx, moved.id)
        await self.evidence.wipe(tx, moved.id)
        await self._withdraw(tx, moved.id)
        await self._note(tx, EventTag.REGISTRATION_REFUSED, moved, {"reason": reason})
        return moved

    async def _withdraw(self, tx: Transaction, registration_id: str) -> None:
        if self.reviews is not None:
            await self.reviews.withdraw(tx, registration_id)

    async def _note(
        self,
        tx: Transaction,
        tag: EventTag,
        registration: Registration,
        detail: Mapping[str, str | int] = NO_DETAIL,
    ) -> None:
        account = registration.told.account_id or None
        facts = {"registration": registration.id, **detail}
        await self.audit.record(
            tx, tag, account=account, device=registration.device_id, detail=facts
        )


def with_judged(told: Told, judged: Judged, face: LiveFace | None) -> Told:
    """Return what is known once it is decided: the decision, and the face to keep."""
    assert judged.level in LEVELS
    kept: dict[str, Any] = {
        "level": judged.level,
        "reviewed": judged.reviewed,
        "reasons": list(judged.reasons),
        "policy": judged.policy,
    }
    seen = {}
    if face is not None:
        seen = {"engine": face.engine, "embedding": b64encode(face.embedding)}
    return replace(told, judged=kept, face=seen)
