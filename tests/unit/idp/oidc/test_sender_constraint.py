"""To whom a token is bound, and who may present it (RFC 9449, 7; RFC 8705, 3)."""

from collections.abc import AsyncIterator
from dataclasses import replace
from hashlib import sha256
from typing import Any

import pytest
from cryptography.hazmat.primitives.hashes import SHA256

from idp.domain import signing_algorithms as signing
from idp.oidc.errors import ProtocolRefusal, refusal_response
from idp.oidc.sender_constraint import (
    challenge,
    check_presenter,
    sender_of,
    token_type_of,
)
from idp.services import Services
from idp.storage.columns import b64encode, new_id
from tests.certificates import certificate, header_of
from tests.party_keys import PartyKey
from tests.unit.idp.oidc.parties import party_with, request
from tests.unit.idp.oidc.world import ISSUER, MovableClock, open_wired

pytestmark = pytest.mark.anyio
PROXY = "192.0.2.7"
NOW = MovableClock().now()
KEY, OTHER = PartyKey.make(), PartyKey.make()
CERTIFICATE = certificate(KEY.private, now=NOW)
TOKEN = "an.access.token"
JKT = f"jkt:{signing.thumbprint(KEY.bare)}"


@pytest.fixture
async def services(sqlite_url: str) -> AsyncIterator[Services]:
    opened = await open_wired(sqlite_url)
    settings = opened.settings.model_copy(
        update={"trusted_proxies": (PROXY,), "mtls_origin": ISSUER}
    )
    yield replace(opened, settings=settings)
    await opened.store.close()


def proof(path: str, key: PartyKey = KEY, *, token: str = "", **more: Any) -> str:
    claims: dict[str, Any] = {
        "htm": "POST",
        "htu": ISSUER + path,
        "iat": int(NOW.timestamp()),
        "jti": new_id(),
        **more,
    }
    if token:
        claims["ath"] = b64encode(sha256(token.encode()).digest())
    return key.sign(claims, typ="dpop+jwt", jwk=key.bare, kid=None)


def asking(path: str = "/token", **headers: str) -> Any:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return request(path, headers=named, client=PROXY)


BOUND = party_with(
    KEY,
    profile="fapi2",
    tls_client_certificate_bound_access_tokens=True,
)


async def test_a_proof_binds_the_tokens_of_whoever_sends_one(
    services: Services,
) -> None:
    for party in (party_with(KEY), party_with(KEY, profile="fapi2"), BOUND):
        asked = asking(DPoP=proof("/token"))
        assert await sender_of(services, asked, party) == JKT


async def test_a_certificate_binds_the_tokens_of_those_who_registered(
    services: Services,
) -> None:
    asked = asking(client_cert=header_of(CERTIFICATE))
    found = await sender_of(services, asked, BOUND)
    method, _, digest = found.rpartition(":")
    assert method == "x5t#S256"
    assert digest == b64encode(CERTIFICATE.fingerprint(SHA256()))
    assert await sender_of(services, asked, party_with(KEY)) == ""


async def test_a_basic_party_may_have_bearer_tokens(services: Services) -> None:
    assert await sender_of(services, asking(), party_with(KEY)) == ""


@pytest.mark.parametrize(
    ("party", "error"),
    [
        (party_with(KEY, profile="fapi2"), "invalid_dpop_proof"),
        (party_with(KEY, profile="fapi2-message-signing"), "invalid_dpop_proof"),
        (party_with(KEY, dpop_bound_access_tokens=True), "invalid_dpop_proof"),
        (BOUND, "invalid_request"),
        (
            party_with(KEY, tls_client_certificate_bound_access_tokens=True),
            "invalid_request",
        ),
    ],
)
async def test_row_5_who_must_be_bound_gets_nothing_without(
    services: Services, party: Any, error: str
) -> None:
    with pytest.raises(ProtocolRefusal) as refusal:
        await sender_of(services, asking(), party)
    assert refusal.value.spoken.error == error


async def test_a_false_proof_is_not_passed_over_for_a_certificate(
    services: Services,
) -> None:
    asked = asking(DPoP=proof("/par"), client_cert=header_of(CERTIFICATE))
    with pytest.raises(ProtocolRefusal):
        await sender_of(services, asked, BOUND)


