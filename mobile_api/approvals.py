"""Claim a login challenge and answer it: the order of checks is fixed.

    1 request proof   2–3 the assertion's key, typ, audience, times
    4 the challenge is claimed by this device and every claim equals the stored one
    5 the binding code of a push; the level   6 a PIN try is spent
    7 PIN or WebAuthn signature
    8 the decision, in one transaction

A failure in 1–5 never costs a try.
"""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from idp.domain.assertions import (
    Kind,
    UvMethod,
    VerifiedAssertion,
    is_binding_code_right,
    peek,
    verify_assertion,
)
from idp.domain.assurance import (
    UserVerification,
    amr_of,
    authenticator_level,
    lowest,
    reaches,
)
from idp.domain.audit import EventTag
from idp.domain.backchannel_requests import decide_backchannel
from idp.domain.challenge_records import Challenge, Channel, State
from idp.domain.decisions import RETURN_HASH, Decision, Verdict
from idp.domain.devices import Device
from idp.errors import AssertionInvalid, AssuranceTooLow, ChallengeClosed, NotFound
from idp.services import Services, Transaction
from mobile_api.authentication import live_device
from mobile_api.endpoints import read_json, services_of
from mobile_api.person import VerifiedPerson, settle, verify_person

MAX_ASSERTION = 4096
RESTORED_ONCE = 5.0  # seconds


class ClaimBody(BaseModel):
    """How the device proves that it saw the challenge."""

    model_config = ConfigDict(extra="forbid", strict=True)
    channel: Literal["qr", "same_device", "push"]
    code: str = Field(default="", max_length=64)
    secret: str = Field(default="", max_length=64)


class AnswerBody(BaseModel):
    """An assertion and what verifies the person over it."""

    model_config = ConfigDict(extra="forbid", strict=True)
    assertion: str = Field(max_length=MAX_ASSERTION)
    uv: str | dict[str, Any] | None = None


async def claim(request: Request) -> Response:
    """POST /challenges/{id}/claim: bind the challenge to this device."""
    services = services_of(request)
    proved, body = await read_json(request, ClaimBody)
    device = await live_device(services, proved)
    channel = Channel(body.channel)
    challenge_id = request.path_params["id"]
    if channel is Channel.PUSH:
        await _remember(services, challenge_id)
    challenge = await services.challenges.claim(
        challenge_id,
        device_id=device.id,
        account_id=device.account_id,
        channel=channel,
        proof=body.secret if channel is Channel.SAME_DEVICE else body.code,
    )
    return JSONResponse(
        {
            "challenge": challenge.id,
            "nonce": challenge.nonce,
            "display": challenge.display,
            "channel": challenge.channel.value,
            "acr": challenge.interaction.request.acr,
            "deadline": challenge.deadline // 1000,
            "warnings": [],
        }
    )


async def _remember(services: Services, challenge_id: str) -> None:
    """Bring back a push that was forgotten with all that is short-lived; NotFound."""
    try:
        await services.challenges.find(challenge_id)
    except NotFound:
        async with services.store.read() as tx:
            kept = await services.backchannel.restore(tx, challenge_id)
        # One restorer: a claim in between is never overwritten.
        key = f"restored:{challenge_id}"
        if await services.ephemeral.add_once(key, seconds=RESTORED_ONCE):
            await services.challenges.keep(kept)


async def answer(request: Request) -> Response:
    """POST /challenges/{id}/approval: approve or deny, once."""
    services = services_of(request)
    proved, body = await read_json(request, AnswerBody)
    device = await live_device(services, proved)
    challenge_id = request.path_params["id"]
    repeated = await _answered_before(services, challenge_id, device, body)
    if repeated is not None:
        return JSONResponse(_view(services, repeated))
    challenge = await _find(services, challenge_id)
    services.challenges.check_open_for(challenge, device_id=device.id)
    verified = _verify(services, challenge, device, body.assertion)
    verdict = await _decide(services, challenge, device, verified, body.uv)
    return JSONResponse(_view_of(services, challenge.id, verdict))


