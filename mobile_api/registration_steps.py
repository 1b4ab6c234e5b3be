"""What the steps of a registration share: its view, its day, its document's rule."""

from datetime import date

from starlette.responses import JSONResponse

from idp.domain.documents import CAMBODIA
from idp.domain.registration_rows import Registration
from idp.services import Services
from mobile_api.policy import DocumentRule, ProofingPolicy
from mobile_api.registration_view import registration_view


async def answer_view(
    services: Services, device_id: str, *, status: int = 200
) -> JSONResponse:
    """Answer where the device's registration stands now."""
    async with services.store.read() as tx:
        found = await services.registrations.current(tx, device_id)
        code = await services.codes.status(tx, found.id)
        next_at = await services.register_questions.next_attempt_at(tx, found.id)
        binding_code = await services.recoveries.binding_code(tx, found)
    view = registration_view(found, code=code, next_attempt_at=next_at)
    if binding_code:
        view["binding_code"] = binding_code
    return JSONResponse(view, status_code=status)


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
