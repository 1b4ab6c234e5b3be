"""A liveness session is told once, to one owner and device, and taken once."""

from datetime import timedelta
from itertools import pairwise

import anyio
import pytest

from idp.domain.liveness_sessions import (
    LIFE,
    MOST_AN_HOUR,
    TURNS,
    Action,
    LivenessSessions,
    Sitting,
    new_script,
    possible_orders,
)
from idp.errors import EvidenceInsufficient, Exhausted
from idp.storage.ephemeral import MemoryEphemeral
from tests.unit.idp.domain.registration_world import MovingClock

SITTING = Sitting(purpose="registration", owner_id="r1", device_id="d1")


def sessions(clock: MovingClock | None = None) -> LivenessSessions:
    return LivenessSessions(clock or MovingClock(), MemoryEphemeral())


async def over(all_of_them: LivenessSessions, sitting: Sitting, session: str) -> bool:
    """Say whether the session is refused, and refused as told."""
    refusals = []
    try:
        await all_of_them.spend(sitting, session)
    except EvidenceInsufficient as refusal:
        refusals = [(refusal.kind, refusal.advice, refusal.attempts_left)]
    assert refusals in ([], [("liveness", ("liveness-over",), None)])
    return bool(refusals)


def test_every_script_has_a_turn_and_a_blink_and_no_repeat_in_a_row() -> None:
    for order in possible_orders():
        assert len(order) == 3
        assert Action.BLINK in order
        assert TURNS & set(order)
        assert all(one != other for one, other in pairwise(order))
    assert len(possible_orders()) == len(set(possible_orders())) == 34


def test_scripts_come_by_chance_in_order_and_time() -> None:
    scripts = {new_script() for _ in range(200)}
    assert len(scripts) > 150
    orders = {tuple(step.action for step in script.steps) for script in scripts}
    assert orders <= set(possible_orders())
    assert len(orders) > 25
    assert all(script.is_timed for script in scripts)


def test_a_session_is_spent_once() -> None:
    async def walk() -> None:
        all_of_them = sessions()
        told = await all_of_them.issue(SITTING)
        taken = await all_of_them.spend(SITTING, told.id)
        assert taken == told
        assert await over(all_of_them, SITTING, told.id)

    anyio.run(walk)


def test_of_many_who_spend_at_once_one_is_served() -> None:
    async def walk() -> None:
        all_of_them, served = sessions(), []
        told = await all_of_them.issue(SITTING)

        async def spend() -> None:
            served.append(not await over(all_of_them, SITTING, told.id))

        async with anyio.create_task_group() as group:
            for _ in range(20):
                group.start_soon(spend)
        assert served.count(True) == 1

    anyio.run(walk)


@pytest.mark.parametrize(
    "thief",
    [
        Sitting(purpose="recovery", owner_id="r1", device_id="d1"),
        Sitting(purpose="registration", owner_id="r2", device_id="d1"),
        Sitting(purpose="registration", owner_id="r1", device_id="d2"),
    ],
    ids=["another purpose", "another owner", "another device"],
)
def test_a_session_is_worth_nothing_elsewhere_and_is_not_spent_there(
    thief: Sitting,
) -> None:
    async def walk() -> None:
        all_of_them = sessions()
        told = await all_of_them.issue(SITTING)
        assert await over(all_of_them, thief, told.id)
        assert await all_of_them.spend(SITTING, told.id) == told

    anyio.run(walk)


def test_a_session_is_over_after_a_minute() -> None:
    async def walk() -> None:
        clock = MovingClock()
        all_of_them = sessions(clock)
        told = await all_of_them.issue(SITTING)
        clock.instant += timedelta(seconds=LIFE)
        assert await over(all_of_them, SITTING, told.id)

    anyio.run(walk)


def test_a_newer_session_takes_the_place_of_the_last() -> None:
    async def walk() -> None:
        all_of_them = sessions()
        first = await all_of_them.issue(SITTING)
        second = await all_of_them.issue(SITTING)
        assert await over(all_of_them, SITTING, first.id)
        assert await all_of_them.spend(SITTING, second.id) == second

    anyio.run(walk)


def test_nobody_asks_until_the_script_is_one_that_is_on_film() -> None:
    async def walk() -> None:
        all_of_them = sessions()
        for _ in range(MOST_AN_HOUR):
            await all_of_them.issue(SITTING)
        with pytest.raises(Exhausted):
            await all_of_them.issue(SITTING)

    anyio.run(walk)
