import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.domain.party_metadata import PartyMetadata
from idp.errors import AssuranceTooLow, LoginNeeded
from idp.oidc.claims_request import (
    MAX_KEPT,
    MAX_OCTETS,
    check_subject,
    decisions,
    essential_level,
    names_asked,
    needs_subject,
    parse_claims_request,
)
from idp.oidc.errors import ProtocolRefusal
from tests.unit.idp.oidc.world import ISSUER, PARTY

FREE = replace(
    PARTY,
    metadata=PartyMetadata(
        claims=("document_number", "nationality", "verified_claims")
    ),
)


def parsed(**targets: Any) -> Any:
    return parse_claims_request(json.dumps(targets))


def verified(**changes: Any) -> dict[str, Any]:
    return {
        "verification": {"trust_framework": None},
        "claims": {"given_name": None},
        **changes,
    }


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        "null",
        "1",
        '"userinfo"',
        "{",
        "nonsense",
        '{"userinfo": [], "id_token": {}}',
        '{"userinfo": {"name": 1}}',
        '{"userinfo": {"name": "x"}}',
        '{"userinfo": {"name": []}}',
        '{"userinfo": {"name": {"essential": "yes"}}}',
        '{"userinfo": {"name": {"values": "x"}}}',
        '{"userinfo": {"name": {"values": []}}}',
        '{"userinfo": {"name": {"value": 1, "values": [1]}}}',
        '{"userinfo": {"name": null, "name": null}}',
        '{"userinfo": {}, "userinfo": {"name": null}}',
        '{"userinfo": {"name": {"value": NaN}}}',
        '{"userinfo": {"name": {"value": "\\ud800"}}}',
        '{"userinfo": {"name": {"value": 1' + "0" * 30 + "}}}",
        '{"userinfo": {"name": {"value": ' + "[" * 2000 + "]" * 2000 + "}}}",
        '{"userinfo": {"name": {"value": ' + "[" * 20 + "]" * 20 + "}}}",
        json.dumps({"userinfo": {f"c{number}": None for number in range(520)}}),
        json.dumps({"userinfo": {"x" * 129: None}}),
        json.dumps({"userinfo": {"name": {"values": ["x"] * 33}}}),
        json.dumps({"userinfo": {"name": {"value": "x" * (MAX_KEPT + 1)}}}),
        " " * MAX_OCTETS + "{}",
        "{}" + "ក" * (MAX_OCTETS // 2),
    ],
)
def test_what_is_not_the_agreed_shape_is_refused(text: str) -> None:
    with pytest.raises(ProtocolRefusal) as refused:
        parse_claims_request(text)
    assert refused.value.spoken.error == "invalid_request"


@pytest.mark.parametrize(
    "asked",
    [
        {},
        [],
        "x",
        {"claims": {}},
        verified(verification=None),
        verified(verification={}),
        verified(verification={"trust_framework": "x"}),
        verified(verification={"trust_framework": None, "time": {"max_age": -1}}),
        verified(verification={"trust_framework": None, "time": {"max_age": "1"}}),
        verified(verification={"trust_framework": None, "time": {"max_age": True}}),
        verified(verification={"trust_framework": None, "evidence": {}}),
        verified(verification={"trust_framework": None, "evidence": []}),
        verified(verification={"trust_framework": None, "evidence": [None]}),
        verified(verification={"trust_framework": None, "evidence": [{"type": None}]}),
        verified(
            verification={
                "trust_framework": None,
                "evidence": [{"type": {"values": ["document"]}}],
            }
        ),
        verified(
            verification={"trust_framework": None, "evidence": [{"type": {"value": 1}}]}
        ),
        verified(
            verification={
                "trust_framework": None,
                "evidence": [{"type": {"value": "document"}}] * 9,
            }
        ),
        verified(verification={"trust_framework": None, "evidence": 1}),
        verified(
            verification={
                "trust_framework": None,
                "evidence": [{"type": {"value": "document", "values": ["document"]}}],
            }
        ),
        verified(
            verification={
                "trust_framework": None,
                "evidence": [
                    {
                        "type": {"value": "document"},
                        "document_details": [{"type": None}],
                    }
                ],
            }
        ),
        verified(
            verification={
                "trust_framework": None,
                "evidence": [{"type": {"value": "document"}, "document_details": 1}],
            }
        ),
        verified(
            verification={
                "trust_framework": None,
                "evidence": [{"type": {"value": "document"}, "check_details": []}],
            }
        ),
        verified(claims=[]),
        verified(claims={"given_name": 1}),
        {"verification": {"trust_framework": None}},
        [verified()] * 9,
    ],
)
def test_verified_claims_of_another_shape_are_refused(asked: Any) -> None:
    with pytest.raises(ProtocolRefusal):
        parsed(userinfo={"verified_claims": asked})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    "userinfo",
                    "id_token",
                    "verified_claims",
                    "verification",
                    "claims",
                    "evidence",
                    "type",
                    "value",
                    "values",
                    "essential",
                    "max_age",
                    "given_name",
                    "given_name#km",
                    "trust_framework",
                ]
            ),
            inner,
            max_size=6,
        )
    ),
    max_leaves=25,
)


