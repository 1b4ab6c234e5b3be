"""Registration with the help of an agent, and with the consent of the citizen.

    citizen's phone  POST /registrations/{id}/assistance  {}   201 {"code","expires_at"}
    agent's phone    POST /assistance                     {"code"}        the view
                     POST /assistance/{id}/document       <picture>       204
                     POST /assistance/{id}/details        {"kind","issuer", …}   204
                     POST /assistance/{id}/face           <picture>       204

Who has no card with a zone, or cannot use a camera, goes to an agent. The code that
the citizen's phone asks for is the consent: it names one registration, once, for ten
minutes. What an agent says is never enough by itself: the register is asked where it
can be, and a reviewer, who is somebody else, decides. The citizen's own phone ends the
registration with its keys; the agent never has them.
"""

import secrets
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from typing import Final, Literal

from pydantic import Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from idp.domain.audit import EventTag
from idp.domain.devices import Device
from idp.domain.evidence import Engine, EvidenceKind
from idp.domain.names import ascii_digits
from idp.domain.operators import Role
from idp.domain.person_details import read_details
from idp.domain.registration_decisions import Judged
from idp.domain.registration_rows import Registration, State
from idp.errors import CodeExpired, NotFound, RoleMissing, WrongStep
from idp.services import Services, Transaction
from mobile_api.authentication import unlocked_device
from mobile_api.bodies import Body, DetailsBody
from mobile_api.cases import doubts_of_face
from mobile_api.endpoints import (
    mobile_of,
    read_empty,
    read_json,
    read_picture,
    services_of,
)
from mobile_api.picture_checks import check_face
from mobile_api.register_queue import ask_soon
from mobile_api.registration_steps import (
    rule_for,
    take_details,
    today_in_cambodia,
)
from mobile_api.registration_view import registration_view

CODE_LIFE: Final = timedelta(minutes=10)
DIGITS: Final = 8
TRIES_AN_HOUR: Final = 30
HOUR: Final = timedelta(hours=1)
REASON: Final = "assisted"
HELPABLE: Final = frozenset({State.DOCUMENT, State.DETAILS, State.FACE})
SEEN_BY_MACHINES: Final = (EvidenceKind.PORTRAIT, EvidenceKind.ZONE)
EYES: Final = Engine("agent", "1")


class AssistanceBody(Body):
    """The digits that the citizen's phone shows."""

    code: str = Field(min_length=1, max_length=16)


class AssistedDetailsBody(DetailsBody):
    """What the agent read on a document, whatever it is."""

    kind: Literal["id_card", "passport"] = "id_card"
    issuer: str = Field(default="KHM", pattern=r"^[A-Z]{1,3}$", max_length=3)


async def offer(request: Request) -> Response:
    """POST /registrations/{id}/assistance: the citizen lets an agent help."""
    services = services_of(request)
    proved = await read_empty(request)
    async with services.store.begin() as tx:
        found = await services.registrations.at(
            tx, _id(request), proved.device_id, *HELPABLE
        )
        await services.audit.record(
            tx,
            EventTag.ASSISTANCE_OFFERED,
            device=proved.device_id,
            detail={"registration": found.id},
        )
    code = f"{secrets.randbelow(10**DIGITS):0{DIGITS}}"
    seconds = int(CODE_LIFE.total_seconds())
    await services.ephemeral.put(_key(code), {"id": found.id}, seconds=seconds)
    ends = int((services.clock.now() + CODE_LIFE).timestamp())
    return JSONResponse({"code": code, "expires_at": ends}, status_code=201)


async def begin(request: Request) -> Response:
    """POST /assistance: take the registration of the citizen who is here."""
    services = services_of(request)
    proved, body = await read_json(request, AssistanceBody)
    device = await unlocked_device(services, proved)
    async with services.store.begin() as tx:
        await services.operators.require(tx, device.account_id, Role.AGENT)
        await services.budgets.spend(
            tx, "assistance", device.account_id, limit=TRIES_AN_HOUR, window=HOUR
        )
    registration_id = await _spend(services, ascii_digits(body.code).strip())
    async with services.store.begin() as tx:
        found = await services.registrations.rows.find(tx, registration_id)
        await _refuse_own(services, tx, found, device)
        helped = await services.registrations.rows.amend(
            tx, found, replace(found.told, assisted_by=device.account_id)
        )
        await services.audit.record(
            tx,
            EventTag.ASSISTANCE_TAKEN,
            account=device.account_id,
            device=device.id,
            detail={"registration": helped.id},
        )
    return JSONResponse(registration_view(helped, code=None, next_attempt_at=0))


