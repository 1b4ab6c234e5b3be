"""Signing keys over arbitrary time: no gap, no early signature, no early farewell."""

import asyncio
import tempfile
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from pydantic import ValidationError

from idp.domain.audit import Audit
from idp.domain.custody import SealedCustody
from idp.domain.key_schedule import Act, KeySchedule, Step
from idp.domain.keys import KeyChanges, Keys
from idp.domain.signing_key_rows import KeyRow
from idp.errors import IdentityError, Malformed
from idp.settings import JWKS_MAX_AGE, IdpSettings
from idp.storage.columns import b64decode
from idp.storage.encryption import MasterKey, Sealer
from idp.storage.sqlite import SqliteStore
from tests.stores import migrated

MINUTE = timedelta(minutes=1)
SCHEDULE = KeySchedule(
    rotation=10 * MINUTE,
    publish_ahead=6 * MINUTE,
    overlap=25 * MINUTE,
    algorithms=("ES256", "EdDSA"),
)
START = datetime(2026, 1, 1, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.time = START

    def now(self) -> datetime:
        return self.time


class KeyMachine(RuleBasedStateMachine):
    """Two nodes on one database, whose clocks agree."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.folder = tempfile.TemporaryDirectory()
        path = str(Path(self.folder.name) / "x.sqlite3")
        migrated(f"sqlite:///{path}")
        self.clock = Clock()
        sealed = SealedCustody(Sealer([MasterKey.of(b"k" * 32)]))
        self.stores = [SqliteStore(path), SqliteStore(path)]
        self.nodes = []
        for store in self.stores:
            audit = Audit(self.clock)
            changes = KeyChanges(
                self.clock, store, audit, {"sealed": sealed}, "sealed", SCHEDULE
            )
            self.nodes.append(Keys(self.clock, store, changes))
        self.published: dict[str, datetime] = {}
        self.signed: list[tuple[str, str, str, datetime]] = []
        self.revoked: set[str] = set()
        self.hurried: set[str] = set()
        self.first = True
        self.run(self._ensure())

    def run(self, work: Any) -> Any:
        return self.loop.run_until_complete(work)

    async def _ensure(self) -> None:
        async with self.stores[0].begin() as tx:
            await self.nodes[0].ensure(tx)
        await self._look()
        # Nobody has a cache before the first start: these may sign at once.
        self.hurried = set(self.published)

    def teardown(self) -> None:
        for store in self.stores:
            self.run(store.close())
        self.loop.close()
        self.folder.cleanup()

    async def _look(self) -> list[KeyRow]:
        async with self.stores[0].read() as tx:
            rows = await self.nodes[0].states(tx)
        for row in rows:
            self.published.setdefault(row.kid, self.clock.time)
        return rows

    def hurry(self) -> None:
        """Whatever signs now was told to by a person, not by the schedule."""
        rows = self.run(self._look())
        self.hurried |= {row.kid for row in rows if row.state == "current"}

    @rule(seconds=st.integers(min_value=1, max_value=400))
    def time_passes(self, seconds: int) -> None:
        self.clock.time += timedelta(seconds=seconds)
        self.tend(0)
        self.run(self._look())

    @rule(node=st.integers(0, 1))
    def tend(self, node: int) -> None:
        self.run(self.nodes[node].tend())
        self.run(self._look())

    @rule()
    def both_tend_at_once(self) -> None:
        before = {row.kid for row in self.run(self._look())}

        async def both() -> list[bool]:
            return list(await asyncio.gather(*(node.tend() for node in self.nodes)))

        assert sum(self.run(both())) <= 1
        after = Counter(row.alg for row in self.run(self._look()))
        new = {row.kid for row in self.run(self._look())} - before
        assert len(new) <= len(SCHEDULE.algorithms)
        assert set(after) == set(SCHEDULE.algorithms)

    @rule(node=st.integers(0, 1), alg=st.sampled_from(SCHEDULE.algorithms))
    def sign(self, node: int, alg: str) -> None:
        token = self.run(self.nodes[node].sign({"a": 1}, typ="JWT", alg=alg))
        kid = kid_of(token)
        assert kid not in self.revoked
        if kid not in self.hurried:
            age = self.clock.time - self.published[kid]
            assert age >= SCHEDULE.publish_ahead
        self.signed.append((token, kid, alg, self.clock.time))

    @rule()
    def rotate_by_command(self) -> None:
        async def work() -> None:
            async with self.stores[1].begin() as tx:
                await self.nodes[1].rotate(tx)

        self.run(work())
        self.hurry()
        self.clock.time += timedelta(seconds=2)

    @rule(which=st.integers(0, 1000))
    def revoke(self, which: int) -> None:
        rows = sorted(self.run(self._look()), key=lambda r: (r.made_at, r.alg, r.state))
        kid = rows[which % len(rows)].kid

        async def work() -> None:
            async with self.stores[1].begin() as tx:
                await self.nodes[1].changes.revoke(tx, kid)

        try:
            self.run(work())
        except IdentityError:
            assert kid in self.revoked
        self.revoked.add(kid)
        self.hurry()
        self.clock.time += timedelta(seconds=2)

    @precondition(lambda self: self.signed)
    @rule(node=st.integers(0, 1))
    def verify_everything(self, node: int) -> None:
        keys = self.nodes[node]
        kids = {jwk["kid"] for jwk in self.run(keys.jwks())["keys"]}
        assert not kids & self.revoked
        for token, kid, alg, at in self.signed:
            if kid in self.revoked:
                with pytest.raises(Malformed):
                    self.run(keys.verify(token, typ="JWT", algs=[alg]))
            elif self.clock.time - at < SCHEDULE.overlap:
                assert kid in kids
                assert self.run(keys.verify(token, typ="JWT", algs=[alg])) == {"a": 1}

    @invariant()
    def one_current_key_signs_for_each_algorithm(self) -> None:
        rows = self.run(self._look())
        states = Counter((row.alg, row.state) for row in rows)
        for alg in SCHEDULE.algorithms:
            assert states[alg, "current"] == 1
            assert states[alg, "next"] == 1

    @invariant()
    def nothing_private_is_left_of_a_dead_key(self) -> None:
        async def work() -> list[Any]:
            async with self.stores[0].read() as tx:
                return await tx.all(
                    "SELECT private_sealed FROM signing_key"
                    " WHERE state IN ('archived', 'revoked')"
                )

        assert all(bytes(sealed) == b"" for (sealed,) in self.run(work()))


def kid_of(token: str) -> str:
    import json  # noqa: PLC0415

    return str(json.loads(b64decode(token.split(".", maxsplit=1)[0]))["kid"])


TestKeyMachine = KeyMachine.TestCase
TestKeyMachine.settings = settings(
    max_examples=25, stateful_step_count=40, deadline=None
)


def key(kid: str, state: str, **at: int) -> KeyRow:
    made_at = at.pop("made_at", 0)
    row = KeyRow(kid, "ES256", state, "{}", made_at, None, None)
    return replace(row, **at)


ALONE = replace(SCHEDULE, algorithms=("ES256",))
MINUTES = 60_000


def test_a_key_that_is_young_waits_although_its_turn_has_come() -> None:
    rows = [
        key("a", "current", signs_since=0),
        key("b", "next", made_at=5 * MINUTES),
    ]
    assert ALONE.due(rows, now=10 * MINUTES) == ()
    assert ALONE.due(rows, now=11 * MINUTES) == (
        Step(Act.RETIRE, "ES256", "a"),
        Step(Act.PROMOTE, "ES256", "b"),
        Step(Act.MAKE, "ES256"),
    )


def test_a_key_signs_for_its_whole_term() -> None:
    rows = [key("a", "current", signs_since=0), key("b", "next", made_at=0)]
    assert ALONE.due(rows, now=10 * MINUTES - 1) == ()
    assert ALONE.due(rows, now=10 * MINUTES)[0] == Step(Act.RETIRE, "ES256", "a")


def test_a_retired_key_is_published_for_the_whole_overlap() -> None:
    rows = [
        key("a", "retired", retired_at=0),
        key("b", "current", signs_since=20 * MINUTES),
        key("c", "next", made_at=20 * MINUTES),
    ]
    assert ALONE.due(rows, now=25 * MINUTES - 1) == ()
    assert ALONE.due(rows, now=25 * MINUTES) == (Step(Act.ARCHIVE, "ES256", "a"),)


def test_an_algorithm_that_is_added_later_signs_after_it_was_published() -> None:
    rows = [key("b", "next", made_at=0)]
    assert ALONE.due([], now=0) == (Step(Act.MAKE, "ES256"),)
    assert ALONE.due(rows, now=6 * MINUTES - 1) == ()
    assert ALONE.due(rows, now=6 * MINUTES)[0] == Step(Act.PROMOTE, "ES256", "b")


def test_an_algorithm_that_is_taken_away_is_retired() -> None:
    rows = [key("a", "current", signs_since=0), key("b", "next")]
    gone = replace(SCHEDULE, algorithms=())
    assert gone.due(rows, now=1) == (
        Step(Act.RETIRE, "ES256", "a"),
        Step(Act.RETIRE, "ES256", "b"),
    )


@pytest.mark.parametrize("changes", [
    {"key_publish_ahead": JWKS_MAX_AGE - timedelta(seconds=1)},
    {"key_rotation": timedelta(hours=23)},
    {"key_overlap": timedelta(hours=24, minutes=9)},
    {"access_token_life": timedelta(days=31)},
    {"signing_algorithms": ("RS256",)},
    {"signing_algorithms": ("ES256", "HS256")},
])  # fmt: skip
def test_settings_under_which_a_token_would_outlive_its_key_are_refused(
    changes: dict[str, Any],
) -> None:
    origins = {"issuer": "https://id.test", "app_origin": "https://app.test"}
    IdpSettings(**origins)
    with pytest.raises(ValidationError):
        IdpSettings(**origins, **changes)


def test_our_answers_are_cached_no_longer_than_the_settings_reckon() -> None:
    from idp.oidc.discovery import MAX_AGE  # noqa: PLC0415

    assert timedelta(seconds=MAX_AGE) <= JWKS_MAX_AGE
