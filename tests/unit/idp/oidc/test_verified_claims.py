import json
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from jsonschema import ValidationError  # type: ignore[import-untyped]

from idp.domain.accounts import Account, AccountState
from idp.domain.evidence import EvidenceRecord, proofing_of
from idp.oidc.claims import members_of
from idp.oidc.claims_request import parse_claims_request
from idp.oidc.verified_claims import (
    TRUST_FRAMEWORK,
    VERIFIED_MEMBERS,
    Checked,
    assurance_metadata,
    verified_claims,
)
from tests.assurance_schemas import check_request, check_response
from tests.proofings import CHECKS
from tests.unit.idp.oidc.world import FACTS

NOW = datetime(2026, 7, 2, 8, 0, 1, tzinfo=UTC)
CHECKED_AT = 1_782_892_801_500  # a second and a half after the register answered
ACCOUNT = Account("a", "123", AccountState.ACTIVE, "substantial", 0, FACTS)
RECORDS = [
    EvidenceRecord(
        id=f"id-of-{kind}",
        registration_id="registration-1",
        kind=kind.value,
        at=CHECKED_AT,
        engine=f"{engine.name} {engine.version}",
        digest=b"",
        facts=dict(facts),
        has_picture=False,
    )
    for kind, (engine, facts) in CHECKS.items()
]
EVERYTHING = frozenset(
    {
        "verified_claims",
        "name",
        "birthdate",
        "gender",
        "nationality",
        "phone_number",
        "document_number",
        "document_expires",
    }
)
FRAMEWORK: Mapping[str, Any] = {"trust_framework": None}
DOCUMENT: Mapping[str, Any] = {"type": {"value": "document"}}
RECORD: Mapping[str, Any] = {"type": {"value": "electronic_record"}}


def checked(**changes: Any) -> Checked:
    known: dict[str, Any] = {
        "account": ACCOUNT,
        "proofing": proofing_of(RECORDS),
        "key": b"k" * 32,
        "sector": "portal.test",
        "released": EVERYTHING,
    }
    return Checked(**(known | changes))


def answered(asked: Any, *, of: Checked | None = None, now: datetime = NOW) -> Any:
    """Ask through the parser; what is told is always valid by the official schema."""
    request = {"userinfo": {"verified_claims": asked}}
    check_request(request)
    person = of or checked()
    target = parse_claims_request(json.dumps(request)).userinfo
    said = verified_claims(
        target.verified,
        checked=person,
        members=members_of(person.account, released=person.released),
        now=now,
    )
    check_response(said)
    return said.get("verified_claims")


def ask(verification: Mapping[str, Any] = FRAMEWORK, **claims: Any) -> dict[str, Any]:
    return {
        "verification": {**FRAMEWORK, **verification},
        "claims": claims or {"given_name": None},
    }


def test_the_schema_refuses_what_it_should() -> None:
    good = {"verification": {"trust_framework": "x"}, "claims": {"name": "A"}}
    check_response({"verified_claims": good})
    for name, wrong in (
        ("claims", {"birthdate": "1.1.1990"}),
        ("verification", {}),
        ("verification", {"trust_framework": "x", "time": "2026-07-01"}),
        ("verification", {"trust_framework": "x", "evidence": [{"type": "hearsay"}]}),
    ):
        with pytest.raises(ValidationError):
            check_response({"verified_claims": {**good, name: wrong}})


def test_the_least_request_gets_the_framework_and_its_claim() -> None:
    assert answered(ask()) == {
        "verification": {"trust_framework": TRUST_FRAMEWORK},
        "claims": {"given_name": "SOPHEA"},
    }


