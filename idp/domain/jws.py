"""Compact ES256 signatures (RFC 7515, 7518), read strictly. Pure.

Devices and the provider both speak ES256 and nothing else, so this file reads
exactly that: one protected header, no `b64`, no `crit`, canonical base64url, JSON
objects without repeated members. Whoever calls it names the `typ` that he expects.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from typing import Any

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
    EllipticCurvePublicNumbers,
)
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)
from cryptography.hazmat.primitives.hashes import SHA256

from idp.storage.columns import b64decode, b64encode

COORDINATE = 32
MAX_TOKEN = 16_384
HASH = ECDSA(SHA256())


class BadSignature(Exception):
    """The text is not a JWS of this kind, or the key did not sign it."""


@dataclass(frozen=True, slots=True)
class UnverifiedJws:
    """A parsed JWS whose signature nobody has looked at yet."""

    unverified_header: Mapping[str, Any]
    unverified_payload: Mapping[str, Any]
    signing_input: bytes
    signature: bytes


def _object(part: str) -> dict[str, Any]:
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        members = dict(pairs)
        if len(members) != len(pairs):
            raise BadSignature("repeated member")
        return members

    try:
        value = json.loads(b64decode(part), object_pairs_hook=once)
    except (ValueError, RecursionError) as error:
        raise BadSignature("not base64url JSON") from error
    if not isinstance(value, dict):
        raise BadSignature("not an object")
    return value


def parse(token: str, *, typ: str) -> UnverifiedJws:
    """Take a compact JWS apart; raises BadSignature unless it is ES256 and `typ`."""
    parsed = take_apart(token)
    header = parsed.unverified_header
    if header.get("alg") != "ES256" or header.get("typ") != typ:
        raise BadSignature("wrong alg or typ")
    return parsed


def take_apart(token: str) -> UnverifiedJws:
    """Take a compact JWS apart, whatever its alg and typ; raises BadSignature."""
    parts = token.split(".")
    if len(token) > MAX_TOKEN or len(parts) != 3:  # noqa: PLR2004 - RFC 7515, 3.1
        raise BadSignature("not a compact JWS")
    header, payload = _object(parts[0]), _object(parts[1])
    if "crit" in header or "b64" in header:
        raise BadSignature("extensions are not understood")
    try:
        signature = b64decode(parts[2])
    except ValueError as error:
        raise BadSignature("signature is not base64url") from error
    signing_input = f"{parts[0]}.{parts[1]}".encode("ascii")
    return UnverifiedJws(header, payload, signing_input, signature)


@lru_cache(maxsize=4096)
def _public_key(x: str, y: str) -> EllipticCurvePublicKey:
    numbers = EllipticCurvePublicNumbers(
        int.from_bytes(_coordinate(x)), int.from_bytes(_coordinate(y)), SECP256R1()
    )
    return numbers.public_key()


def _coordinate(text: str) -> bytes:
    data = b64decode(text)
    if len(data) != COORDINATE:
        raise ValueError("a P-256 coordinate has 32 bytes")
    return data


def public_key(jwk: Mapping[str, Any]) -> EllipticCurvePublicKey:
    """Read a public P-256 JWK (RFC 7518, 6.2); raises BadSignature."""
    if set(jwk) != {"kty", "crv", "x", "y"} or (jwk["kty"], jwk["crv"]) != (
        "EC",
        "P-256",
    ):
        raise BadSignature("not a bare P-256 public key")
    try:
        return _public_key(jwk["x"], jwk["y"])
    except (ValueError, TypeError, AttributeError) as error:
        raise BadSignature("not a point of P-256") from error


def thumbprint(jwk: Mapping[str, Any]) -> str:
    """Return the base64url SHA-256 thumbprint of a P-256 key (RFC 7638)."""
    text = f'{{"crv":"P-256","kty":"EC","x":"{jwk["x"]}","y":"{jwk["y"]}"}}'
    return b64encode(sha256(text.encode()).digest())


def check_signature(
    *, key: EllipticCurvePublicKey, signature: bytes, message: bytes
) -> None:
    """Check 64 bytes r‖s over the message (RFC 7518, 3.4); raises BadSignature."""
    if len(signature) != 2 * COORDINATE:
        raise BadSignature("not r‖s")
    r = int.from_bytes(signature[:COORDINATE])
    s = int.from_bytes(signature[COORDINATE:])
    try:
        key.verify(encode_dss_signature(r, s), message, HASH)
    except InvalidSignature as error:
        raise BadSignature("the key did not sign this") from error


def verify(token: str, *, typ: str, key: EllipticCurvePublicKey) -> Mapping[str, Any]:
    """Return the claims of a JWS that `key` signed; raises BadSignature."""
    parsed = parse(token, typ=typ)
    check_signature(key=key, signature=parsed.signature, message=parsed.signing_input)
    return parsed.unverified_payload


def raw_signature(key: EllipticCurvePrivateKey, message: bytes) -> bytes:
    """Sign with ES256 and return r‖s, 64 bytes."""
    r, s = decode_dss_signature(key.sign(message, HASH))
    return r.to_bytes(COORDINATE) + s.to_bytes(COORDINATE)


def header_bytes(header: Mapping[str, Any]) -> bytes:
    """Return the encoded protected header, to be kept and used again."""
    return b64encode(orjson.dumps(dict(header))).encode("ascii")


def sign(
    payload: Mapping[str, Any], *, key: EllipticCurvePrivateKey, header: bytes
) -> str:
    """Return a compact JWS under a header made by `header_bytes`."""
    body = b64encode(orjson.dumps(dict(payload))).encode("ascii")
    message = header + b"." + body
    return (message + b"." + b64encode(raw_signature(key, message)).encode()).decode()
