"""The login page through its real door, with the phone's answers by the domain."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from idp.domain.challenge_records import Channel, State
from idp.domain.interactions import cookie_name
from idp.errors import ChallengeClosed
from idp.web.qr import draw
from tests.unit.idp.web.world import APP, ISSUER, World, browser_of, open_world

pytestmark = pytest.mark.anyio


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with open_world(tmp_path) as opened:
        yield opened


async def test_the_first_look_opens_a_challenge_and_draws_its_code(
    world: World,
) -> None:
    interaction, page = await world.open_page()
    challenge = await world.services.challenges.find(interaction.challenge_id)
    (_, text), *_ = world.services.challenges.qr_texts(challenge)
    assert text.startswith(f"{APP}/q/")
    assert f'd="{draw(text).path}"' in page
    assert challenge.channel is Channel.QR


async def test_a_second_look_shows_the_same_challenge(world: World) -> None:
    interaction, _ = await world.open_page()
    await world.page(interaction)
    assert (await world.now(interaction)).challenge_id == interaction.challenge_id


async def test_the_page_says_who_asks_for_what(world: World) -> None:
    _, page = await world.open_page()
    assert "Log in to Online Business Registration" in page
    assert "registration.<wbr>gov.<wbr>example" in page
    assert "To register a business in your name" in page
    assert "Your phone number <small>(optional)</small>" in page


async def test_the_language_is_the_requests_until_it_is_switched(world: World) -> None:
    interaction, page = await world.open_page(locale="km")
    assert '<html lang="km">' in page
    assert "ចូលប្រើ សេវាចុះបញ្ជីអាជីវកម្មអនឡាញ" in page
    assert '<html lang="en">' in await world.page(interaction, lang="en")
    assert '<html lang="km">' in await world.page(interaction, lang="xx")


async def test_a_page_is_guarded_by_its_headers(world: World) -> None:
    interaction = await world.park()
    answer = await world.browser.get(f"/login/{interaction.id}")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "form-action 'self' http://localhost:8002;" in policy
    assert "unsafe" not in policy
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "same-origin"
    assert not re.search(r"<style|style=|<script(?! type=\"module\" src)", answer.text)


ADDRESSES = [
    ("GET", ""),
    ("POST", "/renew"),
    ("POST", "/same-device"),
    ("POST", "/cancel"),
    ("POST", "/leave"),
    ("POST", "/finish"),
]


@pytest.mark.parametrize(("method", "address"), ADDRESSES)
async def test_another_browser_is_told_to_start_again(
    world: World, method: str, address: str
) -> None:
    interaction, _ = await world.open_page()
    async with browser_of(world.services) as stranger:
        answer = await stranger.request(
            method, f"/login/{interaction.id}{address}", headers={"origin": ISSUER}
        )
    assert answer.status_code == 404
    assert "សូមចាប់ផ្ដើមម្ដងទៀត" in answer.text
    state = await world.services.challenges.status(interaction.challenge_id)
    assert state is State.PENDING


@pytest.mark.parametrize("address", [one for method, one in ADDRESSES if one])
@pytest.mark.parametrize("origin", [None, "null", "http://localhost:8002", APP])
async def test_a_post_from_another_page_is_refused(
    world: World, address: str, origin: str | None
) -> None:
    interaction, _ = await world.open_page()
    await world.claim(interaction)
    await world.approve(interaction)
    answer = await world.browser.post(
        f"/login/{interaction.id}{address}",
        headers={} if origin is None else {"origin": origin},
    )
    assert answer.status_code == 403
    state = await world.services.challenges.status(interaction.challenge_id)
    assert state is State.APPROVED


async def test_a_claim_shows_nothing_of_the_person(world: World) -> None:
    interaction, _ = await world.open_page()
    await world.claim(interaction)
    page = await world.page(interaction)
    assert "A phone has scanned this code" in page
    assert "ស. ដ." not in page
    assert "<svg" not in page


async def test_after_approval_the_page_asks_with_initials(world: World) -> None:
    interaction, _ = await world.open_page()
    await world.claim(interaction)
    await world.approve(interaction)
    page = await world.page(interaction)
    assert "Continue as ស. ដ.?" in page
    assert 'http-equiv="refresh"' not in page
    for secret in ("សុខ", "SOK", "DARA", "012345678"):
        assert secret not in page


async def test_finishing_signs_in_and_goes_on(world: World) -> None:
    interaction, _ = await world.open_page()
    await world.claim(interaction)
    await world.approve(interaction)
    answer = await world.press(interaction, "finish")
    assert answer.status_code == 303
    assert answer.headers["location"] == (
        f"/authorize/resume?interaction={interaction.id}"
    )
    cookie = answer.headers["set-cookie"]
    assert re.search(r"session=\S+; HttpOnly; Path=/; SameSite=lax", cookie)
    login = (await world.now(interaction)).login
    assert login is not None
    assert login.grant_id == interaction.challenge_id
    assert login.account_id == world.account_id
    value = cookie.partition("=")[2].partition(";")[0]
    assert world.services.sessions.read_cookie(value) == login.session_id


async def test_a_login_is_finished_once(world: World) -> None:
    interaction, _ = await world.open_page()
    await world.claim(interaction)
    await world.approve(interaction)
    await world.press(interaction, "finish")
    first = (await world.now(interaction)).login
    again = await world.press(interaction, "finish")
    assert "set-cookie" not in again.headers
    assert (await world.now(interaction)).login == first
    challenge = await world.services.challenges.find(interaction.challenge_id)
    with pytest.raises(ChallengeClosed):
        await world.services.challenges.consume(challenge)


async def test_nothing_is_finished_before_the_approval(world: World) -> None:
    interaction, _ = await world.open_page()
    for step in (world.claim, None):
        answer = await world.press(interaction, "finish")
        assert answer.headers["location"] == f"/login/{interaction.id}"
        assert "set-cookie" not in answer.headers
        if step is not None:
            await step(interaction)


async def test_an_approval_is_stale_after_a_minute(world: World) -> None:
    interaction, _ = await world.open_page()
    await world.claim(interaction)
    await world.approve(interaction)
    world.clock.move(seconds=61)
    answer = await world.press(interaction, "finish")
    assert "set-cookie" not in answer.headers
    assert "This code has expired" in await world.page(interaction)


async def test_an_approval_outlives_the_short_lived_records(world: World) -> None:
    interaction, _ = await world.open_page()
    await world.claim(interaction)
    await world.approve(interaction)
    await world.services.ephemeral.close()
    answer = await world.browser.post(
        f"/login/{interaction.id}/finish",
        params={"challenge": interaction.challenge_id},
        headers={"origin": ISSUER},
    )
    assert answer.headers["location"].startswith("/authorize/resume")


async def test_not_me_withdraws_the_approval_and_is_on_record(world: World) -> None:
    interaction, _ = await world.open_page()
    await world.claim(interaction)
    await world.approve(interaction)
    await world.press(interaction, "cancel", reason="not_me")
    assert "The login was cancelled" in await world.page(interaction)
    decision = await world.decision(interaction)
    assert decision is not None
    assert decision.verdict.state is State.CANCELLED
    assert "login:not-me" in await world.events()
    answer = await world.press(interaction, "finish")
    assert "set-cookie" not in answer.headers


async def test_a_new_code_after_a_claim_takes_it_from_the_phone(world: World) -> None:
    interaction, _ = await world.open_page()
    await world.claim(interaction)
    await world.press(interaction, "renew")
    after = await world.now(interaction)
    assert after.challenge_id != interaction.challenge_id
    decision = await world.decision(interaction)
    assert decision is not None
    assert decision.verdict.state is State.CANCELLED
    assert "<svg id" in await world.page(interaction)


async def test_a_page_never_takes_a_claim_by_itself(world: World) -> None:
    interaction, _ = await world.open_page()
    await world.claim(interaction)
    await world.press(interaction, "renew", automatic="1")
    assert (await world.now(interaction)).challenge_id == interaction.challenge_id
    state = await world.services.challenges.status(interaction.challenge_id)
    assert state is State.CLAIMED


async def test_a_page_renews_itself_five_times_and_then_waits_for_a_button(
    world: World,
) -> None:
    interaction, _ = await world.open_page()
    seen = {interaction.challenge_id}
    for _ in range(8):
        world.clock.move(seconds=181)
        await world.press(interaction, "renew", automatic="1")
        seen.add((await world.now(interaction)).challenge_id)
    assert len(seen) == 1 + 5
    page = await world.page(interaction)
    assert "This code has expired" in page
    assert 'data-testid="renew"' in page
    await world.press(interaction, "renew")
    assert (await world.now(interaction)).challenge_id not in seen


async def test_codes_by_hand_run_out_too(world: World) -> None:
    interaction, _ = await world.open_page()
    for _ in range(25):
        await world.press(interaction, "renew")
    assert (await world.now(interaction)).renewals == 20
    await world.press(interaction, "cancel")
    page = await world.page(interaction)
    assert "Many codes have been shown already" in page
    assert 'data-testid="renew"' not in page


async def test_a_denied_login_says_what_to_do(world: World) -> None:
    interaction, _ = await world.open_page()
    await world.claim(interaction)
    await world.approve(interaction, state=State.DENIED)
    page = await world.page(interaction)
    assert "The login was refused on the phone" in page
    assert "Back to Online Business Registration" in page
    answer = await world.press(interaction, "leave")
    assert answer.headers["location"].startswith("/authorize/resume")
    name = cookie_name(interaction.id, secure=False)
    ended = await world.services.interactions.resume(
        interaction.id, cookie=world.cookies[name]
    )
    assert ended.login is None


async def test_a_high_login_has_no_qr(world: World) -> None:
    interaction, page = await world.open_page(acr="high")
    assert not interaction.challenge_id
    assert "<svg id" not in page
    await world.press(interaction, "renew")
    assert not (await world.now(interaction)).challenge_id
    await world.press(interaction, "same-device")
    assert (await world.now(interaction)).challenge_id


async def test_without_javascript_the_page_reloads_while_it_waits(world: World) -> None:
    interaction, page = await world.open_page()
    refresh = '<noscript><meta http-equiv="refresh" content="2"></noscript>'
    assert refresh in page
    await world.claim(interaction)
    assert refresh in await world.page(interaction)
