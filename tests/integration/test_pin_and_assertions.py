"""What is signed, and which mistake costs a try."""

import asyncio
from hashlib import sha256
from typing import Any

import pytest

from camdigikey.phone import Phone, Problem
from idp.domain.assertions import Kind
from idp.domain.devices import Credential
from idp.domain.jws import thumbprint
from idp.storage.columns import b64encode
from tests.login import device_of, refused, shown_login, wait
from tests.world import ISSUER, World

pytestmark = pytest.mark.anyio


async def test_a_wrong_pin_is_counted_and_a_right_one_forgives(world: World) -> None:
    phone = await world.phone()
    _, browser, page = await shown_login(world)
    claimed = await phone.scan(await browser.qr(page))
    body = await refused(phone.approve(claimed, pin="111222"), "code-wrong")
    assert body["attempts_left"] == 4
    assert (await phone.approve(claimed))["state"] == "approved"
    device = await device_of(world, phone)
    assert device.failures == 0


async def test_the_sixth_pin_try_is_refused_for_ever_and_waits_grow(
    world: World,
) -> None:
    phone = await world.phone()
    for left in (4, 3, 2):
        body = await refused(phone.unlock(pin="000000"), "code-wrong")
        assert body["attempts_left"] == left
    body = await refused(phone.unlock(), "exhausted")
    assert 590 <= body["retry_after"] <= 600
    wait(world, phone, 601)
    assert (await refused(phone.unlock(pin="000000"), "code-wrong"))[
        "attempts_left"
    ] == 1
    wait(world, phone, 601)
    await refused(phone.unlock(), "exhausted")
    wait(world, phone, 3600)
    assert (await refused(phone.unlock(pin="000000"), "code-wrong"))[
        "attempts_left"
    ] == 0
    wait(world, phone, 100_000)
    assert (await refused(phone.unlock(), "exhausted"))["retry_after"] == 0


async def test_two_racers_cannot_spend_the_same_pin_try(world: World) -> None:
    phone = await world.phone()
    results = await asyncio.gather(
        *(phone.unlock(pin="000000") for _ in range(8)), return_exceptions=True
    )
    codes = [r.code for r in results if isinstance(r, Problem)]
    assert codes.count("code-wrong") == 3
    assert codes.count("exhausted") == 5


FIELDS = {
    "challenge": "AAAAAAAAAAAAAAAAAAAAAA",
    "nonce": "other",
    "rp": "other",
    "rp_domain": "evil.test",
    "shown": "A" * 43,
    "channel": "same_device",
    "iss": "A" * 43,
    "sub": "someone-else",
    "aud": "https://other.test",
    "decision": "maybe",
    "uv_method": "none",
    "withheld": ["phone_number"],
    "return_hash": "A" * 43,
    "reason": "not_me",
    "binding_code": "42",
    "exp": 9_999_999_999,
    "jti": "",
}


async def test_an_assertion_with_any_one_field_changed_costs_no_try(
    quick: World,
) -> None:
    phone = await quick.phone()
    _, browser, page = await shown_login(quick)
    claimed = await phone.scan(await browser.qr(page))
    for name, value in FIELDS.items():
        work = phone.approve(claimed, **{name: value})
        await refused(work, "assertion-invalid")
    assert (await device_of(quick, phone)).failures == 0
    assert (await phone.approve(claimed))["state"] == "approved"


async def test_naming_another_pin_key_costs_a_try_like_any_wrong_pin(
    quick: World,
) -> None:
    phone = await quick.phone()
    _, browser, page = await shown_login(quick)
    claimed = await phone.scan(await browser.qr(page))
    await refused(phone.approve(claimed, uv_key="A" * 43), "code-wrong")
    assert (await device_of(quick, phone)).failures == 1


async def test_a_level_that_cannot_be_reached_costs_no_pin_try(quick: World) -> None:
    phone, portal = await quick.phone(), await quick.portal()
    browser = quick.browser()
    page = await browser.open_login(await portal.start(level="high"))
    await browser.post(page, "same-device")
    shown = await browser.http.get(page)
    link = shown.text.split('href="https://app.test/s/', 1)[1].split('"', 1)[0]
    claimed = await phone.scan(f"https://app.test/s/{link}")
    return_hash = b64encode(sha256(b"v").digest())
    for _ in range(6):
        await refused(
            phone.approve(claimed, return_hash=return_hash), "assurance-too-low"
        )
    assert (await device_of(quick, phone)).failures == 0


async def test_an_unlock_assertion_is_accepted_once(quick: World) -> None:
    phone = await quick.phone()
    sent = await unlock_body(phone)
    await phone.post("/unlock", sent)
    await refused(phone.unlock(pin="000000"), "code-wrong")
    await refused(phone.post("/unlock", sent), "assertion-invalid")
    assert (await device_of(quick, phone)).failures == 1


class Recorder(Phone):
    """A phone whose next call is overheard and goes nowhere."""

    async def post(self, path: str, body: Any = None) -> dict[str, Any]:
        assert path == "/unlock"
        return dict(body)


async def unlock_body(phone: Phone) -> dict[str, Any]:
    """Return the body of an unlock as a thief might have recorded it."""
    recorder = Recorder(phone.http, phone.origin, phone.issuer, keys=phone.keys)
    recorder.account_id = phone.account_id
    return await recorder.unlock()


async def test_a_jti_that_is_no_plain_text_is_refused_before_a_try(
    world: World,
) -> None:
    phone = await world.phone()
    _, browser, page = await shown_login(world)
    claimed = await phone.scan(await browser.qr(page))
    for jti in ("a\x00b", "é", "a" * 65, "a b"):
        await refused(phone.approve(claimed, jti=jti), "assertion-invalid")
    assert (await device_of(world, phone)).failures == 0


async def test_personal_data_is_shown_only_after_unlocking(quick: World) -> None:
    phone = await quick.phone()
    await refused(phone.call("GET", "/profile"), "locked")
    unlocked = await phone.unlock()
    assert unlocked["profile"]["surname_khmer"] == "សុខ"
    assert (await phone.call("GET", "/profile"))["profile"] == unlocked["profile"]
    await phone.post("/lock")
    await refused(phone.call("GET", "/profile"), "locked")


async def test_an_unknown_device_is_told_so(quick: World) -> None:
    await quick.phone()
    stranger = Phone(quick.browser().http, "https://app.test", ISSUER)
    await refused(stranger.unlock(), "device-unknown")


async def test_an_assertion_that_removes_a_credential_is_accepted_once(
    quick: World,
) -> None:
    phone = await quick.phone()
    device = await device_of(quick, phone)
    key = Credential("credential", b"key", 0, is_synced=False)
    async with quick.services.store.begin() as tx:
        await quick.services.devices.bind_credential(tx, device, key)
    nonce = (await phone.http.get(f"{phone.origin}/nonce")).json()["nonce"]
    claims = {
        "iss": phone.keys.device_id,
        "sub": phone.account_id,
        "aud": phone.issuer,
        "jti": "once",
        "iat": phone.now(),
        "exp": phone.now() + 60,
        "nonce": nonce,
        "action": "remove",
        "key": "credential",
        "uv_method": "pin",
        "uv_key": thumbprint(phone.keys.pin_jwk(phone.pin)),
    }
    token = phone.keys.sign(claims, typ=Kind.CREDENTIAL)
    body = {"assertion": token, "uv": phone.keys.pin_uv(token, phone.pin)}
    await phone.post("/biometric/removal", body)
    async with quick.services.store.begin() as tx:
        await quick.services.devices.bind_credential(tx, device, key)
    await refused(phone.post("/biometric/removal", body), "assertion-invalid")
