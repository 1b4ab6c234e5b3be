"""What the steps of a registration share: view, day, the document's rule, details."""

from datetime import date
from typing import Final

from starlette.responses import JSONResponse

from idp.domain.documents import CAMBODIA
from idp.domain.evidence import EvidenceKind
from idp.domain.person_details import years_old
from idp.domain.registration_decisions import Judged
from idp.domain.registration_rows import Registration, State
from idp.services import Services, Transaction
from mobile_api.judgement import Reason
from mobile_api.policy import DocumentRule, ProofingPolicy
from mobile_api.registration_view import registration_view

MOST_PICTURES: Final = 3


async def answer_view(
    services: Services, device_id: str, *, status: int = 200
) -> JSONResponse:
    """Answer where the device's registration stands now."""
    async with services.store.read() as tx:
        found = await services.registrations.current(tx, device_id)
        code = await services.codes.status(tx, found.id)
        next_at = await services.register_questions.next_attempt_at(tx, found.id)
        binding_code = await services.recoveries.binding_code(tx, found)
        pictures = await _joined_so_far(services, tx, found)
    view = registration_view(found, code=code, next_attempt_at=next_at)
    if binding_code:
        view["binding_code"] = binding_code
    if pictures:
        view["pictures"] = pictures
    return JSONResponse(view, status_code=status)


async def _joined_so_far(
    services: Services, tx: Transaction, found: Registration
) -> int:
    """Count the pictures that gave lines, while together they are not enough yet."""
    if found.state is not State.DOCUMENT:
        return 0
    kept = await services.evidence.pictures(
        tx, found.id, EvidenceKind.ZONE, most=MOST_PICTURES
    )
    return len(kept)


def today_in_cambodia(services: Services) -> date:
    """Return the day it is in Cambodia: documents expire by it."""
    return services.clock.now().astimezone(CAMBODIA).date()


def rule_for(registration: Registration, policy: ProofingPolicy) -> DocumentRule:
    """Return the rule of the document that was read.

    One that is no longer accepted (the policy changed meanwhile) proves nothing by
    machine: a person decides.
    """
    document = registration.told.document
    kind, issuer = str(document.get("kind")), str(document.get("issuer", "KHM"))
    found = policy.rule_of(kind, issuer)
    return found or DocumentRule(
        kind=kind, issuer=issuer, asks_register=False, level="", reviewed="low"
    )


async def take_details(
    services: Services,
    tx: Transaction,
    found: Registration,
    details: dict[str, str],
    *,
    policy: ProofingPolicy,
) -> None:
    """Go on to the register or the face; a child needs a parent, and another way."""
    age = years_old(details["birth_date"], today=today_in_cambodia(services))
    if age < policy.least_age:
        await _refuse_a_child(services, tx, found, policy)
        return
    rule = rule_for(found, policy)
    await services.registrations.details_given(
        tx, found, details, asks_register=rule.asks_register
    )


async def _refuse_a_child(
    services: Services, tx: Transaction, found: Registration, policy: ProofingPolicy
) -> None:
    judged = Judged(
        level="",
        reasons=(Reason.UNDER_AGE.value,),
        policy=policy.version,
        policy_hash=policy.fingerprint,
    )
    desk = services.recoveries if found.told.recovery else services.registrations
    await desk.refuse(tx, found, reasons=judged.reasons)
    await services.registrations.record(tx, found, judged, outcome="refused")
