"""The devices of an account: list, name, stop, and bring back what was reported lost.

    GET  /devices                  (unlocked)
    POST /devices/{id}/name        {"name"}                       (unlocked)
    POST /devices/{id}/revocation  {"assertion","uv"}
    POST /devices/revocations      {"assertion","uv"}             all but this one
    POST /devices/resumption       {"assertion","uv"}             this one, was lost

An assertion has `typ: camdigikey-device+jwt`, `action` (`revoke`, `revoke_others` or
`resume`) and `target` (a device id). Stopping a device wants the person, as a login
does; bringing one back wants the PIN, which a finder does not know.
"""

from typing import Any, Final

from pydantic import Field, field_validator
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from idp.domain.assertions import Kind, UvMethod, VerifiedAssertion, verify_assertion
from idp.domain.device_changes import Reason
from idp.domain.devices import Device
from idp.domain.messages import Notice
from idp.errors import AssertionInvalid
from idp.services import Services, Transaction
from mobile_api.approvals import AnswerBody
from mobile_api.authentication import bound_device, live_device, unlocked_device
from mobile_api.bodies import Body
from mobile_api.endpoints import read_empty, read_json, services_of
from mobile_api.person import VerifiedPerson, settle, spend_assertion, verify_person

SECOND: Final = 1000


class NameBody(Body):
    """What a person calls a device."""

    name: str = Field(min_length=1, max_length=60)

    @field_validator("name")
    @classmethod
    def _is_printable(cls, value: str) -> str:
        if not value.isprintable() or not value.strip():
            raise ValueError("a name is printable text")
        return value


async def devices(request: Request) -> Response:
    """GET /devices: every bound device of the account."""
    services = services_of(request)
    device = await unlocked_device(services, await read_empty(request))
    return await _list(services, device)


async def rename(request: Request) -> Response:
    """POST /devices/{id}/name."""
    services = services_of(request)
    proved, body = await read_json(request, NameBody)
    device = await unlocked_device(services, proved)
    async with services.store.begin() as tx:
        target = await _target(services, tx, request, device)
        await services.device_changes.rename(tx, target, body.name)
    return await _list(services, device)


async def revoke(request: Request) -> Response:
    """POST /devices/{id}/revocation: end one device, this one too."""
    services = services_of(request)
    proved, body = await read_json(request, AnswerBody)
    device = await live_device(services, proved)
    async with services.store.read() as tx:
        target = await _target(services, tx, request, device)
    person = await _person(services, device, body, action="revoke", target=target.id)
    async with services.store.begin() as tx:
        await settle(services, tx, person)
        await _end(services, tx, [target])
    await services.logouts.wake()
    return Response(status_code=204)


async def revoke_others(request: Request) -> Response:
    """POST /devices/revocations: end every device but this one."""
    services = services_of(request)
    proved, body = await read_json(request, AnswerBody)
    device = await live_device(services, proved)
    person = await _person(
        services, device, body, action="revoke_others", target=device.id
    )
    async with services.store.begin() as tx:
        await settle(services, tx, person)
        bound = await services.devices.of_account(tx, device.account_id)
        await _end(services, tx, [one for one in bound if one.id != device.id])
    await services.logouts.wake()
    return Response(status_code=204)


async def resume(request: Request) -> Response:
    """POST /devices/resumption: it is found again, in its person's hands."""
    services = services_of(request)
    proved, body = await read_json(request, AnswerBody)
    device = await bound_device(services, proved)
    person = await _person(services, device, body, action="resume", target=device.id)
    if person.method is not UvMethod.PIN:
        raise AssertionInvalid("the PIN is needed for this")
    async with services.store.begin() as tx:
        await settle(services, tx, person)
        await services.device_changes.resume(tx, device)
    return Response(status_code=204)


def device_view(device: Device, *, this: Device) -> dict[str, Any]:
    """Return one device of the list. Pure."""
    return {
        "id": device.id,
        "name": device.name,
        "made_at": device.made_at // SECOND,
        "last_used_at": device.last_used_at // SECOND,
        "this": device.id == this.id,
        "biometric": device.credential is not None,
        "hardware": device.is_hardware,
        "suspended": device.is_suspended,
    }


async def _list(services: Services, device: Device) -> Response:
    async with services.store.read() as tx:
        found = await services.devices.of_account(tx, device.account_id)
    return JSONResponse({"devices": [device_view(one, this=device) for one in found]})


async def _target(
    services: Services, tx: Transaction, request: Request, device: Device
) -> Device:
    return await services.device_changes.find_own(
        tx, account_id=device.account_id, device_id=str(request.path_params["id"])
    )


async def _person(
    services: Services, device: Device, body: AnswerBody, *, action: str, target: str
) -> VerifiedPerson:
    verified = await _verify(
        services, device, body.assertion, action=action, target=target
    )
    return await verify_person(services, device, verified, body.uv)


async def _verify(
    services: Services, device: Device, token: str, *, action: str, target: str
) -> VerifiedAssertion:
    verified = verify_assertion(
        token=token,
        kind=Kind.DEVICE,
        device=device,
        audience=services.settings.issuer,
        now=services.clock.now().timestamp(),
        expected={"action": action, "target": target},
        optional={"nonce": str},
    )
    await services.request_proofs.check_nonce(verified.claims.get("nonce"))
    await spend_assertion(services, device, verified)
    return verified


async def _end(services: Services, tx: Transaction, ending: list[Device]) -> None:
    for one in ending:
        if await services.device_changes.revoke(tx, one, reason=Reason.OWNER):
            await services.registrations.stop_of_device(tx, one.id)
            detail = {"device": one.name}
            account_id = one.account_id
            await services.messages.tell(
                tx, account_id, Notice.DEVICE_REVOKED, detail=detail
            )
