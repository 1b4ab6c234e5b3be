"""X.509 certificates as they come: DER or PEM, wholly read or refused at once."""

from datetime import datetime

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from camdx_bridge.errors import refused
from camdx_bridge.formats.base64_text import read_base64
from camdx_bridge.refusals import Refusal

LARGEST = 64 * 1024
_PEM = b"-----BEGIN CERTIFICATE-----"
# What cryptography raises for certificates that it reads only in part.
_BROKEN = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)


def read_certificate(data: bytes) -> x509.Certificate:
    """Read a certificate; DocumentRefused when any part of it cannot be read."""
    if len(data) > LARGEST:
        raise refused(Refusal.CERTIFICATE_MALFORMED, "size")
    try:
        is_pem = data.lstrip().startswith(_PEM)
        load = x509.load_pem_x509_certificate if is_pem else _load_der
        found = load(data)
        # Read lazily, these would fail in the middle of a judgement.
        found.public_key()
        found.extensions  # noqa: B018 - it parses
        (found.subject, found.issuer, found.not_valid_before_utc)  # noqa: B018
        (found.not_valid_after_utc, found.signature_hash_algorithm)  # noqa: B018
    except _BROKEN:
        raise refused(Refusal.CERTIFICATE_MALFORMED) from None
    return found


def read_certificate_text(text: str) -> x509.Certificate:
    """Read base64 of DER, or base64 of PEM: global configurations hold both."""
    return read_certificate(read_base64(text, Refusal.CERTIFICATE_MALFORMED))


def _load_der(data: bytes) -> x509.Certificate:
    return x509.load_der_x509_certificate(data)


def der_of(certificate: x509.Certificate) -> bytes:
    """Return the DER of a certificate."""
    return certificate.public_bytes(Encoding.DER)


def fingerprint(certificate: x509.Certificate) -> str:
    """Return the SHA-256 of a certificate in hex, as people compare it."""
    return certificate.fingerprint(SHA256()).hex()


def is_within_time(certificate: x509.Certificate, at: datetime) -> bool:
    """Say whether a certificate is in force at an instant; both ends count."""
    return certificate.not_valid_before_utc <= at <= certificate.not_valid_after_utc


def may_sign_certificates(certificate: x509.Certificate) -> bool:
    """Say whether it is an authority's (RFC 5280, 4.2.1.3 and 4.2.1.9)."""
    usage = _key_usage(certificate)
    constraints = _constraints(certificate)
    is_ca = constraints is not None and constraints.ca
    return is_ca and (usage is None or usage.key_cert_sign)


def path_length(certificate: x509.Certificate) -> int | None:
    """Return how many authorities may stand below it; None for any number."""
    found = _constraints(certificate)
    return None if found is None else found.path_length


def may_sign_documents(certificate: x509.Certificate) -> bool:
    """Say whether key usage has nonRepudiation, as X-Road wants of sign keys."""
    usage = _key_usage(certificate)
    return usage is not None and usage.content_commitment


def has_extended_usage(certificate: x509.Certificate, usage: ObjectIdentifier) -> bool:
    """Say whether the extended key usage names this purpose."""
    try:
        found = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    except x509.ExtensionNotFound:
        return False
    return usage in found.value


def may_sign_ocsp(certificate: x509.Certificate) -> bool:
    """Say whether it is made for OCSP responses."""
    return has_extended_usage(certificate, ExtendedKeyUsageOID.OCSP_SIGNING)


def may_sign_timestamps(certificate: x509.Certificate) -> bool:
    """Say whether it is made for time-stamps (RFC 3161, 2.3)."""
    return has_extended_usage(certificate, ExtendedKeyUsageOID.TIME_STAMPING)


def subject_value(certificate: x509.Certificate, oid: ObjectIdentifier) -> str | None:
    """Return a subject attribute that stands exactly once, else None."""
    found = certificate.subject.get_attributes_for_oid(oid)
    value = found[0].value if len(found) == 1 else None
    return value if isinstance(value, str) and value else None


def common_name(certificate: x509.Certificate) -> str:
    """Return the common name, or nothing when there is not exactly one."""
    return subject_value(certificate, NameOID.COMMON_NAME) or ""


def _constraints(certificate: x509.Certificate) -> x509.BasicConstraints | None:
    try:
        found = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
    except x509.ExtensionNotFound:
        return None
    return found.value


def _key_usage(certificate: x509.Certificate) -> x509.KeyUsage | None:
    try:
        return certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return None