@pytest.mark.parametrize(
    ("confirmation", "token_type"),
    [("", "Bearer"), ("jkt:abc", "DPoP"), ("x5t#S256:abc", "Bearer")],
)
def test_a_confirmation_says_the_type_of_its_tokens(
    confirmation: str, token_type: str
) -> None:
    assert token_type_of(confirmation) == token_type


async def present(
    services: Services,
    asked: Any,
    *,
    scheme: str = "DPoP",
    confirmation: str = JKT,
    token: str = TOKEN,
) -> None:
    await check_presenter(
        services, asked, scheme=scheme, access_token=token, confirmation=confirmation
    )


async def refusal_of(services: Services, asked: Any, **named: Any) -> ProtocolRefusal:
    with pytest.raises(ProtocolRefusal) as refusal:
        await present(services, asked, **named)
    assert refusal.value.spoken.status == 401
    return refusal.value


@pytest.mark.parametrize("scheme", ["DPoP", "dpop", "DPOP"])
async def test_row_18_a_bound_token_comes_with_a_proof_for_it(
    services: Services, scheme: str
) -> None:
    asked = asking("/userinfo", DPoP=proof("/userinfo", token=TOKEN))
    await present(services, asked, scheme=scheme)


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
async def test_row_18_a_bearer_token_needs_no_proof(
    services: Services, scheme: str
) -> None:
    await present(services, asking("/userinfo"), scheme=scheme, confirmation="")


async def test_7_2_a_bound_token_is_no_bearer_token(services: Services) -> None:
    asked = asking("/userinfo", DPoP=proof("/userinfo", token=TOKEN))
    refusal = await refusal_of(services, asked, scheme="Bearer")
    assert refusal.spoken.error == "invalid_token"
    assert refusal.headers["WWW-Authenticate"].startswith("DPoP ")


async def test_7_1_a_bearer_token_is_no_bound_token(services: Services) -> None:
    asked = asking("/userinfo", DPoP=proof("/userinfo", token=TOKEN))
    refusal = await refusal_of(services, asked, confirmation="")
    assert refusal.spoken.error == "invalid_token"
    assert refusal.headers["WWW-Authenticate"].startswith("Bearer ")


async def test_7_1_a_stolen_token_is_worth_nothing(services: Services) -> None:
    for stolen in (
        asking("/userinfo"),
        asking("/userinfo", DPoP=proof("/userinfo", OTHER, token=TOKEN)),
        asking("/userinfo", DPoP=proof("/userinfo", token="another")),
        asking("/userinfo", DPoP=proof("/userinfo")),
        asking("/userinfo", DPoP=proof("/token", token=TOKEN)),
    ):
        refusal = await refusal_of(services, stolen)
        assert refusal.spoken.error == "invalid_dpop_proof"
        answer = refusal_response(refusal, realm=ISSUER)
        told = answer.headers["www-authenticate"]
        assert told == (
            f'DPoP realm="{ISSUER}", error="invalid_dpop_proof",'
            ' algs="ES256 PS256 EdDSA"'
        )


async def test_9_a_resource_asks_for_a_nonce(services: Services) -> None:
    old = asking("/userinfo", DPoP=proof("/userinfo", token=TOKEN, nonce="old"))
    refusal = await refusal_of(services, old)
    assert refusal.spoken.error == "use_dpop_nonce"
    nonce = refusal_response(refusal, realm=ISSUER).headers["dpop-nonce"]
    await present(
        services,
        asking("/userinfo", DPoP=proof("/userinfo", token=TOKEN, nonce=nonce)),
    )


async def test_3_a_token_of_a_certificate_needs_that_certificate(
    services: Services,
) -> None:
    right = asking("/userinfo", client_cert=header_of(CERTIFICATE))
    bound = await sender_of(services, right, BOUND)
    await present(services, right, scheme="Bearer", confirmation=bound)
    another = certificate(KEY.private, now=NOW)  # the same key, another certificate
    for wrong in (
        asking("/userinfo"),
        asking("/userinfo", client_cert=header_of(another)),
        request("/userinfo", headers={"client-cert": header_of(CERTIFICATE)}),
    ):
        refusal = await refusal_of(services, wrong, scheme="Bearer", confirmation=bound)
        assert refusal.spoken.error == "invalid_token"
    await refusal_of(services, right, scheme="DPoP", confirmation=bound)


async def test_a_challenge_says_no_more_than_it_must(services: Services) -> None:
    assert challenge(services) == f'Bearer realm="{ISSUER}"'
