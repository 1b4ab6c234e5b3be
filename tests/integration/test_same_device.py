"""Back to the browser on the same phone, and to no other."""

from hashlib import sha256

import pytest

from idp.storage.columns import b64encode
from tests.login import follow, shown_login
from tests.world import World

pytestmark = pytest.mark.anyio


async def test_the_same_device_comes_back_by_its_own_value(quick: World) -> None:
    phone = await quick.phone()
    portal, browser, page = await shown_login(quick)
    answer = await browser.post(page, "same-device")
    assert answer.is_redirect
    shown = await browser.http.get(page)
    link = shown.text.split('href="https://app.test/s/', 1)[1].split('"', 1)[0]
    claimed = await phone.scan(f"https://app.test/s/{link}")
    v = b64encode(b"v" * 32)
    return_hash = b64encode(sha256(v.encode()).digest())
    approved = await phone.approve(claimed, return_hash=return_hash)
    back = f"{approved['return_url']}?value={approved['value']}&v={v}"
    early = await browser.post(page, "finish")
    assert "/authorize/resume" not in early.headers.get("location", "")
    callback = await follow(browser, await browser.http.get(back))
    assert (await portal.finish(callback)).id_token.subject


async def test_a_forwarded_same_device_link_ends_in_nothing(quick: World) -> None:
    phone = await quick.phone()
    _, browser, page = await shown_login(quick)
    await browser.post(page, "same-device")
    shown = await browser.http.get(page)
    link = shown.text.split('href="https://app.test/s/', 1)[1].split('"', 1)[0]
    claimed = await phone.scan(f"https://app.test/s/{link}")
    v = b64encode(b"v" * 32)
    return_hash = b64encode(sha256(v.encode()).digest())
    approved = await phone.approve(claimed, return_hash=return_hash)
    back = f"{approved['return_url']}?value={approved['value']}&v={v}"
    victims = quick.browser()
    answer = await victims.http.get(back)
    assert not answer.is_redirect
    after = await browser.http.get(back)
    assert not after.headers.get("location", "").startswith("/authorize/resume")


async def test_a_finished_login_cannot_be_made_to_look_cancelled(world: World) -> None:
    phone = await world.phone()
    portal, browser, page = await shown_login(world)
    await browser.post(page, "same-device")
    shown = await browser.http.get(page)
    link = shown.text.split('href="https://app.test/s/', 1)[1].split('"', 1)[0]
    claimed = await phone.scan(f"https://app.test/s/{link}")
    v = b64encode(b"v" * 32)
    return_hash = b64encode(sha256(v.encode()).digest())
    approved = await phone.approve(claimed, return_hash=return_hash)
    back = f"{approved['return_url']}?value={approved['value']}&v={v}"
    await portal.finish(await follow(browser, await browser.http.get(back)))
    await world.browser().http.get(back)
    async with world.services.store.read() as tx:
        row = await tx.one(
            "SELECT state FROM decision WHERE challenge_id = $1", claimed["challenge"]
        )
    assert row == ("approved",)
