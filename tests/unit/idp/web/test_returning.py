"""Back from the app on the same device: three facts, and what each one guards."""

import re
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.domain.challenge_records import Channel, State
from idp.domain.decisions import Decision, Decisions, Verdict
from idp.domain.interactions import AuthorizationRequest, Interaction, Requester
from idp.storage.encryption import MasterKey, Sealer
from idp.web.returning import is_genuine
from tests.unit.idp.web.world import (
    APP,
    MovableClock,
    World,
    browser_of,
    open_world,
)

pytestmark = pytest.mark.anyio


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with open_world(tmp_path) as opened:
        yield opened


@dataclass
class Link:
    """What the app opens after an approval."""

    challenge_id: str
    value: str
    v: str

    async def open(self, browser: httpx2.AsyncClient) -> httpx2.Response:
        return await browser.get(
            f"/return/{self.challenge_id}", params={"value": self.value, "v": self.v}
        )


async def approved_in_the_app(world: World) -> tuple[Interaction, Link]:
    interaction, _ = await world.open_page()
    await world.press(interaction, "same-device")
    interaction = await world.now(interaction)
    v = secrets.token_urlsafe(32)
    await world.claim(interaction)
    await world.approve(interaction, v=v)
    decision = await world.decision(interaction)
    assert decision is not None
    value = world.services.decisions.return_value(
        interaction.challenge_id, decision.verdict.return_hash
    )
    return interaction, Link(interaction.challenge_id, value, v)


async def test_the_button_replaces_the_qr_by_a_link_into_the_app(world: World) -> None:
    interaction, _ = await world.open_page()
    await world.press(interaction, "same-device")
    after = await world.now(interaction)
    challenge = await world.services.challenges.find(after.challenge_id)
    secret = world.services.challenges.claim_secret(challenge)
    page = await world.page(interaction)
    assert challenge.channel is Channel.SAME_DEVICE
    assert f'href="{APP}/s/{after.challenge_id}.{secret}"' in page
    assert "<svg id" not in page
    status = world.services.challenges.status
    assert await status(interaction.challenge_id) is State.CANCELLED


async def test_the_browser_that_began_is_signed_in(world: World) -> None:
    interaction, link = await approved_in_the_app(world)
    answer = await link.open(world.browser)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/authorize/resume?interaction=")
    assert re.match("session=", answer.headers["set-cookie"])
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cache-control"] == "no-store"
    assert (await world.now(interaction)).login is not None


async def test_it_also_works_after_the_short_lived_records_were_lost(
    world: World,
) -> None:
    _, link = await approved_in_the_app(world)
    await world.services.ephemeral.close()
    answer = await link.open(world.browser)
    assert answer.headers["location"].startswith("/authorize/resume")


async def test_the_link_works_once(world: World) -> None:
    _, link = await approved_in_the_app(world)
    await link.open(world.browser)
    again = await link.open(world.browser)
    assert again.status_code == 403
    assert "set-cookie" not in again.headers


async def test_a_link_in_another_browser_cancels_the_login(world: World) -> None:
    interaction, link = await approved_in_the_app(world)
    async with browser_of(world.services) as stranger:
        answer = await link.open(stranger)
    assert answer.status_code == 403
    assert "សូមចាប់ផ្ដើមម្ដងទៀតក្នុងកម្មវិធីរុករកដើម" in answer.text
    assert link.v not in answer.text
    assert link.value not in answer.text
    decision = await world.decision(interaction)
    assert decision is not None
    assert decision.verdict.state is State.CANCELLED
    assert "login:cancelled" in await world.events()
    late = await link.open(world.browser)
    assert "set-cookie" not in late.headers


async def test_an_approval_that_the_page_has_left_behind_is_cancelled(
    world: World,
) -> None:
    """The phone's answer may land just after the page went on to a new challenge."""
    interaction, link = await approved_in_the_app(world)
    await world.services.interactions.attach(interaction, challenge_id="n" * 22)
    answer = await link.open(world.browser)
    assert "set-cookie" not in answer.headers
    decision = await world.decision(interaction)
    assert decision is not None
    assert decision.verdict.state is State.CANCELLED


@pytest.mark.parametrize("wrong", ["value", "v"])
async def test_a_wrong_half_changes_nothing(world: World, wrong: str) -> None:
    _, link = await approved_in_the_app(world)
    right = getattr(link, wrong)
    setattr(link, wrong, secrets.token_urlsafe(32))
    async with browser_of(world.services) as stranger:
        for browser in (stranger, world.browser):
            answer = await link.open(browser)
            assert answer.status_code == 403
            assert "set-cookie" not in answer.headers
    setattr(link, wrong, right)
    assert (await link.open(world.browser)).status_code == 303


async def test_a_same_device_login_is_finished_in_no_other_way(world: World) -> None:
    interaction, _ = await approved_in_the_app(world)
    page = await world.page(interaction)
    assert 'data-testid="finish"' not in page
    answer = await world.press(interaction, "finish")
    assert "set-cookie" not in answer.headers


async def test_a_qr_login_never_comes_back_by_a_link(world: World) -> None:
    interaction, _ = await world.open_page()
    await world.claim(interaction)
    await world.approve(interaction)
    value = world.services.decisions.return_value(interaction.challenge_id, "")
    link = Link(interaction.challenge_id, value, secrets.token_urlsafe(32))
    answer = await link.open(world.browser)
    assert "set-cookie" not in answer.headers
    assert (await world.now(interaction)).login is None


SEALER = Sealer([MasterKey.of(b"k" * 32)])
ODD = st.text(max_size=60) | st.from_regex(r"\A[A-Za-z0-9_-]{40,45}\Z")


@given(value=ODD, v=ODD)
def test_no_made_up_link_is_genuine(value: str, v: str) -> None:
    decisions = Decisions(MovableClock(), SEALER, timedelta(seconds=60))
    verdict = Verdict(State.APPROVED, "j", "a", "d", return_hash="h" * 43)
    requester = Requester(network="127.0.0.0/24", browser="Chromium")
    request = AuthorizationRequest("p", "https://p.example/", "x", (), ())
    interaction = Interaction("i" * 22, request, requester, "hash")
    decision = Decision("c" * 22, verdict, interaction, 0)
    assert not is_genuine(decisions, decision, value=value, v=v)
