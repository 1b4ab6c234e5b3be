"""Join document, register, face, liveness and duplicates into one decision. Pure.

    Case --judge--> Accepted(level) | Again(step, advice)
                    | Review(reasons) | Refused(reasons)

No single score decides alone: whatever is missing or refused is asked for again,
whatever is doubtful goes to a person, and only what is left is accepted, never above
what the weakest part proved. The order of the answers is their weight: Refused, then
Again, then Review, then Accepted.
"""

from dataclasses import dataclass
from enum import StrEnum

from mobile_api.policy import DocumentRule, FaceBand, ProofingPolicy


class Step(StrEnum):
    """What the person does again."""

    DOCUMENT = "document"
    DETAILS = "details"
    FACE = "face"


class Reason(StrEnum):
    """Why a person must look, or why the answer is no."""

    DOCUMENT_WITHOUT_REGISTER = "document-without-register"
    FACE_DOUBTFUL = "face-doubtful"
    FACE_KNOWN = "face-known"
    LIVENESS_DOUBTFUL = "liveness-doubtful"
    REGISTER_FACE_DIFFERS = "register-face-differs"
    ENROLMENT_DIFFERS = "enrolment-differs"
    ENROLMENT_MISSING = "enrolment-missing"
    PERSON_CHANGED = "person-changed"
    UNDER_AGE = "under-age"


class Liveness(StrEnum):
    """How the liveness capture came out."""

    PASSED = "passed"
    DOUBTFUL = "doubtful"
    FAILED = "failed"
    ABSENT = "absent"


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceFacts:
    """The live face against the portrait. `second` is what another engine says.

    None: it was not asked, or could not look.
    """

    value: float
    band: FaceBand
    second: bool | None = None

    @property
    def is_accepted(self) -> bool:
        """Say whether the first engine is sure."""
        return self.value >= self.band.accept

    @property
    def is_refused(self) -> bool:
        """Say whether it is sure of the opposite."""
        return self.value < self.band.refuse


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterFacts:
    """What the register said: of the details, and of the live face if it was asked."""

    agrees: bool
    face_score: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Everything that is known when the face has been shown.

    `duplicates` counts other accounts whose kept face is alike; `age` in years, None
    when the document does not say it. Of a renewal, `changes` are the facts of the
    person that the new document says otherwise, `enrolment` how alike the face is to
    the one kept with the account (None: none is kept), on the scale of `face`. No
    recovery is accepted without it (`needs_enrolment`): a forger has a card with his
    own portrait.
    """

    rule: DocumentRule
    register: RegisterFacts | None = None
    face: FaceFacts | None = None
    liveness: Liveness = Liveness.ABSENT
    liveness_advice: tuple[str, ...] = ()
    duplicates: int = 0
    age: int | None = None
    changes: tuple[str, ...] = ()
    enrolment: float | None = None
    needs_enrolment: bool = False


# A register confirms that these are somebody's details, not that it is the same person.
NEVER_CHANGE = frozenset({"birth_date", "sex", "nationality"})


@dataclass(frozen=True, slots=True)
class Accepted:
    """An account at this level; `reviewed` is a higher one that a person may give."""

    level: str
    reviewed: str = ""


@dataclass(frozen=True, slots=True)
class Again:
    """Something is missing or not good enough: what to do, and advice for it."""

    step: Step
    advice: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Review:
    """A person decides. `level` is the most that the decision may give."""

    reasons: tuple[str, ...]
    level: str


@dataclass(frozen=True, slots=True)
class Refused:
    """No, whatever else is shown."""

    reasons: tuple[str, ...]


Judgement = Accepted | Again | Review | Refused


def judge(case: Case, policy: ProofingPolicy) -> Judgement:
    """Return what follows from a case."""
    if case.age is not None and case.age < policy.least_age:
        return Refused((Reason.UNDER_AGE.value,))
    missing = _missing(case)
    if missing is not None:
        return missing
    reasons = _doubts(case, policy)
    if reasons:
        return Review(reasons, case.rule.reviewed or "low")
    level = _level(case, policy)
    better = case.rule.reviewed
    return Accepted(level, better if _is_above(better, level) else "")


def _missing(case: Case) -> Again | None:
    """Return what must be shown again, the earliest step first."""
    register, face = case.register, case.face
    if case.rule.asks_register and (register is None or not register.agrees):
        return Again(Step.DETAILS, ("register-disagrees",))
    if case.liveness in {Liveness.FAILED, Liveness.ABSENT}:
        return Again(Step.FACE, case.liveness_advice or ("not-live",))
    if face is None:
        return Again(Step.FACE, ("no-face",))
    if face.is_refused or _is_not_the_holder(case, face):
        return Again(Step.FACE, ("different-person",))
    return None


def _is_not_the_holder(case: Case, face: FaceFacts) -> bool:
    """Say whether the account's own face is surely another.

    A card whose portrait was exchanged shows a reviewer two pictures of one thief; the
    kept face is numbers, which no reviewer can see.
    """
    return case.enrolment is not None and case.enrolment < face.band.refuse


def _doubts(case: Case, policy: ProofingPolicy) -> tuple[str, ...]:
    """Return why a person must look, sorted as they are listed."""
    face, register = case.face, case.register
    assert face is not None
    score = None if register is None else register.face_score
    doubts = {
        Reason.DOCUMENT_WITHOUT_REGISTER: not case.rule.level,
        Reason.FACE_DOUBTFUL: not face.is_accepted and face.second is not True,
        Reason.LIVENESS_DOUBTFUL: case.liveness is Liveness.DOUBTFUL,
        Reason.REGISTER_FACE_DIFFERS: score is not None
        and score < policy.register_face_doubt,
        Reason.FACE_KNOWN: case.duplicates > 0,
        Reason.PERSON_CHANGED: _is_another(case),
        Reason.ENROLMENT_DIFFERS: case.enrolment is not None
        and case.enrolment < face.band.accept,
        Reason.ENROLMENT_MISSING: case.needs_enrolment and case.enrolment is None,
    }
    return tuple(reason.value for reason, is_there in doubts.items() if is_there)


def _is_another(case: Case) -> bool:
    """Say whether a renewal changes the person; names may where the register agrees."""
    confirmed = case.register is not None and case.register.agrees
    return bool(case.changes) and (
        not confirmed or not NEVER_CHANGE.isdisjoint(case.changes)
    )


def _level(case: Case, policy: ProofingPolicy) -> str:
    """Return the level of an accepted case (login.md, 7): the weakest part counts."""
    if case.rule.level != "high":
        return case.rule.level
    register, face = case.register, case.face
    assert face is not None
    is_high = (
        register is not None
        and register.agrees
        and register.face_score is not None
        and register.face_score >= policy.register_face_accept
        and case.liveness is Liveness.PASSED
        and face.is_accepted
    )
    return "high" if is_high else "substantial"


def _is_above(one: str, other: str) -> bool:
    ranks = ("", "low", "substantial", "high")
    return ranks.index(one) > ranks.index(other)
