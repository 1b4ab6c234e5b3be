"""A phone's two keys: the device key, and the PIN key that is derived and forgotten."""

import hmac
import secrets
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    derive_private_key,
    generate_private_key,
)
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from idp.domain import jws
from idp.domain.keys import jwk_of
from idp.domain.request_proofs import TYP as PROOF
from idp.domain.user_verification import PIN_PREFIX
from idp.storage.columns import b64decode, b64encode

ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def pin_scalar(*, secret: bytes, salt: bytes, pin: str) -> int:
    """Return the private scalar of a PIN key.

    HMAC-SHA-256 by the device secret, Argon2id (19,456 KiB, t 2, p 1) with the raw
    thumbprint as salt, HKDF to 48 bytes, reduced to 1 … n-1.
    """
    m = hmac.digest(secret, f"pin1|{pin}".encode("ascii"), "sha256")
    argon = Argon2id(salt=salt, length=32, iterations=2, lanes=1, memory_cost=19_456)
    hkdf = HKDF(algorithm=SHA256(), length=48, salt=None, info=b"camdigikey pin key v1")
    return int.from_bytes(hkdf.derive(argon.derive(m))) % (ORDER - 1) + 1


def _new_device_key() -> EllipticCurvePrivateKey:
    return generate_private_key(SECP256R1())


@dataclass(frozen=True, slots=True)
class PhoneKeys:
    """A device key and a device secret; the PIN key comes and goes with the PIN."""

    device_key: EllipticCurvePrivateKey = field(default_factory=_new_device_key)
    secret: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)

    @property
    def jwk(self) -> dict[str, str]:
        """The public device key."""
        return jwk_of(self.device_key.public_key())

    @property
    def device_id(self) -> str:
        """The thumbprint of the device key (RFC 7638)."""
        return jws.thumbprint(self.jwk)

    def pin_jwk(self, pin: str) -> dict[str, str]:
        """Return the public half of the key of this PIN."""
        return jwk_of(self._pin_key(pin).public_key())

    def sign(self, claims: dict[str, Any], *, typ: str, **header: Any) -> str:
        """Return a compact JWS by the device key."""
        head = {"alg": "ES256", "typ": typ, "kid": self.device_id, **header}
        return jws.sign(claims, key=self.device_key, header=jws.header_bytes(head))

    def pin_uv(self, token: str, pin: str) -> str:
        """Return the PIN key's signature over an assertion."""
        message = (PIN_PREFIX + token).encode("ascii")
        return b64encode(jws.raw_signature(self._pin_key(pin), message))

    def proof(self, *, method: str, url: str, body: bytes, nonce: str, iat: int) -> str:
        """Return the proof of one request; `iat` is the server's time."""
        claims = {
            "htm": method,
            "htu": url,
            "iat": iat,
            "jti": secrets.token_urlsafe(12),
            "bd": b64encode(sha256(body).digest()),
            "nonce": nonce,
        }
        return self.sign(claims, typ=PROOF, jwk=self.jwk)

    def _pin_key(self, pin: str) -> EllipticCurvePrivateKey:
        salt = b64decode(self.device_id)
        scalar = pin_scalar(secret=self.secret, salt=salt, pin=pin)
        return derive_private_key(scalar, SECP256R1())
