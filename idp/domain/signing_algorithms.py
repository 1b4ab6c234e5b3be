"""How the provider's own keys sign: one algorithm a key, ES256 unless a party asks.

RSA keys have 2048 bits. They sign tokens that die within minutes, under keys that
serve for weeks, for parties whose libraries know nothing better: 2048 bits hold until
2030 (NIST SP 800-57 Part 1, table 4), every client takes them, and a signature costs
a third of one with 3072 bits. What is kept for good (the audit seals) is ES256 always.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from idp.domain import jws
from idp.storage.columns import b64decode, b64encode, canonical_json

RSA_BITS, RSA_EXPONENT = 2048, 65537
ES256, PS256, RS256, EDDSA = "ES256", "PS256", "RS256", "EdDSA"


@dataclass(frozen=True, slots=True)
class Algorithm:
    """What one JWS algorithm does (RFC 7518, 3.1; RFC 8037, 3.1). Pure.

    `check` raises InvalidSignature or BadSignature; `jwk` gives the bare public JWK
    and `read` takes it back.
    """

    name: str
    generate: Callable[[], Any]
    sign: Callable[[Any, bytes], bytes]
    check: Callable[[Any, bytes, bytes], None]
    jwk: Callable[[Any], dict[str, str]]
    read: Callable[[Mapping[str, str]], Any]


def _pss() -> padding.PSS:
    # The salt is as long as the hash (RFC 7518, 3.5).
    return padding.PSS(padding.MGF1(SHA256()), SHA256.digest_size)


def _generate_rsa() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(RSA_EXPONENT, RSA_BITS)


def _rsa(name: str, pad: Callable[[], Any]) -> Algorithm:
    def sign(key: rsa.RSAPrivateKey, message: bytes) -> bytes:
        return key.sign(message, pad(), SHA256())

    def check(key: rsa.RSAPublicKey, signature: bytes, message: bytes) -> None:
        key.verify(signature, message, pad(), SHA256())

    return Algorithm(name, _generate_rsa, sign, check, _rsa_jwk, _read_rsa)


def _rsa_jwk(key: rsa.RSAPublicKey) -> dict[str, str]:
    numbers = key.public_numbers()
    n, e = (_octets(value) for value in (numbers.n, numbers.e))
    return {"kty": "RSA", "n": b64encode(n), "e": b64encode(e)}


def _octets(value: int) -> bytes:
    return value.to_bytes((value.bit_length() + 7) // 8)


def _read_rsa(jwk: Mapping[str, str]) -> rsa.RSAPublicKey:
    n, e = (int.from_bytes(b64decode(jwk[name])) for name in ("n", "e"))
    return rsa.RSAPublicNumbers(e, n).public_key()


def jwk_of(key: ec.EllipticCurvePublicKey) -> dict[str, str]:
    """Return the bare public JWK of a P-256 key (RFC 7518, 6.2)."""
    numbers = key.public_numbers()
    x, y = numbers.x.to_bytes(32), numbers.y.to_bytes(32)
    return {"kty": "EC", "crv": "P-256", "x": b64encode(x), "y": b64encode(y)}


def _check_es256(
    key: ec.EllipticCurvePublicKey, signature: bytes, message: bytes
) -> None:
    jws.check_signature(key=key, signature=signature, message=message)


def _sign_eddsa(key: ed25519.Ed25519PrivateKey, message: bytes) -> bytes:
    return key.sign(message)


def _check_eddsa(
    key: ed25519.Ed25519PublicKey, signature: bytes, message: bytes
) -> None:
    key.verify(signature, message)


def _okp_jwk(key: ed25519.Ed25519PublicKey) -> dict[str, str]:
    x = b64encode(key.public_bytes_raw())
    return {"kty": "OKP", "crv": "Ed25519", "x": x}


def _read_okp(jwk: Mapping[str, str]) -> ed25519.Ed25519PublicKey:
    return ed25519.Ed25519PublicKey.from_public_bytes(b64decode(jwk["x"]))


def _generate_es256() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


ALGORITHMS: Mapping[str, Algorithm] = {
    ES256: Algorithm(
        ES256,
        _generate_es256,
        jws.raw_signature,
        _check_es256,
        jwk_of,
        jws.public_key,
    ),
    PS256: _rsa(PS256, _pss),
    RS256: _rsa(RS256, padding.PKCS1v15),
    EDDSA: Algorithm(
        EDDSA,
        ed25519.Ed25519PrivateKey.generate,
        _sign_eddsa,
        _check_eddsa,
        _okp_jwk,
        _read_okp,
    ),
}


def public_jwk(alg: str, public_der: bytes) -> dict[str, str]:
    """Return the bare JWK of a SubjectPublicKeyInfo; ValueError if it does not fit."""
    jwk = ALGORITHMS[alg].jwk(load_der_public_key(public_der))
    ALGORITHMS[alg].read(jwk)
    return jwk


def thumbprint(jwk: Mapping[str, str]) -> str:
    """Return the base64url SHA-256 thumbprint of a bare JWK (RFC 7638, RFC 8037)."""
    return b64encode(sha256(canonical_json(dict(jwk))).digest())


def check_signature(alg: str, key: Any, *, signature: bytes, message: bytes) -> None:
    """Check a signature by the key's own algorithm; raises BadSignature."""
    try:
        ALGORITHMS[alg].check(key, signature, message)
    except InvalidSignature as error:
        raise jws.BadSignature("the key did not sign this") from error
