"""Judge from the measures of a clip whether a person was there and did as told. Pure.

    LivenessReading + Script --evaluate--> LivenessVerdict
                                           (each check: pass, review or fail)

No pixel is seen here and no check decides alone that somebody is alive: one that fails
fails the clip, one in doubt sends it to a person. What none of these checks can tell,
a film of the right moves in the right order, is in docs/threat-model.md.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby, pairwise
from math import hypot
from statistics import median
from typing import Final

from idp.domain.liveness_sessions import TURNS, Action, Script, Step
from mobile_api.interfaces import FrameTrack, LivenessReading
from mobile_api.liveness_limits import (
    Check,
    LivenessLimits,
    LivenessVerdict,
    Verdict,
    at_least,
    at_most,
    failed,
)
from mobile_api.liveness_tracks import (
    Episode,
    Signals,
    episodes_of,
    is_neutral,
    neutral_of,
    signals_of,
)

LEAST_AT_REST: Final = 3
MORE: Final = {
    Action.TURN_LEFT: "turn-more",
    Action.TURN_RIGHT: "turn-more",
    Action.BLINK: "blink-not-seen",
    Action.SMILE: "smile-more",
    Action.NOD: "nod-more",
}


def evaluate(
    reading: LivenessReading,
    script: Script,
    limits: LivenessLimits,
    *,
    elapsed_ms: int | None = None,
) -> LivenessVerdict:
    """Judge a clip by its script.

    `elapsed_ms` is the time from telling the script to the arrival of the clip, by
    the server's clock; None when it is not known.
    """
    frames = reading.frames
    checks = [*_seen(frames, limits)]
    neutral = neutral_of(frames)
    if neutral is None:
        checks.append(failed("neutral", "look-straight"))
        return LivenessVerdict(tuple(checks))
    away = max(abs(neutral.yaw), abs(neutral.pitch))
    checks.append(at_most("neutral", away, fail=limits.turned_at_first_fail,
                           advice=("look-straight",)))  # fmt: skip
    signals = signals_of(frames, neutral)
    episodes = episodes_of(signals, limits.levels)
    done, order = _followed(episodes, script, limits)
    checks.append(order)
    checks.append(_returned(done, signals, limits))
    checks.append(_held(done, script, limits))
    checks.append(_timed(frames, script, limits))
    if elapsed_ms is not None:
        checks.append(_in_time(frames, elapsed_ms, limits))
    checks += [*_moved(frames, signals, limits), _not_frozen(frames, limits)]
    checks += [_same_face(reading, script, limits), _relief(reading, script, limits)]
    if reading.passive_engine is not None:
        checks.append(_looks_alive(reading.passive, limits))
    return LivenessVerdict(tuple(checks))


def _seen(frames: Sequence[FrameTrack], limits: LivenessLimits) -> Iterator[Check]:
    """Yield whether one face is seen, large and well enough."""
    others = sum(frame.faces > 1 for frame in frames) / max(len(frames), 1)
    yield at_most("one-face", others, fail=limits.other_faces_fail,
                   advice=("two-faces",))  # fmt: skip
    yield at_most("gap", _longest_gap(frames), fail=limits.gap_fail_ms + 0.5,
                   advice=("face-left-frame",))  # fmt: skip
    shown = [(f, f.shape) for f in frames if f.shape is not None]
    if not shown:
        yield failed("size", "no-face")
        return
    yield at_least("size", median(s.eye_distance for _, s in shown),
                    review=limits.eyes_apart_review, fail=limits.eyes_apart_fail,
                    advice=("face-too-small",))  # fmt: skip
    yield at_least("sharpness", median(f.sharpness for f, _ in shown),
                    review=limits.sharpness_review, fail=limits.sharpness_fail,
                    advice=("blurred",))  # fmt: skip
    yield at_least("brightness", median(f.brightness for f, _ in shown),
                    review=limits.brightness_review, fail=limits.brightness_fail,
                    advice=("too-dark",))  # fmt: skip


def _longest_gap(frames: Sequence[FrameTrack]) -> float:
    """Return the longest time without a face, the ends of the clip included."""
    if not frames:
        return float("inf")
    at = [frames[0].at, *(f.at for f in frames if f.shape is not None), frames[-1].at]
    return max(later - earlier for earlier, later in pairwise(at))


def _followed(
    episodes: Sequence[Episode], script: Script, limits: LivenessLimits
) -> tuple[tuple[Episode, ...], Check]:
    """Return the movements that were told, and whether there was nothing else."""
    counted = [one for one in episodes if not _is_natural(one, script, limits)]
    runs = groupby(counted, lambda one: (one.action, one.peak_step))
    asked = list(enumerate(script.steps, start=1))
    done: list[Episode] = []
    missed: list[Step] = []
    advice: list[str] = []
    for _, run in runs:
        one = _joined(list(run))
        fits = (_is_asked(one, *step, is_timed=script.is_timed) for step in asked)
        found = next((n for n, is_it in enumerate(fits) if is_it), None)
        if found is not None:
            missed += [step for _, step in asked[:found]]
            asked = asked[found + 1 :]
            done.append(one)
            continue
        other_side = asked and {one.action, asked[0][1].action} == TURNS
        advice.append("other-side" if other_side else "one-at-a-time")
    advice += [MORE[step.action] for step in (*missed, *(step for _, step in asked))]
    return tuple(done), Check(
        name="order",
        score=len(done) / max(len(script.steps), 1),
        verdict=Verdict.FAIL if advice else Verdict.PASS,
        advice=tuple(advice),
    )


def _is_natural(one: Episode, script: Script, limits: LivenessLimits) -> bool:
    """Say whether it is a blink as people do all the time, when none was asked."""
    if one.action is not Action.BLINK or one.lasts_ms > limits.brief_blink_ms:
        return False
    steps = script.steps
    if not script.is_timed:
        return all(step.action is not Action.BLINK for step in steps)
    in_window = 0 < one.peak_step <= len(steps)
    return not in_window or steps[one.peak_step - 1].action is not Action.BLINK


def _is_asked(one: Episode, number: int, step: Step, *, is_timed: bool) -> bool:
    """Say whether it is this step, begun and done while it was asked for."""
    in_time = not is_timed or one.start_step == one.peak_step == number
    return one.action is step.action and in_time


def _joined(run: Sequence[Episode]) -> Episode:
    """Return one movement of several in a row: two blinks, a nod twice."""
    last = run[-1]
    return replace(run[0], end=last.end, end_ms=last.end_ms)


def _returned(
    done: Sequence[Episode], signals: Sequence[Signals], limits: LivenessLimits
) -> Check:
    """Look for the neutral face after each movement, before the next."""
    ends = [*(one.start for one in done[1:]), signals[-1].index + 1]
    shortest = min(
        (
            _neutral_ms([s for s in signals if one.end < s.index < until], limits)
            for one, until in zip(done, ends, strict=False)
        ),
        default=0,
    )
    return at_least("neutral-between", shortest, fail=limits.neutral_between_ms,
                     advice=("look-straight-between",))  # fmt: skip


def _neutral_ms(signals: Sequence[Signals], limits: LivenessLimits) -> int:
    """Return how long the longest stretch without a movement lasts."""
    longest = 0
    for is_still, run in groupby(signals, lambda s: is_neutral(s, limits.levels)):
        if is_still:
            still = list(run)
            longest = max(longest, still[-1].at - still[0].at)
    return longest


def _held(done: Sequence[Episode], script: Script, limits: LivenessLimits) -> Check:
    """Compare how long turns and smiles were held with how long they were told."""
    told = {step.action: step.hold_ms for step in script.steps if step.hold_ms}
    shares = [
        one.lasts_ms / told[one.action]
        for one in done
        if one.action in {*TURNS, Action.SMILE} and one.action in told
    ]
    return at_least("held", min(shares, default=1.0), review=limits.held_review,
                     fail=limits.held_fail, advice=("too-fast",))  # fmt: skip


def _timed(
    frames: Sequence[FrameTrack], script: Script, limits: LivenessLimits
) -> Check:
    """Compare how long each instruction stood with what was told.

    The score is the worst difference in milliseconds beyond what is allowed: 0 is
    as told. The first wait may be longer, while the person takes the place.
    """
    if not script.is_timed:
        return Check(name="timing", score=0.0, verdict=Verdict.PASS)
    starts = [_first_at(frames, k) for k in range(1, len(script.steps) + 2)]
    if starts[0] is None or None in starts[:-1]:
        return failed("timing", "take-again")
    ends = [*starts[1:-1], starts[-1] if starts[-1] is not None else frames[-1].at]
    worst = max(0.0, script.neutral_ms * (1 - 2 * limits.off_time_share) - starts[0])
    is_slow = False
    last = script.steps[-1]
    for step, start, end in zip(script.steps, starts, ends, strict=False):
        assert start is not None
        assert end is not None
        # After the last step an app may stop before the person looks straight again.
        least = step.hold_ms + (0 if step is last else script.neutral_ms)
        most = step.hold_ms + script.neutral_ms
        off = _off_time(end - start, least, most, share=limits.off_time_share)
        worst, is_slow = max(worst, abs(off)), is_slow or off > 0
    return at_most("timing", worst, fail=limits.off_time_fail_ms,
                    advice=("too-slow" if is_slow else "too-fast",))  # fmt: skip


def _off_time(lasted: int, least: int, most: int, *, share: float) -> float:
    """Return by how much it is longer (+) or shorter (-) than may be."""
    return max(lasted - most * (1 + share), 0.0) or min(lasted - least * (1 - share), 0)


def _first_at(frames: Sequence[FrameTrack], step: int) -> int | None:
    return next((frame.at for frame in frames if frame.step == step), None)


def _in_time(
    frames: Sequence[FrameTrack], elapsed_ms: int, limits: LivenessLimits
) -> Check:
    """Refuse a clip that says it lasted longer than the session did."""
    beyond = max(0, frames[-1].at - elapsed_ms)
    return at_most("elapsed", beyond, fail=limits.upload_ms, advice=("take-again",))


def _moved(
    frames: Sequence[FrameTrack], signals: Sequence[Signals], limits: LivenessLimits
) -> Iterator[Check]:
    """Yield whether the face moved as a head does: no leaps, no turns in no time."""
    leaps, spins = [0.0], [0.0]
    for one, other in pairwise(signals):
        before, after = frames[one.index], frames[other.index]
        assert before.shape is not None
        assert after.shape is not None
        tenths = max(after.at - before.at, 40) / 100
        apart = hypot(after.x - before.x, after.y - before.y)
        size = max(before.shape.eye_distance, 1.0)
        leaps.append(apart / size / tenths)
        spins.append(hypot(other.yaw - one.yaw, other.pitch - one.pitch) / tenths)
    yield at_most("jump", max(leaps), review=limits.jump_review,
                   fail=limits.jump_fail, advice=("hold-still",))  # fmt: skip
    yield at_most("spin", max(spins), review=limits.spin_review,
                   fail=limits.spin_fail, advice=("too-fast",))  # fmt: skip


def _not_frozen(frames: Sequence[FrameTrack], limits: LivenessLimits) -> Check:
    """Count frames that are the one before again: a camera's noise never repeats."""
    same = sum(frame.change < limits.frozen_change for frame in frames[1:])
    return at_most("frozen", same / max(len(frames) - 1, 1),
                    review=limits.frozen_review, fail=limits.frozen_fail,
                    advice=("take-again",))  # fmt: skip