async def _find(services: Services, challenge_id: str) -> Challenge:
    try:
        return await services.challenges.find(challenge_id)
    except NotFound as error:
        raise ChallengeClosed("forgotten") from error


async def _answered_before(
    services: Services, challenge_id: str, device: Device, body: AnswerBody
) -> Decision | None:
    """Return the first answer when the very same assertion comes again."""
    async with services.store.read() as tx:
        decision = await services.decisions.find(tx, challenge_id)
    if decision is None:
        return None
    peek(body.assertion, kind=Kind.LOGIN)
    if (
        decision.verdict.device_id != device.id
        or decision.verdict.assertion != body.assertion
    ):
        raise ChallengeClosed("answered before")
    return decision


def _verify(
    services: Services, challenge: Challenge, device: Device, token: str
) -> VerifiedAssertion:
    request = challenge.interaction.request
    expected: dict[str, Any] = {
        "challenge": challenge.id,
        "nonce": challenge.nonce,
        "rp": request.client_id,
        "rp_domain": challenge.rp_domain,
        "shown": challenge.shown,
        "channel": challenge.channel.value,
    }
    optional = {"decision": str, "withheld": list, "reason": str, "return_hash": str}
    if challenge.channel is Channel.PUSH:
        optional["binding_code"] = str
    verified = verify_assertion(
        token=token,
        kind=Kind.LOGIN,
        device=device,
        audience=services.settings.issuer,
        now=services.clock.now().timestamp(),
        expected=expected,
        optional=optional,
    )
    if verified.claims.get("decision") == "deny":
        _check_denial(verified)
    else:
        _check_approval(verified, challenge)
    return verified


def _check_denial(verified: VerifiedAssertion) -> None:
    claims = verified.claims
    if verified.uv_method is not UvMethod.NONE:
        raise AssertionInvalid("a denial carries no user verification")
    if claims.get("reason", "not_me") != "not_me":
        raise AssertionInvalid("unknown reason")
    if {"withheld", "return_hash", "binding_code"} & set(claims):
        raise AssertionInvalid("a denial releases nothing")


def _check_approval(verified: VerifiedAssertion, challenge: Challenge) -> None:
    claims = verified.claims
    if claims.get("decision") != "approve" or "reason" in claims:
        raise AssertionInvalid("approve or deny")
    if verified.uv_method is UvMethod.NONE:
        raise AssertionInvalid("the person must be verified")
    withheld = claims.get("withheld", [])
    if not all(isinstance(name, str) for name in withheld):
        raise AssertionInvalid("withheld is a list of names")
    if set(withheld) - set(challenge.interaction.request.voluntary):
        raise AssertionInvalid("withholds what is not voluntary")
    needs_return = challenge.channel is Channel.SAME_DEVICE
    has_return = RETURN_HASH.fullmatch(str(claims.get("return_hash", ""))) is not None
    if needs_return != has_return or needs_return != ("return_hash" in claims):
        raise AssertionInvalid("return_hash belongs to same_device, and only there")


async def _decide(
    services: Services,
    challenge: Challenge,
    device: Device,
    verified: VerifiedAssertion,
    uv: object,
) -> Verdict:
    if verified.uv_method is UvMethod.NONE:
        verdict = _denial(device, verified)
        return await _write(services, challenge, verdict, verified, None)
    if challenge.channel is Channel.PUSH and not is_binding_code_right(
        verified, expected=challenge.binding_code
    ):
        # Step 5: one guess, and no PIN try is spent.
        verdict = _denial(device, verified)
        return await _write(services, challenge, verdict, verified, None)
    # Before a try is spent: who cannot reach the level must not lose his PIN over it.
    acr = await _reached(services, challenge, device, verified)
    person = await verify_person(services, device, verified, uv)
    verdict = _approval(challenge, verified, person, acr=acr)
    return await _write(services, challenge, verdict, verified, person)


def _denial(device: Device, verified: VerifiedAssertion) -> Verdict:
    return Verdict(
        state=State.DENIED,
        jti=verified.jti,
        account_id=device.account_id,
        device_id=device.id,
        assertion=verified.token,
    )


