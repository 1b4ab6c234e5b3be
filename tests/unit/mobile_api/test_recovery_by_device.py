"""Recovery by the old phone's yes: no document, and still a living face on record."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from idp.domain.jws import header_bytes, raw_signature, sign, thumbprint
from idp.storage.columns import b64encode, new_id
from mobile_api.engines import Workers
from tests.unit.mobile_api.mobile_world import (
    DARA,
    SETTINGS,
    Phone,
    World,
    jwk_of,
    open_workers,
    open_world,
)

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def workers() -> Iterator[Workers]:
    opened = open_workers()
    yield opened
    opened.close()


async def account_of(world: World, phone: Phone) -> str:
    async with world.services.store.read() as tx:
        device = await world.services.devices.find(tx, phone.device_id)
    return device.account_id


async def approve(world: World, old: Phone, recovery: str, code: str) -> Any:
    """Sign the old phone's yes with its PIN, and send it."""
    now = int(world.clock.now().timestamp())
    kind = "camdigikey-recovery+jwt"
    header = header_bytes({"alg": "ES256", "typ": kind, "kid": old.device_id})
    claims = {
        "iss": old.device_id,
        "sub": await account_of(world, old),
        "aud": SETTINGS.issuer,
        "jti": new_id(),
        "iat": now,
        "exp": now + 60,
        "nonce": (await world.http.get("/nonce")).json()["nonce"],
        "uv_method": "pin",
        "uv_key": thumbprint(jwk_of(old.pin_key)),
        "action": "approve",
        "target": recovery,
    }
    token = sign(claims, key=old.key, header=header)
    message = f"camdigikey-uv-pin1|{token}".encode()
    uv = b64encode(raw_signature(old.pin_key, message))
    body = {"binding_code": code, "assertion": token, "uv": uv}
    return (await old.post(f"/recoveries/{recovery}/approval", body)).json()


async def approved(world: World, old: Phone) -> Phone:
    """Return a new phone that the old one has vouched for."""
    await old.reach("done")
    found = world.phone()
    body = {"phone": "012 345 678", "locale": "km"}
    found.id = (await found.post("/recoveries", body)).json()["id"]
    view = (await found.prove_phone()).json()
    said = await approve(world, old, found.id, view["binding_code"])
    assert said == {"state": "approved"}
    return found


async def test_with_the_old_phones_yes_the_face_is_all_that_is_asked(
    tmp_path: Path, workers: Workers
) -> None:
    async with open_world(tmp_path, workers) as world:
        old = world.phone()
        new = await approved(world, old)
        view = (await new.show_face()).json()
        assert (view["state"], view["purpose"]) == ("waiting", "recovery")
        done = (await new.enrol()).json()
        assert done["state"] == "done"
        assert await account_of(world, new) == done["result"]["account_id"]
        answer = await old.get("/recoveries")
        assert answer.json()["code"] == "device-revoked"


async def test_another_face_than_the_one_on_record_is_refused_all_the_same(
    tmp_path: Path, workers: Workers
) -> None:
    """A thief with the phone, its PIN and its SIM has not the face."""
    async with open_world(tmp_path, workers) as world:
        old = world.phone()
        new = await approved(world, old)
        answer = await new.show_face(DARA)
        assert answer.json()["advice"] == ["different-person"]
        assert (await new.enrol()).json()["code"] == "wrong-step"
        assert await account_of(world, old)
