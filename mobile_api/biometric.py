"""The phone's biometric: a WebAuthn platform credential bound to the device row.

Binding and removing are assertions of their own kind, signed with the current PIN
and naming the credential; they spend tries from the same count as a login does.
"""

from typing import Any

import orjson
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from webauthn import generate_registration_options, options_to_json
from webauthn.helpers.cose import COSEAlgorithmIdentifier
from webauthn.helpers.structs import (
    AuthenticatorAttachment,
    AuthenticatorSelectionCriteria,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from idp.domain.assertions import (
    Kind,
    UvMethod,
    VerifiedAssertion,
    verify_assertion,
)
from idp.domain.audit import EventTag
from idp.domain.devices import Device
from idp.domain.messages import Notice
from idp.domain.user_verification import verify_new_credential
from idp.errors import AssertionInvalid, ChallengeClosed, NotFound
from idp.services import Services
from mobile_api.approvals import AnswerBody
from mobile_api.authentication import live_device
from mobile_api.endpoints import read_empty, read_json, services_of
from mobile_api.person import settle, spend_assertion, verify_person

ALGORITHMS = (
    COSEAlgorithmIdentifier.ECDSA_SHA_256,
    COSEAlgorithmIdentifier.RSASSA_PKCS1_v1_5_SHA_256,
    COSEAlgorithmIdentifier.EDDSA,
)
OPTIONS_SECONDS = 300


class BindBody(BaseModel):
    """The new credential, and the assertion with PIN that names it."""

    model_config = ConfigDict(extra="forbid", strict=True)
    credential: dict[str, Any]
    assertion: str = Field(max_length=4096)
    uv: str = Field(max_length=128)


async def options(request: Request) -> Response:
    """POST /biometric/options: what the browser needs to make a credential."""
    services = services_of(request)
    device = await live_device(services, await read_empty(request))
    made = generate_registration_options(
        rp_id=services.webauthn_party.rp_id,
        rp_name="CamDigiKey",
        user_id=device.id.encode()[:64],
        user_name=device.name,
        authenticator_selection=AuthenticatorSelectionCriteria(
            authenticator_attachment=AuthenticatorAttachment.PLATFORM,
            resident_key=ResidentKeyRequirement.DISCOURAGED,
            user_verification=UserVerificationRequirement.REQUIRED,
        ),
        supported_pub_key_algs=list(ALGORITHMS),
    )
    record = {"challenge": made.challenge.hex()}
    await services.ephemeral.put(_key(device), record, seconds=OPTIONS_SECONDS)
    return JSONResponse({"options": orjson.loads(options_to_json(made))})


async def bind(request: Request) -> Response:
    """POST /biometric: bind the credential that the options led to, once."""
    services = services_of(request)
    proved, body = await read_json(request, BindBody)
    device = await live_device(services, proved)
    challenge = await _spend_challenge(services, device)
    credential = verify_new_credential(
        answer=body.credential,
        challenge=challenge,
        party=services.webauthn_party,
        algorithms=ALGORITHMS,
    )
    verified = await _verify(
        services, device, body.assertion, action="bind", key=credential.id
    )
    person = await verify_person(services, device, verified, body.uv)
    async with services.store.begin() as tx:
        await settle(services, tx, person)
        await services.devices.bind_credential(tx, device, credential)
        await _note(services, tx, EventTag.CREDENTIAL_BOUND, device)
    return JSONResponse({"credential_id": credential.id}, status_code=201)


async def remove(request: Request) -> Response:
    """POST /biometric/removal: take the credential away."""
    services = services_of(request)
    proved, body = await read_json(request, AnswerBody)
    device = await live_device(services, proved)
    if device.credential is None:
        raise NotFound("credential")
    verified = await _verify(
        services, device, body.assertion, action="remove", key=device.credential.id
    )
    person = await verify_person(services, device, verified, body.uv)
    async with services.store.begin() as tx:
        await settle(services, tx, person)
        await services.devices.remove_credential(tx, device)
        await _note(services, tx, EventTag.CREDENTIAL_REMOVED, device)
    return Response(status_code=204)


async def _verify(
    services: Services, device: Device, token: str, *, action: str, key: str
) -> VerifiedAssertion:
    verified = verify_assertion(
        token=token,
        kind=Kind.CREDENTIAL,
        device=device,
        audience=services.settings.issuer,
        now=services.clock.now().timestamp(),
        expected={"action": action, "key": key},
        optional={"nonce": str},
    )
    if verified.uv_method is not UvMethod.PIN:
        raise AssertionInvalid("the PIN is needed for this")
    await services.request_proofs.check_nonce(verified.claims.get("nonce"))
    await spend_assertion(services, device, verified)
    return verified


async def _spend_challenge(services: Services, device: Device) -> bytes:
    record = await services.ephemeral.get(_key(device))
    if record is None or not await services.ephemeral.swap(
        _key(device), expect={"used": ""}, change={"used": "1"}
    ):
        raise ChallengeClosed("ask for options again")
    return bytes.fromhex(record["challenge"])


async def _note(services: Services, tx: Any, tag: EventTag, device: Device) -> None:
    """Record it, and tell the person: whoever did this could unlock the phone."""
    await services.audit.record(tx, tag, account=device.account_id, device=device.id)
    is_bound = tag is EventTag.CREDENTIAL_BOUND
    notice = Notice.CREDENTIAL_BOUND if is_bound else Notice.CREDENTIAL_REMOVED
    detail = {"device": device.name}
    await services.messages.tell(tx, device.account_id, notice, detail=detail)


def _key(device: Device) -> str:
    return f"biometric-options:{device.id}"