def test_everything_on_record_can_be_asked_for() -> None:
    details = {
        "type": None,
        "document_number": None,
        "date_of_expiry": None,
        "issuer": {"country_code": None},
    }
    check = {"check_method": None, "check_id": None, "time": None, "organization": None}
    verification = {
        "assurance_level": None,
        "assurance_process": {
            "policy": None,
            "procedure": None,
            "assurance_details": [{"assurance_type": None}],
        },
        "time": None,
        "verification_process": None,
        "evidence": [
            {**DOCUMENT, "check_details": [check], "document_details": details},
            {
                **RECORD,
                "check_details": [check],
                "record": {"type": None, "source": {"name": None}},
            },
        ],
    }
    told = answered(ask(verification, **dict.fromkeys(VERIFIED_MEMBERS)))
    told_of = told["verification"]
    assert told_of["assurance_level"] == "substantial"
    assert told_of["time"] == "2026-07-01T08:00:01Z"
    document, record = told_of["evidence"]
    assert document["document_details"] == {
        "type": "idcard",
        "document_number": FACTS.document_number,
        "date_of_expiry": FACTS.document_expires,
        "issuer": {"country_code": "KHM"},
    }
    assert [one["check_method"] for one in document["check_details"]] == ["vri", "bvr"]
    (register,) = record["check_details"]
    assert register["check_method"] == "data"
    assert register["organization"] == "KH/GOV/CO-REGISTER/NATIONAL-ID/verify"
    assert register["time"] == "2026-07-01T08:00:00Z"
    checks = {one["check_id"] for one in (*document["check_details"], register)}
    details_told = told_of["assurance_process"]["assurance_details"]
    named = {ref["check_id"] for one in details_told for ref in one["evidence_ref"]}
    assert named == checks
    assert len(checks) == 3
    assert set(told["claims"]) == set(VERIFIED_MEMBERS)
    assert told["claims"]["nationalities"] == ["KHM"]


def test_nothing_is_told_of_liveness_or_signatures_that_nobody_kept() -> None:
    everything = ask(
        {
            "assurance_process": None,
            "evidence": [
                {**DOCUMENT, "check_details": None, "document_details": {"type": None}},
                {**RECORD, "check_details": None, "record": {"type": None}},
            ],
        }
    )
    request = {"userinfo": {"verified_claims": everything}}
    target = parse_claims_request(json.dumps(request)).userinfo
    person = checked()
    members = members_of(ACCOUNT, released=EVERYTHING)
    said = verified_claims(target.verified, checked=person, members=members, now=NOW)
    text = json.dumps(said)
    assert '"bvr"' in text
    for unkept in ("liveness", "signature", "m-1", "registration-1", "similarity"):
        assert unkept not in text


@pytest.mark.parametrize(
    "verification",
    [
        {"trust_framework": {"value": "eidas"}},
        {"trust_framework": {"values": ["eidas", "nist_800_63A"]}},
        {"trust_framework": {"value": "eidas", "essential": True}},
        {"assurance_level": {"value": "high"}},
        {"assurance_level": {"values": ["high", "very high"]}},
        {"assurance_process": {"policy": {"value": "gpg45"}}},
        {"time": {"max_age": 86399}},
        {"time": {"max_age": 0}},
        {"verification_process": {"value": "x"}},
        {"never_heard_of": {"value": "x"}},
        {"never_heard_of": {"deeper": {"value": "x"}}},
        {"evidence": [{"type": {"value": "vouch"}}]},
        {"evidence": [{"type": {"value": "electronic_signature"}}]},
        {
            "evidence": [
                {**DOCUMENT, "document_details": {"type": {"value": "passport"}}}
            ]
        },
        {
            "evidence": [
                {**DOCUMENT, "check_details": [{"check_method": {"value": "vpip"}}]}
            ]
        },
        {
            "evidence": [
                {**DOCUMENT, "document_details": {"date_of_issuance": {"max_age": 9}}}
            ]
        },
        {
            "evidence": [
                {**DOCUMENT, "document_details": {"issuer": {"name": {"value": "x"}}}}
            ]
        },
        {"evidence": [{**RECORD, "record": {"type": {"value": "bank_account"}}}]},
        {
            "evidence": [
                {
                    **RECORD,
                    "check_details": [{"check_method": None, "time": {"max_age": 1}}],
                }
            ]
        },
        {
            "evidence": [
                {
                    **RECORD,
                    "attachments": None,
                    "record": {"created_at": {"max_age": 1}},
                }
            ]
        },
    ],
)
def test_a_condition_on_the_verification_that_is_not_met_omits_all_of_it(
    verification: dict[str, Any],
) -> None:
    assert answered(ask(verification)) is None


