"""private_key_jwt at the token endpoint's door (RFC 7523; FAPI 2.0, 5.3.2.1)."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.domain.relying_parties import RelyingParty
from idp.errors import RelyingPartyUnknown
from idp.oidc.client_assertions import (
    ASSERTION_TYPE,
    read_client_assertion,
    verify_client_assertion,
)
from idp.oidc.errors import ProtocolRefusal
from idp.services import Services
from idp.storage.columns import new_id
from tests.party_keys import PartyKey
from tests.unit.idp.oidc.parties import party_with, register
from tests.unit.idp.oidc.world import ISSUER, open_wired

pytestmark = pytest.mark.anyio
KEY, RSA = PartyKey.make(), PartyKey.make("RS256", kid="rsa")
TOKEN, PAR = f"{ISSUER}/token", f"{ISSUER}/par"


@pytest.fixture
async def services(sqlite_url: str) -> AsyncIterator[Services]:
    opened = await open_wired(sqlite_url)
    yield opened
    await opened.store.close()


def claims_of(services: Services, **changes: Any) -> dict[str, Any]:
    now = int(services.clock.now().timestamp())
    usual = {
        "iss": "keyed",
        "sub": "keyed",
        "aud": ISSUER,
        "iat": now,
        "exp": now + 60,
        "jti": new_id(),
    }
    times = {
        name: now + value
        for name, value in changes.items()
        if name in {"iat", "exp", "nbf"} and isinstance(value, int)
    }
    merged = {**usual, **changes, **times}
    return {name: value for name, value in merged.items() if value is not None}


def form_of(token: str, **more: str) -> dict[str, str]:
    return {
        "client_assertion": token,
        "client_assertion_type": ASSERTION_TYPE,
        **more,
    }


async def fapi_party(services: Services, key: PartyKey = KEY) -> RelyingParty:
    return await register(
        services, party_with(key, profile="fapi2", dpop_bound_access_tokens=True)
    )


async def verify(
    services: Services, token: str, *, endpoint: str = PAR, **more: str
) -> RelyingParty:
    form = form_of(token, **more)
    return await verify_client_assertion(services, form, endpoint=endpoint)


async def test_the_party_whose_key_signed_is_returned(services: Services) -> None:
    await fapi_party(services)
    token = KEY.sign(claims_of(services))
    assert (await verify(services, token, client_id="keyed")).id == "keyed"


ACCEPTED: dict[str, dict[str, Any]] = {
    "2.6 row 8: iat and nbf 8 s ahead": {"iat": 8, "nbf": 8},
    "2.6 row 8: iat and nbf 10 s ahead": {"iat": 10, "nbf": 10},
    "no iat": {"iat": None},
    "iat and nbf 30 s ahead": {"iat": 30, "nbf": 30},
    "lives for ten minutes": {"exp": 600},
    "ends in ten minutes and a half": {"iat": 30, "exp": 630},
    "jti of 256": {"jti": "x" * 256},
    "more claims than anybody needs": {"scope": "openid", "x": {"y": []}},
}
REFUSED: dict[str, dict[str, Any]] = {
    "2.6 row 6: aud is an array": {"aud": [ISSUER]},
    "2.6 row 6: aud is an array with more": {"aud": [ISSUER, "https://x.example"]},
    "2.6 row 6: aud is the token endpoint": {"aud": TOKEN},
    "2.6 row 6: aud is the PAR endpoint": {"aud": PAR},
    "2.6 row 6: aud has a slash more": {"aud": f"{ISSUER}/"},
    "2.6 row 6: aud is another server": {"aud": "https://x.example"},
    "2.6 row 6: aud is missing": {"aud": None},
    "2.6 row 6: aud is an object": {"aud": {ISSUER: 1}},
    "2.6 row 7: exp five minutes ago": {"exp": -300},
    "2.6 row 7: exp is missing": {"exp": None},
    "2.6 row 7: sub is missing": {"sub": None},
    "2.6 row 7: sub is another party": {"sub": "portal"},
    "2.6 row 7: iss is another party": {"iss": "portal"},
    "2.6 row 7: iss is missing": {"iss": None},
    "2.6 row 7: exp is now": {"exp": 0},
    "2.6 row 8: iat 31 s ahead": {"iat": 31, "exp": 90},
    "2.6 row 8: nbf 31 s ahead": {"nbf": 31, "exp": 90},
    "RFC 7523 3: lives for ten minutes and a second": {"exp": 601},
    "RFC 7523 3: ends in more, whenever it was made": {"iat": None, "exp": 631},
    "2.6 row 8: iat 61 s ahead": {"iat": 61, "exp": 90},
    "2.6 row 8: nbf 61 s ahead": {"nbf": 61, "exp": 90},
    "RFC 7523 3: lives for an hour": {"exp": 3600},
    "RFC 7523 3: no jti": {"jti": None},
    "RFC 7523 3: jti is a number": {"jti": 5},
    "RFC 7523 3: jti is empty": {"jti": ""},
    "RFC 7523 3: jti has no end": {"jti": "x" * 257},
}


@pytest.mark.parametrize("changes", ACCEPTED.values(), ids=ACCEPTED.keys())
async def test_under_fapi_it_is_accepted(
    services: Services, changes: dict[str, Any]
) -> None:
    await fapi_party(services)
    token = KEY.sign(claims_of(services, **changes))
    assert (await verify(services, token)).id == "keyed"


@pytest.mark.parametrize("changes", REFUSED.values(), ids=REFUSED.keys())
async def test_under_fapi_it_is_refused(
    services: Services, changes: dict[str, Any]
) -> None:
    await fapi_party(services)
    token = KEY.sign(claims_of(services, **changes))
    with pytest.raises(RelyingPartyUnknown):
        await verify(services, token)


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "none"},
        {"alg": "HS256"},
        {"typ": "at+jwt"},
        {"typ": "oauth-authz-req+jwt"},
        {"typ": "dpop+jwt"},
        {"kid": "other"},
        {"jku": "https://x.example/jwks"},
        {"x5u": "https://x.example/cert"},
    ],
    ids=str,
)
async def test_a_header_that_is_not_a_clients_is_refused(
    services: Services, header: dict[str, Any]
) -> None:
    await fapi_party(services)
    with pytest.raises(RelyingPartyUnknown):
        await verify(services, KEY.sign(claims_of(services), **header))


@pytest.mark.parametrize("typ", ["JWT", "client-authentication+jwt", None])
async def test_the_types_of_an_assertion_are_accepted(
    services: Services, typ: str | None
) -> None:
    await fapi_party(services)
    assert await verify(services, KEY.sign(claims_of(services), typ=typ))


async def test_row_19_rs256_is_refused_under_fapi(services: Services) -> None:
    await fapi_party(services, PartyKey("RS256", RSA.private))
    key = PartyKey("RS256", RSA.private)
    with pytest.raises(RelyingPartyUnknown):
        await verify(services, key.sign(claims_of(services)))


async def test_an_assertion_is_used_once(services: Services) -> None:
    await fapi_party(services)
    token = KEY.sign(claims_of(services))
    await verify(services, token)
    with pytest.raises(RelyingPartyUnknown, match="replayed"):
        await verify(services, token)


async def test_a_stranger_cannot_spend_an_identifier(services: Services) -> None:
    await fapi_party(services)
    claims = claims_of(services)
    with pytest.raises(RelyingPartyUnknown):
        await verify(services, PartyKey.make().sign(claims))
    assert await verify(services, KEY.sign(claims))


async def test_two_parties_may_choose_the_same_identifier(services: Services) -> None:
    await fapi_party(services)
    await register(services, party_with(KEY, id="second"))
    for client in ("keyed", "second"):
        claims = claims_of(services, iss=client, sub=client, jti="same")
        assert (await verify(services, KEY.sign(claims))).id == client


BASIC_AUDIENCES = [ISSUER, TOKEN, PAR, [ISSUER], [TOKEN]]
NO_AUDIENCES: list[Any] = [
    [],
    [ISSUER, TOKEN],
    [[ISSUER]],
    "https://x.example",
    f"{ISSUER}/revoke",
    None,
    5,
]


@pytest.mark.parametrize("audience", BASIC_AUDIENCES, ids=str)
async def test_older_libraries_of_the_basic_profile_are_understood(
    services: Services, audience: Any
) -> None:
    await register(services, party_with(KEY))
    assert await verify(services, KEY.sign(claims_of(services, aud=audience)))


@pytest.mark.parametrize("audience", NO_AUDIENCES, ids=str)
async def test_the_basic_profile_does_not_accept_every_audience(
    services: Services, audience: Any
) -> None:
    await register(services, party_with(KEY))
    with pytest.raises(RelyingPartyUnknown):
        await verify(services, KEY.sign(claims_of(services, aud=audience)))


async def test_only_the_registered_algorithm_is_accepted(services: Services) -> None:
    both = {"keys": [KEY.jwk, RSA.jwk]}
    registered = {"jwks": both, "token_endpoint_auth_signing_alg": "ES256"}
    await register(services, party_with(**registered))
    with pytest.raises(RelyingPartyUnknown):
        await verify(services, RSA.sign(claims_of(services)))
    assert await verify(services, KEY.sign(claims_of(services)))


async def test_a_party_with_a_secret_does_not_sign(services: Services) -> None:
    await register(services, party_with(KEY, auth_method="client_secret_basic"))
    with pytest.raises(RelyingPartyUnknown, match="method"):
        await verify(services, KEY.sign(claims_of(services)))


async def test_an_unknown_party_is_refused(services: Services) -> None:
    with pytest.raises(RelyingPartyUnknown):
        await verify(services, KEY.sign(claims_of(services)))
    with pytest.raises(RelyingPartyUnknown, match="no client assertion"):
        await verify_client_assertion(services, {}, endpoint=TOKEN)


GOOD = KEY.sign({"sub": "keyed"})


@pytest.mark.parametrize(
    ("form", "refusal"),
    [
        ({"client_assertion": GOOD}, ProtocolRefusal),
        ({"client_assertion_type": ASSERTION_TYPE}, ProtocolRefusal),
        (form_of(GOOD, client_secret="s"), ProtocolRefusal),
        (form_of(GOOD, client_id="portal"), RelyingPartyUnknown),
        (form_of(GOOD, client_assertion_type="urn:x"), RelyingPartyUnknown),
        (form_of("x"), RelyingPartyUnknown),
        (form_of(KEY.sign({})), RelyingPartyUnknown),
        (form_of(KEY.sign({"sub": 5})), RelyingPartyUnknown),
    ],
)
def test_half_an_assertion_or_two_are_refused(
    form: dict[str, str], refusal: type[Exception]
) -> None:
    with pytest.raises(refusal):
        read_client_assertion(form)


def test_an_assertion_names_its_client() -> None:
    found = read_client_assertion(form_of(GOOD))
    assert found is not None
    assert found.client_id == "keyed"
    assert GOOD not in repr(found)
    assert read_client_assertion({"client_id": "keyed"}) is None


@given(st.text(max_size=80))
def test_no_text_breaks_the_reader(text: str) -> None:
    with pytest.raises(RelyingPartyUnknown):
        read_client_assertion(form_of(text))
