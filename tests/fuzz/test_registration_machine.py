"""Arbitrary orders and races of steps never skip a step, never open two accounts."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from idp.domain.registration_rows import NEXT, Registration, State
from idp.errors import IdentityError
from idp.storage.store import Transaction
from tests.unit.idp.domain.registration_world import (
    DETAILS,
    DOCUMENT,
    JUDGED,
    JWK,
    PHONE,
    World,
    open_world,
)

STEPS = (
    "code", "bad code", "document", "details", "agreed", "disagreed",
    "face", "other face", "lost", "device", "cancel", "restart", "resend",
)  # fmt: skip
NEEDED = ["code", "document", "details", "agreed", "face", "device"]


async def look(
    world: World, tx: Transaction, seen: Registration, *, matches: bool
) -> Registration:
    tried = await world.registrations.spend_face_try(tx, seen)
    if matches:
        return await world.registrations.accepted(tx, tried, JUDGED)
    return await world.registrations.face_refused(tx, tried)


async def take(
    world: World, tx: Transaction, name: str, seen: Registration, code: str
) -> object:
    """Take one step from what the caller last saw, right or stale."""
    service = world.registrations
    keys = {"public_key": JWK, "pin_key": JWK}
    steps: dict[str, Callable[[], Awaitable[object]]] = {
        "code": lambda: service.prove_phone(tx, seen, code),
        "bad code": lambda: service.prove_phone(tx, seen, "wrong"),
        "document": lambda: service.document_read(tx, seen, DOCUMENT),
        "details": lambda: service.details_given(tx, seen, DETAILS),
        "agreed": lambda: service.register_agreed(tx, seen),
        "disagreed": lambda: service.register_disagreed(tx, seen, ("sex",)),
        "face": lambda: look(world, tx, seen, matches=True),
        "other face": lambda: look(world, tx, seen, matches=False),
        "lost": lambda: service.portrait_lost(tx, seen),
        "device": lambda: service.finish(tx, seen, name="phone", **keys),
        "cancel": lambda: service.cancel(tx, seen),
        "resend": lambda: service.resend(tx, seen, network="net"),
        "restart": lambda: service.start(
            tx, device_id="device", phone=PHONE, locale="km", network="net"
        ),
    }
    return await steps[name]()


async def attempt(
    world: World, name: str, seen: Registration, code: str
) -> tuple[str, State, Registration] | None:
    """Take a step; return it with the states around it if it was taken."""
    try:
        async with world.store.begin() as tx:
            moved = await take(world, tx, name, seen, code)
    except IdentityError:
        return None
    return (name, seen.state, moved) if isinstance(moved, Registration) else None


async def begin(world: World) -> tuple[Registration, str] | None:
    try:
        async with world.store.begin() as tx:
            registration, issued = await world.registrations.start(
                tx, device_id="device", phone=PHONE, locale="km", network="net"
            )
    except IdentityError:
        return None
    return registration, issued.code


async def accounts(world: World) -> int:
    async with world.store.read() as tx:
        row = await tx.one("SELECT COUNT(*) FROM account")
        devices = await tx.one("SELECT COUNT(*) FROM device")
    assert row == devices
    assert row is not None
    return int(row[0] or 0)


async def walk(path: Path, plan: list[tuple[list[str], int]]) -> None:
    """Each turn takes some steps at once, from a state seen now or some turns ago."""
    world = open_world(path / "db")
    begun = await begin(world)
    assert begun is not None
    current, code = begun
    seen, taken = [current], []
    for names, age in plan:
        if names == ["restart"]:
            begun = await begin(world)
            if begun is not None:
                (current, code), taken = begun, []
                seen = [current]
            continue
        base = seen[max(0, len(seen) - 1 - age)]
        results = await asyncio.gather(
            *(attempt(world, name, base, code) for name in names)
        )
        won = [result for result in results if result is not None]
        assert len(won) <= 1, "two racers moved the same registration"
        for name, was, moved in won:
            assert moved.state in NEXT[was] | {was}
            assert base is seen[-1], "a stale view moved it"
            taken.append(name)
            seen.append(moved)
        opened = await accounts(world)
        assert opened <= 1
        if opened:
            reduced = iter(taken)
            assert all(step in reduced for step in NEEDED), taken
    await world.store.close()


# Mostly sensible, so that long journeys are reached, with anything in between.
TURNS = st.tuples(
    st.lists(st.sampled_from(STEPS), min_size=1, max_size=3), st.integers(0, 2)
)
SENSIBLE = st.sampled_from([([name], 0) for name in NEEDED])
PLANS = st.lists(st.one_of(TURNS, SENSIBLE), max_size=14)
EXTRA = st.lists(st.lists(st.sampled_from(STEPS), max_size=2), min_size=6, max_size=6)
JOURNEYS = EXTRA.map(
    lambda extra: [([name, *more], 0) for name, more in zip(NEEDED, extra, strict=True)]
)


@given(plan=st.one_of(PLANS, JOURNEYS, st.builds(lambda a, b: a + b, JOURNEYS, PLANS)))
@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
def test_no_order_of_steps_skips_a_step_or_opens_two_accounts(
    tmp_path_factory: pytest.TempPathFactory, plan: list[tuple[list[str], int]]
) -> None:
    asyncio.run(walk(tmp_path_factory.mktemp("machine"), plan))


def test_the_straight_way_opens_one_account(tmp_path: Path) -> None:
    async def straight() -> int:
        world = open_world(tmp_path / "db")
        begun = await begin(world)
        assert begun is not None
        current, code = begun
        for name in NEEDED:
            result = await attempt(world, name, current, code)
            assert result is not None, name
            current = result[2]
        return await accounts(world)

    assert asyncio.run(straight()) == 1


def test_every_state_leads_somewhere_or_ends() -> None:
    assert set(NEXT) == set(State)
    ends = {state for state, following in NEXT.items() if not following}
    assert ends == {State.DONE, State.STOPPED, State.REFUSED}
