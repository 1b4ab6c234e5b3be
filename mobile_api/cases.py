"""Collect what is known of a journey into one case, when its face has been shown.

registration   document, register, clip, portrait, faces of other accounts
renewal        the same, and what changes of the person; the kept face
recovery       the same by document; by the old phone's yes, the kept face alone
"""

from dataclasses import dataclass
from datetime import date

from idp.domain.accounts import Account
from idp.domain.assurance import lowest
from idp.domain.document_renewals import changes_between
from idp.domain.evidence import proofing_of
from idp.domain.person_details import years_old
from idp.domain.recoveries import VOUCHED
from idp.domain.registration_decisions import LiveFace
from idp.domain.registration_facts import facts_of
from idp.domain.registration_rows import Registration
from idp.errors import AccountSuspended, EvidenceInsufficient, IdentityError
from idp.services import Services, Transaction
from mobile_api.face_index import alike
from mobile_api.judgement import Case, FaceFacts, Reason, RegisterFacts
from mobile_api.living_person import SeenPerson
from mobile_api.policy import DocumentRule
from mobile_api.registration_steps import rule_for
from mobile_api.services import MobileServices


@dataclass(frozen=True, slots=True)
class Known:
    """A case, whose account it is already, and who else has such a face.

    `refusal` is why a recovery leads to no account: told only to who has the face, or
    anybody could ask for any document whether it has one.
    """

    case: Case
    account: Account | None
    others: tuple[Account, ...]
    refusal: IdentityError | None = None

    def is_of_somebody(self, tried: Registration) -> bool:
        """Say whether a newcomer has an account: a like face, name and birthday."""
        if self.account is not None or tried.told.recovery:
            return False
        told = facts_of(tried.told)
        return any(not changes_between(one.facts, told) for one in self.others)


async def collect(
    services: Services,
    mobile: MobileServices,
    tried: Registration,
    seen: SeenPerson,
    *,
    today: date,
) -> Known:
    """Return everything that is known, also that there is no account."""
    account, refusal = None, None
    async with services.store.read() as tx:
        try:
            account = await account_of(services, tx, tried)
        except (EvidenceInsufficient, AccountSuspended) as refused:
            refusal = refused
        kept = await _likeness(services, tx, account, seen.kept_face)
        records = await services.evidence.of_registration(tx, tried.id)
        found = await _others(services, mobile, seen.kept_face)
        others = [await services.accounts.find(tx, one) for one in found]
    strangers = tuple(one for one in others if account is None or one.id != account.id)
    rule = _rule(mobile, tried, account)
    agreed = RegisterFacts(agrees=proofing_of(records).register is not None)
    case = Case(
        rule=rule,
        register=agreed if rule.asks_register else None,
        face=_face(tried, seen, kept),
        liveness=seen.living.outcome,
        liveness_advice=seen.living.advice,
        duplicates=len(strangers),
        age=_age(tried, today=today),
        changes=_changes(tried, account),
        enrolment=kept,
        needs_enrolment=bool(tried.told.recovery),
    )
    return Known(case, account, strangers, refusal)


def is_by_device(tried: Registration) -> bool:
    """Say whether an old phone vouches, so that no document is shown."""
    return tried.told.recovery.get("way") in VOUCHED


async def doubts_of_face(
    services: Services,
    mobile: MobileServices,
    tried: Registration,
    face: LiveFace | None,
) -> tuple[Reason, ...]:
    """Say what the kept faces have against one that no machine saw alive."""
    async with services.store.read() as tx:
        account = await account_of(services, tx, tried)
        kept = await _likeness(services, tx, account, face)
    others = set(await _others(services, mobile, face))
    band = mobile.policy.band_of("" if face is None else face.engine, threshold=1.0)
    doubts = {
        Reason.ENROLMENT_DIFFERS: kept is not None and kept < band.accept,
        Reason.ENROLMENT_MISSING: account is not None and kept is None,
        Reason.FACE_KNOWN: bool(others - {"" if account is None else account.id}),
        Reason.PERSON_CHANGED: bool(_changes(tried, account)),
    }
    return tuple(reason for reason, is_there in doubts.items() if is_there)


async def account_of(
    services: Services, tx: Transaction, tried: Registration
) -> Account | None:
    """Return whose journey this is, None for a newcomer; raises for a closed one."""
    if tried.told.recovery:
        return await services.recoveries.account_of(tx, tried)
    if tried.told.account_id:
        return await services.accounts.active(tx, tried.told.account_id)
    return None


def _rule(
    mobile: MobileServices, tried: Registration, account: Account | None
) -> DocumentRule:
    """Return the document's rule; without a document nothing is raised."""
    if not is_by_device(tried) or account is None:
        return rule_for(tried, mobile.policy)
    level = lowest(account.level, "substantial")
    return DocumentRule(
        kind="", issuer="", asks_register=False, level=level, reviewed=level
    )


def _face(
    tried: Registration, seen: SeenPerson, kept: float | None
) -> FaceFacts | None:
    """Return how alike the face is to the portrait, or to the kept face alone."""
    face = None if seen.face is None else seen.face.face
    if face is None or kept is None or not is_by_device(tried):
        return face
    return FaceFacts(value=kept, band=face.band)


def _changes(tried: Registration, account: Account | None) -> tuple[str, ...]:
    if account is None or not tried.told.details:
        return ()
    return changes_between(account.facts, facts_of(tried.told))


def _age(tried: Registration, *, today: date) -> int | None:
    born = tried.told.details.get("birth_date")
    return None if born is None else years_old(born, today=today)


async def _likeness(
    services: Services,
    tx: Transaction,
    account: Account | None,
    face: LiveFace | None,
) -> float | None:
    """Return how alike the face is to the account's, by the same engine only."""
    if account is None or face is None:
        return None
    kept = await services.face_enrolments.of_account(tx, account.id)
    found = [one.embedding for one in kept if one.engine == face.engine]
    return max((alike(one, face.embedding) for one in found), default=None)


async def _others(
    services: Services, mobile: MobileServices, face: LiveFace | None
) -> tuple[str, ...]:
    """Return the accounts whose kept face is alike."""
    if face is None:
        return ()
    found = await mobile.faces.search(
        services, face.embedding, least=mobile.policy.duplicate, engine=face.engine
    )
    return tuple(one.account_id for one in found)
