"""OCSP responses: was a certificate good at an instant, and who says so? (RFC 6960).

Freshness is the age of `thisUpdate` at that instant; a later `nextUpdate` does not make
an old answer fresh.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509 import ocsp

from camdx_bridge.errors import DocumentInvalid, DocumentRefused, refused
from camdx_bridge.formats.algorithms import HASHES, verify
from camdx_bridge.refusals import Refusal
from camdx_bridge.trust.certificates import (
    der_of,
    is_within_time,
    may_sign_ocsp,
    read_certificate,
)
from camdx_bridge.trust.chains import Chain, issued
from camdx_bridge.trust.shared_params import ApprovedCa

LARGEST = 64 * 1024
# How far a responder's clock may be ahead of the time-stamping authority's.
LEEWAY = timedelta(minutes=5)
_BROKEN = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)


@dataclass(frozen=True, slots=True)
class Status:
    """That a certificate was good, as a responder said at `this_update`."""

    this_update: datetime
    next_update: datetime | None
    responder: x509.Certificate


@dataclass(frozen=True, slots=True)
class OcspAnswer:
    """What a response says of one certificate, read but not yet believed."""

    response: Any
    hash_name: str
    issuer_name_hash: bytes
    issuer_key_hash: bytes
    serial: int
    status: ocsp.OCSPCertStatus
    this_update: datetime
    next_update: datetime | None
    embedded: tuple[x509.Certificate, ...]
    responder_name: x509.Name | None
    responder_key_hash: bytes | None

    def is_about(self, certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
        """Say whether the response speaks of this certificate."""
        if self.serial != certificate.serial_number:
            return False
        made = ocsp.OCSPRequestBuilder().add_certificate(
            certificate, issuer, self.response.hash_algorithm
        )
        asked = made.build()
        return (asked.issuer_name_hash, asked.issuer_key_hash) == (
            self.issuer_name_hash,
            self.issuer_key_hash,
        )

    def is_by(self, certificate: x509.Certificate) -> bool:
        """Compare the responder's id: a name, or its key's digest (RFC 6960)."""
        if self.responder_name is not None:
            return self.responder_name == certificate.subject
        own = x509.SubjectKeyIdentifier.from_public_key(certificate.public_key())
        return self.responder_key_hash == own.digest


def read_ocsp(data: bytes) -> OcspAnswer:
    """Read a response about one certificate; DocumentInvalid when it is none."""
    if len(data) > LARGEST:
        raise refused(Refusal.OCSP_MALFORMED, "size")
    try:
        response = ocsp.load_der_ocsp_response(data)
        if response.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
            raise refused(Refusal.OCSP_MALFORMED, "not successful")
        return OcspAnswer(
            response,
            response.hash_algorithm.name,
            response.issuer_name_hash,
            response.issuer_key_hash,
            response.serial_number,
            response.certificate_status,
            response.this_update_utc,
            response.next_update_utc,
            tuple(read_certificate(der_of(one)) for one in response.certificates),
            response.responder_name,
            response.responder_key_hash,
        )
    except (*_BROKEN, DocumentInvalid):
        raise refused(Refusal.OCSP_MALFORMED) from None


def require_good(
    chain: Chain,
    *,
    answers: Sequence[OcspAnswer],
    freshness_s: int,
    at: datetime,
) -> tuple[Status, ...]:
    """Return the state of every certificate below the top, all good at `at`."""
    return tuple(
        _good(
            certificate,
            issuer,
            chain.authority,
            answers=answers,
            oldest=at - timedelta(seconds=freshness_s),
            at=at,
        )
        for certificate, issuer in chain.links
    )


def _good(
    certificate: x509.Certificate,
    issuer: x509.Certificate,
    authority: ApprovedCa,
    *,
    answers: Sequence[OcspAnswer],
    oldest: datetime,
    at: datetime,
) -> Status:
    """Take the first answer that holds, unless another one that holds says revoked."""
    found, trouble = None, refused(Refusal.OCSP_MISSING)
    for answer in answers:
        if not answer.is_about(certificate, issuer):
            continue
        try:
            responder = _responder(answer, issuer, authority, at)
            _require_timely(answer, oldest, at)
        except DocumentRefused as error:
            trouble = error
            continue
        if answer.status is not ocsp.OCSPCertStatus.GOOD:
            raise refused(Refusal.CERTIFICATE_REVOKED, answer.status.name.lower())
        found = found or Status(answer.this_update, answer.next_update, responder)
    if found is None:
        raise trouble
    return found


def _require_timely(answer: OcspAnswer, oldest: datetime, at: datetime) -> None:
    if answer.this_update > at + LEEWAY:
        raise refused(Refusal.OCSP_FUTURE)
    late = answer.next_update is not None and answer.next_update < at
    if late or answer.this_update < oldest:
        said = answer.this_update.astimezone(UTC).isoformat()
        raise refused(Refusal.OCSP_STALE, f"thisUpdate {said}")


def _responder(
    answer: OcspAnswer, issuer: x509.Certificate, authority: ApprovedCa, at: datetime
) -> x509.Certificate:
    """Return who signed: one the configuration names, the issuer, or its delegate."""
    candidates = [
        one
        for one in _authorized(answer, issuer, authority)
        if answer.is_by(one) and is_within_time(one, at)
    ]
    if not candidates:
        raise refused(Refusal.OCSP_SIGNER)
    for candidate in candidates[:-1]:
        try:
            _verify(answer.response, candidate)
        except DocumentRefused:
            continue
        return candidate
    _verify(answer.response, candidates[-1])
    return candidates[-1]


def _authorized(
    answer: OcspAnswer, issuer: x509.Certificate, authority: ApprovedCa
) -> Iterable[x509.Certificate]:
    for entry in authority.entries:
        if entry.certificate == issuer:
            yield from (r.certificate for r in entry.responders if r.certificate)
    yield issuer
    for one in answer.embedded:
        if may_sign_ocsp(one) and issued(one, issuer):
            yield one


def _verify(response: Any, certificate: x509.Certificate) -> None:
    try:
        used = response.signature_hash_algorithm
    except (ValueError, UnsupportedAlgorithm):
        used = None
    if used is None or used.name not in HASHES:
        raise refused(Refusal.ALGORITHM_REFUSED, "an OCSP signature")
    key = certificate.public_key()
    verify(
        key,
        scheme="rsa" if isinstance(key, rsa.RSAPublicKey) else "ecdsa",
        hash_name=used.name,
        signature=response.signature,
        data=response.tbs_response_bytes,
        refusal=Refusal.OCSP_SIGNATURE,
    )
