"""Signed request objects (RFC 9101; FAPI 2.0 Message Signing, 5.3.1)."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.domain.relying_parties import RelyingParty
from idp.oidc.errors import ProtocolRefusal
from idp.oidc.request_objects import parameters_of, verify_request_object
from idp.services import Services
from tests.party_keys import PartyKey
from tests.unit.idp.oidc.parties import party_with
from tests.unit.idp.oidc.world import ISSUER, open_wired

pytestmark = pytest.mark.anyio
KEY, RSA = PartyKey.make(), PartyKey.make("RS256", kid="rsa")
BASIC = party_with(KEY)
STRICT = party_with(
    KEY,
    profile="fapi2-message-signing",
    dpop_bound_access_tokens=True,
    authorization_signed_response_alg="ES256",
)
INSIDE = {"response_type": "code", "state": "s", "client_id": "keyed"}


@pytest.fixture
async def services(sqlite_url: str) -> AsyncIterator[Services]:
    opened = await open_wired(sqlite_url)
    yield opened
    await opened.store.close()


def claims_of(services: Services, **changes: Any) -> dict[str, Any]:
    now = int(services.clock.now().timestamp())
    usual = {"iss": "keyed", "aud": ISSUER, "nbf": now, "exp": now + 300, **INSIDE}
    times = {
        name: now + value
        for name, value in changes.items()
        if name in {"iat", "exp", "nbf"} and isinstance(value, int)
    }
    merged = {**usual, **changes, **times}
    return {name: value for name, value in merged.items() if value is not None}


async def test_what_is_inside_is_returned_and_nothing_of_the_jwt(
    services: Services,
) -> None:
    claims = claims_of(
        services,
        iat=0,
        jti="1",
        max_age=60,
        empty="",
        claims={"id_token": {"acr": {"essential": True}}},
        resource=["https://a.example"],
    )
    found = await verify_request_object(services, STRICT, KEY.sign(claims))
    assert found == {
        **INSIDE,
        "max_age": "60",
        "claims": '{"id_token":{"acr":{"essential":true}}}',
        "resource": '["https://a.example"]',
    }


@pytest.mark.parametrize("typ", [None, "JWT", "oauth-authz-req+jwt"])
async def test_the_types_of_a_request_object_are_accepted(
    services: Services, typ: str | None
) -> None:
    token = KEY.sign(claims_of(services), typ=typ)
    assert await verify_request_object(services, STRICT, token) == INSIDE


@pytest.mark.parametrize("aud", [[ISSUER], ["https://x.example", ISSUER]], ids=str)
async def test_fapi2_row_24_aud_may_be_a_list_with_the_issuer_5_3_1(
    services: Services, aud: list[str]
) -> None:
    token = KEY.sign(claims_of(services, aud=aud))
    assert await verify_request_object(services, STRICT, token) == INSIDE


REFUSED: dict[str, dict[str, Any]] = {
    "2.6 row 24: exp 61 min after nbf": {"nbf": -3400, "exp": 261},
    "2.6 row 24: exp an hour and a second after nbf": {"nbf": -3400, "exp": 201},
    "2.6 row 24: no exp": {"exp": None},
    "2.6 row 24: no nbf": {"nbf": None},
    "2.6 row 24: expired": {"exp": -1},
    "2.6 row 24: nbf two hours ago": {"nbf": -7200},
    "2.6 row 8: nbf 61 s ahead": {"nbf": 61},
    "2.6 row 8: iat 61 s ahead": {"iat": 61},
    "2.6 row 24: aud is a list of others": {"aud": [f"{ISSUER}/par", "x"]},
    "2.6 row 24: aud is a list in a list": {"aud": [[ISSUER]]},
    "2.6 row 24: aud is an object": {"aud": {ISSUER: 1}},
    "2.6 row 24: aud is the endpoint": {"aud": f"{ISSUER}/par"},
    "2.6 row 24: aud is missing": {"aud": None},
    "RFC 9101 4: iss is missing": {"iss": None},
    "RFC 9101 4: iss is another party": {"iss": "portal"},
    "RFC 9101 5: client_id is another party": {"client_id": "portal"},
    "RFC 9101 4: request inside": {"request": "x.y.z"},
    "RFC 9101 4: request_uri inside": {"request_uri": "urn:x"},
    "RFC 9101 10.8: a client assertion": {"sub": "keyed"},
    "a parameter is true and null": {"x": [None, {"a": 2**70}]},
    "a parameter is a fraction": {"max_age": 1.5},
    "a parameter has a NUL": {"state": "a\x00"},
}


@pytest.mark.parametrize("changes", REFUSED.values(), ids=REFUSED.keys())
async def test_under_message_signing_it_is_refused(
    services: Services, changes: dict[str, Any]
) -> None:
    now = int(services.clock.now().timestamp())
    claims = claims_of(services, **changes)
    if "x" in changes:
        token = KEY.sign_text(
            b'{"alg":"ES256","kid":"k1"}',
            f'{{"iss":"keyed","aud":"{ISSUER}","nbf":{now},"exp":{now + 60},'
            f'"x":{2**70}.5}}'.encode(),
        )
    else:
        token = KEY.sign(claims)
    with pytest.raises(ProtocolRefusal) as refusal:
        await verify_request_object(services, STRICT, token)
    assert refusal.value.spoken.error == "invalid_request_object"


@pytest.mark.parametrize(
    "token",
    [
        KEY.sign({"iss": "keyed"}, alg="none"),
        PartyKey.make().sign({"iss": "keyed"}),
        "a.b.c",
        "a.b.c.d.e",
        "",
    ],
)
async def test_what_the_party_did_not_sign_is_refused(
    services: Services, token: str
) -> None:
    with pytest.raises(ProtocolRefusal) as refusal:
        await verify_request_object(services, BASIC, token)
    assert refusal.value.spoken.error == "invalid_request_object"


async def test_an_encrypted_object_is_refused_by_name(services: Services) -> None:
    with pytest.raises(ProtocolRefusal, match="encrypted"):
        await verify_request_object(services, BASIC, "a.b.c.d.e")


@pytest.mark.parametrize(
    "changes", [{"aud": [ISSUER, "x"]}, {"exp": None, "nbf": None}], ids=str
)
async def test_the_basic_profile_is_as_open_as_core_is(
    services: Services, changes: dict[str, Any]
) -> None:
    token = KEY.sign(claims_of(services, **changes))
    assert await verify_request_object(services, BASIC, token) == INSIDE


@pytest.mark.parametrize("aud", ["x", ["x"], [], None], ids=str)
async def test_no_profile_takes_an_object_for_others(
    services: Services, aud: Any
) -> None:
    with pytest.raises(ProtocolRefusal):
        await verify_request_object(
            services, BASIC, KEY.sign(claims_of(services, aud=aud))
        )


async def test_only_the_registered_algorithm_is_accepted(services: Services) -> None:
    both: dict[str, Any] = {"jwks": {"keys": [KEY.jwk, RSA.jwk]}}
    token = RSA.sign(claims_of(services))
    assert await verify_request_object(services, party_with(**both), token) == INSIDE
    registered: RelyingParty = party_with(**both, request_object_signing_alg="ES256")
    with pytest.raises(ProtocolRefusal):
        await verify_request_object(services, registered, token)


async def test_row_19_rs256_is_refused_under_fapi(services: Services) -> None:
    party = party_with(
        PartyKey("RS256", RSA.private), profile="fapi2", dpop_bound_access_tokens=True
    )
    token = PartyKey("RS256", RSA.private).sign(claims_of(services))
    with pytest.raises(ProtocolRefusal):
        await verify_request_object(services, party, token)


@pytest.mark.parametrize(
    "claims",
    [
        {"state": "\ud800"},
        {"claims": {"x": "\ud800"}},
        {"x": [2**70]},
        {str(n): "x" for n in range(65)},
        {"state": None},
    ],
    ids=["half a character", "inside", "a huge number", "65 parameters", "null"],
)
def test_what_is_no_parameter_is_refused(claims: dict[str, Any]) -> None:
    with pytest.raises(ProtocolRefusal):
        parameters_of(claims, client_id="keyed")


def test_sixty_four_parameters_are_taken() -> None:
    claims = {str(n): "x" for n in range(64)}
    found = parameters_of(claims, client_id="keyed")
    assert found == {**claims, "client_id": "keyed"}


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(codec=None), max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=9,
)


@given(st.dictionaries(st.text(max_size=9), JSON, max_size=70))
def test_every_parameter_is_a_text_or_refused(claims: dict[str, Any]) -> None:
    try:
        found = parameters_of(claims, client_id="keyed")
    except ProtocolRefusal:
        return
    assert all(isinstance(value, str) and value for value in found.values())
    assert all(value.encode() for value in found.values())
    assert found["client_id"] == "keyed"
