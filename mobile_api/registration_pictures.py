"""POST /registrations/{id}/document and /face: measure in a worker, judge, move on.

What is measured here is joined with the register's answer by `judgement.judge`, and
the registration goes where that says (idp/domain/registration_decisions.py).
"""

from dataclasses import dataclass
from functools import partial

from starlette.requests import Request
from starlette.responses import Response

from idp.domain.evidence import EvidenceKind, proofing_of
from idp.domain.person_details import years_old
from idp.domain.registration_decisions import Judged
from idp.domain.registration_rows import Registration, State
from idp.errors import EvidenceInsufficient, Unavailable
from idp.services import Services, Transaction
from mobile_api.endpoints import mobile_of, read_picture, services_of
from mobile_api.judgement import (
    Accepted,
    Again,
    Case,
    Judgement,
    Liveness,
    Refused,
    RegisterFacts,
    Review,
    Step,
    judge,
)
from mobile_api.picture_checks import check_document, check_face
from mobile_api.policy import ProofingPolicy
from mobile_api.proofing import JudgedDocument, JudgedFace
from mobile_api.registration_steps import answer_view, rule_for, today_in_cambodia
from mobile_api.services import MobileServices


@dataclass(frozen=True, slots=True)
class Tried:
    """A registration with a try fewer, and what the face is compared with."""

    registration: Registration
    portrait: bytes


async def document(request: Request) -> Response:
    """POST …/document: read the picture in a worker, keep it for the face."""
    services = services_of(request)
    proved = await read_picture(request)
    async with services.store.begin() as tx:
        found = await services.registrations.at(tx, _id(request), proved.device_id)
        await services.registrations.spend_document_picture(tx, found)
    today = today_in_cambodia(services)
    judged = await check_document(mobile_of(request), proved.body, today=today)
    await _keep_document(services, found, judged, picture=proved.body)
    return await answer_view(services, proved.device_id)


async def face(request: Request) -> Response:
    """POST …/face: spend a try, measure in a worker, judge everything together."""
    services, mobile = services_of(request), mobile_of(request)
    proved = await read_picture(request)
    tried = await _spend_face_try(services, _id(request), proved.device_id)
    try:
        seen = await check_face(mobile, document=tried.portrait, selfie=proved.body)
    except EvidenceInsufficient as refusal:
        raise await _face_refused(services, tried.registration, refusal) from None
    except Unavailable:
        await _return_face_try(services, tried.registration)
        raise
    judgement = await _judge(services, mobile, tried.registration, seen)
    kept = proved.body if _needs_a_person(judgement) else None
    await _keep_face(services, tried.registration, seen, judged=proved.body, kept=kept)
    await _go_on(services, tried.registration, judgement, policy=mobile.policy)
    return await answer_view(services, proved.device_id)


def _id(request: Request) -> str:
    return str(request.path_params["id"])


async def _keep_document(
    services: Services, found: Registration, judged: JudgedDocument, *, picture: bytes
) -> None:
    """Keep what was read, and the portrait until the face has been compared."""
    async with services.store.begin() as tx:
        await services.registrations.document_read(tx, found, judged.document)
        await services.evidence.keep(
            tx,
            found.id,
            EvidenceKind.PORTRAIT,
            judged=picture,
            engine=judged.engine,
            facts=judged.facts,
            picture=judged.portrait,
        )


async def _spend_face_try(
    services: Services, registration_id: str, device_id: str
) -> Tried:
    """Spend a try and return the kept portrait.

    When that was wiped meanwhile, no try is spent and the document is asked again.
    """
    registrations = services.registrations
    async with services.store.begin() as tx:
        found = await registrations.at(tx, registration_id, device_id, State.FACE)
        try:
            picture = await services.evidence.picture(
                tx, found.id, EvidenceKind.PORTRAIT
            )
        except EvidenceInsufficient:
            await registrations.portrait_lost(tx, found)
            raise
        return Tried(await registrations.spend_face_try(tx, found), picture)


async def _return_face_try(services: Services, tried: Registration) -> None:
    async with services.store.begin() as tx:
        await services.registrations.return_face_try(tx, tried)


async def _face_refused(
    services: Services, tried: Registration, refusal: EvidenceInsufficient
) -> EvidenceInsufficient:
    """Let the person try again, or ask for the document when its portrait is bad."""
    async with services.store.begin() as tx:
        if refusal.kind == EvidenceKind.DOCUMENT:
            await services.registrations.portrait_lost(tx, tried)
            return refusal
        await services.registrations.face_refused(tx, tried)
    return EvidenceInsufficient(
        refusal.kind, advice=refusal.advice, attempts_left=tried.face_left
    )


def _needs_a_person(judgement: Judgement) -> bool:
    if isinstance(judgement, Accepted):
        return bool(judgement.reviewed)
    return isinstance(judgement, Review)


async def _judge(
    services: Services, mobile: MobileServices, tried: Registration, seen: JudgedFace
) -> Judgement:
    """Join what is known of this registration."""
    async with services.store.read() as tx:
        register = await _register_said(services, tx, tried)
    rule = rule_for(tried, mobile.policy)
    born = tried.told.details["birth_date"]
    case = Case(
        rule=rule,
        register=register if rule.asks_register else None,
        face=seen.face,
        liveness=Liveness.PASSED,
        age=years_old(born, today=today_in_cambodia(services)),
    )
    return judge(case, mobile.policy)


async def _register_said(
    services: Services, tx: Transaction, tried: Registration
) -> RegisterFacts:
    records = await services.evidence.of_registration(tx, tried.id)
    return RegisterFacts(agrees=proofing_of(records).register is not None)


async def _keep_face(
    services: Services,
    tried: Registration,
    seen: JudgedFace,
    *,
    judged: bytes,
    kept: bytes | None,
) -> None:
    """Keep what was measured; the picture only while a person may have to look."""
    async with services.store.begin() as tx:
        await services.evidence.keep(
            tx,
            tried.id,
            EvidenceKind.FACE,
            judged=judged,
            engine=seen.engine,
            facts={**seen.facts, "liveness": None},
            picture=kept,
        )


async def _go_on(
    services: Services,
    tried: Registration,
    judgement: Judgement,
    *,
    policy: ProofingPolicy,
) -> None:
    """Take the registration where the judgement says.

    Raises EvidenceInsufficient when something must be shown again.
    """
    registrations = services.registrations
    by = partial(Judged, policy=policy.version, policy_hash=policy.fingerprint)
    match judgement:
        case Accepted(level, reviewed):
            judged = by(level=level, reviewed=reviewed)
            async with services.store.begin() as tx:
                await registrations.accepted(tx, tried, judged)
        case Review(reasons, level):
            judged = by(level=level, reasons=reasons)
            async with services.store.begin() as tx:
                await registrations.send_to_review(tx, tried, judged)
        case Refused(reasons):
            async with services.store.begin() as tx:
                await registrations.refuse(tx, tried, reasons=reasons)
        case Again(step, advice):
            kind = Step.FACE if step is Step.DETAILS else step
            refusal = EvidenceInsufficient(kind.value, advice=advice)
            raise await _face_refused(services, tried, refusal)
