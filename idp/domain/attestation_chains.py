"""Does a chain of certificates end in a root that the operator trusts? Pure.

    leaf <-signed by- intermediate <-signed by- … <-signed by- root (one of ours)

Every certificate but the leaf must be an authority, each must name and verify the
next, and none may be outside its time. A root is trusted by its public key, for
attestation roots are reissued with the same key. Raises AttestationInvalid.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from idp.errors import AttestationInvalid

LONGEST: Final = 6
LARGEST: Final = 16 * 1024  # bytes of one certificate
# A certificate is parsed part by part, and each part may be broken in its own way.
UNREADABLE: Final = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.InvalidVersion,
)


@dataclass(frozen=True, slots=True)
class Chain:
    """A chain that holds: leaf first, root last."""

    certificates: tuple[x509.Certificate, ...]

    @property
    def leaf(self) -> x509.Certificate:
        """Return the certificate of the attested key."""
        return self.certificates[0]


def check_chain(
    certificates: Sequence[bytes],
    *,
    roots: Collection[x509.Certificate],
    now: datetime,
    ignores_leaf_time: bool = False,
) -> Chain:
    """Return the chain of DER certificates, leaf first; `now` is aware.

    A root that the sender leaves out is added when one of ours signed the last.
    Android sets the time of a leaf by the phone's clock: `ignores_leaf_time`.
    """
    if not 1 <= len(certificates) <= LONGEST:
        raise AttestationInvalid("too few or too many certificates")
    try:
        return _checked(certificates, roots, now, ignores_leaf_time)
    except UNREADABLE as error:
        raise AttestationInvalid("a certificate cannot be read") from error


def _checked(
    certificates: Sequence[bytes],
    roots: Collection[x509.Certificate],
    now: datetime,
    ignores_leaf_time: bool,
) -> Chain:
    chain = _completed([_load(der) for der in certificates], roots)
    trusted = {_key_bytes(root.public_key()) for root in roots}
    if _key_bytes(chain[-1].public_key()) not in trusted:
        raise AttestationInvalid("no trusted root")
    for subject, issuer in zip(chain, [*chain[1:], chain[-1]], strict=True):
        _check_signed(subject, issuer)
    for position, certificate in enumerate(chain):
        if position or not ignores_leaf_time:
            _check_time(certificate, now)
        if position:
            _check_authority(certificate)
    return Chain(tuple(chain))


def load_roots(pem: bytes) -> tuple[x509.Certificate, ...]:
    """Read the operator's roots; raises ValueError."""
    return tuple(x509.load_pem_x509_certificates(pem))


def _load(der: bytes) -> x509.Certificate:
    if len(der) > LARGEST:
        raise AttestationInvalid("a certificate is too large")
    return x509.load_der_x509_certificate(der)


def _completed(
    chain: list[x509.Certificate], roots: Collection[x509.Certificate]
) -> list[x509.Certificate]:
    last = chain[-1]
    if last.issuer == last.subject:
        return chain
    return chain + [root for root in roots if root.subject == last.issuer][:1]


def _check_signed(subject: x509.Certificate, issuer: x509.Certificate) -> None:
    try:
        subject.verify_directly_issued_by(issuer)
    except (*UNREADABLE, InvalidSignature) as error:
        raise AttestationInvalid("a link of the chain is not signed") from error


def _check_time(certificate: x509.Certificate, now: datetime) -> None:
    start, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if not start <= now <= end:
        raise AttestationInvalid("a certificate is outside its time")


def _check_authority(certificate: x509.Certificate) -> None:
    try:
        basic = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
    except x509.ExtensionNotFound as error:
        raise AttestationInvalid("an issuer is no authority") from error
    if not basic.value.ca:
        raise AttestationInvalid("an issuer is no authority")


def _key_bytes(key: PublicKeyTypes) -> bytes:
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
