"""The end of a session and a grant of it, at once: neither misses the other."""

import asyncio
from hashlib import sha256
from typing import Any

import pytest

from idp.domain.interactions import AuthorizationRequest
from idp.domain.party_metadata import PartyMetadata
from idp.domain.relying_parties import RelyingParty
from idp.errors import GrantSpent
from idp.oidc.code_grant import redeem_code, save_login
from idp.oidc.standing_login import login_of
from idp.storage.columns import b64encode
from tests.world import PORTAL, World

pytestmark = pytest.mark.anyio
TOLD = PartyMetadata(backchannel_logout_uri=f"{PORTAL}/logout")
VERIFIER = "v" * 64
LONG_ENOUGH = 0.3  # seconds for the other side to reach the row that is held


async def silent_code(world: World) -> tuple[RelyingParty, dict[str, str], str]:
    """Return a party, its token request for a silent login, and the session."""
    services = world.services
    portal, browser, phone = (
        await world.portal(metadata=TOLD),
        world.browser(),
        await world.phone(),
    )
    page = await browser.open_login(await portal.start())
    await phone.approve(await phone.scan(await browser.qr(page)))
    await portal.finish(await browser.finish(page))
    async with services.store.read() as tx:
        (session,) = await services.sessions.of_account(tx, phone.account_id)
        party = await services.relying_parties.find(tx, "portal")
    wanted = AuthorizationRequest(
        client_id="portal",
        redirect_uri=f"{PORTAL}/callback",
        code_challenge=b64encode(sha256(VERIFIER.encode()).digest()),
        scopes=("openid",),
        claims=(),
    )
    login = login_of(session, claims=())
    form = {
        "grant_type": "authorization_code",
        "code": services.grants.make_code(wanted, login, is_single_sign_on=True),
        "redirect_uri": wanted.redirect_uri,
        "code_verifier": VERIFIER,
    }
    return party, form, session.id


async def end(world: World, session_id: str) -> bool:
    services = world.services
    async with services.store.begin() as tx:
        return await services.logouts.end(tx, session_id)


async def owed(world: World) -> list[str]:
    async with world.services.store.read() as tx:
        rows = await world.services.logouts.deliveries.newest(tx)
    return [one.relying_party_id for one in rows]


async def test_a_session_that_is_ending_gives_no_grant(world: World) -> None:
    party, form, session_id = await silent_code(world)
    services = world.services
    async with services.store.begin() as tx:
        assert await services.logouts.end(tx, session_id)
        redeeming: asyncio.Task[Any] = asyncio.create_task(
            redeem_code(services, party, form)
        )
        await asyncio.sleep(LONG_ENOUGH)
        assert not redeeming.done()
    with pytest.raises(GrantSpent):
        await redeeming
    assert await owed(world) == ["portal"]
    rows = "SELECT COUNT(*) FROM authorization_grant WHERE revoked_at IS NULL"
    async with services.store.read() as tx:
        assert await tx.one(rows) == (1,)  # that of the first login


async def test_who_gets_a_grant_of_a_session_is_told_of_its_end(world: World) -> None:
    party, form, session_id = await silent_code(world)
    services = world.services
    async with services.store.begin() as tx:
        await tx.run("DELETE FROM authorization_grant")  # none but the silent one
    async with services.store.begin() as tx:
        code = services.grants.open_code(form["code"], client_id=party.id)
        grant = await services.grants.redeem(tx, code, sid="s")
        await save_login(services, tx, code, grant)
        ending = asyncio.create_task(end(world, session_id))
        await asyncio.sleep(LONG_ENOUGH)
        assert not ending.done()
    assert await ending
    assert await owed(world) == ["portal"]
