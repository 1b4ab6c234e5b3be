"""Every request is signed by its device key; this is where that is checked."""

from dataclasses import dataclass

from starlette.requests import Request

from idp.domain.devices import Device
from idp.domain.request_proofs import VerifiedProof
from idp.errors import Locked, ProofInvalid
from idp.services import Services

HEADER = "device-proof"
UNLOCKED = "unlocked"
UNLOCKED_SECONDS = 300


@dataclass(frozen=True, slots=True)
class Proved:
    """A request whose sender holds the device key, and its whole body."""

    proof: VerifiedProof
    body: bytes

    @property
    def device_id(self) -> str:
        """The thumbprint of the key that signed."""
        return self.proof.device_id


async def prove(request: Request, services: Services, *, body: bytes) -> Proved:
    """Accept the request's proof, once; raises ProofInvalid, ProofNonceStale."""
    tokens = request.headers.getlist(HEADER)
    if len(tokens) != 1:
        raise ProofInvalid("exactly one Device-Proof header is needed")
    proof = await services.request_proofs.accept(
        token=tokens[0],
        method=request.method,
        url=services.settings.app_origin + request.url.path,
        body=body,
    )
    if request.url.query:
        raise ProofInvalid("URLs of this API have no query")
    return Proved(proof, body)


async def live_device(services: Services, proved: Proved) -> Device:
    """Return the device; raises DeviceUnknown, DeviceRevoked, DeviceSuspended."""
    async with services.store.read() as tx:
        return await services.devices.find(tx, proved.device_id)


async def bound_device(services: Services, proved: Proved) -> Device:
    """Return the device, be it suspended; raises DeviceUnknown, DeviceRevoked."""
    async with services.store.read() as tx:
        return await services.devices.find_bound(tx, proved.device_id)


async def set_unlocked(services: Services, device: Device) -> int:
    """Let the device see personal data for a while; return until when (seconds)."""
    key = f"{UNLOCKED}:{device.id}"
    await services.ephemeral.put(key, {"yes": "1"}, seconds=UNLOCKED_SECONDS)
    return int(services.clock.now().timestamp()) + UNLOCKED_SECONDS


async def set_locked(services: Services, device: Device) -> None:
    """Hide personal data again."""
    await services.ephemeral.delete(f"{UNLOCKED}:{device.id}")


async def unlocked_device(services: Services, proved: Proved) -> Device:
    """Return the device if it was unlocked a short while ago; raises Locked."""
    device = await live_device(services, proved)
    if await services.ephemeral.get(f"{UNLOCKED}:{device.id}") is None:
        raise Locked(device.id)
    return device
