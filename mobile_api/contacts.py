"""The number and the e-mail address of an account (docs/devices.md, Contacts).

    GET  /contacts                                                        (unlocked)
    POST /contacts/phone           {"phone","assertion","uv"}   201
    POST /contacts/email           {"email","assertion","uv"}   201
    POST /contacts/email/removal   {"assertion","uv"}           204
    POST /contacts/{id}/code       {"code"}                               (unlocked)
    POST /contacts/{id}/old-code   {}                           204       (unlocked)
    POST /contacts/{id}/old-proof  {"code"}                               (unlocked)
    POST /contacts/{id}/objection  {"assertion","uv"}           204

An assertion has `typ: camdigikey-contact+jwt`, `action` (`change_phone`,
`change_email`, `remove_email`, `object`) and `target` (the number or address as typed,
"" to remove, the id to object), by PIN or biometric.
"""

from typing import Any, Final

from pydantic import Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from idp.domain.assertions import Kind, verify_assertion
from idp.domain.contact_rows import Contact, ContactKind
from idp.domain.contacts import LONGEST, read_email
from idp.domain.devices import Device
from idp.domain.phones import phone_hint, read_phone
from idp.services import Services, Transaction
from mobile_api.approvals import AnswerBody
from mobile_api.authentication import live_device, unlocked_device
from mobile_api.bodies import CodeBody
from mobile_api.endpoints import read_empty, read_json, services_of
from mobile_api.errors import locale_of
from mobile_api.person import VerifiedPerson, settle, spend_assertion, verify_person

SECOND: Final = 1000


class PhoneBody(AnswerBody):
    """A new number as typed."""

    phone: str = Field(max_length=40)


class EmailBody(AnswerBody):
    """An address as typed."""

    email: str = Field(max_length=LONGEST)


async def contacts(request: Request) -> Response:
    """GET /contacts: what is used, and what is under way."""
    services = services_of(request)
    device = await unlocked_device(services, await read_empty(request))
    return JSONResponse(await _view(services, device.account_id))


async def change_phone(request: Request) -> Response:
    """POST /contacts/phone: begin; the code goes to the new number."""
    services = services_of(request)
    proved, body = await read_json(request, PhoneBody)
    device = await live_device(services, proved)
    phone = read_phone(body.phone)
    services.code_delivery.require_served(phone)
    person = await _person(services, device, body, "change_phone", body.phone)
    async with services.store.begin() as tx:
        await settle(services, tx, person)
        begun, code = await services.contacts.begin_phone(tx, device.account_id, phone)
    await services.code_delivery.by_text(
        owner=f"contact:{begun.id}",
        to=phone,
        code=code.code,
        locale=locale_of(request),
    )
    return JSONResponse(_change(begun), status_code=201)


async def change_email(request: Request) -> Response:
    """POST /contacts/email: begin; the code goes to the address."""
    services = services_of(request)
    proved, body = await read_json(request, EmailBody)
    device = await live_device(services, proved)
    address = read_email(body.email)
    person = await _person(services, device, body, "change_email", body.email)
    async with services.store.begin() as tx:
        await settle(services, tx, person)
        begun, code = await services.contacts.begin_email(
            tx, device.account_id, address
        )
    await services.code_delivery.by_email(
        owner=f"contact:{begun.id}",
        to=address,
        code=code.code,
        locale=locale_of(request),
    )
    return JSONResponse(_change(begun), status_code=201)


async def remove_email(request: Request) -> Response:
    """POST /contacts/email/removal."""
    services = services_of(request)
    proved, body = await read_json(request, AnswerBody)
    device = await live_device(services, proved)
    person = await _person(services, device, body, "remove_email", "")
    async with services.store.begin() as tx:
        await settle(services, tx, person)
        await services.contacts.remove_email(tx, device.account_id)
    return Response(status_code=204)


async def prove(request: Request) -> Response:
    """POST /contacts/{id}/code: the code that went to the new one."""
    services = services_of(request)
    proved, body = await read_json(request, CodeBody)
    device = await unlocked_device(services, proved)
    async with services.store.begin() as tx:
        found = await _found(services, tx, request, device)
        await services.contacts.prove(tx, found, body.code)
    return JSONResponse(await _view(services, device.account_id))


async def ask_old_number(request: Request) -> Response:
    """POST /contacts/{id}/old-code: send a code to the number used until now."""
    services = services_of(request)
    device = await unlocked_device(services, await read_empty(request))
    async with services.store.begin() as tx:
        found = await _found(services, tx, request, device)
        phone, code = await services.contacts.ask_old_number(tx, found)
    await services.code_delivery.by_text(
        owner=f"contact-old:{found.id}",
        to=phone,
        code=code.code,
        locale=locale_of(request),
    )
    return Response(status_code=204)


async def confirm_by_old_number(request: Request) -> Response:
    """POST /contacts/{id}/old-proof: no wait is needed then."""
    services = services_of(request)
    proved, body = await read_json(request, CodeBody)
    device = await unlocked_device(services, proved)
    async with services.store.begin() as tx:
        found = await _found(services, tx, request, device)
        await services.contacts.confirm_by_old_number(tx, found, body.code)
    return JSONResponse(await _view(services, device.account_id))


async def object_to(request: Request) -> Response:
    """POST /contacts/{id}/objection: from any phone of the account."""
    services = services_of(request)
    proved, body = await read_json(request, AnswerBody)
    device = await live_device(services, proved)
    target = str(request.path_params["id"])
    person = await _person(services, device, body, "object", target)
    async with services.store.begin() as tx:
        await settle(services, tx, person)
        found = await _found(services, tx, request, device)
        await services.contacts.object(tx, found)
    return Response(status_code=204)


async def _found(
    services: Services, tx: Transaction, request: Request, device: Device
) -> Contact:
    return await services.contacts.rows.find(
        tx, str(request.path_params["id"]), account_id=device.account_id
    )


async def _view(services: Services, account_id: str) -> dict[str, Any]:
    rows = services.contacts.rows
    async with services.store.read() as tx:
        account = await services.accounts.active(tx, account_id)
        email = await rows.email_of(tx, account_id)
        open_ = [await rows.under_way(tx, account_id, kind) for kind in ContactKind]
    return {
        "phone_hint": phone_hint(account.facts.phone),
        "email": email,
        "changes": [_change(one) for one in open_ if one is not None],
    }


def _change(one: Contact) -> dict[str, Any]:
    """Return a change that is under way; the value is the person's own."""
    ready_at = None if one.ready_at is None else one.ready_at // SECOND
    return {
        "id": one.id,
        "kind": one.kind.value,
        "state": one.state.value,
        "value": one.value,
        "ready_at": ready_at,
    }


async def _person(
    services: Services, device: Device, body: AnswerBody, action: str, target: str
) -> VerifiedPerson:
    verified = verify_assertion(
        token=body.assertion,
        kind=Kind.CONTACT,
        device=device,
        audience=services.settings.issuer,
        now=services.clock.now().timestamp(),
        expected={"action": action, "target": target},
        optional={"nonce": str},
    )
    await services.request_proofs.check_nonce(verified.claims.get("nonce"))
    await spend_assertion(services, device, verified)
    return await verify_person(services, device, verified, body.uv)
