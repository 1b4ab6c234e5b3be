import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from hypothesis.strategies import integers

from idp.domain.grants import Grants
from idp.errors import GrantSpent
from tests.unit.idp.oidc.world import PARTY, World, open_world

pytestmark = pytest.mark.anyio

OFFLINE = "openid profile offline_access"


@pytest.fixture
async def world(store_url: str) -> AsyncIterator[World]:
    async with open_world(store_url) as opened:
        yield opened


async def test_of_many_racers_with_one_code_at_most_one_wins(world: World) -> None:
    code = await world.code()
    answers = await asyncio.gather(*(world.exchange(code) for _ in range(8)))
    won = [answer for answer in answers if answer.status_code == 200]
    assert len(won) == 1
    token = won[0].json()["access_token"]
    assert (await world.userinfo(token)).status_code == 401  # it was seen twice


async def test_of_many_racers_with_one_refresh_token_at_most_one_wins(
    world: World,
) -> None:
    token = (await world.login(scope=OFFLINE))["refresh_token"]
    answers = await asyncio.gather(*(world.refresh(token) for _ in range(8)))
    won = [answer for answer in answers if answer.status_code == 200]
    assert len(won) == 1
    assert (await world.refresh(won[0].json()["refresh_token"])).status_code == 400


async def test_a_code_is_no_refresh_token_and_the_reverse(world: World) -> None:
    grants: Grants = world.services.grants
    code = await world.code(scope=OFFLINE)
    refresh_token = (await world.exchange(code)).json()["refresh_token"]
    with pytest.raises(GrantSpent):
        grants.open_refresh_token(code, client_id=PARTY.id)
    with pytest.raises(GrantSpent):
        grants.open_code(refresh_token, client_id=PARTY.id)
    with pytest.raises(GrantSpent):
        grants.open_code("A" * 5000, client_id=PARTY.id)


async def test_families_that_are_over_are_deleted(world: World) -> None:
    await world.login()
    for days, dropped in ((29, 0), (2, 1)):
        world.clock.move(days=days)
        async with world.services.store.begin() as tx:
            assert await world.services.grants.drop_expired(tx) == dropped


class RefreshFamily(RuleBasedStateMachine):
    """Any order of refreshing, replaying, revoking and waiting."""

    def __init__(self) -> None:
        super().__init__()
        self.runner, self.stack = asyncio.Runner(), AsyncExitStack()
        folder = self.stack.enter_context(TemporaryDirectory(prefix="grants."))
        url = f"sqlite:///{folder}/grants.sqlite3"
        self.world = self.run(self.stack.enter_async_context(open_world(url)))
        body = self.run(self.world.login(scope=OFFLINE))
        self.tokens, self.days = [body["refresh_token"]], 0
        self.access_token = body["access_token"]
        self.is_alive = True

    def run(self, work: Any) -> Any:
        return self.runner.run(work)

    def teardown(self) -> None:
        self.run(self.stack.aclose())
        self.runner.close()

    @rule()
    def refresh(self) -> None:
        answer = self.run(self.world.refresh(self.tokens[-1]))
        assert (answer.status_code == 200) is self.is_alive
        if self.is_alive:
            self.tokens.append(answer.json()["refresh_token"])
            self.access_token = answer.json()["access_token"]

    @precondition(lambda self: len(self.tokens) > 1)
    @rule(age=integers(min_value=0))
    def replay(self, age: int) -> None:
        old = self.tokens[age % (len(self.tokens) - 1)]
        assert self.run(self.world.refresh(old)).status_code == 400
        self.is_alive = False

    @rule()
    def revoke(self) -> None:
        self.run(self.world.post("/revoke", token=self.tokens[0]))
        self.is_alive = False

    @rule(days=integers(1, 20))
    def wait(self, days: int) -> None:
        self.world.clock.move(days=days)
        self.days += days
        self.is_alive = self.is_alive and self.days <= 30

    @invariant()
    def access_ends_with_the_family(self) -> None:
        if not self.is_alive:
            answer = self.run(self.world.userinfo(self.access_token))
            assert answer.status_code == 401


TestRefreshFamily = RefreshFamily.TestCase
TestRefreshFamily.settings = settings(
    max_examples=15, stateful_step_count=12, deadline=None
)
