"""A certificate authority for one machine, so that a real phone's camera works.

Browsers give the camera to https pages only. The authority lives in the demo's
folder; a phone that should trust it installs `ca.pem` by hand. Never for citizens.
"""

import ipaddress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from idp.interfaces import SystemClock

LIFE = timedelta(days=90)


def make_certificates(folder: Path, *, address: str) -> tuple[Path, Path, Path]:
    """Write and return `(ca.pem, chain.pem, key.pem)` for a host name or address."""
    now = SystemClock().now().astimezone(UTC)
    ca_key, key = generate_private_key(SECP256R1()), generate_private_key(SECP256R1())
    ca_name = _name("CamDigiKey development CA (not for citizens)")
    ca = _builder(ca_name, ca_name, ca_key, now).add_extension(
        x509.BasicConstraints(ca=True, path_length=0), critical=True
    )
    signed_ca = ca.add_extension(_key_usage(signs=True), critical=True).sign(
        ca_key, SHA256()
    )
    leaf = (
        _builder(_name(address), ca_name, key, now)
        .add_extension(
            x509.SubjectAlternativeName(
                [_general_name(address), x509.DNSName("localhost")]
            ),
            critical=False,
        )
        .add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False
        )
        .add_extension(_key_usage(signs=False), critical=True)
        .sign(ca_key, SHA256())
    )
    paths = (folder / "ca.pem", folder / "chain.pem", folder / "key.pem")
    ca_pem = signed_ca.public_bytes(Encoding.PEM)
    paths[0].write_bytes(ca_pem)
    paths[1].write_bytes(leaf.public_bytes(Encoding.PEM) + ca_pem)
    paths[2].touch(mode=0o600)
    paths[2].write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    return paths


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text[:64])])


def _general_name(address: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(address))
    except ValueError:
        return x509.DNSName(address)


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: EllipticCurvePrivateKey,
    now: datetime,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + LIFE)
    )


def _key_usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs,
        crl_sign=signs,
        encipher_only=False,
        decipher_only=False,
    )
