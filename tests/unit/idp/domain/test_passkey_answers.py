"""Attestations that count and those that do not; and bytes that are no answer."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from hypothesis import given
from hypothesis import strategies as st

from idp.domain.passkey_answers import (
    NewPasskey,
    read_answer,
    verify_new,
    verify_use,
)
from idp.domain.user_verification import WebAuthnParty
from idp.errors import AssertionInvalid
from idp.settings import IdpSettings
from idp.storage.columns import b64decode, b64encode
from tests.attestation import Maker
from tests.authenticator import SoftAuthenticator

ORIGIN = "https://idp.test"
PARTY = WebAuthnParty("idp.test", (ORIGIN,))
OPTIONS = {
    "challenge": b64encode(bytes(32)),
    "user": {"id": b64encode(b"handle")},
}


def registered(
    attest: Callable[[bytes], dict[str, Any]] | None,
    *roots: bytes,
    is_synced: bool = False,
) -> NewPasskey:
    passkey = SoftAuthenticator(ORIGIN, "idp.test", is_synced=is_synced)
    answer = read_answer(passkey.make(OPTIONS, attest=attest))
    return verify_new(answer, party=PARTY, roots=roots)


def test_an_attestation_under_a_trusted_root_counts() -> None:
    maker, other = Maker(), Maker(name="Other")
    new = registered(maker.attest, other.pem, maker.pem)
    assert new.attested_as == "packed"
    assert not new.is_synced


def test_without_roots_no_attestation_counts() -> None:
    assert registered(Maker().attest).attested_as == ""
    assert registered(None).attested_as == ""


@pytest.mark.parametrize(
    "maker",
    [
        Maker(unit="Web Server"),
        Maker(unit=""),
        Maker(is_ca=True),
        Maker(aaguid=b"another model!!!"),
    ],
    ids=["another unit", "no unit", "an authority", "another model"],
)
def test_a_certificate_for_something_else_vouches_for_nothing(maker: Maker) -> None:
    assert registered(maker.attest, maker.pem).attested_as == ""


def test_a_certificate_that_names_no_model_is_allowed() -> None:
    maker = Maker(aaguid=None)
    assert registered(maker.attest, maker.pem).attested_as == "packed"


def test_another_makers_chain_makes_a_passkey_like_any_other() -> None:
    assert registered(Maker().attest, Maker().pem).attested_as == ""


def test_a_self_attestation_vouches_for_nothing() -> None:
    """It is signed by the credential's own key: packed, and no certificate."""
    passkey = SoftAuthenticator(ORIGIN, "idp.test")

    def attest(message: bytes) -> dict[str, Any]:
        signed = passkey.key.sign(message, ec.ECDSA(SHA256()))
        return {"fmt": "packed", "attStmt": {"alg": -7, "sig": signed}}

    answer = read_answer(passkey.make(OPTIONS, attest=attest))
    assert verify_new(answer, party=PARTY, roots=[Maker().pem]).attested_as == ""


def test_a_forged_attestation_binds_nothing() -> None:
    maker = Maker()

    def forged(message: bytes) -> dict[str, Any]:
        return maker.attest(message + b"x")

    for roots in ((), (maker.pem,)):
        with pytest.raises(AssertionInvalid):
            registered(forged, *roots)


def test_the_operators_roots_are_read_from_a_folder(tmp_path: Path) -> None:
    def settings() -> IdpSettings:
        return IdpSettings(
            environment="development",
            issuer=ORIGIN,
            app_origin="https://app.test",
            passkey_attestation_roots=tmp_path,
        )

    with pytest.raises(ValueError, match="holds no"):
        _ = settings().attestation_roots
    maker = Maker()
    (tmp_path / "a.pem").write_bytes(maker.pem)
    assert settings().attestation_roots == (maker.pem,)
    (tmp_path / "b.pem").write_bytes(b"nothing")
    with pytest.raises(ValueError, match="PEM"):
        _ = settings().attestation_roots


PASSKEY = SoftAuthenticator(ORIGIN, "idp.test")
KNOWN = verify_new(read_answer(PASSKEY.make(OPTIONS)), party=PARTY)
TRUE = orjson.loads(PASSKEY.use(OPTIONS))


def check(text: str) -> None:
    verify_use(
        read_answer(text),
        public_key=KNOWN.public_key,
        is_synced=False,
        user_handle=b"handle",
        party=PARTY,
    )


def test_a_true_answer_is_accepted() -> None:
    check(orjson.dumps(TRUE).decode())


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=10), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(
    member=st.sampled_from(
        ["id", "rawId", "type", "clientDataJSON", "authenticatorData", "signature"]
    ),
    value=JSON | st.binary(max_size=80).map(b64encode),
)
def test_any_other_member_is_refused_and_breaks_nothing(
    member: str, value: Any
) -> None:
    fields = {**TRUE, "response": dict(TRUE["response"])}
    place = fields if member in fields else fields["response"]
    place[member] = value
    with pytest.raises(AssertionInvalid):
        check(orjson.dumps(fields).decode())


@given(text=st.text(max_size=200) | JSON.map(lambda one: orjson.dumps(one).decode()))
def test_a_text_that_is_no_answer_is_refused(text: str) -> None:
    with pytest.raises(AssertionInvalid):
        check(text)


@given(
    place=st.integers(0, 10_000),
    octet=st.integers(1, 255),
    member=st.sampled_from(["authenticatorData", "signature", "clientDataJSON"]),
)
def test_an_answer_with_one_octet_changed_is_refused(
    place: int, octet: int, member: str
) -> None:
    data = bytearray(b64decode(TRUE["response"][member]))
    data[place % len(data)] ^= octet
    response = {**TRUE["response"], member: b64encode(bytes(data))}
    with pytest.raises(AssertionInvalid):
        check(orjson.dumps({**TRUE, "response": response}).decode())


@given(data=st.binary(max_size=300))
def test_octets_that_are_no_attestation_bind_nothing(data: bytes) -> None:
    fields = orjson.loads(SoftAuthenticator(ORIGIN, "idp.test").make(OPTIONS))
    fields["response"]["attestationObject"] = b64encode(data)
    with pytest.raises(AssertionInvalid):
        verify_new(read_answer(orjson.dumps(fields).decode()), party=PARTY)


def test_a_registration_under_another_credentials_id_binds_nothing() -> None:
    fields = orjson.loads(SoftAuthenticator(ORIGIN, "idp.test").make(OPTIONS))
    other = SoftAuthenticator(ORIGIN, "idp.test").id
    told = orjson.dumps({**fields, "id": other, "rawId": other}).decode()
    with pytest.raises(AssertionInvalid):
        verify_new(read_answer(told), party=PARTY)
