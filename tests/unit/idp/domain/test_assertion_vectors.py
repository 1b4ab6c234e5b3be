import json
import re
from dataclasses import replace
from typing import Any

import pytest

from idp.domain.assertions import (
    Kind,
    UvMethod,
    VerifiedAssertion,
    is_binding_code_right,
    peek,
    verify_assertion,
)
from idp.domain.devices import Credential, Device
from idp.domain.jws import thumbprint
from idp.domain.user_verification import (
    WebAuthnParty,
    is_pin_right,
    verify_webauthn,
)
from idp.errors import AssertionInvalid
from idp.storage.columns import b64decode
from tests.node import run_node
from tests.vectors import make

FILES = sorted((make.FOLDER / "assertions").glob("*.json"))
VECTORS = {path.stem: json.loads(path.read_text()) for path in FILES}
TYPES = {"string": str, "list": list}
CASES = [
    pytest.param(vector, case, id=f"{stem}: {case['name']}")
    for stem, vector in VECTORS.items()
    for case in vector["cases"]
]
# What the provider says to its log for each kind of failure.
REASONS = {
    "header": "wrong alg or typ|names another key|extensions are not understood",
    "malformed": "not a compact JWS|not base64url|repeated member|not an object",
    "signature": "the key did not sign this|not r‖s",
    "claim": "is not what was stored",
    "time": "at most 60 s apart|not valid at this time",
    "jti": "jti is missing",
    "unknown-claim": "unknown claims",
    "uv-method": "unknown uv_method|PIN key is not named|another credential",
    "type": "has another type",
    "webauthn": "webauthn|embedded|not a WebAuthn answer",
}


def cose(jwk: dict[str, str]) -> bytes:
    """An ES256 key as WebAuthn keeps it (RFC 9052, RFC 9053)."""
    x, y = b64decode(jwk["x"]), b64decode(jwk["y"])
    head = bytes.fromhex("a5010203262001")
    return head + b"\x21\x58\x20" + x + b"\x22\x58\x20" + y


def device_of(vector: dict[str, Any]) -> Device:
    credential = vector["credential"]
    return Device(
        id=thumbprint(vector["device_key"]),
        account_id=vector["account"],
        name="a phone",
        public_jwk=vector["device_key"],
        pin_jwk=vector["pin_key"],
        failures=0,
        retry_at=0,
        credential=Credential(
            credential["id"], cose(credential["key"]), credential["sign_count"], False
        ),
        made_at=0,
        last_used_at=0,
    )


def verdict(vector: dict[str, Any], case: dict[str, Any]) -> str:
    device, kind = device_of(vector), Kind(case["kind"])
    optional = vector["optional"][kind]
    verified = verify_assertion(
        token=case["assertion"],
        kind=kind,
        device=device,
        audience=vector["audience"],
        now=vector["now"],
        expected=vector["expected"][kind],
        optional={name: TYPES[value] for name, value in optional.items()},
    )
    token, uv = case["assertion"], case["uv"]
    if verified.uv_method is UvMethod.PIN:
        is_right = is_pin_right(token=token, uv=uv, pin_jwk=device.pin_jwk)
        return (
            "accepted" if is_right and verified.uv_key == device.pin_key_id else "pin"
        )
    if verified.uv_method is UvMethod.WEBAUTHN:
        assert device.credential is not None
        credential = vector["credential"]
        party = WebAuthnParty(credential["rp_id"], tuple(credential["origins"]))
        verify_webauthn(token=token, uv=uv, credential=device.credential, party=party)
    return "accepted"


@pytest.mark.parametrize(("vector", "case"), CASES)
def test_an_assertion_is_accepted_or_refused_for_its_reason(
    vector: dict[str, Any], case: dict[str, Any]
) -> None:
    if case["expect"] in {"accepted", "pin"}:
        assert verdict(vector, case) == case["expect"]
        return
    with pytest.raises(AssertionInvalid) as refusal:
        verdict(vector, case)
    assert re.search(REASONS[case["expect"]], str(refusal.value))


def verified(token: str, **changes: Any) -> VerifiedAssertion:
    """Return a login answer of the vectors' device, or of it with changes."""
    vector = VECTORS["accepted"]
    return verify_assertion(
        token=token,
        kind=Kind.LOGIN,
        device=replace(device_of(vector), **changes),
        audience=vector["audience"],
        now=vector["now"],
        expected=vector["expected"][Kind.LOGIN],
        optional={"decision": str, "binding_code": str},
    )


def test_a_device_without_a_credential_answers_by_none() -> None:
    claims = make.claims(uv_method="webauthn", uv_key=make.CREDENTIAL_ID)
    token = make.assertion(claims)
    assert verified(token).uv_method is UvMethod.WEBAUTHN
    with pytest.raises(AssertionInvalid, match="another credential"):
        verified(token, credential=None)


def test_the_binding_code_that_was_shown_is_the_right_one() -> None:
    typed = verified(make.assertion(make.claims(binding_code="42")))
    assert is_binding_code_right(typed, expected="42")
    assert not is_binding_code_right(typed, expected="24")


@pytest.mark.parametrize("typed", [None, "", "4", "421", "4x", "៤២"])
def test_what_is_no_binding_code_is_no_guess(typed: str | None) -> None:
    answer = verified(make.assertion(make.claims(binding_code=typed)))
    with pytest.raises(AssertionInvalid, match="two digits"):
        is_binding_code_right(answer, expected="42")


@pytest.mark.parametrize("kind", [Kind.LOGIN, Kind.UNLOCK])
def test_a_peek_is_at_an_assertion_of_its_kind_alone(kind: Kind) -> None:
    token = make.assertion(make.claims())
    if kind is Kind.LOGIN:
        assert peek(token, kind=kind).unverified_claims["jti"] == "jti-of-a-vector"
        token = token.rpartition(".")[0]
    with pytest.raises(AssertionInvalid):
        peek(token, kind=kind)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_second_verifier_in_javascript_says_the_same(path: Any) -> None:
    said = run_node(make.FOLDER / "verify_assertions.mjs", path)
    cases = VECTORS[path.stem]["cases"]
    assert dict(zip([c["name"] for c in cases], said, strict=True)) == {
        case["name"]: case["expect"] for case in cases
    }


def test_every_kind_of_failure_has_a_vector() -> None:
    kinds = {case["expect"] for v in VECTORS.values() for case in v["cases"]}
    assert kinds == {"accepted", "pin", *REASONS}
