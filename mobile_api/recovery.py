"""Recover an account from another phone (docs/recovery.md).

    POST /recoveries                    {"phone","locale"}   201 view, as /registrations
    GET  /recoveries                                         what an old phone knows
    POST /recoveries/{id}/approval      {"binding_code","assertion","uv"}
    POST /recoveries/{id}/addition      {"binding_code","assertion","uv"}
    POST /recoveries/{id}/objection     {"assertion","uv"}

The steps between are those of a registration, under the same id. An old phone signs
`typ: camdigikey-recovery+jwt` with `action` (`approve`: the new phone takes over;
`add`: both stay; `object`) and `target` (the recovery's id), with its PIN or biometric:
who found the phone can do none of it.
"""

from typing import Any, Final

from pydantic import Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from idp.domain.assertions import Kind, verify_assertion
from idp.domain.devices import Device
from idp.domain.phones import read_phone
from idp.domain.proof_of_work import Work
from idp.domain.rate_limits import network_of
from idp.domain.recoveries import BESIDE, BY_DEVICE
from idp.domain.recovery_rows import Recovery
from idp.domain.registration_rows import State
from idp.services import Services
from mobile_api.approvals import AnswerBody
from mobile_api.authentication import live_device
from mobile_api.bodies import StartBody
from mobile_api.endpoints import read_empty, read_json, services_of
from mobile_api.person import VerifiedPerson, settle, spend_assertion, verify_person
from mobile_api.registration import send_code
from mobile_api.registration_steps import answer_view

SECOND: Final = 1000


class ApprovalBody(AnswerBody):
    """An old phone's yes, and the digits that the new one shows."""

    binding_code: str = Field(pattern=r"^[0-9]{2}$", max_length=2)


async def start(request: Request) -> Response:
    """POST /recoveries: begin, and send the first code."""
    services = services_of(request)
    proved, body = await read_json(request, StartBody)
    phone = read_phone(body.phone)
    services.code_delivery.require_served(phone)
    network = network_of(request.client.host if request.client else "")
    await services.proof_of_work.demand(
        network=network,
        device_id=proved.device_id,
        work=Work(**body.work.model_dump()) if body.work else None,
    )
    async with services.store.begin() as tx:
        started, code = await services.recoveries.start(
            tx,
            device_id=proved.device_id,
            phone=phone,
            locale=body.locale,
            network=network,
        )
    await send_code(services, started, code)
    return await answer_view(services, proved.device_id, status=201)


async def known(request: Request) -> Response:
    """GET /recoveries: what is under way for the account of this phone."""
    services = services_of(request)
    device = await live_device(services, await read_empty(request))
    async with services.store.read() as tx:
        found = await services.recoveries.shown_to(tx, device)
    return JSONResponse({"recoveries": [_view(one) for one in found]})


async def approve(request: Request) -> Response:
    """POST /recoveries/{id}/approval: it is me, on my new phone."""
    return await _say_yes(request, action="approve", way=BY_DEVICE)


async def add(request: Request) -> Response:
    """POST /recoveries/{id}/addition: it is me, on one more phone."""
    return await _say_yes(request, action="add", way=BESIDE)


async def _say_yes(request: Request, *, action: str, way: str) -> Response:
    services = services_of(request)
    proved, body = await read_json(request, ApprovalBody)
    device = await live_device(services, proved)
    person = await _person(services, request, device, body, action=action)
    async with services.store.begin() as tx:
        await settle(services, tx, person)
        journey = await services.recoveries.approve(
            tx, _id(request), device, binding_code=body.binding_code, way=way
        )
    state = "approved" if journey.state is State.FACE else "ended"
    return JSONResponse({"state": state})


async def object_to(request: Request) -> Response:
    """POST /recoveries/{id}/objection: it is not me."""
    services = services_of(request)
    proved, body = await read_json(request, AnswerBody)
    device = await live_device(services, proved)
    person = await _person(services, request, device, body, action="object")
    async with services.store.begin() as tx:
        await settle(services, tx, person)
        await services.recoveries.object(tx, _id(request), device)
    return Response(status_code=204)


async def _person(
    services: Services,
    request: Request,
    device: Device,
    body: AnswerBody,
    *,
    action: str,
) -> VerifiedPerson:
    verified = verify_assertion(
        token=body.assertion,
        kind=Kind.RECOVERY,
        device=device,
        audience=services.settings.issuer,
        now=services.clock.now().timestamp(),
        expected={"action": action, "target": _id(request)},
        optional={"nonce": str},
    )
    await services.request_proofs.check_nonce(verified.claims.get("nonce"))
    await spend_assertion(services, device, verified)
    return await verify_person(services, device, verified, body.uv)


def _view(recovery: Recovery) -> dict[str, Any]:
    ready_at = None if recovery.ready_at is None else recovery.ready_at // SECOND
    return {
        "id": recovery.id,
        "state": recovery.state.value,
        "started_at": recovery.started_at // SECOND,
        "ready_at": ready_at,
    }


def _id(request: Request) -> str:
    return str(request.path_params["id"])
