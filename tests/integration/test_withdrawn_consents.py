"""What was taken back or has run out gives nothing more, whoever was faster."""

import asyncio
import re
from contextlib import suppress
from datetime import timedelta

import httpx2
import pytest

from sdk_web import LoginError, TokenRefused
from tests.ciba import enter
from tests.portal import HeadlessPortal
from tests.world import ISSUER, Browser, World, open_world

pytestmark = pytest.mark.anyio


async def signed_in(world: World) -> tuple[HeadlessPortal, Browser]:
    portal, browser, phone = await world.portal(), world.browser(), await world.phone()
    page = await browser.open_login(await portal.start())
    await phone.approve(await phone.scan(await browser.qr(page)))
    await portal.finish(await browser.finish(page))
    return portal, browser


async def silent(portal: HeadlessPortal, browser: Browser) -> str:
    """Log in once more without asking anybody; return where the browser is sent."""
    answer = await browser.http.get(await portal.start(prompt="none"))
    assert "code=" in answer.headers["location"], answer.text
    return str(answer.headers["location"])


async def withdraw(browser: Browser) -> httpx2.Response:
    return await browser.post(f"{ISSUER}/account", "consents/withdraw", party="portal")


async def test_a_silent_code_of_before_gives_nothing_after_the_consent_is_withdrawn(
    world: World,
) -> None:
    portal, browser = await signed_in(world)
    address = await silent(portal, browser)
    assert (await withdraw(browser)).status_code == 303
    with pytest.raises(TokenRefused):
        await portal.finish(address)
    # Asked and answered anew, everything is as it was.
    assert "consent_required" in str(
        (await browser.http.get(await portal.start(prompt="none"))).headers["location"]
    )


async def test_an_approved_code_of_before_gives_nothing_after_the_consent_is_withdrawn(
    world: World,
) -> None:
    portal, elsewhere, phone = (
        await world.portal(),
        world.browser(),
        await world.phone(),
    )
    page = await elsewhere.open_login(await portal.start())
    await phone.approve(await phone.scan(await elsewhere.qr(page)))
    await portal.finish(await elsewhere.finish(page))
    page = await elsewhere.open_login(await portal.start(prompt="login"))
    await phone.approve(await phone.scan(await elsewhere.qr(page)))
    address = await elsewhere.finish(page)
    async with world.services.store.begin() as tx:
        await world.services.releases.withdraw(
            tx, account_id=phone.account_id, relying_party_id="portal"
        )
    with pytest.raises(TokenRefused):
        await portal.finish(address)
    page = await elsewhere.open_login(await portal.start(prompt="login"))
    await phone.approve(await phone.scan(await elsewhere.qr(page)))
    await portal.finish(await elsewhere.finish(page))


async def test_a_yes_on_the_phone_gives_nothing_after_the_consent_is_withdrawn(
    world: World,
) -> None:
    ciba = await enter(world)
    asked = await ciba.asked()
    await ciba.decide(asked)
    ciba.wait(2)
    async with world.services.store.begin() as tx:
        await world.services.releases.withdraw(
            tx, account_id=ciba.phone.account_id, relying_party_id="portal"
        )
    assert await ciba.poll_error(asked) == "invalid_grant"


async def test_no_grant_lives_beside_a_withdrawn_consent_whoever_is_faster(
    world: World,
) -> None:
    portal, browser = await signed_in(world)
    for _ in range(4):
        address = await silent(portal, browser)

        async def finish(address: str = address) -> None:
            with suppress(LoginError):
                await portal.finish(address)

        await asyncio.gather(finish(), withdraw(browser))
        with pytest.raises(TokenRefused):
            await portal.userinfo()
        async with world.services.store.begin() as tx:  # given again, for another round
            await tx.run("UPDATE consent SET withdrawn_at = NULL")


async def test_a_session_that_runs_out_on_the_consent_page_releases_nothing(
    store_url: str,
) -> None:
    async with open_world(store_url, session_life=timedelta(minutes=10)) as world:
        portal, browser = await signed_in(world)
        answer = await browser.http.get(await portal.start(prompt="consent"))
        page = answer.headers["location"].rpartition("/")[2]
        text = (await browser.http.get(f"{ISSUER}/consent/{page}")).text
        proposal = re.findall('name="proposal" value="([^"]+)"', text)[0]
        world.clock.pass_time(600)
        said = await browser.post(
            ISSUER, f"consent/{page}", proposal=proposal, **{"claim.phone": "1"}
        )
        assert said.status_code == 409, said.text
