"""A maker of authenticators: its root certificate, and packed attestations under it."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from idp.domain.passkey_answers import AAGUID_OF_CERTIFICATE
from tests.authenticator import AAGUID

Key = ec.EllipticCurvePrivateKey


@dataclass
class Maker:
    """A maker of authenticators: a root, and what its certificates say."""

    unit: str = "Authenticator Attestation"
    is_ca: bool = False
    aaguid: bytes | None = AAGUID
    name: str = "Root"

    def __post_init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.root = certificate(
            self.name, self.key, issuer=self.name, by=self.key, ca=True
        )

    @property
    def pem(self) -> bytes:
        return self.root.public_bytes(Encoding.PEM)

    def attest(self, message: bytes) -> dict[str, Any]:
        """Return a packed attestation of one authenticator of this maker."""
        key = ec.generate_private_key(ec.SECP256R1())
        leaf = certificate(
            "Leaf",
            key,
            issuer=self.name,
            by=self.key,
            ca=self.is_ca,
            unit=self.unit,
            aaguid=self.aaguid,
        )
        statement = {
            "alg": -7,
            "sig": key.sign(message, ec.ECDSA(SHA256())),
            "x5c": [leaf.public_bytes(Encoding.DER)],
        }
        return {"fmt": "packed", "attStmt": statement}


def certificate(
    name: str,
    key: Key,
    *,
    issuer: str,
    by: Key,
    ca: bool,
    unit: str = "",
    aaguid: bytes | None = None,
) -> x509.Certificate:
    names = [x509.NameAttribute(NameOID.COMMON_NAME, name)]
    if unit:
        names.append(x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, unit))
    now = datetime.now(UTC)  # OpenSSL looks at the machine's clock
    made = (
        x509.CertificateBuilder()
        .subject_name(x509.Name(names))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    )
    if aaguid is not None:
        told = x509.UnrecognizedExtension(AAGUID_OF_CERTIFICATE, b"\x04\x10" + aaguid)
        made = made.add_extension(told, critical=False)
    return made.sign(by, SHA256())
