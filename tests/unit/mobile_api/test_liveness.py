"""The judgement of a clip: what passes, what never does."""

from dataclasses import replace
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idp.domain.liveness_sessions import Action, Script, Step, possible_orders
from mobile_api.interfaces import FrameTrack, LivenessReading
from mobile_api.liveness import evaluate
from mobile_api.liveness_limits import LivenessLimits, Verdict
from tests.unit.mobile_api.liveness_films import (
    ENGINE,
    STILL,
    acted,
    mixed,
    reading_of,
    script_of,
)

LIMITS = LivenessLimits()
SCRIPT = script_of(Action.TURN_LEFT, Action.BLINK, Action.SMILE)
ORDERS = st.sampled_from(possible_orders())


def verdict(reading: LivenessReading, script: Script = SCRIPT) -> Verdict:
    return evaluate(reading, script, LIMITS).verdict


def advice(reading: LivenessReading, script: Script = SCRIPT) -> tuple[str, ...]:
    return evaluate(reading, script, LIMITS).advice


def check(reading: LivenessReading, name: str, script: Script = SCRIPT) -> Verdict:
    checks = evaluate(reading, script, LIMITS).checks
    return next(one.verdict for one in checks if one.name == name)


def with_frames(change: dict[int, FrameTrack]) -> LivenessReading:
    frames = acted(SCRIPT)
    return reading_of(
        SCRIPT, tuple(change.get(n, frame) for n, frame in enumerate(frames))
    )


@pytest.mark.parametrize("order", possible_orders(), ids="-".join)
def test_somebody_who_does_what_is_told_passes(order: tuple[Action, ...]) -> None:
    script = script_of(*order)
    judged = evaluate(reading_of(script), script, LIMITS, elapsed_ms=15_000)
    assert judged.verdict is Verdict.PASS, judged
    assert judged.advice == ()


@given(told=ORDERS, done=ORDERS)
def test_another_order_than_the_told_one_never_passes(
    told: tuple[Action, ...], done: tuple[Action, ...]
) -> None:
    reading = reading_of(script_of(*told), acted(script_of(*done)))
    if told != done:
        assert verdict(reading, script_of(*told)) is Verdict.FAIL


@given(
    order=ORDERS,
    step=st.integers(1, 3),
    share=st.floats(0.5, 1.0),
    side=st.booleans(),
)
def test_without_the_frames_of_a_step_nothing_passes(
    order: tuple[Action, ...], step: int, share: float, side: bool
) -> None:
    script = script_of(*order)
    frames = acted(script)
    own = [n for n, frame in enumerate(frames) if frame.step == step]
    count = max(1, int(len(own) * share))
    gone = set(own[:count] if side else own[-count:])
    left = tuple(frame for n, frame in enumerate(frames) if n not in gone)
    assert verdict(reading_of(script, left), script) is not Verdict.PASS


@given(order=ORDERS, data=st.data())
def test_exchanged_steps_never_pass(
    order: tuple[Action, ...], data: st.DataObject
) -> None:
    script = script_of(*order)
    frames = acted(script)
    shuffled = data.draw(st.sampled_from(list(permutations((1, 2, 3)))[1:]))
    parts = [[f for f in frames if f.step == step] for step in (0, *shuffled, 4)]
    moved = [frame for part in parts for frame in part]
    tagged = tuple(
        replace(frame, at=old.at, step=old.step)
        for frame, old in zip(moved, frames, strict=True)
    )
    actions = tuple(order[step - 1] for step in shuffled)
    if actions != order:
        assert verdict(reading_of(script, tagged), script) is Verdict.FAIL


@given(
    order=ORDERS,
    likeness=st.floats(0, 1),
    parallax=st.floats(0, 0.1),
    sharpness=st.floats(0, 30),
)
def test_a_worse_measure_never_makes_a_better_verdict(
    order: tuple[Action, ...], likeness: float, parallax: float, sharpness: float
) -> None:
    script = script_of(*order)
    good = reading_of(script)
    worse = replace(
        good,
        likeness=(min(likeness, 0.8), 0.8, 0.8),
        parallax=tuple(min(parallax, 0.06) for _ in good.parallax),
        frames=tuple(
            replace(f, sharpness=min(f.sharpness, sharpness)) for f in good.frames
        ),
    )
    rank = [Verdict.FAIL, Verdict.REVIEW, Verdict.PASS].index
    assert rank(verdict(worse, script)) <= rank(verdict(good, script))
    fails = min(likeness, 0.8) < 0.40 or min(parallax, 0.06) < 0.025 or sharpness < 1.2
    assert (verdict(worse, script) is Verdict.FAIL) == fails


