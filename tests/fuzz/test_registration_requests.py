"""Whatever a party asks to be registered as, it is registered soundly or refused."""

import json
from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from idp.domain.party_metadata import GRANT_TYPES, PartyMetadata
from idp.domain.party_registration import Terms
from idp.errors import FieldsInvalid
from idp.oidc.errors import OAuthError, ProtocolRefusal
from idp.oidc.registered import registered
from idp.oidc.registration_request import (
    AskedMetadata,
    read_object,
    spoken_fields,
    wanted_party,
)

TERMS = Terms(scopes=("openid", "profile"), legal_basis="law", claims=("name",))
NAMES = sorted(
    {
        *PartyMetadata.__dataclass_fields__,
        *(field.alias or name for name, field in AskedMetadata.model_fields.items()),
        *("client_id", "profile", "acr", "software_statement", "made_up"),
    }
)
TEXTS = st.text(max_size=30) | st.sampled_from(
    [
        *GRANT_TYPES,
        *("https://a.test/cb", "http://localhost/", "https://10.0.0.1/", "code"),
        *("ES256", "none", "RSA-OAEP-256", "A256GCM", "openid", "openid document"),
        *("private_key_jwt", "client_secret_basic", "pairwise", "poll", "ping"),
    ]
)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | TEXTS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=5,
)
FINE = st.fixed_dictionaries(
    {
        "client_name": st.just("Land"),
        "redirect_uris": st.just(["https://a.test/cb"]),
    }
)
ASKED = st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=6)


def check_refusal(spoken: OAuthError) -> None:
    assert spoken.status == 400
    assert spoken.description
    assert spoken.error in {"invalid_redirect_uri", "invalid_client_metadata"}


@given(FINE, ASKED)
def test_nothing_that_is_asked_widens_the_terms(
    fine: dict[str, Any], asked: dict[str, Any]
) -> None:
    body = {**fine, **{k: v for k, v in asked.items() if v is not None}}
    try:
        party = wanted_party("id", body, TERMS, is_development=True).party
    except ProtocolRefusal as refusal:
        check_refusal(refusal.spoken)
        return
    assert set(party.scopes) <= set(TERMS.scopes)
    assert set(party.metadata.grant_types) <= set(TERMS.grant_types)
    assert (party.profile, party.acr) == (TERMS.profile, TERMS.acr)
    for name in ("claims", "resources", "api_scopes", "may_act_at", "legal_basis"):
        assert getattr(party.metadata, name) == getattr(TERMS, name)
    assert not party.metadata.is_development
    assert all(uri.startswith("https://") for uri in party.redirect_uris)
    orjson.dumps(registered("https://idp.test", party, issued_at=0, access="a"))


@given(st.binary(max_size=200) | ASKED.map(lambda asked: json.dumps(asked).encode()))
def test_a_body_is_an_object_or_refused(text: bytes) -> None:
    try:
        found = read_object(text)
    except ProtocolRefusal:
        return
    assert None not in found.values()


@given(st.dictionaries(st.sampled_from(["sector", "redirect_uris", "jwks"]), TEXTS))
def test_what_our_checks_refuse_is_named_and_never_quoted(
    fields: dict[str, str],
) -> None:
    spoken = spoken_fields(FieldsInvalid(fields)).spoken
    assert spoken.status == 400
    assert "auth_method" not in spoken.description.split()