async def _reached(
    services: Services,
    challenge: Challenge,
    device: Device,
    verified: VerifiedAssertion,
) -> str:
    """Return the level of this login; raises AccountSuspended, AssuranceTooLow."""
    async with services.store.read() as tx:
        account = await services.accounts.active(tx, device.account_id)
    is_synced = (
        verified.uv_method is UvMethod.WEBAUTHN
        and device.credential is not None
        and device.credential.is_synced
    )
    verification = UserVerification(verified.uv_method.value)
    of_login = authenticator_level(
        verification,
        is_attested_hardware=device.is_hardware,
        is_synced=is_synced,
        is_cross_device=challenge.channel is not Channel.SAME_DEVICE,
    )
    acr = lowest(account.level, of_login)
    if not reaches(acr, needed=challenge.interaction.request.acr):
        raise AssuranceTooLow(acr)
    return acr


def _approval(
    challenge: Challenge,
    verified: VerifiedAssertion,
    person: VerifiedPerson,
    *,
    acr: str,
) -> Verdict:
    asked = challenge.interaction.request
    withheld = set(verified.claims.get("withheld", []))
    return Verdict(
        state=State.APPROVED,
        jti=verified.jti,
        account_id=person.device.account_id,
        device_id=person.device.id,
        acr=acr,
        amr=amr_of(
            UserVerification(person.method.value),
            is_attested_hardware=person.device.is_hardware,
        ),
        claims=tuple(name for name in asked.claims if name not in withheld),
        return_hash=str(verified.claims.get("return_hash", "")),
        assertion=verified.token,
    )


async def _write(
    services: Services,
    challenge: Challenge,
    verdict: Verdict,
    verified: VerifiedAssertion,
    person: VerifiedPerson | None,
) -> Verdict:
    """Step 8: decision, tries and audit in one transaction; then the browser wakes."""
    async with services.store.begin() as tx:
        if person is not None:  # first: a right PIN is right though another won
            await settle(services, tx, person)
        tag = _tag(verdict, verified)
        if not await _decide_once(services, tx, challenge, verdict, tag):
            raise ChallengeClosed("another answer was first")
        await services.audit.record(
            tx,
            tag,
            account=verdict.account_id,
            device=verdict.device_id,
            relying_party=challenge.interaction.request.client_id,
            detail={"challenge": challenge.id, "uv_method": verified.uv_method.value},
        )
    if challenge.channel is Channel.PUSH:
        await services.backchannel.decided(challenge, verdict.state)
    else:
        await services.challenges.decided(challenge, verdict.state)
    return verdict


async def _decide_once(
    services: Services,
    tx: Transaction,
    challenge: Challenge,
    verdict: Verdict,
    tag: EventTag,
) -> bool:
    if challenge.channel is not Channel.PUSH:
        return await services.decisions.decide(tx, challenge, verdict)
    is_refusal = tag in {EventTag.LOGIN_DENIED, EventTag.LOGIN_NOT_ME}
    return await decide_backchannel(
        services.backchannel, tx, challenge, verdict, is_refusal=is_refusal
    )


def _tag(verdict: Verdict, verified: VerifiedAssertion) -> EventTag:
    if verdict.state is State.APPROVED:
        return EventTag.LOGIN_APPROVED
    if verified.claims.get("decision") == "approve":
        return EventTag.PUSH_BINDING_CODE_WRONG
    not_me = verified.claims.get("reason") == "not_me"
    return EventTag.LOGIN_NOT_ME if not_me else EventTag.LOGIN_DENIED


def _view(services: Services, decision: Decision) -> dict[str, str]:
    return _view_of(services, decision.challenge_id, decision.verdict)


def _view_of(services: Services, challenge_id: str, verdict: Verdict) -> dict[str, str]:
    view = {"state": verdict.state.value}
    if verdict.state is State.APPROVED and verdict.return_hash:
        view["return_url"] = f"{services.settings.issuer}/return/{challenge_id}"
        view["value"] = services.decisions.return_value(
            challenge_id, verdict.return_hash
        )
    return view