async def document(request: Request) -> Response:
    """POST /assistance/{id}/document: keep the picture for the reviewer."""
    services = services_of(request)
    proved = await read_picture(request)
    device = await unlocked_device(services, proved)
    async with services.store.begin() as tx:
        found = await _helped(services, tx, request, device)
        await services.registrations.spend_document_picture(tx, found)
        await _keep(services, tx, found, EvidenceKind.DOCUMENT, proved.body)
    return Response(status_code=204)


async def details(request: Request) -> Response:
    """POST /assistance/{id}/details: what the agent read; the register is asked."""
    services, mobile = services_of(request), mobile_of(request)
    proved, body = await read_json(request, AssistedDetailsBody)
    device = await unlocked_device(services, proved)
    told = body.model_dump()
    kind, issuer = told.pop("kind"), told.pop("issuer")
    shown = {"kind": kind, "issuer": issuer, "nationality": issuer, "proved": []}
    async with services.store.begin() as tx:
        found = await _helped(services, tx, request, device)
        read = read_details(told, document=shown, today=today_in_cambodia(services))
        seen = await services.registrations.document_read(tx, found, {**shown, **read})
        # A portrait that a machine cut out is not of the document that is told here.
        await services.evidence.outdate(tx, found.id, *SEEN_BY_MACHINES)
        await take_details(services, tx, seen, read, policy=mobile.policy)
    await ask_soon(services, mobile, found.id)
    return Response(status_code=204)


async def face(request: Request) -> Response:
    """POST /assistance/{id}/face: the person as the agent sees them; to a reviewer.

    A machine compares the picture with the faces that are kept and says to the reviewer
    what it found; it is kept with no account, for nobody saw that it lives.
    """
    services, mobile = services_of(request), mobile_of(request)
    proved = await read_picture(request)
    device = await unlocked_device(services, proved)
    async with services.store.read() as tx:
        found = await _helped(services, tx, request, device, State.FACE)
    seen = await check_face(mobile, document=proved.body, selfie=proved.body)
    doubts = await doubts_of_face(services, mobile, found, seen.live_face)
    judged = Judged(
        level=rule_for(found, mobile.policy).reviewed or "low",
        policy=mobile.policy.version,
        policy_hash=mobile.policy.fingerprint,
        reasons=(REASON, *(reason.value for reason in doubts)),
    )
    async with services.store.begin() as tx:
        await services.registrations.rows.hold(tx, found)
        await _keep(services, tx, found, EvidenceKind.FACE, proved.body)
        desk = services.recoveries if found.told.recovery else services.registrations
        await desk.send_to_review(tx, found, judged)
    return Response(status_code=204)


async def _keep(
    services: Services,
    tx: Transaction,
    found: Registration,
    kind: EvidenceKind,
    picture: bytes,
) -> None:
    facts = {"assisted": True, "bytes": len(picture)}
    await services.evidence.keep(
        tx, found.id, kind, judged=picture, engine=EYES, facts=facts, picture=picture
    )


async def _helped(
    services: Services,
    tx: Transaction,
    request: Request,
    device: Device,
    *states: State,
) -> Registration:
    """Return the registration that this agent helps; raises RoleMissing, NotFound."""
    await services.operators.require(tx, device.account_id, Role.AGENT)
    found = await services.registrations.rows.find(tx, _id(request))
    if found.told.assisted_by != device.account_id:
        raise NotFound("registration")
    if found.state not in (states or HELPABLE):
        raise WrongStep(found.state)
    return found


async def _refuse_own(
    services: Services, tx: Transaction, found: Registration, device: Device
) -> None:
    own = {one.id for one in await services.devices.of_account(tx, device.account_id)}
    if found.device_id in own or found.told.account_id == device.account_id:
        raise RoleMissing("own case")


async def _spend(services: Services, code: str) -> str:
    """Use a code up; raises CodeExpired."""
    record = await services.ephemeral.get(_key(code))
    if record is None or not await services.ephemeral.swap(
        _key(code), expect={"used": ""}, change={"used": "1"}
    ):
        raise CodeExpired("no such code")
    return record["id"]


def _key(code: str) -> str:
    return f"assistance:{sha256(code.encode()).hexdigest()}"


def _id(request: Request) -> str:
    return str(request.path_params["id"])
