"""What an authenticator answered: is it true, and is it for us? Pure.

    UnverifiedAnswer --verify_use--> Use               (navigator.credentials.get)
                     --verify_new--> NewPasskey        (navigator.credentials.create)

Only our own origin may ask, no page around it, and always with user verification.
An attestation counts when it is `packed`, carries a certificate, and its chain ends
in a root that the operator trusts; anything else makes a passkey like any other.
"""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson
from cryptography import x509
from cryptography.x509.oid import NameOID
from webauthn import verify_authentication_response, verify_registration_response
from webauthn.helpers import (
    bytes_to_base64url,
    decode_credential_public_key,
    decoded_public_key_to_cryptography,
    parse_attestation_object,
)
from webauthn.helpers.cose import COSEAlgorithmIdentifier
from webauthn.helpers.structs import AttestationFormat, CredentialDeviceType

from idp.domain.user_verification import WebAuthnParty
from idp.errors import AssertionInvalid
from idp.storage.columns import b64decode

ALGORITHMS: Final = (
    COSEAlgorithmIdentifier.ECDSA_SHA_256,
    COSEAlgorithmIdentifier.EDDSA,
    COSEAlgorithmIdentifier.RSASSA_PKCS1_v1_5_SHA_256,
)
LONGEST_ANSWER: Final = 32 * 1024
LONGEST_ID: Final = 1364  # base64url of 1023 bytes: WebAuthn 3, 4 (credential id)
AAGUID_OF_CERTIFICATE: Final = x509.ObjectIdentifier("1.3.6.1.4.1.45724.1.1.4")


@dataclass(frozen=True, slots=True)
class UnverifiedAnswer:
    """An answer that could be read, and no more.

    `is_embedded`: a page inside another one asked (WebAuthn 3, 5.8.1).
    """

    credential_id: str
    challenge: bytes
    user_handle: bytes
    is_embedded: bool
    fields: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Use:
    """A passkey was used, by its person, for us."""

    sign_count: int


@dataclass(frozen=True, slots=True)
class NewPasskey:
    """A new passkey. `attested_as` is "" unless a trusted root vouches for it."""

    id: str
    public_key: bytes
    sign_count: int
    is_synced: bool
    aaguid: str
    attested_as: str