@pytest.mark.parametrize(
    ("verification", "told"),
    [
        ({"trust_framework": {"values": ["eidas", TRUST_FRAMEWORK]}}, {}),
        (
            {"assurance_level": {"value": "substantial", "essential": True}},
            {"assurance_level": "substantial"},
        ),
        ({"time": {"max_age": 86400}}, {"time": "2026-07-01T08:00:01Z"}),
        ({"never_heard_of": None}, {}),
        ({"never_heard_of": {"essential": True}}, {}),
        ({"never_heard_of": [{"deeper": None}]}, {}),
        ({"evidence": [DOCUMENT]}, {"evidence": [{"type": "document"}]}),
        (
            {"evidence": [DOCUMENT, {"type": {"value": "vouch"}}]},
            {"evidence": [{"type": "document"}]},
        ),
        (
            {"evidence": [RECORD, DOCUMENT]},
            {"evidence": [{"type": "document"}, {"type": "electronic_record"}]},
        ),
        (
            {
                "evidence": [
                    {
                        **DOCUMENT,
                        "check_details": [{"check_method": {"values": ["bvr", "pvr"]}}],
                        "document_details": {
                            "type": {"values": ["passport", "idcard"]}
                        },
                    }
                ]
            },
            {
                "evidence": [
                    {
                        "type": "document",
                        "check_details": [{"check_method": "bvr"}],
                        "document_details": {"type": "idcard"},
                    }
                ]
            },
        ),
        (
            {
                "evidence": [
                    {**DOCUMENT, "document_details": {"date_of_expiry": {"max_age": 0}}}
                ]
            },
            {
                "evidence": [
                    {
                        "type": "document",
                        "document_details": {
                            "type": "idcard",
                            "date_of_expiry": "2031-01-01",
                        },
                    }
                ]
            },
        ),
        (
            {"assurance_process": {"assurance_details": [{"assurance_type": None}]}},
            {},
        ),
    ],
)
def test_what_matches_is_told_and_nothing_that_was_not_asked(
    verification: dict[str, Any], told: dict[str, Any]
) -> None:
    found = answered(ask(verification))
    assert found["verification"] == {"trust_framework": TRUST_FRAMEWORK, **told}


def test_max_age_counts_from_the_last_second_of_a_day() -> None:
    details = {"date_of_expiry": {"max_age": 60}}
    asked = ask({"evidence": [{**DOCUMENT, "document_details": details}]})
    assert answered(asked, now=datetime(2031, 1, 2, 0, 0, 59, tzinfo=UTC))
    assert answered(asked, now=datetime(2031, 1, 2, 0, 1, 0, tzinfo=UTC)) is None


def test_a_condition_on_a_claim_omits_that_claim_alone() -> None:
    asked = ask(
        given_name={"value": "SOPHEA"}, family_name={"values": ["KHUN"]}, birthdate=None
    )
    assert answered(asked)["claims"] == {
        "given_name": "SOPHEA",
        "birthdate": "1990-04-15",
    }
    assert answered(ask(family_name={"value": "KHUN"})) is None


def test_only_what_was_released_is_told() -> None:
    person = checked(released=frozenset({"verified_claims", "name"}))
    details = {"type": None, "document_number": None, "date_of_expiry": None}
    verification = {"evidence": [{**DOCUMENT, "document_details": details}]}
    told = answered(ask(verification, given_name=None, birthdate=None), of=person)
    assert told["claims"] == {"given_name": "SOPHEA"}
    (document,) = told["verification"]["evidence"]
    assert document["document_details"] == {"type": "idcard"}
    assert answered(ask(birthdate=None), of=person) is None
    silent = checked(released=EVERYTHING - {"verified_claims"})
    assert answered(ask(), of=silent) is None


