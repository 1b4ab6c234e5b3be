"""A phone shows that its key lives in hardware, and then reaches `high`."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from camdigikey.phone import Phone, Problem
from idp.domain.attestations import challenge_for
from idp.storage.columns import b64encode
from tests.device_attestations import (
    APP_ID,
    PACKAGE,
    SIGNER,
    Android,
    AndroidMaker,
    AppleMaker,
)
from tests.world import Browser, World, open_world

pytestmark = pytest.mark.anyio
NOW = datetime.now(UTC)
ANDROID, APPLE = AndroidMaker.new(NOW), AppleMaker.new(NOW)


@pytest.fixture
async def world(sqlite_url: str, tmp_path: Path) -> AsyncIterator[World]:
    for name, maker in (("android", ANDROID), ("apple", APPLE)):
        pem = maker.root.certificate.public_bytes(Encoding.PEM)
        (tmp_path / f"{name}-roots.pem").write_bytes(pem)
    changes: dict[str, Any] = {
        "device_attestation": tmp_path,
        "android_package": PACKAGE,
        "android_signers": (SIGNER.hex(),),
        "apple_app_id": APP_ID,
    }
    async with open_world(sqlite_url, **changes) as opened:
        yield opened


async def challenge(phone: Phone) -> bytes:
    nonce = (await phone.post("/attestation/challenge"))["nonce"]
    return challenge_for(phone.keys.device_id, nonce)


def android_body(phone: Phone, said: Android) -> dict[str, Any]:
    chain = ANDROID.chain(phone.keys.device_key.public_key(), said)
    return {"format": "android-key", "certificates": [b64encode(der) for der in chain]}


async def hardware(phone: Phone) -> bool:
    await phone.unlock()
    (only,) = (await phone.call("GET", "/devices"))["devices"]
    return bool(only["hardware"])


async def test_an_android_phone_is_attested_once_for_each_nonce(world: World) -> None:
    phone = await world.phone()
    assert not await hardware(phone)
    body = android_body(phone, Android(challenge=await challenge(phone)))
    await phone.post("/attestation", body)
    assert await hardware(phone)
    with pytest.raises(Problem) as refused:
        await phone.post("/attestation", body)
    assert refused.value.code == "challenge-closed"


async def test_an_apple_phone_is_attested(world: World) -> None:
    phone = await world.phone()
    key_id, made = APPLE.attest(await challenge(phone))
    body = {"format": "app-attest", "key_id": b64encode(key_id)}
    await phone.post("/attestation", {**body, "object": b64encode(made)})
    assert await hardware(phone)


async def test_a_software_key_stays_what_it_was(world: World) -> None:
    phone = await world.phone()
    said = Android(challenge=await challenge(phone), levels=(0, 0))
    with pytest.raises(Problem) as refused:
        await phone.post("/attestation", android_body(phone, said))
    assert refused.value.code == "attestation-invalid"
    assert not await hardware(phone)


async def test_another_phones_statement_is_refused(world: World) -> None:
    mine, theirs = await world.phone(), await world.phone(number="987654321")
    said = Android(challenge=await challenge(theirs))
    body = android_body(mine, replace(said, challenge=await challenge(mine)))
    with pytest.raises(Problem) as refused:
        await theirs.post("/attestation", body)
    assert refused.value.code == "attestation-invalid"


@pytest.mark.parametrize("attested", [True, False])
async def test_high_needs_hardware_and_a_login_on_the_same_device(
    world: World, attested: bool
) -> None:
    portal = await world.portal()
    phone = await world.phone(level="high")
    if attested:
        said = Android(challenge=await challenge(phone))
        await phone.post("/attestation", android_body(phone, said))
    browser = world.browser()
    page = await browser.open_login(await portal.start(level="high"))
    assert (await browser.status(page))["event"] != "codes"  # a relay could use one
    claimed = await phone.scan(await same_device_link(browser, page))
    approval = phone.approve(claimed, return_hash="A" * 43)
    if attested:
        assert (await approval)["state"] == "approved"
        return
    with pytest.raises(Problem) as refused:
        await approval
    assert refused.value.code == "assurance-too-low"


async def same_device_link(browser: Browser, page: str) -> str:
    await browser.post(page, "same-device")
    shown = await browser.http.get(page)
    link = shown.text.split('href="https://app.test/s/', 1)[1].split('"', 1)[0]
    return f"https://app.test/s/{link}"
