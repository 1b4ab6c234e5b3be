"""POST /registrations and its steps: parse, one service call, answer the view.

The steps with pictures are in registration_pictures.py.
"""

from starlette.requests import Request
from starlette.responses import Response

from idp.domain.enrolments import verify_enrolment
from idp.domain.one_time_codes import IssuedCode
from idp.domain.person_details import read_details
from idp.domain.phones import read_phone
from idp.domain.proof_of_work import Work
from idp.domain.rate_limits import network_of
from idp.domain.registration_rows import Registration, State
from idp.errors import PhoneInvalid
from idp.services import Services
from mobile_api.authentication import Proved
from mobile_api.bodies import CodeBody, DetailsBody, DeviceBody, StartBody
from mobile_api.endpoints import mobile_of, read_empty, read_json, services_of
from mobile_api.register_queue import ask_soon
from mobile_api.registration_steps import (
    answer_view,
    take_details,
    today_in_cambodia,
)


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
    await send_code(services, registration, code)
    return await answer_view(services, proved.device_id, status=201)


async def current(request: Request) -> Response:
    """GET /registrations/current: where the device's registration stands."""
    proved = await read_empty(request)
    return await answer_view(services_of(request), proved.device_id)


async def phone_code(request: Request) -> Response:
    """POST …/phone-code: spend an attempt, then compare."""
    services = services_of(request)
    proved, body = await read_json(request, CodeBody)
    async with services.store.begin() as tx:
        found = await services.registrations.at(tx, _id(request), proved.device_id)
        await services.registrations.prove_phone(tx, found, body.code)
    return await answer_view(services, proved.device_id)


async def resend(request: Request) -> Response:
    """POST …/phone-code/resend: the next code, when it is time."""
    services = services_of(request)
    proved = await read_empty(request)
    async with services.store.begin() as tx:
        found = await services.registrations.at(tx, _id(request), proved.device_id)
        code = await services.registrations.resend(tx, found, network=_network(request))
    await send_code(services, found, code)
    return await answer_view(services, proved.device_id)


async def details(request: Request) -> Response:
    """POST …/details: keep what was confirmed and ask the national register."""
    services = services_of(request)
    mobile = mobile_of(request)
    proved, body = await read_json(request, DetailsBody)
    today = today_in_cambodia(services)
    async with services.store.begin() as tx:
        found = await services.registrations.at(
            tx, _id(request), proved.device_id, State.DETAILS
        )
        read = read_details(
            body.model_dump(), document=found.told.document, today=today
        )
        await take_details(services, tx, found, read, policy=mobile.policy)
    await ask_soon(services, mobile, found.id)
    return await answer_view(services, proved.device_id)


async def device(request: Request) -> Response:
    """POST …/device: both keys sign; the account is opened, the phone is bound."""
    services = services_of(request)
    proved, body = await read_json(request, DeviceBody)
    _verify_both_keys(services, proved, body, registration_id=_id(request))
    keys = {"public_key": dict(proved.proof.public_jwk), "pin_key": body.pin_key}
    async with services.store.begin() as tx:
        found = await services.registrations.at(
            tx, _id(request), proved.device_id, State.DEVICE, State.WAITING
        )
        desk = services.recoveries if found.told.recovery else services.registrations
        await desk.finish(tx, found, name=body.name, **keys)
    await services.logouts.wake()
    return await answer_view(services, proved.device_id)


async def cancellation(request: Request) -> Response:
    """POST …/cancellation: forget everything about it."""
    services = services_of(request)
    proved = await read_empty(request)
    async with services.store.begin() as tx:
        found = await services.registrations.at(tx, _id(request), proved.device_id)
        if found.told.recovery:
            await services.recoveries.given_up(tx, found)
        await services.registrations.cancel(tx, found)
    return Response(status_code=204)


def _id(request: Request) -> str:
    return str(request.path_params["id"])


def _network(request: Request) -> str:
    return network_of(request.client.host if request.client else "")


async def send_code(
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