@given(
    text=st.text(max_size=60) | JSON.map(json.dumps),
    locales=st.sampled_from([(), ("km",)]),
)
def test_any_text_is_read_or_refused_and_what_is_kept_reads_the_same(
    text: str, locales: tuple[str, ...]
) -> None:
    try:
        found = parse_claims_request(text, locales=locales)
    except ProtocolRefusal:
        return
    assert len(found.text.encode()) <= MAX_KEPT
    assert parse_claims_request(found.text) == found


@given(
    userinfo=st.dictionaries(
        st.sampled_from(
            ["name", "gender", "email", "phone_number#km", "given_name#km"]
        ),
        st.none()
        | st.fixed_dictionaries(
            {"essential": st.booleans()}, optional={"value": st.text(max_size=5)}
        ),
    )
)
def test_known_claims_are_kept_and_unknown_ones_are_not(userinfo: Any) -> None:
    found = parsed(userinfo=userinfo)
    known = [name for name in userinfo if name in {"name", "gender", "given_name#km"}]
    assert list(found.userinfo.members) == known
    for name in known:
        claim = found.userinfo.named(name)
        assert claim.is_essential == bool((userinfo[name] or {}).get("essential"))


def test_a_claim_is_asked_for_in_another_script_by_its_tag_or_by_claims_locales() -> (
    None
):
    tagged = parsed(userinfo={"given_name#km-KH": None, "given_name#fr": None})
    assert tagged.userinfo.members == ("given_name#km",)
    text = '{"userinfo": {"given_name": {"essential": true}, "gender": null}}'
    both = parse_claims_request(text, locales=("fr", "km-KH", "en"))
    assert both.userinfo.members == ("given_name", "given_name#km", "gender")
    assert both.userinfo.named("given_name#km") is not None


def test_the_person_decides_on_exactly_what_is_asked_and_allowed() -> None:
    asked = parsed(
        userinfo={"family_name": None, "document_number": {"essential": True}},
        id_token={"gender": None, "sub": None},
    )
    assert names_asked(asked, party=FREE) == ("name", "document_number", "gender")
    assert names_asked(asked, party=PARTY) == ("name", "gender")
    found = decisions(asked, scopes=("openid", "phone"), party=FREE)
    assert found == (
        ("phone_number", "name", "document_number", "gender"),
        ("name", "gender"),
    )


def test_the_same_claim_asked_by_a_scope_is_not_voluntary() -> None:
    asked = parsed(userinfo={"gender": None})
    scopes = ("openid", "profile", "offline_access")
    _, voluntary = decisions(asked, scopes=scopes, party=FREE)
    assert voluntary == ("offline_access",)


def test_verified_claims_ask_for_evidence_and_all_that_it_tells() -> None:
    evidence = {
        "type": {"value": "document"},
        "document_details": {"document_number": None, "type": None},
    }
    verification = {"trust_framework": None, "evidence": [evidence]}
    claims = {"birthdate": {"essential": True}, "email": None}
    asked = parsed(
        id_token={"verified_claims": verified(verification=verification, claims=claims)}
    )
    found = decisions(asked, scopes=("openid",), party=FREE)
    assert found == (
        ("verified_claims", "birthdate", "document_number"),
        ("document_number",),
    )
    assert names_asked(asked, party=PARTY) == ("birthdate",)


@pytest.mark.parametrize(
    ("acr", "level"),
    [
        (None, None),
        ({"essential": True}, None),
        ({"values": ["high"]}, None),
        ({"essential": True, "value": "high"}, "high"),
        (
            {"essential": True, "values": ["urn:other", f"{ISSUER}/acr/low", "high"]},
            "low",
        ),
    ],
)
def test_an_essential_acr_names_the_least_level(acr: Any, level: str | None) -> None:
    assert essential_level(parsed(id_token={"acr": acr}), issuer=ISSUER) == level
    assert essential_level(parsed(userinfo={"acr": acr}), issuer=ISSUER) is None


def test_an_essential_acr_that_is_not_ours_cannot_be_met() -> None:
    asked = parsed(id_token={"acr": {"essential": True, "values": ["urn:other", 3]}})
    with pytest.raises(AssuranceTooLow):
        essential_level(asked, issuer=ISSUER)


@pytest.mark.parametrize("target", ["userinfo", "id_token"])
def test_a_sub_with_a_value_is_about_one_person(target: str) -> None:
    asked = parsed(**{target: {"sub": {"value": "a"}}})
    assert needs_subject(asked)
    check_subject(asked, subject="a")
    with pytest.raises(LoginNeeded):
        check_subject(asked, subject="b")
    anybody = parsed(**{target: {"sub": None}})
    assert not needs_subject(anybody)
    check_subject(anybody, subject="b")
