"""A challenge under arbitrary orders: no step is skipped, nothing happens twice."""

import asyncio
import tempfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from idp.domain.challenge_records import (
    NEXT,
    Challenge,
    Channel,
    ShownParty,
    State,
    Text,
)
from idp.domain.challenges import Challenges, Lives
from idp.domain.decisions import Decisions, Verdict
from idp.domain.interactions import AuthorizationRequest, Interactions, Requester
from idp.domain.qr_codes import make_code
from idp.errors import ChallengeClosed, IdentityError
from idp.storage.encryption import MasterKey, Sealer
from idp.storage.ephemeral import MemoryEphemeral
from idp.storage.signals import LocalSignals
from idp.storage.sqlite import SqliteStore
from tests.stores import migrated

REQUEST = AuthorizationRequest("rp", "https://rp.test/cb", "c" * 43, ("openid",), ())
PARTY = ShownParty("rp", Text("ក", "RP"), "rp.test", Text("", ""))
LIVES = Lives(
    pending=timedelta(seconds=180),
    claimed=timedelta(seconds=120),
    approved=timedelta(seconds=60),
    claims_a_minute=1000,
)
DEVICES = ("phone-a", "phone-b")


class Clock:
    def __init__(self) -> None:
        self.time = datetime(2026, 1, 1, tzinfo=UTC)

    def now(self) -> datetime:
        return self.time


class ChallengeMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.folder = tempfile.TemporaryDirectory()
        path = str(Path(self.folder.name) / "x.sqlite3")
        migrated(f"sqlite:///{path}")
        self.run(self._open(path))
        self.path: list[State] = [State.PENDING]
        self.owner = ""
        self.decided = 0
        self.consumed = 0

    def run(self, work: Any) -> Any:
        return self.loop.run_until_complete(work)

    async def _open(self, path: str) -> None:
        self.clock = Clock()
        ephemeral = MemoryEphemeral()
        self.store = SqliteStore(path)
        self.challenges = Challenges(
            self.clock, ephemeral, LocalSignals(), LIVES, "https://app.test"
        )
        sealer = Sealer([MasterKey.of(b"k" * 32)])
        self.decisions = Decisions(self.clock, sealer, LIVES.approved)
        interactions = Interactions(ephemeral, timedelta(minutes=30))
        parked, _ = await interactions.park(
            REQUEST, requester=Requester("198.51.100.0/24", "Firefox")
        )
        self.challenge = await self.challenges.open(
            parked, party=PARTY, claims=(), channel=Channel.QR
        )

    def teardown(self) -> None:
        self.run(self.store.close())
        self.loop.close()
        self.folder.cleanup()

    def found(self) -> Challenge:
        found: Challenge = self.run(self.challenges.find(self.challenge.id))
        return found

    @rule(device=st.sampled_from(DEVICES), late=st.integers(min_value=-3, max_value=9))
    def claim(self, device: str, late: int) -> None:
        age = int((self.clock.now().timestamp() * 1000 - self.challenge.made_at) / 1000)
        t = max(0, age - late)
        code = make_code(
            challenge_id=self.challenge.id, secret=self.challenge.secret, t=t
        )
        before = self.run(self.challenges.status(self.challenge.id))
        try:
            claimed = self.run(
                self.challenges.claim(
                    self.challenge.id,
                    device_id=device,
                    account_id="account",
                    channel=Channel.QR,
                    proof=f"{t}.{code}",
                )
            )
        except IdentityError:
            return
        assert age - t <= 5
        assert before is State.PENDING or (
            before is State.CLAIMED and self.owner == device
        )
        assert claimed.device_id == device
        self.owner = device

    @rule(
        device=st.sampled_from(DEVICES),
        state=st.sampled_from([State.APPROVED, State.DENIED]),
    )
    def decide(self, device: str, state: State) -> None:
        challenge = self.found()
        try:
            self.challenges.check_open_for(challenge, device_id=device)
        except IdentityError:
            return
        assert device == self.owner
        verdict = Verdict(state=state, jti="j", account_id="account", device_id=device)
        self.run(self._write(challenge, verdict))

    async def _write(self, challenge: Challenge, verdict: Verdict) -> None:
        async with self.store.begin() as tx:
            if not await self.decisions.decide(tx, challenge, verdict):
                return
        self.decided += 1
        await self.challenges.decided(challenge, verdict.state)

    @rule()
    def cancel(self) -> None:
        challenge = self.found()
        if challenge.state is State.PENDING:
            self.run(self.challenges.cancel_pending(challenge))
        elif challenge.state is State.CLAIMED:
            verdict = Verdict(
                state=State.CANCELLED, jti="", account_id="", device_id=""
            )
            self.run(self._write(challenge, verdict))

    @rule()
    def consume(self) -> None:
        challenge = self.found()
        try:
            self.run(self.challenges.consume(challenge))
        except ChallengeClosed:
            return
        self.consumed += 1

    @precondition(lambda self: len(self.path) < 20)
    @rule(seconds=st.sampled_from([1, 4, 30, 61, 125]))
    def wait(self, seconds: int) -> None:
        self.clock.time += timedelta(seconds=seconds)

    @invariant()
    def no_step_is_skipped_and_nothing_happens_twice(self) -> None:
        if not hasattr(self, "path"):
            return
        record = self.run(
            self.challenges.ephemeral.get(f"challenge:{self.challenge.id}")
        )
        state = State(record["state"])
        if state is not self.path[-1]:
            assert state in NEXT[self.path[-1]], (self.path, state)
            self.path.append(state)
        assert self.decided <= 1
        assert self.consumed <= 1
        assert self.consumed <= self.path.count(State.APPROVED)

    @invariant()
    def the_decision_is_what_the_state_follows(self) -> None:
        if not hasattr(self, "decided") or not self.decided:
            return

        async def read() -> Any:
            async with self.store.read() as tx:
                return await self.decisions.find(tx, self.challenge.id)

        decision = self.run(read())
        assert decision is not None
        assert self.path[-1] in {decision.verdict.state, State.CONSUMED}
        assert replace(decision.interaction) == self.challenge.interaction


TestChallengeMachine = ChallengeMachine.TestCase
