import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from hypothesis.strategies import booleans, integers, lists, sampled_from, tuples

from idp.domain.grants import Grants
from idp.errors import GrantSpent
from tests.unit.idp.oidc.world import PARTY, World, open_world

pytestmark = pytest.mark.anyio

OFFLINE = "openid profile offline_access"
GRACE, DAY = 60, 86_400  # seconds


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


async def test_many_tabs_with_one_refresh_token_move_the_family_once(
    world: World,
) -> None:
    token = (await world.login(scope=OFFLINE))["refresh_token"]
    answers = await asyncio.gather(*(world.refresh(token) for _ in range(8)))
    assert {answer.status_code for answer in answers} == {200}
    grants: Grants = world.services.grants
    texts = [answer.json()["refresh_token"] for answer in answers]
    opened = [grants.open_refresh_token(text, client_id=PARTY.id) for text in texts]
    assert {each.generation for each in opened} == {1}
    world.clock.move(seconds=60)
    assert (await world.refresh(token)).status_code == 400
    assert (await world.refresh(texts[0])).status_code == 400


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
    """Any order of refreshing with any generation, revoking and waiting.

    The owner and a thief are the same here: what counts is which token comes when.
    """

    def __init__(self) -> None:
        super().__init__()
        self.runner, self.stack = asyncio.Runner(), AsyncExitStack()
        folder = self.stack.enter_context(TemporaryDirectory(prefix="grants."))
        url = f"sqlite:///{folder}/grants.sqlite3"
        self.world = self.run(self.stack.enter_async_context(open_world(url)))
        body = self.run(self.world.login(scope=OFFLINE))
        self.tokens, self.age = [body["refresh_token"]], 0
        self.moved_at = -GRACE
        self.access_token = body["access_token"]
        self.is_alive = True

    def run(self, work: Any) -> Any:
        return self.runner.run(work)

    def teardown(self) -> None:
        self.run(self.stack.aclose())
        self.runner.close()

    @property
    def is_in_grace(self) -> bool:
        return self.age - self.moved_at < GRACE

    def present(self, generation: int) -> None:
        current = len(self.tokens) - 1
        is_fine = generation == current or (
            self.is_in_grace and generation == current - 1
        )
        answer = self.run(self.world.refresh(self.tokens[generation]))
        assert (answer.status_code == 200) is (is_fine and self.is_alive)
        if not (is_fine and self.is_alive):
            self.is_alive = False
            return
        self.access_token = answer.json()["access_token"]
        text = answer.json()["refresh_token"]
        if not self.is_in_grace:
            self.moved_at, current = self.age, current + 1
            self.tokens.append(text)
        grants = self.world.services.grants
        opened = grants.open_refresh_token(text, client_id=PARTY.id)
        assert opened.generation == current

    @rule()
    def refresh(self) -> None:
        self.present(len(self.tokens) - 1)

    @precondition(lambda self: len(self.tokens) > 1)
    @rule()
    def refresh_after_a_lost_answer(self) -> None:
        self.present(len(self.tokens) - 2)

    @precondition(lambda self: len(self.tokens) > 2)
    @rule(age=integers(min_value=0))
    def present_an_old_copy(self, age: int) -> None:
        self.present(age % (len(self.tokens) - 2))

    @rule()
    def revoke(self) -> None:
        self.run(self.world.post("/revoke", token=self.tokens[0]))
        self.is_alive = False

    @rule(seconds=sampled_from([1, 29, 30, 59, 60, 61, 10 * DAY, 20 * DAY]))
    def wait(self, seconds: int) -> None:
        self.world.clock.move(seconds=seconds)
        self.age += seconds
        self.is_alive = self.is_alive and self.age <= 30 * DAY

    @invariant()
    def access_ends_with_the_family(self) -> None:
        if not self.is_alive:
            answer = self.run(self.world.userinfo(self.access_token))
            assert answer.status_code == 401


TestRefreshFamily = RefreshFamily.TestCase
TestRefreshFamily.settings = settings(
    max_examples=15, stateful_step_count=12, deadline=None
)


@given(
    tries=lists(tuples(integers(0, 15), booleans()), min_size=1, max_size=8),
)
@settings(max_examples=15, deadline=None)
def test_an_owner_whose_answers_get_lost_is_never_locked_out_within_the_grace(
    tries: list[tuple[int, bool]],
) -> None:
    async def walk(folder: str) -> None:
        async with open_world(f"sqlite:///{folder}/owner.sqlite3") as world:
            held = (await world.login(scope=OFFLINE))["refresh_token"]
            lost_for = 0
            for seconds, is_lost in tries:
                # Two tabs hold the same token; each tries once.
                world.clock.move(seconds=seconds)
                lost_for += seconds
                if lost_for >= GRACE:
                    return
                answers = [await world.refresh(held) for _ in range(2)]
                assert {answer.status_code for answer in answers} == {200}
                if not is_lost:
                    held, lost_for = answers[0].json()["refresh_token"], 0
                    world.clock.move(seconds=GRACE)

    with TemporaryDirectory(prefix="owner.") as folder:
        asyncio.run(walk(folder))