def _same_face(
    reading: LivenessReading, script: Script, limits: LivenessLimits
) -> Check:
    """Compare the face of each step, and between the steps, with the neutral one."""
    if len(reading.likeness) != len(script.steps) or None in reading.likeness:
        return failed("same-face", "take-again")
    if len(reading.at_rest) < LEAST_AT_REST:
        return failed("same-face", "take-again")
    compared = (*reading.likeness, *reading.at_rest)
    least = min((value for value in compared if value is not None), default=0)
    return at_least("same-face", least, review=limits.likeness_review,
                     fail=limits.likeness_fail)  # fmt: skip


def _relief(reading: LivenessReading, script: Script, limits: LivenessLimits) -> Check:
    """Look for relief: what a flat picture does not show when it is turned."""
    turns = sum(step.action in TURNS for step in script.steps)
    if turns == 0:
        return Check(name="parallax", score=0.0, verdict=Verdict.REVIEW)
    if len(reading.parallax) != turns or None in reading.parallax:
        return failed("parallax", "turn-more")
    least = min(value for value in reading.parallax if value is not None)
    return at_least("parallax", least, review=limits.parallax_review,
                     fail=limits.parallax_fail)  # fmt: skip


def _looks_alive(score: float | None, limits: LivenessLimits) -> Check:
    if score is None:
        return failed("passive", "take-again")
    return at_least("passive", score, review=limits.passive_review,
                     fail=limits.passive_fail)  # fmt: skip
