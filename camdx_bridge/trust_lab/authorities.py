"""Certification authorities of the lab, and the keys and certificates they issue."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256, SHA512
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

KEY_SIZE = 2048
_EXPONENT = 65537
_USAGES = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
)
OCSP_SIGNING = ExtendedKeyUsageOID.OCSP_SIGNING
TIME_STAMPING = ExtendedKeyUsageOID.TIME_STAMPING


@dataclass(frozen=True, slots=True)
class Holder:
    """A private key and the certificate that names it; it signs as X-Road does."""

    key: rsa.RSAPrivateKey = field(repr=False)
    certificate: x509.Certificate

    def sign(self, data: bytes) -> bytes:
        """Sign with RSA PKCS#1 v1.5 and SHA-512."""
        return self.key.sign(data, padding.PKCS1v15(), SHA512())


def new_key() -> rsa.RSAPrivateKey:
    """Return a fresh key."""
    return rsa.generate_private_key(_EXPONENT, KEY_SIZE)


def name_of(**parts: str) -> x509.Name:
    """Return a name; parts are `country`, `organization`, `common` and `serial`."""
    oids = {
        "country": NameOID.COUNTRY_NAME,
        "organization": NameOID.ORGANIZATION_NAME,
        "common": NameOID.COMMON_NAME,
        "serial": NameOID.SERIAL_NUMBER,
    }
    return x509.Name([x509.NameAttribute(oids[key], v) for key, v in parts.items()])


@dataclass(frozen=True, slots=True)
class Authority(Holder):
    """A certification authority."""

    @classmethod
    def make(
        cls,
        common_name: str,
        *,
        now: datetime,
        issuer: "Authority | None" = None,
        days: int = 3650,
    ) -> "Authority":
        """Make an authority; without an issuer it vouches for itself."""
        key = new_key()
        name = name_of(organization="Trust lab", common=common_name)
        builder = _builder(name, key.public_key(), now, days).add_extension(
            x509.BasicConstraints(ca=True, path_length=None), critical=True
        )
        signer = issuer.key if issuer else key
        made = (
            builder.issuer_name(issuer.certificate.subject if issuer else name)
            .add_extension(_usage("key_cert_sign", "crl_sign"), critical=True)
            .sign(signer, SHA256())
        )
        return cls(key, made)

    def issue(
        self,
        subject: x509.Name,
        *,
        now: datetime,
        usage: str = "content_commitment",
        purpose: ObjectIdentifier | None = None,
        days: int = 730,
        key: rsa.RSAPrivateKey | None = None,
    ) -> Holder:
        """Issue a certificate for a fresh key, or for the one given."""
        key = key or new_key()
        builder = _builder(subject, key.public_key(), now, days)
        builder = builder.add_extension(_usage(usage), critical=True)
        if purpose is not None:
            only = x509.ExtendedKeyUsage([purpose])
            builder = builder.add_extension(only, critical=True)
        builder = builder.issuer_name(self.certificate.subject)
        return Holder(key, builder.sign(self.key, SHA256()))


def _builder(
    subject: x509.Name, key: rsa.RSAPublicKey, now: datetime, days: int
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=days))
    )


def _usage(*names: str) -> x509.KeyUsage:
    return x509.KeyUsage(**{name: name in names for name in _USAGES})
