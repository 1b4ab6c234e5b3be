"""An ID token is believed only when every single check holds."""

from base64 import urlsafe_b64encode
from hmac import digest
from json import dumps
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jws, jwt
from joserfc.jwk import ECKey, RSAKey

from sdk_web import (
    AlgorithmNotAllowed,
    AssuranceTooLow,
    AudienceWrong,
    HashMismatch,
    IssuerWrong,
    KeyUnknown,
    LoginError,
    LoginTooOld,
    NonceMismatch,
    RelyingParty,
    SignatureWrong,
    SubjectMismatch,
    TokenExpired,
    TokenInvalid,
    TokenMalformed,
    TokenNotYetValid,
    UnexpectedAnswer,
)
from sdk_web.tokens import Expected, verify_id_token
from tests.portal import HeadlessPortal
from tests.unit.sdk_web.conftest import CALLBACK, Watch
from tests.unit.sdk_web.provider import DROP, ISSUER, Provider, new_key

NOW = 1_800_000_000


async def login(provider: Provider, portal: HeadlessPortal, **options: Any) -> None:
    await portal.finish(await provider.approve(await portal.start(**options)))


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("claims", "refusal"),
    [
        ({"iss": "https://evil.example"}, IssuerWrong),
        ({"iss": ISSUER + "/"}, IssuerWrong),
        ({"aud": "another"}, AudienceWrong),
        ({"aud": []}, AudienceWrong),
        ({"aud": ["portal", "another"], "azp": "portal"}, AudienceWrong),
        ({"azp": "another"}, AudienceWrong),
        ({"nonce": "another"}, NonceMismatch),
        ({"nonce": DROP}, NonceMismatch),
        ({"exp": NOW - 31, "iat": NOW - 400}, TokenExpired),
        ({"iat": NOW + 31}, TokenNotYetValid),
        ({"nbf": NOW + 31}, TokenNotYetValid),
        ({"exp": NOW, "iat": NOW}, TokenNotYetValid),
        ({"c_hash": "AAAAAAAAAAAAAAAAAAAAAA"}, HashMismatch),
        ({"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"}, HashMismatch),
        ({"at_hash": 7}, HashMismatch),
        ({"auth_time": DROP}, LoginTooOld),
        ({"auth_time": NOW - 631}, LoginTooOld),
        ({"acr": f"{ISSUER}/acr/low"}, AssuranceTooLow),
        ({"acr": "https://evil.example/acr/high"}, AssuranceTooLow),
        ({"acr": "high"}, AssuranceTooLow),
        ({"acr": DROP}, AssuranceTooLow),
        ({"sub": DROP}, TokenMalformed),
        ({"sub": ""}, TokenMalformed),
        ({"sub": "s" * 256}, TokenMalformed),
        ({"exp": DROP}, TokenMalformed),
        ({"exp": "2030"}, TokenMalformed),
        ({"iat": True}, TokenMalformed),
        ({"aud": {"portal": 1}}, TokenMalformed),
        ({"amr": "pin"}, TokenMalformed),
    ],
)
async def test_a_token_with_one_wrong_claim_is_refused(
    provider: Provider, portal: HeadlessPortal, claims, refusal
) -> None:
    provider.claims = claims
    with pytest.raises(refusal):
        await login(provider, portal, level="substantial", max_age=600)
    assert portal.tokens is None


@pytest.mark.anyio
@pytest.mark.parametrize(
    "claims",
    [
        {"aud": ["portal"], "azp": "portal"},
        {"exp": NOW - 29, "iat": NOW - 300},
        {"iat": NOW + 29},
        {"acr": f"{ISSUER}/acr/high"},
        {"c_hash": DROP, "at_hash": DROP},
        {"auth_time": NOW - 629},
    ],
)
async def test_a_token_within_the_rules_is_accepted(
    provider: Provider, portal: HeadlessPortal, claims
) -> None:
    provider.claims = claims
    await login(provider, portal, level="substantial", max_age=600)
    assert portal.tokens is not None


