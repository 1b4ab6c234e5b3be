"""Time-stamp tokens: these bytes existed then, an authority says (RFC 3161)."""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from asn1crypto import cms, tsp
from cryptography import x509
from cryptography.x509.oid import NameOID

from camdx_bridge.errors import DocumentRefused, refused
from camdx_bridge.formats.algorithms import HASHES, verify
from camdx_bridge.refusals import Refusal
from camdx_bridge.trust.certificates import (
    der_of,
    is_within_time,
    may_sign_timestamps,
    subject_value,
)
from camdx_bridge.trust.shared_params import ApprovedTsa, SharedParameters

LARGEST = 64 * 1024
_SET_TAG = b"\x31"
_SCHEMES = {"rsassa_pkcs1v15": "rsa", "rsassa_pss": "pss", "ecdsa": "ecdsa"}


@dataclass(frozen=True, slots=True)
class TimeStamp:
    """When, and which approved authority says so."""

    at: datetime
    authority: ApprovedTsa
    nonce: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Token:
    """The parts of a token that are checked, read but not yet believed."""

    content: bytes
    content_digest: bytes
    content_types_agree: bool
    signed_attributes: bytes
    hash_name: str
    scheme: str
    signature: bytes
    issuer_serial: tuple[bytes, int] | None
    key_identifier: bytes | None
    certificate_digests: tuple[tuple[str, bytes], ...]
    imprint_name: str
    imprint: bytes
    at: datetime
    nonce: int | None


def verify_timestamp(
    data: bytes, *, stamped: bytes, trust: SharedParameters
) -> TimeStamp:
    """Return when an approved authority saw `stamped`; DocumentInvalid otherwise."""
    token = _read(data)
    if token.imprint_name not in HASHES:
        raise refused(Refusal.ALGORITHM_REFUSED, "a time-stamp's digest")
    own = hashlib.new(token.imprint_name, stamped).digest()
    if not hmac.compare_digest(own, token.imprint):
        raise refused(Refusal.TIMESTAMP_MISMATCH)
    authority = _authority(token, trust)
    _require_signed(token, authority.certificate)
    return TimeStamp(token.at, authority, token.nonce)


def _authority(token: _Token, trust: SharedParameters) -> ApprovedTsa:
    """Find the signer among the approved: a certificate in the token is no help."""
    for authority in trust.timestampers:
        if _is_signer(token, authority.certificate):
            break
    else:
        raise refused(Refusal.TIMESTAMP_AUTHORITY)
    certificate = authority.certificate
    if not may_sign_timestamps(certificate) or not is_within_time(
        certificate, token.at
    ):
        raise refused(Refusal.TIMESTAMP_AUTHORITY, "not in force")
    return authority


def _is_signer(token: _Token, certificate: x509.Certificate) -> bool:
    if token.issuer_serial is not None:
        issuer, serial = token.issuer_serial
        named = serial == certificate.serial_number and _same_name(issuer, certificate)
    else:
        own = x509.SubjectKeyIdentifier.from_public_key(certificate.public_key())
        named = token.key_identifier == own.digest
    # ESSCertID: the token itself says which certificate its key has (RFC 5816).
    said = token.certificate_digests
    der = der_of(certificate)
    return named and any(hashlib.new(n, der).digest() == d for n, d in said)


def _same_name(issuer: bytes, certificate: x509.Certificate) -> bool:
    return certificate.issuer.public_bytes() == issuer


def _require_signed(token: _Token, certificate: x509.Certificate) -> None:
    if token.hash_name not in HASHES:
        raise refused(Refusal.ALGORITHM_REFUSED, "a time-stamp's signature")
    own = hashlib.new(token.hash_name, token.content).digest()
    if not token.content_types_agree or not hmac.compare_digest(
        own, token.content_digest
    ):
        raise refused(Refusal.TIMESTAMP_SIGNATURE, "content")
    verify(
        certificate.public_key(),
        scheme=token.scheme,
        hash_name=token.hash_name,
        signature=token.signature,
        data=token.signed_attributes,
        refusal=Refusal.TIMESTAMP_SIGNATURE,
    )


def _read(data: bytes) -> _Token:
    if len(data) > LARGEST:
        raise refused(Refusal.TIMESTAMP_MALFORMED, "size")
    try:
        return _token(data)
    except DocumentRefused:
        raise
    except Exception:  # noqa: BLE001 - asn1crypto reads lazily and raises anything
        raise refused(Refusal.TIMESTAMP_MALFORMED) from None


def _token(data: bytes) -> _Token:
    info = cms.ContentInfo.load(data, strict=True)
    if info["content_type"].native != "signed_data":
        raise refused(Refusal.TIMESTAMP_MALFORMED, "content type")
    signed = info["content"]
    (signer,) = signed["signer_infos"]
    inner = signed["encap_content_info"]
    content = bytes(inner["content"])
    stamp = tsp.TSTInfo.load(content, strict=True)
    at = stamp["gen_time"].native
    if not isinstance(at, datetime) or at.tzinfo is None:
        raise refused(Refusal.TIMESTAMP_MALFORMED, "time")
    attributes = _attributes(signer)
    identifier = signer["sid"]
    by_serial = identifier.name == "issuer_and_serial_number"
    algorithm = signer["signature_algorithm"]
    return _Token(
        content=content,
        content_digest=attributes["message_digest"][0].native,
        content_types_agree=(
            inner["content_type"].native == "tst_info"
            and attributes["content_type"][0].native == "tst_info"
        ),
        signed_attributes=_SET_TAG + signer["signed_attrs"].dump()[1:],
        hash_name=signer["digest_algorithm"]["algorithm"].native,
        scheme=_SCHEMES.get(algorithm.signature_algo, "unknown"),
        signature=signer["signature"].native,
        issuer_serial=_issuer_serial(identifier.chosen) if by_serial else None,
        key_identifier=None if by_serial else identifier.chosen.native,
        certificate_digests=_certificate_digests(attributes),
        imprint_name=stamp["message_imprint"]["hash_algorithm"]["algorithm"].native,
        imprint=stamp["message_imprint"]["hashed_message"].native,
        at=at,
        nonce=stamp["nonce"].native,
    )


def _attributes(signer: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for attribute in signer["signed_attrs"]:
        name = attribute["type"].native
        if name in found or len(attribute["values"]) != 1:
            raise refused(Refusal.TIMESTAMP_MALFORMED, "attributes")
        found[name] = attribute["values"]
    return found


def _issuer_serial(chosen: Any) -> tuple[bytes, int]:
    return chosen["issuer"].dump(), chosen["serial_number"].native


def _certificate_digests(attributes: dict[str, Any]) -> tuple[tuple[str, bytes], ...]:
    """Return the first ESSCertID of each form: it is the signer's (RFC 2634, 5.4)."""
    found = []
    if "signing_certificate_v2" in attributes:
        first = attributes["signing_certificate_v2"][0]["certs"][0]
        name = first["hash_algorithm"]["algorithm"].native
        found.append((name, first["cert_hash"].native))
    if "signing_certificate" in attributes:
        first = attributes["signing_certificate"][0]["certs"][0]
        found.append(("sha1", first["cert_hash"].native))
    return tuple((name, value) for name, value in found if name in {*HASHES, "sha1"})


def authority_name(authority: ApprovedTsa) -> str:
    """Return what the configuration calls it, or else its certificate."""
    certified = subject_value(authority.certificate, NameOID.COMMON_NAME)
    return authority.name or certified or authority.url
