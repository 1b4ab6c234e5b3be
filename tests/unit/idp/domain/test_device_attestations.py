"""Which statements of a platform are believed, and which are not."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from camdigikey.phone import PhoneKeys
from idp.domain.attestation_android import verify_android_key
from idp.domain.attestation_apple import verify_app_attest
from idp.domain.attestations import challenge_for
from idp.errors import AttestationInvalid
from tests.device_attestations import (
    HARDWARE,
    Android,
    AndroidMaker,
    AppleMaker,
    application,
    authority,
    certify,
    enumerated,
    integer,
    new_key,
    octets,
    sequence,
    set_of,
    tlv,
)

NOW = datetime(2026, 11, 1, tzinfo=UTC)
PHONE = PhoneKeys()
PUBLIC = PHONE.device_key.public_key()
CHALLENGE = challenge_for(PHONE.device_id, "nonce")
MAKER = AndroidMaker.new(NOW)
SAID = Android(challenge=CHALLENGE)
APPLE = AppleMaker.new(NOW)


def android(chain: list[bytes], **changes: Any) -> int:
    asked: dict[str, Any] = {
        "device_id": PHONE.device_id,
        "challenge": CHALLENGE,
        "policy": MAKER.policy,
        "now": NOW,
        **changes,
    }
    return verify_android_key(chain, **asked).security_level


@pytest.mark.parametrize(("levels", "least"), [((1, 1), 1), ((2, 2), 2), ((1, 2), 1)])
def test_a_key_made_in_a_phones_hardware_is_believed(
    levels: tuple[int, int], least: int
) -> None:
    chain = MAKER.chain(PUBLIC, replace(SAID, levels=levels))
    assert android(chain) == least


def test_a_root_that_the_phone_leaves_out_is_known() -> None:
    assert android(MAKER.chain(PUBLIC, SAID)[:2]) == 1


def test_the_phones_own_clock_may_be_wrong_but_no_authoritys() -> None:
    stale = MAKER.chain(PUBLIC, SAID, days=-1 + 0)
    assert android(stale, now=NOW + timedelta(days=5)) == 1
    with pytest.raises(AttestationInvalid, match="outside its time"):
        android(MAKER.chain(PUBLIC, SAID), now=NOW + timedelta(days=60))


HARDWARE_WITHOUT = {
    "all applications": {**HARDWARE, 600: tlv(b"\x05")},
    "to encrypt too": {**HARDWARE, 1: set_of(integer(1), integer(2))},
    "RSA": {**HARDWARE, 2: integer(1)},
    "another curve": {**HARDWARE, 10: integer(2)},
    "imported": {**HARDWARE, 702: integer(2)},
    "unlocked": {
        **HARDWARE,
        704: sequence(octets(b"k"), tlv(b"\x01", b"\x00"), enumerated(0)),
    },
    "self-signed system": {
        **HARDWARE,
        704: sequence(octets(b"k"), tlv(b"\x01", b"\xff"), enumerated(1)),
    },
    "no root of trust": {n: v for n, v in HARDWARE.items() if n != 704},
    "no origin": {n: v for n, v in HARDWARE.items() if n != 702},
}


@pytest.mark.parametrize("what", HARDWARE_WITHOUT)
def test_what_the_hardware_does_not_vouch_for_is_not_believed(what: str) -> None:
    said = replace(SAID, hardware=HARDWARE_WITHOUT[what])
    with pytest.raises(AttestationInvalid):
        android(MAKER.chain(PUBLIC, said))


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"levels": (0, 0)}, "not in hardware"),
        ({"levels": (1, 0)}, "not in hardware"),
        ({"levels": (0, 1)}, "not in hardware"),
        ({"challenge": b"c" * 32}, "another challenge"),
        ({"version": 1}, "too old"),
        ({"software": {}}, "cannot be read"),
        ({"software": {709: application("kh.gov.other")}}, "another application"),
        ({"software": {709: application(signer=b"s" * 32)}}, "somebody else"),
        ({"software": {600: tlv(b"\x05"), 709: application()}}, "every application"),
        ({"software": HARDWARE, "hardware": {709: application()}}, "cannot be read"),
    ],
    ids=[
        "software",
        "software keymint",
        "software attestation",
        "challenge",
        "version",
        "no application",
        "package",
        "signer",
        "all applications",
        "swapped lists",
    ],
)
def test_another_story_than_ours_is_not_believed(
    changes: dict[str, Any], match: str
) -> None:
    with pytest.raises(AttestationInvalid, match=match):
        android(MAKER.chain(PUBLIC, replace(SAID, **changes)))


def test_another_key_than_the_devices_is_refused() -> None:
    with pytest.raises(AttestationInvalid, match="another key"):
        android(MAKER.chain(new_key().public_key(), SAID))


def test_a_strangers_root_vouches_for_nothing() -> None:
    stranger = AndroidMaker.new(NOW)
    with pytest.raises(AttestationInvalid, match="no trusted root"):
        android(stranger.chain(PUBLIC, SAID))
    forged = [*stranger.chain(PUBLIC, SAID)[:2], MAKER.root.der]
    with pytest.raises(AttestationInvalid, match="not signed"):
        android(forged)


def test_an_attested_key_may_not_attest_another_one() -> None:
    """The owner of one true key signs with it whatever he likes."""
    attacker = new_key()
    true = MAKER.chain(attacker.public_key(), SAID)
    issuer = authority("unused", now=NOW)
    fake = certify(
        PUBLIC,
        name="Fake",
        now=NOW,
        by=replace(issuer, certificate=_load(true[0]), key=attacker),
        extension=("1.3.6.1.4.1.11129.2.1.17", SAID.extension()),
    )
    with pytest.raises(AttestationInvalid):
        android([_der(fake), *true])


def test_a_revoked_phone_is_refused() -> None:
    serial = f"{MAKER.batch.certificate.serial_number:x}"
    policy = replace(MAKER.policy, revoked=frozenset({serial}))
    with pytest.raises(AttestationInvalid, match="revoked"):
        android(MAKER.chain(PUBLIC, SAID), policy=policy)


@given(place=st.integers(0, 2), at=st.integers(0, 400), bit=st.integers(0, 7))
def test_no_changed_bit_of_a_chain_is_believed_or_breaks_the_parser(
    place: int, at: int, bit: int
) -> None:
    chain = [bytearray(der) for der in MAKER.chain(PUBLIC, SAID)]
    at %= len(chain[place])
    chain[place][at] ^= 1 << bit
    with pytest.raises(AttestationInvalid):
        android([bytes(der) for der in chain])


@given(st.lists(st.binary(max_size=200), max_size=8))
def test_noise_is_no_chain(chain: list[bytes]) -> None:
    with pytest.raises(AttestationInvalid):
        android(chain)


def apple(attested: tuple[bytes, bytes], **changes: Any) -> None:
    key_id, attestation = attested
    asked: dict[str, Any] = {
        "key_id": key_id,
        "challenge": CHALLENGE,
        "policy": APPLE.policy(),
        "now": NOW,
        **changes,
    }
    verify_app_attest(attestation, **asked)


def test_an_app_on_a_true_apple_device_is_believed() -> None:
    apple(APPLE.attest(CHALLENGE))


def test_a_development_build_is_believed_in_development_only() -> None:
    made = APPLE.attest(CHALLENGE, aaguid=b"appattestdevelop")
    apple(made, policy=APPLE.policy(allows_development=True))
    with pytest.raises(AttestationInvalid, match="another environment"):
        apple(made)


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"app_id": "TEAM123456.other"}, "another application"),
        ({"count": 1}, "used before"),
        ({"aaguid": bytes(16)}, "another environment"),
        ({"credential": b"k" * 32}, "another credential"),
        ({"fmt": "packed"}, "another format"),
    ],
)
def test_what_app_attest_does_not_say_is_not_believed(
    changes: dict[str, Any], match: str
) -> None:
    with pytest.raises(AttestationInvalid, match=match):
        apple(APPLE.attest(CHALLENGE, **changes))


def test_an_attestation_for_another_phone_or_time_is_refused() -> None:
    made = APPLE.attest(challenge_for("another device", "nonce"))
    with pytest.raises(AttestationInvalid, match="another challenge"):
        apple(made)
    with pytest.raises(AttestationInvalid, match="another key"):
        apple((b"k" * 32, APPLE.attest(CHALLENGE)[1]))
    with pytest.raises(AttestationInvalid, match="outside its time"):
        apple(APPLE.attest(CHALLENGE), now=NOW + timedelta(days=90))
    with pytest.raises(AttestationInvalid, match=r"not signed|no trusted root"):
        apple(AppleMaker.new(NOW).attest(CHALLENGE))


@given(at=st.integers(0, 2000), bit=st.integers(0, 7))
def test_no_changed_bit_of_an_attestation_that_matters_is_believed(
    at: int, bit: int
) -> None:
    key_id, attestation = MADE
    changed = bytearray(attestation)
    at %= len(changed)
    changed[at] ^= 1 << bit
    try:
        apple((key_id, bytes(changed)))
    except AttestationInvalid:
        return
    # What still passes differs in nothing but the receipt, which we do not read, and
    # in the count of unused bits of a signature: all that is signed is the same.
    told, first = cbor2.loads(bytes(changed)), cbor2.loads(attestation)
    assert _signed(told["attStmt"]["x5c"]) == _signed(first["attStmt"]["x5c"])
    assert told["authData"] == first["authData"]


def test_a_certificate_of_no_known_version_is_refused() -> None:
    key_id, attestation = MADE
    third, nineteenth = bytes.fromhex("a003020102"), bytes.fromhex("a003020112")
    assert third in attestation
    with pytest.raises(AttestationInvalid, match="cannot be read"):
        apple((key_id, attestation.replace(third, nineteenth, 1)))


@given(st.binary(max_size=400))
def test_noise_is_no_attestation(noise: bytes) -> None:
    with pytest.raises(AttestationInvalid):
        apple((b"k" * 32, noise))


MADE = APPLE.attest(CHALLENGE)


def _signed(certificates: list[bytes]) -> list[bytes]:
    return [_load(der).tbs_certificate_bytes for der in certificates]


def _load(der: bytes) -> Any:
    from cryptography import x509  # noqa: PLC0415

    return x509.load_der_x509_certificate(der)


def _der(certificate: Any) -> bytes:
    from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415
        Encoding,
    )

    return bytes(certificate.public_bytes(Encoding.DER))
