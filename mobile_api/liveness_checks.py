"""Tell a person what to do before the camera, then judge the clip of it.

    open_liveness --> what the app is told      (POST …/liveness)
    claim_clip ----> ClaimedClip               (spends the session, costs no try)
    check_liveness -> JudgedLiveness            (a worker measures, the policy judges)

The session is spent before the clip is judged. A clip of no session, a used one or
one that is over says nothing of the person: `claim_clip` refuses it, and the caller
spends a face try only after that. People who were merely slow lose nothing, and a
thief learns nothing, for nothing was judged; how many sessions there are in an hour is
limited by the session itself.
"""

from dataclasses import dataclass
from typing import Final

from idp.domain import evidence
from idp.domain.liveness_sessions import (
    FRAMES_PER_SECOND,
    LivenessSession,
    LivenessSessions,
    Sitting,
)
from idp.errors import Malformed
from idp.services import Services
from mobile_api.clips import Clip, ClipInvalid, read_clip
from mobile_api.judgement import Liveness
from mobile_api.liveness import evaluate
from mobile_api.liveness_limits import LivenessVerdict, Verdict
from mobile_api.picture_checks import measured
from mobile_api.proofing import recorded
from mobile_api.services import MobileServices

SECOND: Final = 1000
OUTCOMES: Final = {
    Verdict.PASS: Liveness.PASSED,
    Verdict.REVIEW: Liveness.DOUBTFUL,
    Verdict.FAIL: Liveness.FAILED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimedClip:
    """A clip whose session was spent for it; `elapsed_ms` since it was told."""

    data: bytes
    clip: Clip
    session: LivenessSession
    elapsed_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedLiveness:
    """What came of a clip.

    `outcome` and `advice` go into the Case of `mobile_api.judgement`; `neutral` is
    the JPEG of the frame to compare with the document ("" in bytes when there is
    none: then the outcome is FAILED). `engine` and `facts` go into the evidence.
    """

    outcome: Liveness
    advice: tuple[str, ...]
    neutral: bytes
    engine: evidence.Engine
    facts: dict[str, object]


async def open_liveness(services: Services, sitting: Sitting) -> dict[str, object]:
    """Return the body of 201: session and script; raises Exhausted.

    The caller has checked that the sitting's owner is at this step.
    """
    session = await _sessions(services).issue(sitting)
    return {
        "session": session.id,
        "steps": [
            {"action": step.action.value, "hold_ms": step.hold_ms}
            for step in session.script.steps
        ],
        "neutral_ms": session.script.neutral_ms,
        "frames_per_second": FRAMES_PER_SECOND,
        "expires_at": session.expires_at // SECOND,
    }


async def claim_clip(services: Services, sitting: Sitting, data: bytes) -> ClaimedClip:
    """Read the clip and spend its session; call it before a face try is spent.

    Raises Malformed, or EvidenceInsufficient("liveness", advice=("liveness-over",))
    when the session is not this sitting's, was used, or is over.
    """
    try:
        clip = read_clip(data)
    except ClipInvalid as invalid:
        raise Malformed(f"clip: {invalid}") from invalid
    session = await _sessions(services).spend(sitting, clip.session)
    elapsed = int(services.clock.now().timestamp() * SECOND) - session.issued_at
    return ClaimedClip(data=data, clip=clip, session=session, elapsed_ms=elapsed)


async def check_liveness(
    mobile: MobileServices, claimed: ClaimedClip
) -> JudgedLiveness:
    """Measure in a worker, judge by the policy; raises Unavailable."""
    script = claimed.session.script
    reading = await measured(mobile.workers.measure_clip(claimed.data, script))
    verdict = evaluate(
        reading, script, mobile.policy.liveness, elapsed_ms=claimed.elapsed_ms
    )
    outcome = OUTCOMES[verdict.verdict]
    return JudgedLiveness(
        outcome=outcome,
        advice=verdict.advice,
        neutral=reading.neutral,
        engine=recorded(reading.engine),
        facts=_facts(verdict, frames=len(reading.frames), outcome=outcome),
    )


def _facts(
    verdict: LivenessVerdict, *, frames: int, outcome: Liveness
) -> dict[str, object]:
    """Return every check with its score; no picture and no point of the face."""
    checks = {
        check.name: {"score": round(check.score, 4), "verdict": check.verdict.value}
        for check in verdict.checks
    }
    return {"liveness": outcome.value, "frames": frames, "checks": checks}


def _sessions(services: Services) -> LivenessSessions:
    return LivenessSessions(services.clock, services.ephemeral)
