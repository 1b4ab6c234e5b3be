"""Every combination of evidence, and what may never follow from it."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mobile_api.judgement import (
    Accepted,
    Again,
    Case,
    FaceFacts,
    Judgement,
    Liveness,
    Reason,
    Refused,
    RegisterFacts,
    Review,
    Step,
    judge,
)
from mobile_api.policy import (
    DocumentRule,
    PolicyInvalid,
    ProofingPolicy,
    load_policy,
    read_policy,
)

POLICY = ProofingPolicy()
BAND = POLICY.band_of("sface", threshold=0.0)
CARD = POLICY.rule_of("id_card", "KHM")
PASSPORT = POLICY.rule_of("passport", "UTO")
assert CARD is not None
assert PASSPORT is not None
SURE = Case(
    rule=CARD,
    register=RegisterFacts(agrees=True, face_score=0.95),
    face=FaceFacts(value=0.7, band=BAND),
    liveness=Liveness.PASSED,
    age=30,
)
SCORES = st.none() | st.floats(0, 1)
RULES = st.builds(
    DocumentRule,
    kind=st.just("id_card"),
    issuer=st.just("KHM"),
    asks_register=st.booleans(),
    level=st.sampled_from(["", "low", "substantial"]),
    reviewed=st.sampled_from(["", "low", "substantial"]),
) | st.sampled_from([CARD, PASSPORT])
FACES = st.none() | st.builds(
    FaceFacts,
    value=st.floats(0, 1),
    band=st.just(BAND),
    second=st.none() | st.booleans(),
)
CASES = st.builds(
    Case,
    rule=RULES,
    register=st.none()
    | st.builds(RegisterFacts, agrees=st.booleans(), face_score=SCORES),
    face=FACES,
    liveness=st.sampled_from(Liveness),
    liveness_advice=st.just(()),
    duplicates=st.integers(0, 2),
    age=st.none() | st.integers(0, 90),
    changes=st.sampled_from([(), ("surname_latin",), ("birth_date",)]),
    enrolment=SCORES,
)


def rank(judgement: Judgement) -> int:
    """Order the answers by what they give the person."""
    match judgement:
        case Accepted(level):
            return 3 + ("low", "substantial", "high").index(level)
        case Review():
            return 2
        case Again():
            return 1
        case Refused():
            return 0


@given(CASES)
def test_a_failed_liveness_or_a_refused_face_is_never_accepted(case: Case) -> None:
    found = judge(case, POLICY)
    if case.liveness in {Liveness.FAILED, Liveness.ABSENT} or (
        case.face is None or case.face.is_refused
    ):
        assert isinstance(found, Again | Refused)


@given(CASES)
def test_nothing_doubtful_is_ever_accepted(case: Case) -> None:
    if not isinstance(judge(case, POLICY), Accepted):
        return
    assert case.liveness is Liveness.PASSED
    assert case.face is not None
    assert case.face.is_accepted or case.face.second is True
    assert case.duplicates == 0
    assert case.enrolment is None or case.enrolment >= BAND.accept
    assert not case.rule.asks_register or case.register is not None


@given(CASES)
def test_high_needs_the_register_its_face_score_and_a_living_person(case: Case) -> None:
    if judge(case, POLICY) != Accepted("high"):
        return
    assert case.register is not None
    assert case.register.agrees
    assert (case.register.face_score or 0) >= POLICY.register_face_accept
    assert case.liveness is Liveness.PASSED
    assert case.face is not None
    assert case.face.is_accepted


@given(CASES)
def test_no_level_exceeds_the_rule_of_the_document(case: Case) -> None:
    found = judge(case, POLICY)
    if isinstance(found, Accepted):
        ranks = ("", "low", "substantial", "high")
        assert ranks.index(found.level) <= ranks.index(case.rule.level)
    if isinstance(found, Review):
        assert found.level != "high"


def better(case: Case) -> list[Case]:
    """Return the case with each single piece of evidence made better."""
    register, face = case.register, case.face
    more = [
        replace(case, liveness=Liveness.PASSED),
        replace(case, duplicates=0),
        replace(case, changes=()),
        replace(case, enrolment=None if case.enrolment is None else 1.0),
    ]
    if face is None:
        more.append(replace(case, face=FaceFacts(value=0.5, band=BAND)))
    else:
        more.append(replace(case, face=replace(face, value=1.0)))
        more.append(replace(case, face=replace(face, second=True)))
    agreed = RegisterFacts(agrees=True) if register is None else register
    more.append(replace(case, register=replace(agreed, agrees=True)))
    if register is not None:
        more.append(replace(case, register=replace(register, face_score=1.0)))
    return more


@given(CASES)
def test_more_evidence_never_lowers(case: Case) -> None:
    before = rank(judge(case, POLICY))
    for improved in better(case):
        assert rank(judge(improved, POLICY)) >= before


def changed(**changes: object) -> Case:
    return replace(SURE, **changes)  # type: ignore[arg-type]


WITHOUT_SCORE = RegisterFacts(agrees=True)
EXAMPLES: list[tuple[str, Case, Judgement]] = [
    ("everything", SURE, Accepted("high")),
    ("no face score", changed(register=WITHOUT_SCORE), Accepted("substantial")),
    (
        "middling face score",
        changed(register=RegisterFacts(agrees=True, face_score=0.6)),
        Accepted("substantial"),
    ),
    (
        "another face in the register",
        changed(register=RegisterFacts(agrees=True, face_score=0.2)),
        Review((Reason.REGISTER_FACE_DIFFERS,), "substantial"),
    ),
    (
        "register disagrees",
        changed(register=RegisterFacts(agrees=False)),
        Again(Step.DETAILS, ("register-disagrees",)),
    ),
    (
        "doubtful face",
        changed(face=FaceFacts(value=0.40, band=BAND)),
        Review((Reason.FACE_DOUBTFUL,), "substantial"),
    ),
    (
        "doubtful, the second engine agrees",
        changed(face=FaceFacts(value=0.40, band=BAND, second=True)),
        Accepted("substantial"),
    ),
    (
        "doubtful, the second engine disagrees",
        changed(face=FaceFacts(value=0.40, band=BAND, second=False)),
        Review((Reason.FACE_DOUBTFUL,), "substantial"),
    ),
    (
        "another person",
        changed(face=FaceFacts(value=0.30, band=BAND, second=True)),
        Again(Step.FACE, ("different-person",)),
    ),
    ("not live", changed(liveness=Liveness.FAILED), Again(Step.FACE, ("not-live",))),
    (
        "perhaps not live",
        changed(liveness=Liveness.DOUBTFUL),
        Review((Reason.LIVENESS_DOUBTFUL,), "substantial"),
    ),
    (
        "known face",
        changed(duplicates=1),
        Review((Reason.FACE_KNOWN,), "substantial"),
    ),
    (
        "a new name that the register confirms",
        changed(changes=("surname_latin",)),
        Accepted("high"),
    ),
    (
        "a new name that no register confirms",
        changed(rule=PASSPORT, register=None, changes=("surname_latin",)),
        Review((Reason.PERSON_CHANGED,), "substantial"),
    ),
    (
        "another birth date",
        changed(changes=("birth_date",)),
        Review((Reason.PERSON_CHANGED,), "substantial"),
    ),
    (
        "another face than the account's",
        changed(enrolment=0.44),
        Review((Reason.ENROLMENT_DIFFERS,), "substantial"),
    ),
    (
        "surely another face than the account's",
        changed(enrolment=0.35),
        Again(Step.FACE, ("different-person",)),
    ),
    ("the account's face", changed(enrolment=0.45), Accepted("high")),
    ("child", changed(age=14), Refused((Reason.UNDER_AGE,))),
    (
        "passport alone",
        changed(rule=PASSPORT, register=None),
        Accepted("low", "substantial"),
    ),
    (
        "two doubts",
        changed(liveness=Liveness.DOUBTFUL, duplicates=1),
        Review((Reason.LIVENESS_DOUBTFUL, Reason.FACE_KNOWN), "substantial"),
    ),
]


@pytest.mark.parametrize(
    ("case", "expected"),
    [(case, expected) for _, case, expected in EXAMPLES],
    ids=[name for name, _, _ in EXAMPLES],
)
def test_each_case_has_its_answer(case: Case, expected: Judgement) -> None:
    assert judge(case, POLICY) == expected


def test_the_hash_of_a_policy_names_all_of_it() -> None:
    changed_policy = read_policy({"version": "ours-1", "duplicate": 0.6})
    assert changed_policy.duplicate == 0.6
    hashes = {
        POLICY.fingerprint,
        changed_policy.fingerprint,
        read_policy({"version": "ours-1"}).fingerprint,
        read_policy({"version": "ours-2"}).fingerprint,
    }
    assert len(hashes) == 4
    assert ProofingPolicy().fingerprint == POLICY.fingerprint


def test_the_shipped_policy_is_used_when_no_file_is_named() -> None:
    assert load_policy("") == POLICY


@pytest.mark.parametrize(
    "told",
    [
        [],
        {},
        {"version": POLICY.version},
        {"version": "1", "unknown": 1},
        {"version": "1", "duplicate": "0.5"},
        {"version": "1", "duplicate": 0},
        {"version": "1", "least_age": 1.5},
        {"version": "1", "faces": [{"engine": "sface", "accept": 0.3, "refuse": 0.4}]},
        {"version": "1", "faces": [{"engine": "sface"}]},
        {"version": "1", "faces": {}},
        {"version": "1", "register_face_doubt": 0.9},
        {
            "version": "1",
            "documents": [
                {"kind": "passport", "issuer": "*", "asks_register": False,
                 "level": "high", "reviewed": ""},
            ],
        },
        {
            "version": "1",
            "documents": [
                {"kind": "passport", "issuer": "*", "asks_register": False,
                 "level": "low", "reviewed": "high"},
            ],
        },
        {
            "version": "1",
            "documents": [
                {"kind": "passport", "issuer": "*", "asks_register": False,
                 "level": "best", "reviewed": ""},
            ],
        },
    ],
    ids=str,
)  # fmt: skip
def test_a_policy_that_contradicts_itself_is_refused(told: object) -> None:
    with pytest.raises(PolicyInvalid):
        read_policy(told)


def test_the_example_of_the_documentation_is_a_policy() -> None:
    page = (Path(__file__).parents[3] / "docs/proofing.md").read_text()
    text = page.partition("## Policy")[2].partition("```json")[2].partition("```")[0]
    policy = read_policy(json.loads(text))
    assert policy.band_of("sface", threshold=0).accept == 0.5
    assert policy.liveness.parallax_review == 0.05
    assert policy.documents == POLICY.documents
