"""Unlocking is a signed assertion that the server counts; then it shows data."""

from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from idp.domain.assertions import Kind, VerifiedAssertion, verify_assertion
from idp.domain.audit import EventTag
from idp.domain.devices import Device
from idp.services import Services
from mobile_api.approvals import AnswerBody
from mobile_api.authentication import live_device, set_locked, set_unlocked
from mobile_api.endpoints import read_empty, read_json, services_of
from mobile_api.person import settle, spend_assertion, verify_person
from mobile_api.profile import profile_view

MILLIS: Final = 1000


async def unlock(request: Request) -> Response:
    """POST /unlock: verify the person, then answer with the profile."""
    services = services_of(request)
    proved, body = await read_json(request, AnswerBody)
    device = await live_device(services, proved)
    verified = await _verify(services, device, body.assertion)
    person = await verify_person(services, device, verified, body.uv)
    async with services.store.begin() as tx:
        await settle(services, tx, person)
        await services.audit.record(
            tx,
            EventTag.DEVICE_UNLOCKED,
            account=device.account_id,
            device=device.id,
            detail={"uv_method": person.method.value},
        )
        account = await services.accounts.active(tx, device.account_id)
        documents = await services.documents.of_account(tx, account.id)
    until = await set_unlocked(services, device)
    now = int(services.clock.now().timestamp() * MILLIS)
    profile = profile_view(account, documents, now=now)
    return JSONResponse({"profile": profile, "unlocked_until": until})


async def lock(request: Request) -> Response:
    """POST /lock: hide personal data again."""
    services = services_of(request)
    proved = await read_empty(request)
    await set_locked(services, await live_device(services, proved))
    return Response(status_code=204)


async def _verify(services: Services, device: Device, token: str) -> VerifiedAssertion:
    verified = verify_assertion(
        token=token,
        kind=Kind.UNLOCK,
        device=device,
        audience=services.settings.issuer,
        now=services.clock.now().timestamp(),
        expected={},
        optional={"nonce": str},
    )
    await services.request_proofs.check_nonce(verified.claims.get("nonce"))
    await spend_assertion(services, device, verified)
    return verified
