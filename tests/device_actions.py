"""What a phone signs to change devices and its PIN (docs/devices.md)."""

from typing import Any

from camdigikey.phone import Phone
from idp.domain import jws
from idp.domain.assertions import Kind


async def device_action(
    phone: Phone, path: str, *, action: str, target: str, pin: str = ""
) -> dict[str, Any]:
    """Sign `action` on `target` with the PIN and send it."""
    claims = {"action": action, "target": target}
    return await phone.post(path, await phone.signed(Kind.DEVICE, pin=pin, **claims))


async def revoke(phone: Phone, target: str, *, pin: str = "") -> dict[str, Any]:
    path = f"/devices/{target}/revocation"
    return await device_action(phone, path, action="revoke", target=target, pin=pin)


async def change_pin(
    phone: Phone, new: str, *, pin: str = "", signed_by: str = ""
) -> dict[str, Any]:
    """Change the PIN; `signed_by` is the PIN that signs as the new one."""
    jwk = phone.keys.pin_jwk(new)
    claims = {"action": "change", "key": jws.thumbprint(jwk)}
    body: dict[str, Any] = await phone.signed(Kind.PIN, pin=pin, **claims)
    body["pin_key"] = jwk
    body["new_uv"] = phone.keys.pin_uv(body["assertion"], signed_by or new)
    return await phone.post("/pin", body)
