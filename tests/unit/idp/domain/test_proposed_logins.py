"""A proposed login: kept for the consent page, released once, moved by nobody else."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from idp.domain.interactions import (
    AuthorizationRequest,
    Interaction,
    Interactions,
    Login,
    Requester,
    freeze,
    thaw,
)
from idp.errors import ChallengeClosed
from idp.storage.ephemeral import MemoryEphemeral

REQUEST = AuthorizationRequest(
    client_id="portal",
    redirect_uri="https://portal.test/callback",
    code_challenge="c",
    scopes=("openid", "profile"),
    claims=("name", "gender"),
)
LOGIN = Login(
    grant_id="grant-1",
    account_id="account",
    session_id="session",
    acr="substantial",
    amr=("mfa", "pop"),
    auth_time=1,
    claims=("name", "gender"),
)


async def parked() -> tuple[Interactions, Interaction, str]:
    interactions = Interactions(MemoryEphemeral(), timedelta(minutes=30))
    requester = Requester("192.0.2.0/24", "Firefox")
    interaction, cookie = await interactions.park(REQUEST, requester=requester)
    return interactions, interaction, cookie


def test_a_proposed_login_is_kept_and_is_no_login_yet() -> None:
    async def main() -> None:
        interactions, interaction, cookie = await parked()
        proposed = await interactions.propose(interaction, LOGIN)
        found = await interactions.find(interaction.id, cookie=cookie)
        assert found == proposed == replace(interaction, proposed=LOGIN)
        assert found.login is None
        assert found.proposal == "grant-1"
        with pytest.raises(Exception, match="interaction"):
            await interactions.resume(interaction.id, cookie=cookie)

    asyncio.run(main())


def test_what_was_released_completes_the_interaction_once() -> None:
    async def main() -> None:
        interactions, interaction, cookie = await parked()
        proposed = await interactions.propose(interaction, LOGIN)
        login = await interactions.release(proposed, claims=("name",))
        assert login == replace(LOGIN, claims=("name",))
        with pytest.raises(ChallengeClosed):
            await interactions.release(proposed, claims=("name", "gender"))
        resumed = await interactions.resume(interaction.id, cookie=cookie)
        assert resumed.login == login
        assert resumed.proposed is None

    asyncio.run(main())


def test_nothing_is_released_without_a_proposal() -> None:
    async def main() -> None:
        interactions, interaction, _ = await parked()
        with pytest.raises(ChallengeClosed):
            await interactions.release(interaction, claims=())

    asyncio.run(main())


def test_the_answer_to_one_proposal_never_releases_another() -> None:
    """Two tabs: what the person saw in the first is not what stands now."""

    async def main() -> None:
        interactions, interaction, _ = await parked()
        first = await interactions.propose(interaction, LOGIN)
        other = replace(LOGIN, grant_id="grant-2", account_id="somebody else")
        await interactions.propose(first, other)
        with pytest.raises(ChallengeClosed):
            await interactions.release(first, claims=("name",))

    asyncio.run(main())


def test_a_dropped_proposal_leaves_the_login_page_as_it_was() -> None:
    async def main() -> None:
        interactions, interaction, cookie = await parked()
        proposed = await interactions.propose(interaction, LOGIN)
        dropped = await interactions.propose(proposed, None)
        assert dropped == interaction
        with pytest.raises(ChallengeClosed):
            await interactions.release(proposed, claims=())
        attached = await interactions.attach(dropped, challenge_id="challenge")
        assert await interactions.find(interaction.id, cookie=cookie) == attached

    asyncio.run(main())


def test_a_new_challenge_and_a_proposal_race_and_one_wins() -> None:
    async def main() -> None:
        interactions, interaction, _ = await parked()
        await interactions.attach(interaction, challenge_id="challenge")
        with pytest.raises(ChallengeClosed):
            await interactions.propose(interaction, LOGIN)
        interactions, interaction, _ = await parked()
        await interactions.propose(interaction, LOGIN)
        with pytest.raises(ChallengeClosed):
            await interactions.attach(interaction, challenge_id="challenge")

    asyncio.run(main())


def test_a_completed_interaction_takes_no_proposal() -> None:
    async def main() -> None:
        interactions, interaction, _ = await parked()
        proposed = await interactions.propose(interaction, LOGIN)
        await interactions.complete(proposed, LOGIN)
        with pytest.raises(ChallengeClosed):
            await interactions.propose(proposed, LOGIN)
        with pytest.raises(ChallengeClosed):
            await interactions.release(proposed, claims=())

    asyncio.run(main())


def test_a_frozen_interaction_keeps_its_proposal() -> None:
    requester = Requester("192.0.2.0/24", "Firefox")
    interaction = Interaction("i", REQUEST, requester, "hash", proposed=LOGIN)
    assert thaw(freeze(interaction)) == interaction
