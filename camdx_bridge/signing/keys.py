"""A member's signing key in a PKCS#12 file, with the certificates that came with it."""

from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA512
from cryptography.hazmat.primitives.serialization.pkcs12 import load_pkcs12

from camdx_bridge.errors import DocumentRefused, KeyUnusable
from camdx_bridge.formats.algorithms import require_strong
from camdx_bridge.trust.certificates import (
    der_of,
    may_sign_documents,
    read_certificate,
)

_LARGEST = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Pkcs12Key:
    """An RSA key that signs as X-Road does, its certificate, and those above it."""

    certificate: x509.Certificate
    others: tuple[x509.Certificate, ...]
    _key: rsa.RSAPrivateKey = field(repr=False)

    @classmethod
    def load(cls, path: Path, password: str) -> "Pkcs12Key":
        """Read a file; KeyUnusable says why it cannot be, never what is in it."""
        try:
            with path.open("rb") as file:
                found = load_pkcs12(file.read(_LARGEST), password.encode())
        except OSError:
            raise KeyUnusable("the file of the key cannot be read") from None
        except (ValueError, TypeError):
            raise KeyUnusable("no PKCS#12 file, or another password") from None
        if not isinstance(found.key, rsa.RSAPrivateKey) or found.cert is None:
            raise KeyUnusable("it holds no RSA key with its certificate")
        return cls._checked(
            found.key,
            found.cert.certificate,
            [one.certificate for one in found.additional_certs],
        )

    @classmethod
    def _checked(
        cls,
        key: rsa.RSAPrivateKey,
        certificate: x509.Certificate,
        others: list[x509.Certificate],
    ) -> "Pkcs12Key":
        try:
            own, *above = (read_certificate(der_of(c)) for c in (certificate, *others))
            require_strong(key.public_key())
        except DocumentRefused as error:
            raise KeyUnusable(str(error)) from None
        if own.public_key() != key.public_key():
            raise KeyUnusable("the certificate is of another key")
        if not may_sign_documents(own):
            raise KeyUnusable("the certificate is not for signing messages")
        return cls(own, tuple(above), key)

    def sign(self, data: bytes) -> bytes:
        """Sign with RSA PKCS#1 v1.5 and SHA-512."""
        return self._key.sign(data, padding.PKCS1v15(), SHA512())
