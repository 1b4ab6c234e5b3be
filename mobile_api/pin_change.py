"""POST /pin: another PIN, named and signed with the present one.

`assertion` has `typ: camdigikey-pin+jwt`, `action: change` and `key` (the thumbprint of
the new PIN key); `uv` is by the present PIN key and `new_uv` by the new one, over the
same assertion. A wrong present PIN spends a try like any other (login.md, 4).
"""

from typing import Any

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from idp.domain.assertions import Kind, UvMethod, VerifiedAssertion, verify_assertion
from idp.domain.devices import Device
from idp.domain.jws import BadSignature, public_key, thumbprint
from idp.domain.messages import Notice
from idp.domain.user_verification import is_pin_right
from idp.errors import AssertionInvalid
from idp.services import Services
from mobile_api.authentication import live_device
from mobile_api.bodies import Body
from mobile_api.endpoints import read_json, services_of
from mobile_api.person import settle, spend_assertion, verify_person


class PinBody(Body):
    """The new PIN key, and what the present PIN and the new one signed."""

    pin_key: dict[str, str] = Field(max_length=8)
    assertion: str = Field(max_length=4096)
    uv: str = Field(max_length=128)
    new_uv: str = Field(max_length=128)


async def change(request: Request) -> Response:
    """POST /pin."""
    services = services_of(request)
    proved, body = await read_json(request, PinBody)
    device = await live_device(services, proved)
    key_id = _checked_key(body.pin_key)
    verified = await _verify(services, device, body.assertion, key_id=key_id)
    if not is_pin_right(token=verified.token, uv=body.new_uv, pin_jwk=body.pin_key):
        raise AssertionInvalid("the new PIN key did not sign")
    person = await verify_person(services, device, verified, body.uv)
    if key_id == device.pin_key_id:
        # Only now: before, it would tell a right PIN without spending a try.
        raise AssertionInvalid("the PIN is the same")
    async with services.store.begin() as tx:
        await settle(services, tx, person)
        await services.device_changes.change_pin(tx, device, body.pin_key)
        detail = {"device": device.name}
        await services.messages.tell(
            tx, device.account_id, Notice.PIN_CHANGED, detail=detail
        )
    return Response(status_code=204)


def _checked_key(jwk: dict[str, Any]) -> str:
    try:
        public_key(jwk)
        return thumbprint(jwk)
    except BadSignature as error:
        raise AssertionInvalid("not a PIN key") from error


async def _verify(
    services: Services, device: Device, token: str, *, key_id: str
) -> VerifiedAssertion:
    verified = verify_assertion(
        token=token,
        kind=Kind.PIN,
        device=device,
        audience=services.settings.issuer,
        now=services.clock.now().timestamp(),
        expected={"action": "change", "key": key_id},
        optional={"nonce": str},
    )
    if verified.uv_method is not UvMethod.PIN:
        raise AssertionInvalid("the PIN is needed for this")
    await services.request_proofs.check_nonce(verified.claims.get("nonce"))
    await spend_assertion(services, device, verified)
    return verified
