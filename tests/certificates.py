"""Authorities and certificates for tests, and the header that tells of them."""

from base64 import b64encode
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

AUTHORITY = "CN=Test authority,O=Test,C=KH"


def header_of(certificate: x509.Certificate) -> str:
    """Return the byte sequence of RFC 9440, 2.1."""
    return f":{b64encode(certificate.public_bytes(Encoding.DER)).decode()}:"


def certificate(
    key: Any,
    *,
    now: datetime,
    subject: str = "CN=portal,O=Ministry,C=KH",
    san: list[x509.GeneralName] | None = None,
    issuer: "Authority | None" = None,
    days: int = 30,
    is_authority: bool = False,
    usage: x509.ObjectIdentifier = ExtendedKeyUsageOID.CLIENT_AUTH,
) -> x509.Certificate:
    """Return a certificate; without an issuer it signs itself."""
    name = x509.Name.from_rfc4514_string(subject)
    signer = issuer.key if issuer else key
    own = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer.certificate.subject if issuer else name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(
            x509.BasicConstraints(ca=is_authority, path_length=None), critical=True
        )
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()),
            critical=False,
        )
    )
    if is_authority:
        signs = x509.KeyUsage(
            digital_signature=False,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            key_cert_sign=True,
            crl_sign=True,
            encipher_only=False,
            decipher_only=False,
        )
        builder = builder.add_extension(signs, critical=True)
        builder = builder.add_extension(own, critical=False)
    else:
        names = san or [x509.DNSName("portal.example")]
        builder = builder.add_extension(
            x509.SubjectAlternativeName(names), critical=False
        ).add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
    return builder.sign(signer, SHA256())


@dataclass(frozen=True)
class Authority:
    """A key that vouches, and its certificate."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @classmethod
    def make(
        cls, now: datetime, *, issuer: "Authority | None" = None, name: str = AUTHORITY
    ) -> "Authority":
        key = ec.generate_private_key(ec.SECP256R1())
        made = certificate(key, now=now, subject=name, issuer=issuer, is_authority=True)
        return cls(key, made)

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)
