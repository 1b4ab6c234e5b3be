"""The verifier of signed requests: exactly what was signed, and nothing else."""

import secrets
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from camdigikey.phone import PhoneKeys
from idp.domain import jws
from idp.domain.request_proofs import verify_proof
from idp.errors import ProofInvalid

KEYS, OTHER = PhoneKeys(), PhoneKeys()
URL = "https://app.test/unlock"


def proof(body: bytes = b"{}", **changes: Any) -> str:
    facts = {"method": "POST", "url": URL, "nonce": "n", "iat": 1, **changes}
    return KEYS.proof(body=body, **facts)


@given(st.binary(max_size=300))
def test_a_proof_is_good_for_exactly_its_request(body: bytes) -> None:
    token = proof(body)
    found = verify_proof(token=token, method="POST", url=URL, body=body)
    assert found.device_id == KEYS.device_id
    for other in (
        {"method": "GET"},
        {"url": URL + "/"},
        {"url": URL.replace("https", "http")},
        {"body": body + b" "},
    ):
        facts: dict[str, Any] = {"method": "POST", "url": URL, "body": body, **other}
        with pytest.raises(ProofInvalid):
            verify_proof(token=token, **facts)


@given(st.integers(min_value=0), st.integers(min_value=1, max_value=127))
def test_one_changed_character_anywhere_is_refused(place: int, step: int) -> None:
    token = proof()
    at = place % len(token)
    altered = token[:at] + chr((ord(token[at]) + step) % 128) + token[at + 1 :]
    with pytest.raises(ProofInvalid):
        verify_proof(token=altered, method="POST", url=URL, body=b"{}")


@given(
    st.text(max_size=200) | st.binary(max_size=200).map(lambda b: b.decode("latin1"))
)
def test_anything_else_is_refused_and_nothing_worse(token: str) -> None:
    with pytest.raises(ProofInvalid):
        verify_proof(token=token, method="POST", url=URL, body=b"{}")


def signed(
    header: dict[str, Any], claims: dict[str, Any], keys: PhoneKeys = KEYS
) -> str:
    return jws.sign(claims, key=keys.device_key, header=jws.header_bytes(header))


HEADER = {
    "alg": "ES256",
    "typ": "camdigikey-proof+jwt",
    "kid": KEYS.device_id,
    "jwk": KEYS.jwk,
}


@pytest.mark.parametrize(
    "changes",
    [
        {"alg": "none"},
        {"alg": "HS256"},
        {"alg": "ES384"},
        {"typ": "camdigikey-assertion+jwt"},
        {"typ": "JWT"},
        {"kid": OTHER.device_id},
        {"jwk": OTHER.jwk},
        {"jwk": {**KEYS.jwk, "d": "AAAA"}},
        {"jwk": {"kty": "oct", "k": "AAAA"}},
        {"jwk": {**KEYS.jwk, "x": "A" * 43}},
        {"crit": ["b64"], "b64": False},
        {"x5c": []},
    ],
)
def test_another_header_is_refused(changes: dict[str, Any]) -> None:
    body = {
        "htm": "POST", "htu": URL, "iat": 1, "jti": secrets.token_urlsafe(9),
        "bd": "RBNvo1WzZ4oRRq0W9-hknpT7T8If536DEMBg9hyq_4o", "nonce": "n",
    }  # fmt: skip
    verify_proof(token=signed(HEADER, body), method="POST", url=URL, body=b"{}")
    with pytest.raises(ProofInvalid):
        verify_proof(
            token=signed({**HEADER, **changes}, body),
            method="POST", url=URL, body=b"{}",
        )  # fmt: skip
