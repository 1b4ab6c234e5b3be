"""Back-channel logout: a real server of a relying party learns that a session ended."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import pytest
from joserfc import jwe
from joserfc.jwk import ECKey

from camdigikey.phone import Phone
from idp.domain.audit import EventTag
from idp.domain.logout_deliveries import Delivery, DeliveryState
from idp.domain.party_metadata import PartyMetadata
from idp.oidc.backchannel_logout import EVENT, deliver_due, deliver_forever
from idp.services import Transaction
from sdk_web import TokenRefused
from tests.portal import HeadlessPortal
from tests.receiver import HANG_UP, Posted, Receiver, receiver
from tests.world import ISSUER, Browser, NetworkOutbound, World, open_world

pytestmark = pytest.mark.anyio
DAY = 24 * 3600


@pytest.fixture
async def party() -> AsyncIterator[Receiver]:
    async with receiver() as running:
        yield running


def told_at(url: str, **changes: Any) -> PartyMetadata:
    return PartyMetadata(backchannel_logout_uri=url, **changes)


async def log_in(portal: HeadlessPortal, phone: Phone, browser: Browser) -> None:
    page = await browser.open_login(await portal.start(prompt="login"))
    await phone.approve(await phone.scan(await browser.qr(page)))
    await portal.finish(await browser.finish(page))


async def claims_of(world: World, post: Posted, alg: str = "ES256") -> Any:
    assert post.headers["content-type"] == "application/x-www-form-urlencoded"
    assert set(post.form) == {"logout_token"}
    return await world.services.keys.verify(
        post.form["logout_token"], typ="logout+jwt", algs=(alg,)
    )


async def deliveries(world: World) -> list[Delivery]:
    async with world.services.store.read() as tx:
        return await world.services.logouts.deliveries.newest(tx)


async def recorded(world: World, tag: EventTag) -> int:
    async with world.services.store.read() as tx:
        rows = await tx.all("SELECT id FROM audit_event WHERE tag = $1", tag.value)
    return len(rows)


async def only(tx: Transaction, column: str) -> str:
    """Return what the one session there is says."""
    ((value,),) = await tx.all(f"SELECT {column} FROM browser_session")
    return str(value)


async def signed_in(world: World, party: Receiver) -> tuple[HeadlessPortal, Browser]:
    portal = await world.portal(metadata=told_at(party.url("/bye")))
    browser = world.browser()
    await log_in(portal, await world.phone(), browser)
    return portal, browser


async def logged_out(world: World, party: Receiver) -> None:
    """Log in and out again; nothing is delivered yet."""
    portal, browser = await signed_in(world, party)
    answer = await browser.http.get(await portal.logout())
    assert answer.is_redirect


async def test_each_party_of_a_session_gets_a_token_with_its_own_sid_and_sub(
    world: World, party: Receiver
) -> None:
    first = await world.portal(metadata=told_at(party.url("/one")))
    second = await world.portal(
        "second", sector="second.test", metadata=told_at(party.url("/two"))
    )
    await world.portal("stranger", metadata=told_at(party.url("/stranger")))
    phone, browser = await world.phone(), world.browser()
    await log_in(first, phone, browser)
    await log_in(second, phone, browser)
    assert first.tokens is not None
    assert second.tokens is not None
    expected = {
        "/one": ("portal", first.tokens.id_token.claims),
        "/two": ("second", second.tokens.id_token.claims),
    }
    await browser.http.get(await second.logout())
    assert await deliver_due(world.services) == 2
    found = {post.path: await claims_of(world, post) for post in party.posts}
    assert set(found) == set(expected)
    for path, (client_id, id_token) in expected.items():
        claims = found[path]
        assert claims["iss"] == ISSUER
        assert claims["aud"] == client_id
        assert (claims["sub"], claims["sid"]) == (id_token["sub"], id_token["sid"])
        assert claims["events"] == {EVENT: {}}
        assert claims["exp"] - claims["iat"] == 120
        assert set(claims) == {
            *("iss", "sub", "aud", "iat", "exp", "jti", "events", "sid")
        }
    one, two = found["/one"], found["/two"]
    assert one["sid"] != two["sid"]
    assert one["sub"] != two["sub"]
    assert one["jti"] != two["jti"]
    assert {row.state for row in await deliveries(world)} == {DeliveryState.DONE}
    assert await recorded(world, EventTag.LOGOUT_DELIVERED) == 2


@pytest.mark.parametrize("alg", ["PS256", "EdDSA"])
async def test_the_token_is_signed_as_the_partys_id_tokens_are(
    quick: World, party: Receiver, alg: str
) -> None:
    metadata = told_at(party.url("/bye"), id_token_signed_response_alg=alg)
    await quick.portal("signed", metadata=metadata)
    portal = await quick.portal()
    browser = quick.browser()
    await log_in(portal, await quick.phone(), browser)
    async with quick.services.store.begin() as tx:
        await tx.run("UPDATE authorization_grant SET relying_party_id = 'signed'")
        account_id = await only(tx, "account_id")
        assert await quick.services.logouts.of_account(tx, account_id) == 1
    await deliver_due(quick.services)
    assert (await claims_of(quick, party.posts[0], alg))["aud"] == "signed"


async def test_a_party_whose_id_tokens_are_encrypted_gets_an_encrypted_one(
    quick: World, party: Receiver
) -> None:
    key = ECKey.generate_key("P-256", {"kid": "e", "use": "enc", "alg": "ECDH-ES"})
    metadata = told_at(
        party.url("/bye"),
        jwks={"keys": [key.as_dict(private=False)]},
        id_token_encrypted_response_alg="ECDH-ES",
        id_token_encrypted_response_enc="A256GCM",
    )
    await quick.portal("sealed", metadata=metadata)
    portal, browser = await quick.portal(), quick.browser()
    await log_in(portal, await quick.phone(), browser)
    async with quick.services.store.begin() as tx:
        await tx.run("UPDATE authorization_grant SET relying_party_id = 'sealed'")
        await quick.services.logouts.of_account(tx, await only(tx, "account_id"))
    await deliver_due(quick.services)
    opened = jwe.decrypt_compact(party.posts[0].form["logout_token"], key)
    assert opened.plaintext is not None
    claims = await quick.services.keys.verify(
        opened.plaintext.decode(), typ="logout+jwt"
    )
    assert claims["aud"] == "sealed"


async def test_nothing_is_sent_to_a_party_without_an_address(quick: World) -> None:
    # The member's name inside another member's text is not an address.
    basis = PartyMetadata(legal_basis='"backchannel_logout_uri":')
    portal, browser = await quick.portal(metadata=basis), quick.browser()
    await log_in(portal, await quick.phone(), browser)
    await browser.http.get(await portal.logout())
    assert await deliveries(quick) == []
    assert await deliver_due(quick.services) == 0


@pytest.mark.parametrize("answer", [500, 503, 404, 302, HANG_UP])
async def test_a_lost_answer_is_asked_for_again_with_a_token_of_its_own(
    quick: World, party: Receiver, answer: int
) -> None:
    party.answers = [answer, 204]
    await logged_out(quick, party)
    await deliver_due(quick.services)
    (waiting,) = await deliveries(quick)
    assert waiting.state is DeliveryState.WAITING
    assert waiting.answer == (str(answer) if answer else "unreachable")
    assert await deliver_due(quick.services) == 0  # not before its pause is over
    quick.clock.pass_time(10)
    await deliver_due(quick.services)
    (done,) = await deliveries(quick)
    assert (done.state, done.answer, done.attempts) == (DeliveryState.DONE, "204", 2)
    first, second = [await claims_of(quick, post) for post in party.posts]
    assert first["jti"] != second["jti"]
    assert first["exp"] < second["exp"]
    assert first["sid"] == second["sid"]


async def test_a_party_that_says_no_is_not_asked_again(
    quick: World, party: Receiver
) -> None:
    party.answers = [400]
    await logged_out(quick, party)
    await deliver_due(quick.services)
    quick.clock.pass_time(3600)
    assert await deliver_due(quick.services) == 0
    (row,) = await deliveries(quick)
    assert (row.state, row.answer) == (DeliveryState.REFUSED, "400")
    assert await recorded(quick, EventTag.LOGOUT_REFUSED) == 1


async def test_after_a_day_it_is_given_up_and_after_a_week_forgotten(
    quick: World, party: Receiver
) -> None:
    party.answers = [503] * 200
    assert isinstance(quick.services.outbound, NetworkOutbound)
    quick.services.outbound.real.time = lambda: quick.clock.now().timestamp()
    await logged_out(quick, party)
    pauses = []
    for _ in range(200):
        await deliver_due(quick.services)
        (row,) = await deliveries(quick)
        if row.state is not DeliveryState.WAITING:
            break
        now = int(quick.clock.now().timestamp() * 1000)
        pauses.append((row.next_attempt_at - now) / 1000)
        quick.clock.pass_time(pauses[-1] + 1)
    assert row.state is DeliveryState.GIVEN_UP
    assert await recorded(quick, EventTag.LOGOUT_GIVEN_UP) == 1
    assert pauses[0] < 7
    assert 2700 <= max(pauses) <= 4500
    assert 0.9 * DAY < sum(pauses) < DAY
    assert len(party.posts) == len(pauses) + 1 < 50
    async with quick.services.store.begin() as tx:
        assert await quick.services.logouts.deliveries.drop_old(tx) == 0
    quick.clock.pass_time(7 * DAY)
    async with quick.services.store.begin() as tx:
        assert await quick.services.logouts.deliveries.drop_old(tx) == 1


async def test_a_node_that_dies_between_post_and_record_sends_it_again(
    world: World, party: Receiver
) -> None:
    await logged_out(world, party)
    async with world.services.store.begin() as tx:  # leased, and then silence
        assert len(await world.services.logouts.deliveries.claim(tx)) == 1
    assert await deliver_due(world.services) == 0
    world.clock.pass_time(61)
    assert await deliver_due(world.services) == 1
    (row,) = await deliveries(world)
    assert (row.state, row.attempts) == (DeliveryState.DONE, 2)


async def test_a_late_node_does_not_overwrite_what_the_next_one_recorded(
    quick: World, party: Receiver
) -> None:
    await logged_out(quick, party)
    rows = quick.services.logouts.deliveries
    async with quick.services.store.begin() as tx:
        (late,) = await rows.claim(tx)
    quick.clock.pass_time(61)
    await deliver_due(quick.services)
    async with quick.services.store.begin() as tx:
        assert not await rows.close(tx, late, DeliveryState.REFUSED, answer="400")
        await rows.postpone(tx, late, answer="503")
    (row,) = await deliveries(quick)
    assert (row.state, row.answer) == (DeliveryState.DONE, "200")


async def test_two_workers_never_send_the_same_row_at_once(
    world: World, party: Receiver
) -> None:
    await logged_out(world, party)
    tried = await asyncio.gather(*(deliver_due(world.services) for _ in range(4)))
    assert sum(tried) == 1
    assert len(party.posts) == 1


@pytest.mark.postgresql
async def test_a_node_that_waited_for_the_row_finds_it_leased(
    postgres_url: str, party: Receiver
) -> None:
    async with open_world(postgres_url) as node:
        await logged_out(node, party)
        rows, store = node.services.logouts.deliveries, node.services.store

        async def claim() -> list[Delivery]:
            async with store.begin() as tx:
                return await rows.claim(tx)

        async with store.begin() as tx:
            assert len(await rows.claim(tx)) == 1
            waiting = asyncio.create_task(claim())
            await asyncio.sleep(0.3)  # it reads the row, and waits for its lock
        assert await waiting == []


async def test_a_party_disabled_meanwhile_is_told_nothing(
    quick: World, party: Receiver
) -> None:
    await logged_out(quick, party)
    async with quick.services.store.begin() as tx:
        await quick.services.relying_parties.disable(tx, "portal")
    await deliver_due(quick.services)
    (row,) = await deliveries(quick)
    assert (row.state, row.answer) == (DeliveryState.REFUSED, "party disabled")
    assert party.posts == []


async def test_a_session_that_is_over_is_told_of_once(
    quick: World, party: Receiver
) -> None:
    portal, browser = await signed_in(quick, party)
    url = await portal.logout()
    await browser.http.get(url)
    await browser.http.get(url)
    await deliver_due(quick.services)
    assert len(party.posts) == 1


async def test_log_out_everywhere_ends_every_browser_and_tells_every_party(
    world: World, party: Receiver
) -> None:
    portal = await world.portal(metadata=told_at(party.url("/bye")))
    phone, other = await world.phone(), await world.phone(number="999999999")
    browsers = [world.browser() for _ in range(3)]
    for browser, holder in zip(browsers, (phone, phone, other), strict=True):
        await log_in(portal, holder, browser)
    assert phone.account_id is not None
    async with world.services.store.begin() as tx:
        ended = await world.services.logouts.everywhere(tx, phone.account_id)
    await world.services.logouts.wake()
    assert ended == 2
    await deliver_due(world.services)
    claims = [await claims_of(world, post) for post in party.posts]
    assert len({each["sid"] for each in claims}) == 2
    assert len({each["sub"] for each in claims}) == 1
    await portal.userinfo()  # the other person's, who stays logged in


async def test_the_sessions_of_a_revoked_device_end_and_no_others(
    quick: World, party: Receiver
) -> None:
    await signed_in(quick, party)
    async with quick.services.store.begin() as tx:
        account_id = await only(tx, "account_id")
        device_id = await only(tx, "device_id")
        logouts = quick.services.logouts
        assert await logouts.of_device(tx, account_id=account_id, device_id="x") == 0
        ended = await logouts.of_device(tx, account_id=account_id, device_id=device_id)
        assert ended == 1
        assert await logouts.of_account(tx, account_id) == 0
    assert await deliver_due(quick.services) == 1


async def test_the_worker_delivers_when_it_is_woken_and_outlives_a_failure(
    quick: World, party: Receiver
) -> None:
    portal, browser = await signed_in(quick, party)
    worker = asyncio.create_task(deliver_forever(quick.services))
    try:
        await browser.http.get(await portal.logout())
        await party.wait_for(1)
    finally:
        worker.cancel()
        with suppress(asyncio.CancelledError):
            await worker


@pytest.mark.postgresql
@pytest.mark.redis
async def test_tokens_die_on_every_node_at_once_and_any_node_delivers(
    postgres_url: str, redis_url: str, party: Receiver
) -> None:
    async with (
        open_world(postgres_url, redis=redis_url) as here,
        open_world(postgres_url, redis=redis_url) as there,
    ):
        portal, _ = await signed_in(here, party)
        assert portal.tokens is not None
        bearer = {"Authorization": f"Bearer {portal.tokens.access_token}"}
        both = [node.browser().http for node in (here, there)]
        for http in both:
            answer = await http.get(f"{ISSUER}/userinfo", headers=bearer)
            assert answer.status_code == 200
        async with there.services.store.begin() as tx:
            account_id = await only(tx, "account_id")
            await there.services.logouts.everywhere(tx, account_id)
        for http in both:
            answer = await http.get(f"{ISSUER}/userinfo", headers=bearer)
            assert answer.status_code == 401
        assert portal.tokens.refresh_token is not None
        with pytest.raises(TokenRefused) as caught:
            await portal.refresh()
        assert caught.value.error == "invalid_grant"
        worker = asyncio.create_task(deliver_forever(here.services))
        await there.services.logouts.wake()
        await party.wait_for(1)
        worker.cancel()
        with suppress(asyncio.CancelledError):
            await worker
