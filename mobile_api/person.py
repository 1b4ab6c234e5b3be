"""Is it the person who holds the phone? PIN or biometric, over an assertion.

A PIN try is spent, in a commit of its own, before the signature is looked at; the
caller settles the outcome in the transaction of what was decided, so that a right
PIN resets the count only together with the decision.
"""

from dataclasses import dataclass

from idp.domain.assertions import LIFE, SKEW, UvMethod, VerifiedAssertion
from idp.domain.audit import EventTag
from idp.domain.devices import MAX_FAILURES, Device
from idp.domain.messages import Notice
from idp.domain.user_verification import is_pin_right, verify_webauthn
from idp.errors import AssertionInvalid, CodeWrong, Exhausted
from idp.services import Services, Transaction


@dataclass(frozen=True, slots=True)
class VerifiedPerson:
    """The person was verified by `method`; `sign_count` is the credential's."""

    device: Device
    method: UvMethod
    sign_count: int = 0


async def verify_person(
    services: Services, device: Device, assertion: VerifiedAssertion, uv: object
) -> VerifiedPerson:
    """Verify the person behind a verified assertion.

    Raises CodeWrong (the try is spent), Exhausted (nothing is spent),
    AssertionInvalid.
    """
    if assertion.uv_method is UvMethod.PIN:
        await _verify_pin(services, device, assertion, uv)
        return VerifiedPerson(device, UvMethod.PIN)
    if assertion.uv_method is UvMethod.WEBAUTHN and device.credential is not None:
        if device.is_blocked:
            raise Exhausted("pin", retry_after=0)
        count = verify_webauthn(
            token=assertion.token,
            uv=uv,
            credential=device.credential,
            party=services.webauthn_party,
        )
        return VerifiedPerson(device, UvMethod.WEBAUTHN, count)
    raise AssertionInvalid("the person must be verified")


async def spend_assertion(
    services: Services, device: Device, assertion: VerifiedAssertion
) -> None:
    """Accept an assertion that answers no challenge once; raises AssertionInvalid.

    A second use would reset the count of wrong PINs again.
    """
    key = f"assertion:{device.id}:{assertion.jti}"
    if not await services.ephemeral.add_once(key, seconds=LIFE + 2 * SKEW):
        raise AssertionInvalid("replayed")


async def settle(services: Services, tx: Transaction, person: VerifiedPerson) -> None:
    """Record the success; raises DeviceRevoked when the device is gone."""
    if person.method is UvMethod.PIN:
        await services.devices.pin_was_right(tx, person.device)
    else:
        await services.devices.credential_was_used(
            tx, person.device, sign_count=person.sign_count
        )


async def _verify_pin(
    services: Services, device: Device, assertion: VerifiedAssertion, uv: object
) -> None:
    async with services.store.begin() as tx:
        failures = await services.devices.spend_pin_try(tx, device)
    is_named = assertion.uv_key == device.pin_key_id
    if is_pin_right(token=assertion.token, uv=uv, pin_jwk=device.pin_jwk) and is_named:
        return
    is_blocked = failures >= MAX_FAILURES
    tag = EventTag.DEVICE_BLOCKED if is_blocked else EventTag.DEVICE_PIN_WRONG
    async with services.store.begin() as tx:
        await services.audit.record(
            tx, tag, account=device.account_id, device=device.id
        )
        if is_blocked:
            detail = {"device": device.name}
            await services.messages.tell(
                tx, device.account_id, Notice.PIN_BLOCKED, detail=detail
            )
    raise CodeWrong("pin", attempts_left=max(0, MAX_FAILURES - failures))