def unsigned(header: dict[str, Any], claims: dict[str, Any]) -> str:
    parts = [dumps(header | {"alg": "none"}).encode(), dumps(claims).encode(), b""]
    return ".".join(urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


@pytest.mark.anyio
async def test_a_token_without_a_signature_is_refused(
    provider: Provider, portal: HeadlessPortal
) -> None:
    provider.sign = unsigned
    with pytest.raises(AlgorithmNotAllowed):
        await login(provider, portal)


@pytest.mark.anyio
@pytest.mark.parametrize("secret", ["public key", "client secret"])
async def test_a_token_signed_with_something_known_is_refused(
    provider: Provider, portal: HeadlessPortal, secret: str
) -> None:
    known = {
        "public key": provider.keys[0].as_pem(private=False),
        "client secret": str(provider.clients["portal"].secret).encode(),
    }

    def symmetric(header: dict[str, Any], claims: dict[str, Any]) -> str:
        signed = unsigned(header, claims).split(".")[1]
        alg = urlsafe_b64encode(dumps(header | {"alg": "HS256"}).encode())
        text = f"{alg.rstrip(b'=').decode()}.{signed}"
        mac = urlsafe_b64encode(digest(known[secret], text.encode(), "sha256"))
        return f"{text}.{mac.rstrip(b'=').decode()}"

    provider.sign = symmetric
    with pytest.raises(AlgorithmNotAllowed):
        await login(provider, portal)


@pytest.mark.anyio
async def test_a_token_of_an_unpublished_key_is_refused(
    provider: Provider, portal: HeadlessPortal
) -> None:
    thief = new_key("thief")
    provider.sign = lambda header, claims: jwt.encode(
        header | {"kid": "thief"}, claims, thief
    )
    with pytest.raises(KeyUnknown):
        await login(provider, portal)


@pytest.mark.anyio
async def test_a_token_signed_by_someone_else_under_a_known_name_is_refused(
    provider: Provider, portal: HeadlessPortal
) -> None:
    thief = new_key("thief")
    provider.sign = lambda header, claims: jwt.encode(header, claims, thief)
    with pytest.raises(SignatureWrong):
        await login(provider, portal)


@pytest.mark.anyio
@pytest.mark.parametrize(
    "header",
    [
        {"typ": "at+jwt"},
        {"typ": "logout+jwt"},
        {"kid": DROP},
        {"kid": 7},
    ],
)
async def test_another_kind_of_token_is_not_an_id_token(
    provider: Provider, portal: HeadlessPortal, header
) -> None:
    provider.sign = lambda head, claims: (
        jws.serialize_compact(
            {k: v for k, v in (head | header).items() if v is not DROP},
            dumps(claims),
            provider.keys[0],
            registry=jws.JWSRegistry(strict_check_header=False),
        )
        if header.get("kid") != 7
        else unsigned_with(head | header, claims)
    )
    with pytest.raises(TokenMalformed):
        await login(provider, portal)


def test_the_spare_bits_of_a_signature_tell_nothing() -> None:
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    last = letters.index(GOOD_TOKEN[-1])
    assert last % 16 == 0
    with pytest.raises(TokenMalformed):
        verify(GOOD_TOKEN[:-1] + letters[last + 1])


def unsigned_with(header: dict[str, Any], claims: dict[str, Any]) -> str:
    parts = [dumps(header).encode(), dumps(claims).encode(), b"sig"]
    return ".".join(urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


@pytest.mark.anyio
async def test_an_id_token_with_critical_extensions_is_refused(
    provider: Provider, portal: HeadlessPortal
) -> None:
    provider.sign = lambda head, claims: unsigned_with(
        head | {"crit": ["x"], "x": 1}, claims
    )
    with pytest.raises(TokenMalformed):
        await login(provider, portal)


@pytest.mark.anyio
async def test_a_key_of_another_kind_is_refused(
    provider: Provider, portal: HeadlessPortal
) -> None:
    provider.keys = [
        RSAKey.generate_key(2048, {"kid": "rsa", "use": "sig"})  # type: ignore[list-item]
    ]
    signer = new_key("rsa")
    provider.sign = lambda header, claims: jwt.encode(header, claims, signer)
    with pytest.raises(AlgorithmNotAllowed):
        await login(provider, portal)


@pytest.mark.anyio
async def test_an_unregistered_algorithm_is_refused_even_from_a_published_key(
    provider: Provider, portal: HeadlessPortal
) -> None:
    key = RSAKey.generate_key(2048, {"kid": "rsa", "use": "sig"})
    provider.keys = [key]  # type: ignore[list-item]
    for algorithm in ("PS256", "RS256"):
        provider.sign = lambda header, claims, alg=algorithm: jwt.encode(
            header | {"alg": alg}, claims, key, algorithms=[alg]
        )
        with pytest.raises(AlgorithmNotAllowed):
            await login(provider, portal)


@pytest.mark.anyio
async def test_an_answer_without_an_id_token_is_refused(
    provider: Provider, portal: HeadlessPortal
) -> None:
    for changes in (
        {"id_token": DROP},
        {"id_token": 7},
        {"access_token": DROP},
        {"token_type": "DPoP"},
    ):
        provider.tokens = changes
        with pytest.raises(UnexpectedAnswer):
            await login(provider, portal)


@pytest.mark.anyio
async def test_a_refresh_may_bring_no_new_id_token(
    provider: Provider, portal: HeadlessPortal
) -> None:
    await login(provider, portal)
    assert portal.tokens is not None
    before = portal.tokens.id_token
    provider.tokens = {"id_token": DROP, "refresh_token": DROP}
    kept = portal.tokens.refresh_token
    after = await portal.refresh()
    assert (after.id_token, after.refresh_token) == (before, kept)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("claims", "refusal"),
    [
        ({"sub": "pairwise-2"}, SubjectMismatch),
        ({"nonce": "another"}, NonceMismatch),
        ({"auth_time": NOW + 1}, LoginTooOld),
        ({"acr": f"{ISSUER}/acr/low"}, AssuranceTooLow),
    ],
)
async def test_a_refreshed_token_must_continue_the_same_login(
    provider: Provider, portal: HeadlessPortal, claims, refusal
) -> None:
    await login(provider, portal)
    provider.claims = claims
    with pytest.raises(refusal):
        await portal.refresh()


@pytest.mark.anyio
async def test_a_new_signing_key_is_found_without_a_restart(
    provider: Provider, portal: HeadlessPortal, watch: Watch
) -> None:
    await login(provider, portal)
    watch.now += 31
    provider.keys.append(new_key("second"))
    await login(provider, portal)
    assert provider.asked.count("/jwks") == 2


@pytest.mark.anyio
async def test_invented_keys_do_not_make_the_portal_hammer_the_provider(
    provider: Provider, portal: HeadlessPortal, watch: Watch
) -> None:
    thief = new_key("thief")
    provider.sign = lambda header, claims: jwt.encode(
        header | {"kid": "thief"}, claims, thief
    )
    for _ in range(5):
        with pytest.raises(KeyUnknown):
            await login(provider, portal)
    assert provider.asked.count("/jwks") == 1
    watch.now += 31
    with pytest.raises(KeyUnknown):
        await login(provider, portal)
    assert provider.asked.count("/jwks") == 2


RELYING_PARTY = RelyingParty(issuer=ISSUER, client_id="portal", redirect_uri=CALLBACK)
KEY: ECKey = new_key("k")
GOOD = {
    "iss": ISSUER,
    "sub": "s",
    "aud": "portal",
    "iat": NOW,
    "exp": NOW + 60,
    "nonce": "n",
}


def verify(unverified_token: str) -> object:
    return verify_id_token(
        unverified_token,
        key=KEY,
        relying_party=RELYING_PARTY,
        expected=Expected(nonce="n"),
        now=NOW,
    )


GOOD_TOKEN = jwt.encode({"alg": "ES256", "kid": "k"}, GOOD, KEY)
assert verify(GOOD_TOKEN)


@given(st.text(max_size=200) | st.from_regex(r"[\w-]{0,60}(\.[\w-]{0,60}){2}"))
def test_any_other_text_is_refused_with_a_token_error(text: str) -> None:
    with pytest.raises(TokenInvalid):
        verify(text)


@given(st.integers(0, len(GOOD_TOKEN) - 1), st.characters(codec="ascii"))
def test_a_token_with_one_character_changed_is_refused(at: int, char: str) -> None:
    changed = GOOD_TOKEN[:at] + char + GOOD_TOKEN[at + 1 :]
    if changed == GOOD_TOKEN:
        return
    with pytest.raises(LoginError):
        verify(changed)


@given(
    st.dictionaries(
        st.sampled_from(["iss", "sub", "aud", "iat", "exp", "nonce", "acr", "amr"]),
        st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.none()),
        min_size=1,
    )
)
def test_strange_claims_are_refused_or_make_no_difference(strange: Any) -> None:
    token = jwt.encode({"alg": "ES256", "kid": "k"}, GOOD | strange, KEY)
    try:
        verified = verify(token)
    except TokenInvalid:
        return
    assert verified.subject  # type: ignore[attr-defined]
