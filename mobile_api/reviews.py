"""Cases for a reviewer, on the reviewer's own bound phone (docs/reviews.md).

    GET  /reviews                                             (unlocked)
    POST /reviews/{id}/taking   {}                            (unlocked) once
    POST /reviews/{id}/decision {"answer","level","assertion","uv"}

A decision is signed with PIN or biometric: `typ: camdigikey-review+jwt`, `action` (the
answer), `target` (the case) and `level`. The role is read again in every call.
"""

from base64 import b64encode
from typing import Any, Final, Literal

from pydantic import Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from idp.domain.assertions import Kind, verify_assertion
from idp.domain.devices import Device
from idp.domain.evidence import EvidenceKind
from idp.domain.messages import Notice
from idp.domain.operators import Role
from idp.domain.registration_rows import Registration, State
from idp.domain.reviews import Answer, ReviewCase
from idp.errors import EvidenceInsufficient, NotFound, RoleMissing, WrongStep
from idp.services import Services, Transaction
from mobile_api.approvals import AnswerBody
from mobile_api.authentication import live_device, unlocked_device
from mobile_api.endpoints import read_empty, read_json, services_of
from mobile_api.person import VerifiedPerson, settle, spend_assertion, verify_person

SECOND: Final = 1000
SHOWN: Final = (EvidenceKind.DOCUMENT, EvidenceKind.PORTRAIT, EvidenceKind.FACE)
TRIES: Final = 3
STEPS: Final = {
    Answer.DOCUMENT_AGAIN: State.DOCUMENT,
    Answer.FACE_AGAIN: State.FACE,
}


class DecisionBody(AnswerBody):
    """What the reviewer found. `level` is the most that an acceptance gives."""

    answer: Literal["accepted", "refused", "document-again", "face-again"]
    level: Literal["low", "substantial"] = Field(default="substantial")


async def waiting(request: Request) -> Response:
    """GET /reviews: the open cases, without a word about whose they are."""
    services = services_of(request)
    device = await unlocked_device(services, await read_empty(request))
    async with services.store.read() as tx:
        await services.operators.require(tx, device.account_id, Role.REVIEWER)
        found = await services.reviews.waiting(tx)
    return JSONResponse({"reviews": [_head(one) for one in found]})


async def take(request: Request) -> Response:
    """POST /reviews/{id}/taking: take the case and see its evidence, once."""
    services = services_of(request)
    device = await unlocked_device(services, await read_empty(request))
    async with services.store.begin() as tx:
        await services.operators.require(tx, device.account_id, Role.REVIEWER)
        found = await services.reviews.find(tx, _id(request))
        subject = await services.registrations.rows.find(tx, found.subject_id)
        await _refuse_own(services, tx, subject, device)
        taken = await services.reviews.take(tx, found.id, reviewer=device.account_id)
        view = _head(taken) | await _evidence(services, tx, subject)
    return JSONResponse(view, headers={"Cache-Control": "no-store"})


async def decide(request: Request) -> Response:
    """POST /reviews/{id}/decision: the answer of who holds the case."""
    services = services_of(request)
    proved, body = await read_json(request, DecisionBody)
    device = await live_device(services, proved)
    person = await _person(services, request, device, body)
    async with services.store.begin() as tx:
        await settle(services, tx, person)
        await services.operators.require(tx, device.account_id, Role.REVIEWER)
        answer = Answer(body.answer)
        found = await services.reviews.decide(
            tx, _id(request), reviewer=device.account_id, answer=answer
        )
        await _follow(services, tx, found, answer, level=body.level)
    return Response(status_code=204)


async def lapse(services: Services, tx: Transaction) -> int:
    """Wipe what was shown to reviewers who let the time pass; return how many.

    The registration then asks for its pictures again (`ask_again_what_is_gone`).
    """
    lapsed = await services.reviews.lapse(tx)
    for one in lapsed:
        await services.evidence.wipe(tx, one.subject_id)
    return len(lapsed)


async def _follow(
    services: Services,
    tx: Transaction,
    found: ReviewCase,
    answer: Answer,
    *,
    level: str,
) -> None:
    """Take the registration where the answer says, and tell who has an account."""
    subject = await services.registrations.rows.find(tx, found.subject_id)
    desk = services.recoveries if subject.told.recovery else services.registrations
    match answer:
        case Answer.ACCEPTED:
            await desk.review_accepted(tx, subject, level)
        case Answer.REFUSED:
            await desk.review_refused(tx, subject)
        case Answer.DOCUMENT_AGAIN | Answer.FACE_AGAIN:
            if subject.state is State.DONE:
                raise WrongStep(subject.state)
            await services.registrations.review_again(
                tx, subject, STEPS[answer], tries=TRIES
            )
        case Answer.LAPSED:
            raise WrongStep("only the clock says this")
    await services.evidence.wipe(tx, subject.id)
    account_id = _account_of(subject)
    if account_id:
        detail = {"answer": answer.value}
        await services.messages.tell(
            tx, account_id, Notice.REVIEW_DECIDED, detail=detail
        )


async def _refuse_own(
    services: Services, tx: Transaction, subject: Registration, device: Device
) -> None:
    """Refuse a case of the reviewer's own account, phone or making."""
    account_id = _account_of(subject)
    if subject.told.recovery and not account_id:
        account_id = (await services.recoveries.account_of(tx, subject)).id
    own = {one.id for one in await services.devices.of_account(tx, device.account_id)}
    is_own = account_id == device.account_id or subject.device_id in own
    if is_own or subject.told.assisted_by == device.account_id:
        raise RoleMissing("own case")


def _account_of(subject: Registration) -> str:
    told = subject.told
    known = told.account_id or told.result.get("account_id", "")
    return str(known or told.recovery.get("account", ""))


async def _evidence(
    services: Services, tx: Transaction, subject: Registration
) -> dict[str, Any]:
    records = await services.evidence.of_registration(tx, subject.id)
    pictures = [
        {
            "kind": kind.value,
            "media_type": "image/jpeg",
            "data": b64encode(one).decode(),
        }
        for kind in SHOWN
        for one in await _pictures(services, tx, subject, kind)
    ]
    return {
        "document": subject.told.document,
        "details": subject.told.details,
        "checks": [
            {"kind": one.kind, "engine": one.engine, "facts": one.facts}
            for one in records
        ],
        "pictures": pictures,
    }


async def _pictures(
    services: Services, tx: Transaction, subject: Registration, kind: EvidenceKind
) -> list[bytes]:
    try:
        return [await services.evidence.picture(tx, subject.id, kind)]
    except EvidenceInsufficient:
        return []


async def _person(
    services: Services, request: Request, device: Device, body: DecisionBody
) -> VerifiedPerson:
    verified = verify_assertion(
        token=body.assertion,
        kind=Kind.REVIEW,
        device=device,
        audience=services.settings.issuer,
        now=services.clock.now().timestamp(),
        expected={
            "action": body.answer,
            "target": _id(request),
            "level": body.level,
        },
        optional={"nonce": str},
    )
    await services.request_proofs.check_nonce(verified.claims.get("nonce"))
    await spend_assertion(services, device, verified)
    return await verify_person(services, device, verified, body.uv)


def _head(one: ReviewCase) -> dict[str, Any]:
    return {
        "id": one.id,
        "kind": one.kind,
        "reasons": list(one.reasons),
        "opened_at": one.opened_at // SECOND,
        "taken_until": one.taken_until // SECOND,
    }


def _id(request: Request) -> str:
    found = str(request.path_params["id"])
    if not found:
        raise NotFound("review")
    return found