def test_a_phone_number_was_not_verified_by_this_process() -> None:
    assert answered(ask(phone_number=None)) is None
    assert answered(ask(phone_number=None, gender=None))["claims"] == {
        "gender": "female"
    }


def test_several_requests_are_answered_one_by_one() -> None:
    asked = [
        ask({"trust_framework": {"value": "eidas"}}, birthdate=None),
        ask({"assurance_level": None}, given_name=None),
        ask({"time": None}, family_name=None),
    ]
    first, second = answered(asked)
    assert first["claims"] == {"given_name": "SOPHEA"}
    assert "time" not in first["verification"]
    assert second["claims"] == {"family_name": "SOK"}
    assert answered(asked[:2])["claims"] == {"given_name": "SOPHEA"}
    assert answered(asked[:1]) is None


def test_without_an_agreeing_register_nothing_is_verified() -> None:
    assert answered(ask(), of=checked(proofing=proofing_of([]))) is None
    without = [one for one in RECORDS if one.kind != "register"]
    assert answered(ask(), of=checked(proofing=proofing_of(without))) is None
    disagreed = deepcopy(RECORDS)
    disagreed[1].facts["incorrect_fields"] = ["birth_date"]
    assert answered(ask(), of=checked(proofing=proofing_of(disagreed))) is None


def test_what_was_not_checked_is_absent_from_the_evidence() -> None:
    asked = ask({"evidence": [{**DOCUMENT, "check_details": [{"check_method": None}]}]})
    faceless = proofing_of([one for one in RECORDS if one.kind != "face"])
    (document,) = answered(asked, of=checked(proofing=faceless))["verification"][
        "evidence"
    ]
    assert document["check_details"] == [{"check_method": "vri"}]
    unread = proofing_of([one for one in RECORDS if one.kind != "portrait"])
    assert answered(asked, of=checked(proofing=unread)) is None


def test_the_latest_registration_counts() -> None:
    later = [replace(RECORDS[0], registration_id="registration-2", at=CHECKED_AT + 1)]
    found = proofing_of([*RECORDS, *later])
    assert found.registration_id == "registration-2"
    assert found.register is None
    assert proofing_of(RECORDS).finished_at == CHECKED_AT


def test_two_sectors_find_no_common_identifier_in_their_evidence() -> None:
    check = {"check_method": None, "check_id": None}
    asked = ask(
        {
            "verification_process": None,
            "evidence": [{**DOCUMENT, "check_details": [check]}],
        }
    )

    def identifiers(sector: str) -> set[str]:
        told = answered(asked, of=checked(sector=sector))["verification"]
        (document,) = told["evidence"]
        found = {one["check_id"] for one in document["check_details"]}
        return {told["verification_process"], *found}

    assert len(identifiers("one.test")) == 3
    assert identifiers("one.test") == identifiers("one.test")
    assert not identifiers("one.test") & identifiers("two.test")


def test_discovery_names_what_is_told_and_nothing_else() -> None:
    metadata = assurance_metadata()
    assert metadata["trust_frameworks_supported"] == [TRUST_FRAMEWORK]
    evidence = [
        {"type": {"value": name}, "check_details": [{"check_method": None}]}
        for name in metadata["evidence_supported"]
    ]
    claims = dict.fromkeys(metadata["claims_in_verified_claims_supported"])
    told = answered(ask({"evidence": evidence}, **claims))
    document, _ = told["verification"]["evidence"]
    methods = [one["check_method"] for one in document["check_details"]]
    assert methods == metadata["documents_check_methods_supported"]
    assert [one["type"] for one in told["verification"]["evidence"]] == metadata[
        "evidence_supported"
    ]
    assert list(told["claims"]) == metadata["claims_in_verified_claims_supported"]
