"""A bound device shows that its key lives in hardware.

    POST /attestation/challenge {}                                 {"nonce"}
    POST /attestation {"format":"android-key","certificates":[…]}  204
                      {"format":"app-attest","key_id","object"}

Bytes travel as base64url. The platform attests SHA-256 of
`"camdigikey-attest1|" + nonce + "|" + device id`; a nonce serves once, for 5 minutes.
A device that cannot do this stays as good as it was.
"""

import secrets
from typing import Annotated, Final, Literal

from pydantic import Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from idp.domain.attestation_chains import LONGEST
from idp.domain.attestations import (
    AndroidStatement,
    AppleStatement,
    challenge_for,
    verify_attestation,
)
from idp.domain.devices import Device
from idp.errors import ChallengeClosed
from idp.services import Services
from mobile_api.authentication import live_device
from mobile_api.bodies import Body
from mobile_api.endpoints import read_empty, read_json, services_of

NONCE_SECONDS: Final = 300
Certificate = Annotated[str, Field(max_length=8192)]


class AttestationBody(Body):
    """A platform's statement; which members it has depends on `format`."""

    format: Literal["android-key", "app-attest"]
    certificates: list[Certificate] = Field(default_factory=list, max_length=LONGEST)
    key_id: str = Field(default="", max_length=64)
    object: str = Field(default="", max_length=15_000)


async def challenge(request: Request) -> Response:
    """POST /attestation/challenge: what the platform has to attest."""
    services = services_of(request)
    device = await live_device(services, await read_empty(request))
    record = {"nonce": secrets.token_urlsafe(16)}
    await services.ephemeral.put(_key(device), record, seconds=NONCE_SECONDS)
    return JSONResponse(record)


async def attest(request: Request) -> Response:
    """POST /attestation: believe it, or leave the device as it was."""
    services = services_of(request)
    proved, body = await read_json(request, AttestationBody)
    device = await live_device(services, proved)
    statement = _statement(body)
    nonce = await _spend_nonce(services, device)
    attestation = verify_attestation(
        statement,
        device_id=device.id,
        challenge=challenge_for(device.id, nonce),
        policies=services.attestation_policies,
        now=services.clock.now(),
    )
    async with services.store.begin() as tx:
        await services.device_changes.attest(tx, device, attestation)
    return Response(status_code=204)


def _statement(body: AttestationBody) -> AndroidStatement | AppleStatement:
    if body.format == "android-key":
        return AndroidStatement.of(body.certificates)
    return AppleStatement.of(key_id=body.key_id, attestation=body.object)


async def _spend_nonce(services: Services, device: Device) -> str:
    record = await services.ephemeral.get(_key(device))
    if record is None or not await services.ephemeral.swap(
        _key(device), expect={"used": ""}, change={"used": "1"}
    ):
        raise ChallengeClosed("ask for a nonce again")
    return record["nonce"]


def _key(device: Device) -> str:
    return f"attestation:{device.id}"
