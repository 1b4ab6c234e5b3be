"""Apple App Attest: does our app, on a true Apple device, speak for this key? Pure.

App Attest makes a key of its own in the Secure Enclave and certifies it over a hash
that we choose; that hash names the device key, so the attestation speaks for both.
Source: developer.apple.com, "Validating apps that connect to your server" (the nine
steps; WebAuthn 3, 6.1 for authenticator data).
"""

import hmac
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Final

import cbor2
from asn1crypto import core
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from webauthn.helpers import parse_authenticator_data

from idp.domain.attestation_chains import UNREADABLE, Chain, check_chain
from idp.errors import AttestationInvalid

NONCE: Final = x509.ObjectIdentifier("1.2.840.113635.100.8.2")
PRODUCTION: Final = b"appattest" + bytes(7)
DEVELOPMENT: Final = b"appattestdevelop"
LARGEST: Final = 32 * 1024


class _Nonce(core.Sequence):  # type: ignore[misc]  # the library is untyped
    _fields: Final = [("nonce", core.OctetString, {"explicit": 1})]


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplePolicy:
    """What is trusted. `app_id` is the team identifier, a dot, and the bundle's."""

    roots: tuple[x509.Certificate, ...]
    app_id: str
    allows_development: bool = False


def verify_app_attest(
    attestation: bytes,
    *,
    key_id: bytes,
    challenge: bytes,
    policy: ApplePolicy,
    now: datetime,
) -> None:
    """Check an attestation object for a challenge that names the device key.

    `key_id` is the identifier that the app was given: SHA-256 of the key's point.
    Raises AttestationInvalid.
    """
    statement, auth_data = _parse(attestation)
    chain = check_chain(statement, roots=policy.roots, now=now)
    expected = sha256(auth_data + sha256(challenge).digest()).digest()
    if not hmac.compare_digest(_nonce(chain), expected):
        raise AttestationInvalid("made for another challenge")
    found = _key_id(chain.leaf)
    if not hmac.compare_digest(found, key_id):
        raise AttestationInvalid("another key")
    _check_data(auth_data, key_id=found, policy=policy)


def _parse(attestation: bytes) -> tuple[list[bytes], bytes]:
    """Return the certificates (DER, leaf first) and the authenticator data."""
    if len(attestation) > LARGEST:
        raise AttestationInvalid("too large")
    try:
        told = cbor2.loads(attestation)
        format_, statement = told["fmt"], told["attStmt"]
        chain, auth_data = statement["x5c"], told["authData"]
    except Exception as error:  # a stranger's CBOR may break a parser in any way
        raise AttestationInvalid("not an attestation object") from error
    if format_ != "apple-appattest" or not isinstance(auth_data, bytes):
        raise AttestationInvalid("another format")
    if not isinstance(chain, list) or not all(isinstance(c, bytes) for c in chain):
        raise AttestationInvalid("no certificates")
    return chain, auth_data


def _nonce(chain: Chain) -> bytes:
    """Return the octets of `SEQUENCE { [1] EXPLICIT OCTET STRING }` in the leaf."""
    try:
        told = chain.leaf.extensions.get_extension_for_oid(NONCE).value
        assert isinstance(told, x509.UnrecognizedExtension)
        return bytes(_Nonce.load(told.value, strict=True)["nonce"].native)
    except (*UNREADABLE, LookupError, x509.ExtensionNotFound) as error:
        raise AttestationInvalid("the leaf names no challenge") from error


def _key_id(leaf: x509.Certificate) -> bytes:
    key = leaf.public_key()
    if not isinstance(key, EllipticCurvePublicKey):
        raise AttestationInvalid("not an elliptic curve key")
    point = key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return sha256(point).digest()


def _check_data(auth_data: bytes, *, key_id: bytes, policy: ApplePolicy) -> None:
    """Check the app, the counter, where the key may be used, and its identifier."""
    try:
        told = parse_authenticator_data(auth_data)
    except Exception as error:  # as above
        raise AttestationInvalid("authenticator data cannot be read") from error
    app = sha256(policy.app_id.encode()).digest()
    if not hmac.compare_digest(told.rp_id_hash, app):
        raise AttestationInvalid("another application")
    if told.sign_count != 0:
        raise AttestationInvalid("the key was used before")
    credential = told.attested_credential_data
    allowed = {PRODUCTION, *([DEVELOPMENT] if policy.allows_development else [])}
    if credential is None or credential.aaguid not in allowed:
        raise AttestationInvalid("another environment")
    if not hmac.compare_digest(credential.credential_id, key_id):
        raise AttestationInvalid("another credential")