SHAPES = st.builds(
    replace,
    st.just(STILL),
    yaw=st.floats(-90, 90),
    pitch=st.floats(-90, 90),
    left_eye=st.floats(0, 1),
    right_eye=st.floats(0, 1),
    smile=st.floats(0, 3),
    eye_distance=st.floats(0, 400),
)
FRAMES = st.lists(
    st.builds(
        FrameTrack,
        at=st.integers(0, 25_000),
        step=st.integers(0, 4),
        faces=st.integers(0, 2),
        shape=st.none() | SHAPES,
        x=st.floats(0, 480),
        change=st.floats(0, 255),
    ),
    min_size=1,
    max_size=60,
)


@settings(max_examples=200)
@given(frames=FRAMES, order=ORDERS)
def test_what_is_made_up_never_passes_and_never_breaks(
    frames: list[FrameTrack], order: tuple[Action, ...]
) -> None:
    frames.sort(key=lambda frame: (frame.step, frame.at))
    script = script_of(*order)
    assert verdict(reading_of(script, tuple(frames)), script) is Verdict.FAIL


def test_the_other_side_is_told_from_the_right_one() -> None:
    mirrored = tuple(
        replace(frame, shape=replace(frame.shape, yaw=2 - frame.shape.yaw))
        for frame in acted(SCRIPT)
        if frame.shape is not None
    )
    reading = reading_of(SCRIPT, mirrored)
    assert verdict(reading) is Verdict.FAIL
    assert advice(reading)[0] == "other-side"


@pytest.mark.parametrize(
    ("left_out", "code"),
    [(1, "turn-more"), (2, "blink-not-seen"), (3, "smile-more")],
)
def test_a_step_that_was_not_done_is_named(left_out: int, code: str) -> None:
    frames = tuple(
        replace(frame, shape=STILL) if frame.step == left_out else frame
        for frame in acted(SCRIPT)
    )
    assert advice(reading_of(SCRIPT, frames)) == (code,)


def test_people_blink_all_the_time_and_that_is_no_step() -> None:
    frames = acted(SCRIPT)
    blink = mixed(Action.BLINK, 1.0)
    smiling = [n for n, frame in enumerate(frames) if frame.step == 3][:2]
    reading = with_frames({n: replace(frames[n], shape=blink) for n in (4, *smiling)})
    assert verdict(reading) is Verdict.PASS


def test_a_movement_that_was_not_told_fails() -> None:
    frames = acted(SCRIPT)
    nod = mixed(Action.NOD, 1.0)
    start = next(n for n, frame in enumerate(frames) if frame.step == 2)
    reading = with_frames({start: replace(frames[start], shape=nod)})
    assert verdict(reading) is Verdict.FAIL
    assert advice(reading) == ("one-at-a-time",)


def test_the_face_may_not_leave_for_longer_than_two_fifths_of_a_second() -> None:
    frames = acted(SCRIPT)
    gone = [replace(frame, faces=0, shape=None) for frame in frames]
    short = with_frames({n: gone[n] for n in range(5, 8)})
    long = with_frames({n: gone[n] for n in range(5, 9)})
    assert check(short, "gap") is Verdict.PASS
    assert check(long, "gap") is Verdict.FAIL
    assert advice(long) == ("face-left-frame",)


def test_a_second_face_fails() -> None:
    frames = tuple(
        replace(frame, faces=2, shape=None) if n % 4 == 0 else frame
        for n, frame in enumerate(acted(SCRIPT))
    )
    assert advice(reading_of(SCRIPT, frames)) == ("two-faces",)


def test_a_leap_of_the_face_fails() -> None:
    frames = tuple(
        replace(frame, x=frame.x + 60) if frame.step > 1 else frame
        for frame in acted(SCRIPT)
    )
    assert check(reading_of(SCRIPT, frames), "jump") is Verdict.FAIL


