"""POST /registrations/{id}/document, /liveness, /face: measure, judge, move on.

What is measured here is joined with the register's answer by `judgement.judge`, and
the registration goes where that says (idp/domain/registration_decisions.py).
"""

from dataclasses import dataclass, replace
from functools import partial

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from idp.domain.evidence import EvidenceKind
from idp.domain.liveness_sessions import Sitting
from idp.domain.registration_decisions import Judged
from idp.domain.registration_rows import Registration, State
from idp.errors import AlreadyRegistered, EvidenceInsufficient, Unavailable
from idp.services import Services
from mobile_api.cases import collect, is_by_device
from mobile_api.document_pictures import read_document
from mobile_api.endpoints import (
    mobile_of,
    read_clip_body,
    read_empty,
    read_picture,
    services_of,
)
from mobile_api.judgement import (
    Accepted,
    Again,
    Judgement,
    Refused,
    RegisterFacts,
    Review,
    Step,
    judge,
)
from mobile_api.liveness_checks import claim_clip, open_liveness
from mobile_api.living_person import SeenPerson, keep_seen, see_person
from mobile_api.policy import ProofingPolicy
from mobile_api.proofing import JudgedDocument
from mobile_api.register_queue import ask_about_face
from mobile_api.registration_steps import answer_view, today_in_cambodia
from mobile_api.services import MobileServices, RegisterAnswer


@dataclass(frozen=True, slots=True)
class Tried:
    """A registration with a try fewer, and what the face is compared with.

    `portrait` is None where an old phone vouches and no document is shown.
    """

    registration: Registration
    portrait: bytes | None


async def document(request: Request) -> Response:
    """POST …/document: read the picture in a worker, keep it for the face."""
    services = services_of(request)
    proved = await read_picture(request)
    async with services.store.begin() as tx:
        found = await services.registrations.at(tx, _id(request), proved.device_id)
        await services.registrations.spend_document_picture(tx, found)
    today = today_in_cambodia(services)
    judged = await read_document(
        services, mobile_of(request), found.id, proved.body, today=today
    )
    await _keep_document(services, found, judged, picture=proved.body)
    return await answer_view(services, proved.device_id)


async def liveness(request: Request) -> Response:
    """POST …/liveness: tell the person what to do before the camera, once."""
    services = services_of(request)
    proved = await read_empty(request)
    async with services.store.read() as tx:
        found = await services.registrations.at(
            tx, _id(request), proved.device_id, State.FACE
        )
    told = await open_liveness(services, _sitting(found))
    return JSONResponse(told, status_code=201)


async def face(request: Request) -> Response:
    """POST …/face: spend the session and a try, measure, judge everything together."""
    services, mobile = services_of(request), mobile_of(request)
    proved = await read_clip_body(request)
    async with services.store.read() as tx:
        found = await services.registrations.at(
            tx, _id(request), proved.device_id, State.FACE
        )
    claimed = await claim_clip(services, _sitting(found), proved.body)
    tried = await _spend_face_try(services, found.id, proved.device_id)
    try:
        seen = await see_person(mobile, claimed, portrait=tried.portrait)
    except EvidenceInsufficient as refusal:
        raise await _face_refused(services, tried.registration, refusal) from None
    except Unavailable:
        await _return_face_try(services, tried.registration)
        raise
    try:
        judgement = await _judge(services, mobile, tried.registration, seen)
    except EvidenceInsufficient as refusal:
        raise await _face_refused(services, tried.registration, refusal) from None
    await _go_on(services, tried.registration, judgement, seen, policy=mobile.policy)
    return await answer_view(services, proved.device_id)


def _sitting(found: Registration) -> Sitting:
    return Sitting(purpose="registration", owner_id=found.id, device_id=found.device_id)


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
        if is_by_device(found):
            return Tried(await registrations.spend_face_try(tx, found), None)
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
    services: Services, mobile: MobileServices, tried: Registration, seen: SeenPerson
) -> Judgement:
    """Join what is known of this journey; ask the register of the face last.

    It is asked only where its answer can still raise the level. Raises
    AlreadyRegistered for a newcomer who has an account, under another document, and
    what `account_of` does for a recovery of none.
    """
    today = today_in_cambodia(services)
    known = await collect(services, mobile, tried, seen, today=today)
    case, first = known.case, judge(known.case, mobile.policy)
    is_person = isinstance(first, Accepted | Review)
    if is_person and known.refusal is not None:
        raise known.refusal
    if is_person and known.is_of_somebody(tried):
        async with services.store.begin() as tx:
            await services.registrations.stop(tx, tried, reason="has an account")
            raise AlreadyRegistered("face")
    could_rise = case.rule.level == "high" and isinstance(first, Accepted)
    if not could_rise or case.register is None:
        return first
    answer = await ask_about_face(mobile, tried.told.details, seen.living.neutral)
    if answer is None:
        return first
    await _keep_answer(services, tried, answer)
    said = RegisterFacts(
        agrees=not answer.incorrect_fields, face_score=answer.face_score
    )
    return judge(replace(case, register=said), mobile.policy)


async def _keep_answer(
    services: Services, tried: Registration, answer: RegisterAnswer
) -> None:
    async with services.store.begin() as tx:
        await services.evidence.keep(
            tx,
            tried.id,
            EvidenceKind.REGISTER,
            judged=b"",
            engine=answer.engine,
            facts=answer.judged,
        )


async def _go_on(
    services: Services,
    tried: Registration,
    judgement: Judgement,
    seen: SeenPerson,
    *,
    policy: ProofingPolicy,
) -> None:
    """Take the registration where the judgement says, with what it rests on.

    Raises EvidenceInsufficient when something must be shown again. Of two clips that
    were measured at once only one leaves anything behind: the other raises WrongStep.
    """
    desk = services.recoveries if tried.told.recovery else services.registrations
    face = seen.kept_face
    by = partial(Judged, policy=policy.version, policy_hash=policy.fingerprint)
    async with services.store.begin() as tx:
        await services.registrations.rows.hold(tx, tried)
        keeps = _needs_a_person(judgement)
        await keep_seen(services, tx, tried.id, seen, keeps_picture=keeps)
        match judgement:
            case Accepted(level, reviewed):
                judged = by(level=level, reviewed=reviewed)
                await desk.accepted(tx, tried, judged, face=face)
            case Review(reasons, level):
                judged = by(level=level, reasons=reasons)
                await desk.send_to_review(tx, tried, judged, face=face)
            case Refused(reasons):
                judged = by(level="", reasons=reasons)
                await desk.refuse(tx, tried, reasons=reasons)
                await services.registrations.record(
                    tx, tried, judged, outcome="refused"
                )
            case Again(_, advice):
                judged = by(level="", reasons=advice)
                await services.registrations.record(tx, tried, judged, outcome="again")
    if isinstance(judgement, Again):
        is_details = judgement.step is Step.DETAILS
        kind = Step.FACE if is_details else judgement.step
        refusal = EvidenceInsufficient(kind.value, advice=judgement.advice)
        raise await _face_refused(services, tried, refusal)
