"""Backchannel requests under arbitrary orders, beside a list of what was asked."""

import asyncio
import tempfile
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from idp.domain.backchannel_requests import (
    POLL,
    BackchannelRequest,
    Outcome,
    decide_backchannel,
)
from idp.domain.challenge_records import Challenge, ShownParty, State, Text
from idp.domain.decisions import Verdict
from idp.domain.interactions import AuthorizationRequest, Interaction, Requester
from idp.errors import GrantSpent, NotFound, PushRefused
from tests.world import World, open_world

PARTIES = ("portal", "other")
HOUR, DAY = 3600, 86_400


@dataclass
class Asked:
    """What the model knows of a request."""

    request: BackchannelRequest
    at: float
    ends: float
    answer: State | None = None
    answered: float = 0.0
    spent: int = 0


class BackchannelMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.folder = tempfile.TemporaryDirectory()
        self.stack = AsyncExitStack()
        url = f"sqlite:///{Path(self.folder.name) / 'x.sqlite3'}"
        self.run(self._open(url))
        self.all: list[Asked] = []
        self.blocked: dict[str, float] = {}

    def run(self, work: Any) -> Any:
        return self.loop.run_until_complete(work)

    async def _open(self, url: str) -> None:
        self.world: World = await self.stack.enter_async_context(open_world(url))
        for party in PARTIES:
            await self.world.portal(party)
        self.account = (await self.world.phone()).account_id

    def teardown(self) -> None:
        self.run(self.stack.aclose())
        self.loop.close()
        self.folder.cleanup()

    @property
    def now(self) -> float:
        return self.world.clock.now().timestamp()

    def is_open(self, one: Asked) -> bool:
        return one.answer is None and self.now < one.ends - 1

    @rule(party=st.sampled_from(PARTIES), life=st.sampled_from([30, 300, 600]))
    def ask(self, party: str, life: int) -> None:
        recent = [one for one in self.all if self.now - one.at < HOUR - 1]
        wasted = [one for one in recent if one.answer is not State.APPROVED]
        challenge = self.made(party, life)
        try:
            request = self.run(self._ask(challenge))
        except PushRefused:
            may_be_open = [one for one in self.all if self.now < one.ends + 1]
            assert (
                any(one.answer is None for one in may_be_open)
                or len([o for o in self.all if o.answer is not State.APPROVED]) >= 3
                or self.now < self.blocked.get(party, 0) + 1
            )
            return
        assert not any(self.is_open(one) for one in self.all)
        assert len(wasted) < 3
        assert self.now >= self.blocked.get(party, 0) - 1
        self.all.append(Asked(request, self.now, self.now + life))

    def made(self, party: str, life: int) -> Challenge:
        asked = AuthorizationRequest(
            party, "", "", ("openid",), (), required_account=self.account
        )
        return self.world.services.challenges.make_pushed(
            Interaction("i", asked, Requester("", ""), ""),
            party=ShownParty(party, Text("ក", "P"), "p.test", Text("", "")),
            claims=(),
            binding_message="",
            life=timedelta(seconds=life),
        )

    async def _ask(self, challenge: Challenge) -> BackchannelRequest:
        services = self.world.services
        async with services.store.begin() as tx:
            request = await services.backchannel.open(tx, challenge, delivery=POLL)
        await services.backchannel.announce(request)
        return request

    @precondition(lambda self: self.all)
    @rule(data=st.data(), approve=st.booleans())
    def answer(self, data: st.DataObject, approve: bool) -> None:
        one = data.draw(st.sampled_from(self.all))
        state = State.APPROVED if approve else State.DENIED
        written = self.run(self._answer(one, state))
        assert written == (one.answer is None)
        if not written:
            return
        one.answer, one.answered = state, self.now
        if not approve:
            self.blocked[one.request.relying_party_id] = self.now + DAY

    async def _answer(self, one: Asked, state: State) -> bool:
        services = self.world.services
        verdict = Verdict(
            state=state, jti="j", account_id=self.account, device_id="", acr="low"
        )
        async with services.store.begin() as tx:
            return await decide_backchannel(
                services.backchannel,
                tx,
                one.request.challenge,
                verdict,
                is_refusal=state is State.DENIED,
            )

    @precondition(lambda self: self.all)
    @rule(data=st.data())
    def fetch(self, data: st.DataObject) -> None:
        one = data.draw(st.sampled_from(self.all))
        outcome = self.run(self._fetch(one))
        if outcome is Outcome.APPROVED:
            assert one.answer is State.APPROVED
        if outcome is Outcome.DENIED:
            assert one.answer is State.DENIED
        if outcome is Outcome.PENDING:
            assert one.answer is None
            assert self.now < one.ends + 1
        if outcome is Outcome.EXPIRED:
            assert self.now >= one.ends - 1
            assert one.answer is not State.DENIED

    async def _fetch(self, one: Asked) -> Outcome:
        services = self.world.services
        async with services.store.read() as tx:
            found = await services.backchannel.find(
                tx, one.request.auth_req_id, client_id=one.request.relying_party_id
            )
            outcome, _ = await services.backchannel.outcome(tx, found)
        assert found.challenge == one.request.challenge
        if outcome is Outcome.APPROVED:
            try:
                async with services.store.begin() as tx:
                    await services.backchannel.spend(tx, found)
            except GrantSpent:
                assert one.spent == 1
            else:
                one.spent += 1
        return outcome

    @rule()
    def lose_what_is_short_lived(self) -> None:
        self.run(self.world.services.ephemeral.close())

    @rule(seconds=st.sampled_from([1, 20, 40, 290, 700, 3000, 90_000]))
    def wait(self, seconds: int) -> None:
        self.world.clock.pass_time(seconds)

    @invariant()
    def tokens_are_issued_once(self) -> None:
        assert all(one.spent <= 1 for one in getattr(self, "all", ()))

    @invariant()
    def the_phone_is_shown_what_is_open_and_nothing_else(self) -> None:
        if not getattr(self, "all", None):
            return
        shown, restored = self.run(self._shown())
        certain = {one.request.id for one in self.all if self.is_open(one)}
        possible = {one.request.id for one in self.all if one.answer is None}
        assert certain <= shown <= possible
        assert certain <= restored <= possible

    async def _shown(self) -> tuple[set[str], set[str]]:
        services = self.world.services
        restored = set()
        async with services.store.read() as tx:
            waiting = await services.backchannel.open_for(tx, self.account)
            for one in self.all:
                try:
                    found = await services.backchannel.restore(tx, one.request.id)
                except NotFound:
                    continue
                restored.add(found.id)
        return {request_id for request_id, _ in waiting}, restored


TestBackchannelMachine = BackchannelMachine.TestCase
# A whole server is opened for each run of it.
TestBackchannelMachine.settings = settings(
    max_examples=max(5, settings.default.max_examples // 5), stateful_step_count=30
)