def test_frames_that_are_the_same_again_fail() -> None:
    frames = tuple(
        replace(frame, change=0.0 if n % 3 else 3.0)
        for n, frame in enumerate(acted(SCRIPT))
    )
    assert check(reading_of(SCRIPT, frames), "frozen") is Verdict.FAIL


@pytest.mark.parametrize(("factor", "code"), [(1.5, "too-slow"), (0.55, "too-fast")])
def test_a_film_that_runs_at_another_pace_fails(factor: float, code: str) -> None:
    frames = tuple(replace(frame, at=int(frame.at * factor)) for frame in acted(SCRIPT))
    reading = reading_of(SCRIPT, frames)
    assert check(reading, "timing") is Verdict.FAIL
    assert code in advice(reading)


def test_a_film_that_is_longer_than_its_session_fails() -> None:
    reading = reading_of(SCRIPT)
    lasts = reading.frames[-1].at
    in_time = evaluate(reading, SCRIPT, LIMITS, elapsed_ms=lasts)
    too_soon = evaluate(reading, SCRIPT, LIMITS, elapsed_ms=lasts - 1500)
    assert in_time.verdict is Verdict.PASS
    assert too_soon.verdict is Verdict.FAIL


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0.39, Verdict.FAIL), (0.42, Verdict.REVIEW), (0.5, Verdict.PASS)],
)
def test_another_face_at_one_step_fails(value: float, expected: Verdict) -> None:
    reading = replace(reading_of(SCRIPT), likeness=(0.8, value, 0.8))
    assert verdict(reading) is expected


def test_another_face_between_the_steps_fails() -> None:
    """Who puts a victim in at the moments that are compared is seen at the others."""
    reading = replace(reading_of(SCRIPT), at_rest=(0.9, 0.9, 0.1, 0.9))
    assert verdict(reading) is Verdict.FAIL


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0.02, Verdict.FAIL), (0.03, Verdict.REVIEW), (0.05, Verdict.PASS)],
)
def test_a_turn_without_relief_fails(value: float, expected: Verdict) -> None:
    assert verdict(replace(reading_of(SCRIPT), parallax=(value,))) is expected


@pytest.mark.parametrize(
    "change",
    [
        {"likeness": (0.8, None, 0.8)},
        {"likeness": ()},
        {"at_rest": (0.9, 0.9)},
        {"parallax": (None,)},
        {"parallax": ()},
        {"passive_engine": ENGINE, "passive": None},
        {"passive_engine": ENGINE, "passive": 0.1},
        {"frames": ()},
    ],
    ids=str,
)
def test_nothing_passes_for_want_of_a_measure(change: dict[str, object]) -> None:
    reading = replace(reading_of(SCRIPT), **change)  # type: ignore[arg-type]
    assert verdict(reading) is Verdict.FAIL
    assert advice(reading) != ()


def test_a_passive_model_in_doubt_asks_for_review() -> None:
    reading = replace(reading_of(SCRIPT), passive_engine=ENGINE, passive=0.5)
    assert verdict(reading) is Verdict.REVIEW


def test_one_video_without_tags_is_judged_by_its_order() -> None:
    timed = script_of(Action.TURN_LEFT, Action.TURN_RIGHT, Action.NOD)
    actions = {1: Action.TURN_LEFT, 2: Action.TURN_RIGHT, 3: Action.NOD}
    script = Script(tuple(Step(actions[number]) for number in (1, 2, 3)))
    frames = tuple(replace(frame, step=0) for frame in acted(timed))
    assert verdict(reading_of(script, frames), script) is Verdict.PASS
    other = Script(tuple(Step(actions[number]) for number in (2, 1, 3)))
    assert verdict(reading_of(other, frames), other) is Verdict.FAIL


def test_the_right_movements_at_another_time_than_told_fail() -> None:
    frames = acted(SCRIPT)
    early = [*frames[9:], *[frames[-1]] * 9]  # 0.9 s before they are told
    tagged = tuple(
        replace(frame, at=old.at, step=old.step)
        for frame, old in zip(early, frames, strict=True)
    )
    assert check(reading_of(SCRIPT, tagged), "order") is Verdict.FAIL