def read_answer(text: str) -> UnverifiedAnswer:
    """Read the JSON form of an answer; raises AssertionInvalid."""
    if len(text) > LONGEST_ANSWER:
        raise AssertionInvalid("answer too long")
    try:
        fields = orjson.loads(text)
        response = fields["response"]
        client_data = orjson.loads(_bytes(response["clientDataJSON"]))
        is_embedded = client_data.get("crossOrigin", False) is not False
        return UnverifiedAnswer(
            credential_id=str(fields["id"]),
            challenge=_bytes(client_data["challenge"]),
            user_handle=_bytes(response.get("userHandle") or ""),
            is_embedded=is_embedded or "topOrigin" in client_data,
            fields=fields,
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise AssertionInvalid("answer cannot be read") from error


def verify_use(
    answer: UnverifiedAnswer,
    *,
    public_key: bytes,
    is_synced: bool,
    user_handle: bytes,
    party: WebAuthnParty,
) -> Use:
    """Check an answer against the passkey it names; raises AssertionInvalid.

    The caller has spent `answer.challenge`. The sign count is left to the row, where
    it is compared and kept in one statement; it comes from a true signature.
    """
    _refuse_embedding(answer)
    if not hmac.compare_digest(answer.user_handle, user_handle):
        raise AssertionInvalid("user handle")
    try:
        verified = verify_authentication_response(
            credential=answer.fields,
            expected_challenge=answer.challenge,
            expected_rp_id=party.rp_id,
            expected_origin=list(party.origins),
            credential_public_key=public_key,
            credential_current_sign_count=0,
            require_user_verification=True,
        )
    except Exception as error:  # a stranger's CBOR may break a parser in any way
        raise AssertionInvalid(f"passkey: {type(error).__name__}") from error
    # BE never changes in the life of a credential (WebAuthn 3, 6.1.3).
    if _may_be_copied(verified.credential_device_type) != is_synced:
        raise AssertionInvalid("backup eligibility changed")
    return Use(verified.new_sign_count)


def verify_new(
    answer: UnverifiedAnswer, *, party: WebAuthnParty, roots: Sequence[bytes] = ()
) -> NewPasskey:
    """Check a registration; raises AssertionInvalid. `roots` are PEM certificates."""
    _refuse_embedding(answer)
    try:
        verified = verify_registration_response(
            credential=answer.fields,
            expected_challenge=answer.challenge,
            expected_rp_id=party.rp_id,
            expected_origin=list(party.origins),
            require_user_verification=True,
            supported_pub_key_algs=list(ALGORITHMS),
        )
        key = decode_credential_public_key(verified.credential_public_key)
        decoded_public_key_to_cryptography(key)  # a point off its curve is no key
    except Exception as error:  # as above
        raise AssertionInvalid(f"passkey: {type(error).__name__}") from error
    passkey_id = bytes_to_base64url(verified.credential_id)
    if passkey_id != answer.credential_id or len(passkey_id) > LONGEST_ID:
        raise AssertionInvalid("credential id")
    is_trusted = bool(roots) and _is_attested(
        answer, aaguid=verified.aaguid, party=party, roots=roots
    )
    return NewPasskey(
        id=passkey_id,
        public_key=verified.credential_public_key,
        sign_count=verified.sign_count,
        is_synced=_may_be_copied(verified.credential_device_type),
        aaguid=verified.aaguid,
        attested_as=str(verified.fmt) if is_trusted else "",
    )


def _refuse_embedding(answer: UnverifiedAnswer) -> None:
    if answer.is_embedded:
        raise AssertionInvalid("the page was embedded")


def _is_attested(
    answer: UnverifiedAnswer,
    *,
    aaguid: str,
    party: WebAuthnParty,
    roots: Sequence[bytes],
) -> bool:
    """Say whether a trusted root vouches for the authenticator (8.2, 8.2.1)."""
    try:
        raw = _bytes(answer.fields["response"]["attestationObject"])
        told = parse_attestation_object(raw)
        if told.fmt != AttestationFormat.PACKED or not told.att_stmt.x5c:
            return False
        verify_registration_response(
            credential=answer.fields,
            expected_challenge=answer.challenge,
            expected_rp_id=party.rp_id,
            expected_origin=list(party.origins),
            require_user_verification=True,
            supported_pub_key_algs=list(ALGORITHMS),
            pem_root_certs_bytes_by_fmt={AttestationFormat.PACKED: list(roots)},
        )
        certificate = x509.load_der_x509_certificate(told.att_stmt.x5c[0])
        return _is_attestation_certificate(certificate, aaguid=aaguid)
    except Exception:  # noqa: BLE001 - not trusted, for whatever reason
        return False


def _is_attestation_certificate(certificate: x509.Certificate, *, aaguid: str) -> bool:
    """Check the requirements of WebAuthn 3, 8.2.1 on the leaf certificate."""
    units = certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATIONAL_UNIT_NAME)
    basic = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
    if [unit.value for unit in units] != ["Authenticator Attestation"]:
        return False
    if certificate.version is not x509.Version.v3 or basic.value.ca:
        return False
    try:
        named = certificate.extensions.get_extension_for_oid(AAGUID_OF_CERTIFICATE)
    except x509.ExtensionNotFound:
        return True
    told = named.value
    octets = told.value if isinstance(told, x509.UnrecognizedExtension) else b""
    return octets[-16:].hex() == aaguid.replace("-", "")  # an OCTET STRING in DER


def _may_be_copied(kind: CredentialDeviceType) -> bool:
    return kind is CredentialDeviceType.MULTI_DEVICE


def _bytes(text: str) -> bytes:
    return b64decode(text.rstrip("="))
