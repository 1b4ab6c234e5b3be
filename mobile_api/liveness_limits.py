"""What the judgement of a clip is made of: limits, checks, verdict. Pure."""

from dataclasses import dataclass, field
from enum import StrEnum

from mobile_api.liveness_tracks import ActionLevels

MOST_ADVICE = 2


class Verdict(StrEnum):
    """What a check says."""

    PASS = "pass"  # noqa: S105 - not a password
    REVIEW = "review"
    FAIL = "fail"


@dataclass(frozen=True, slots=True, kw_only=True)
class LivenessLimits:
    """Every threshold of the judgement: `x_fail` and beyond fails, `x_review` doubts.

    Milliseconds, degrees, pixels of frames of 480 px, eye distances, shares; `jump`
    and `spin` are per 100 ms.
    """

    levels: ActionLevels = field(default_factory=ActionLevels)
    gap_fail_ms: int = 400
    other_faces_fail: float = 0.05
    eyes_apart_review: float = 28.0
    eyes_apart_fail: float = 22.0
    sharpness_review: float = 2.5
    sharpness_fail: float = 1.2
    brightness_review: float = 50.0
    brightness_fail: float = 35.0
    turned_at_first_fail: float = 30.0
    neutral_between_ms: int = 150
    brief_blink_ms: int = 600
    held_review: float = 0.35
    held_fail: float = 0.2
    off_time_fail_ms: int = 500
    off_time_share: float = 0.15
    upload_ms: int = 1500
    jump_review: float = 0.35
    jump_fail: float = 0.6
    spin_review: float = 22.0
    spin_fail: float = 32.0
    frozen_change: float = 0.25
    frozen_review: float = 0.35
    frozen_fail: float = 0.6
    likeness_review: float = 0.45
    likeness_fail: float = 0.40
    parallax_review: float = 0.045
    parallax_fail: float = 0.025
    passive_review: float = 0.7
    passive_fail: float = 0.4


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One check: its score as measured, what it says, what the person can do."""

    name: str
    score: float
    verdict: Verdict
    advice: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LivenessVerdict:
    """All checks. The worst of them is the verdict."""

    checks: tuple[Check, ...]

    @property
    def verdict(self) -> Verdict:
        """Return the worst verdict."""
        said = {check.verdict for check in self.checks}
        worst_first = (Verdict.FAIL, Verdict.REVIEW)
        return next((worst for worst in worst_first if worst in said), Verdict.PASS)

    @property
    def advice(self) -> tuple[str, ...]:
        """Return the first things that the person can do better."""
        told = (
            code
            for check in self.checks
            if check.verdict is Verdict.FAIL
            for code in check.advice
        )
        return tuple(dict.fromkeys(told))[:MOST_ADVICE] or self._in_general

    @property
    def _in_general(self) -> tuple[str, ...]:
        return ("not-live",) if self.verdict is Verdict.FAIL else ()


def failed(name: str, advice: str) -> Check:
    """Return a check that could not be made: nothing passes for want of a measure."""
    return Check(name=name, score=0.0, verdict=Verdict.FAIL, advice=(advice,))


def at_least(
    name: str,
    score: float,
    *,
    fail: float,
    review: float | None = None,
    advice: tuple[str, ...] = (),
) -> Check:
    """Return a check that fails below `fail` and doubts below `review`."""
    verdict = Verdict.PASS
    if not score >= (fail if review is None else review):
        verdict = Verdict.REVIEW if score >= fail else Verdict.FAIL
    return Check(name=name, score=float(score), verdict=verdict, advice=advice)


def at_most(
    name: str,
    score: float,
    *,
    fail: float,
    review: float | None = None,
    advice: tuple[str, ...] = (),
) -> Check:
    """Return a check that fails from `fail` on and doubts from `review` on."""
    verdict = Verdict.PASS
    if not score < (fail if review is None else review):
        verdict = Verdict.REVIEW if score < fail else Verdict.FAIL
    return Check(name=name, score=float(score), verdict=verdict, advice=advice)
