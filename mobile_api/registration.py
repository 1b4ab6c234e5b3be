"""POST /registrations and its steps: parse, one service call, answer the view."""

from datetime import date, timedelta, timezone
from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from idp.domain.enrolments import verify_enrolment
from idp.domain.evidence import EvidenceKind
from idp.domain.one_time_codes import IssuedCode
from idp.domain.person_details import read_details
from idp.domain.phones import read_phone
from idp.domain.proof_of_work import Work
from idp.domain.rate_limits import network_of
from idp.domain.registration_rows import Registration, State
from idp.errors import EvidenceInsufficient, PhoneInvalid, Unavailable
from idp.services import Services
from mobile_api.authentication import Proved
from mobile_api.bodies import CodeBody, DetailsBody, DeviceBody, StartBody
from mobile_api.endpoints import (
    mobile_of,
    read_empty,
    read_json,
    read_picture,
    services_of,
)
from mobile_api.picture_checks import check_document, check_face
from mobile_api.proofing import JudgedDocument, JudgedFace
from mobile_api.register_queue import ask_soon
from mobile_api.registration_view import registration_view

CAMBODIA: Final = timezone(timedelta(hours=7))


async def start(request: Request) -> Response:
    """POST /registrations: begin, and send the first code."""
    services = services_of(request)
    proved, body = await read_json(request, StartBody)
    phone = read_phone(body.phone)
    services.code_delivery.require_served(phone)
    await services.proof_of_work.demand(
        network=_network(request),
        device_id=proved.device_id,
        work=Work(**body.work.model_dump()) if body.work else None,
    )
    async with services.store.begin() as tx:
        registration, code = await services.registrations.start(
            tx,
            device_id=proved.device_id,
            phone=phone,
            locale=body.locale,
            network=_network(request),
        )
    await _send(services, registration, code)
    return await _view(services, proved.device_id, status=201)


async def current(request: Request) -> Response:
    """GET /registrations/current: where the device's registration stands."""
    proved = await read_empty(request)
    return await _view(services_of(request), proved.device_id)


async def phone_code(request: Request) -> Response:
    """POST …/phone-code: spend an attempt, then compare."""
    services = services_of(request)
    proved, body = await read_json(request, CodeBody)
    async with services.store.begin() as tx:
        found = await services.registrations.at(tx, _id(request), proved.device_id)
        await services.registrations.prove_phone(tx, found, body.code)
    return await _view(services, proved.device_id)


async def resend(request: Request) -> Response:
    """POST …/phone-code/resend: the next code, when it is time."""
    services = services_of(request)
    proved = await read_empty(request)
    async with services.store.begin() as tx:
        found = await services.registrations.at(tx, _id(request), proved.device_id)
        code = await services.registrations.resend(tx, found, network=_network(request))
    await _send(services, found, code)
    return await _view(services, proved.device_id)


async def document(request: Request) -> Response:
    """POST …/document: read the picture in a worker, keep it for the face."""
    services = services_of(request)
    proved = await read_picture(request)
    async with services.store.begin() as tx:
        found = await services.registrations.at(tx, _id(request), proved.device_id)
        await services.registrations.spend_document_picture(tx, found)
    today = _today(services)
    workers = mobile_of(request).workers
    judged = await check_document(workers, proved.body, today=today)
    await _keep_document(services, found, judged, picture=proved.body)
    return await _view(services, proved.device_id)


async def details(request: Request) -> Response:
    """POST …/details: keep what was confirmed and ask the national register."""
    services = services_of(request)
    proved, body = await read_json(request, DetailsBody)
    today = _today(services)
    async with services.store.begin() as tx:
        found = await services.registrations.at(
            tx, _id(request), proved.device_id, State.DETAILS
        )
        read = read_details(
            body.model_dump(), document=found.told.document, today=today
        )
        await services.registrations.details_given(tx, found, read)
    await ask_soon(services, mobile_of(request), found.id)
    return await _view(services, proved.device_id)


