"""What a server checks of the citizen app, written again from the contract."""

import base64
import hashlib
import json
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


class Refused(Exception):
    """The fake server refuses: a status, a code, and members of the problem."""

    def __init__(self, status: int, code: str, **members: Any) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.members = members


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    assert "=" not in text
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def thumbprint(jwk: dict[str, str]) -> str:
    members = {name: jwk[name] for name in ("crv", "kty", "x", "y")}
    return b64(sha256(json.dumps(members, separators=(",", ":")).encode()))


def public_key(jwk: dict[str, str]) -> ec.EllipticCurvePublicKey:
    assert set(jwk) == {"kty", "crv", "x", "y"}
    assert (jwk["kty"], jwk["crv"]) == ("EC", "P-256")
    x, y = (int.from_bytes(unb64(jwk[name]), "big") for name in "xy")
    return ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()


def check_ecdsa(jwk: dict[str, str], signature: bytes, message: bytes) -> bool:
    assert len(signature) == 64
    r, s = (int.from_bytes(half, "big") for half in (signature[:32], signature[32:]))
    der = utils.encode_dss_signature(r, s)
    try:
        public_key(jwk).verify(der, message, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return False
    return True


@dataclass(frozen=True, slots=True)
class Jws:
    header: dict[str, Any]
    claims: dict[str, Any]


def open_jws(text: str, *, typ: str, jwk: dict[str, str] | None = None) -> Jws:
    """Verify a compact JWS by `jwk`, or by the key in its header."""
    head, body, signature = text.split(".")
    header, claims = json.loads(unb64(head)), json.loads(unb64(body))
    key = jwk or header["jwk"]
    allowed = {"typ", "alg", "kid"} | (set() if jwk else {"jwk"})
    assert set(header) == allowed, header
    assert (header["typ"], header["alg"]) == (typ, "ES256")
    assert header["kid"] == thumbprint(key)
    assert check_ecdsa(key, unb64(signature), f"{head}.{body}".encode())
    return Jws(header, claims)


def derive_pin_scalar(*, secret: bytes, salt: bytes, pin: str) -> int:
    """The PIN key's scalar, by other code than the app's."""
    mac = hmac.HMAC(secret, hashes.SHA256())
    mac.update(b"pin1|" + pin.encode())
    stretched = Argon2id(
        salt=salt, length=32, iterations=2, lanes=1, memory_cost=19456
    ).derive(mac.finalize())
    info = b"camdigikey pin key v1"
    wide = HKDF(hashes.SHA256(), 48, salt=b"", info=info).derive(stretched)
    return int.from_bytes(wide, "big") % (ORDER - 1) + 1


def pin_jwk(scalar: int) -> dict[str, str]:
    numbers = ec.derive_private_key(scalar, ec.SECP256R1()).public_key()
    point = numbers.public_numbers()
    x, y = (b64(value.to_bytes(32, "big")) for value in (point.x, point.y))
    return {"kty": "EC", "crv": "P-256", "x": x, "y": y}