async def face(request: Request) -> Response:
    """POST …/face: spend a try, then compare in a worker."""
    services = services_of(request)
    proved = await read_picture(request)
    tried, portrait = await _spend_face_try(services, _id(request), proved.device_id)
    workers = mobile_of(request).workers
    try:
        matched = await check_face(workers, document=portrait, selfie=proved.body)
    except EvidenceInsufficient as refusal:
        raise await _face_refused(services, tried, refusal) from None
    except Unavailable:
        await _return_face_try(services, tried)
        raise
    await _face_matched(services, tried, matched, selfie=proved.body)
    return await _view(services, proved.device_id)


async def device(request: Request) -> Response:
    """POST …/device: both keys sign; the account is opened, the phone is bound."""
    services = services_of(request)
    proved, body = await read_json(request, DeviceBody)
    _verify_both_keys(services, proved, body, registration_id=_id(request))
    keys = {"public_key": dict(proved.proof.public_jwk), "pin_key": body.pin_key}
    async with services.store.begin() as tx:
        found = await services.registrations.at(
            tx, _id(request), proved.device_id, State.DEVICE
        )
        await services.registrations.finish(tx, found, name=body.name, **keys)
    return await _view(services, proved.device_id)


async def cancellation(request: Request) -> Response:
    """POST …/cancellation: forget everything about it."""
    services = services_of(request)
    proved = await read_empty(request)
    async with services.store.begin() as tx:
        found = await services.registrations.at(tx, _id(request), proved.device_id)
        await services.registrations.cancel(tx, found)
    return Response(status_code=204)


def _id(request: Request) -> str:
    return str(request.path_params["id"])


def _network(request: Request) -> str:
    return network_of(request.client.host if request.client else "")


def _today(services: Services) -> date:
    """Return the day it is in Cambodia: documents expire by it."""
    return services.clock.now().astimezone(CAMBODIA).date()


async def _view(
    services: Services, device_id: str, *, status: int = 200
) -> JSONResponse:
    async with services.store.read() as tx:
        found = await services.registrations.current(tx, device_id)
        code = await services.codes.status(tx, found.id)
        next_at = await services.register_questions.next_attempt_at(tx, found.id)
    view = registration_view(found, code=code, next_attempt_at=next_at)
    return JSONResponse(view, status_code=status)


async def _send(
    services: Services, registration: Registration, code: IssuedCode
) -> None:
    """Send the code, after its commit; a number that cannot be texted ends it."""
    told = registration.told
    try:
        await services.code_delivery.by_text(
            owner=registration.id, to=told.phone, code=code.code, locale=told.locale
        )
    except PhoneInvalid:
        async with services.store.begin() as tx:
            await services.registrations.cancel(tx, registration)
        raise


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
) -> tuple[Registration, bytes]:
    """Return the registration with a try fewer, and the kept picture.

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
        return await registrations.spend_face_try(tx, found), picture


async def _return_face_try(services: Services, tried: Registration) -> None:
    async with services.store.begin() as tx:
        await services.registrations.return_face_try(tx, tried)


def _verify_both_keys(
    services: Services, proved: Proved, body: DeviceBody, *, registration_id: str
) -> None:
    verify_enrolment(
        token=body.enrolment,
        uv=body.uv,
        device_id=proved.device_id,
        device_jwk=proved.proof.public_jwk,
        pin_jwk=body.pin_key,
        registration_id=registration_id,
        audience=services.settings.issuer,
        now=services.clock.now().timestamp(),
    )


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


async def _face_matched(
    services: Services, tried: Registration, matched: JudgedFace, *, selfie: bytes
) -> None:
    async with services.store.begin() as tx:
        await services.registrations.face_matched(tx, tried)
        await services.evidence.keep(
            tx,
            tried.id,
            EvidenceKind.FACE,
            judged=selfie,
            engine=matched.engine,
            facts=matched.facts,
        )
