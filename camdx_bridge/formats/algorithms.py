"""The algorithms that are accepted, by the URIs of XML Signature; SHA-1 is none.

RSA keys have 2048 bits or more, elliptic ones 256.
"""

import hashlib
import hmac
from collections.abc import Callable
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from cryptography.hazmat.primitives.hashes import (
    SHA256,
    SHA384,
    SHA512,
    HashAlgorithm,
)

from camdx_bridge.errors import refused
from camdx_bridge.refusals import Refusal

SHA256_URI = "http://www.w3.org/2001/04/xmlenc#sha256"
SHA384_URI = "http://www.w3.org/2001/04/xmldsig-more#sha384"
SHA512_URI = "http://www.w3.org/2001/04/xmlenc#sha512"
RSA_SHA512_URI = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512"

_DIGESTS = {SHA256_URI: "sha256", SHA384_URI: "sha384", SHA512_URI: "sha512"}
HASHES: dict[str, HashAlgorithm] = {
    "sha256": SHA256(),
    "sha384": SHA384(),
    "sha512": SHA512(),
}
_MORE, _MORE_2007 = (
    "http://www.w3.org/2001/04/xmldsig-more#",
    "http://www.w3.org/2007/05/xmldsig-more#",
)
_SIGNATURES = {
    f"{prefix}{name.format(hash_name)}": (scheme, hash_name)
    for hash_name in HASHES
    for scheme, prefix, name in (
        ("rsa", _MORE, "rsa-{}"),
        ("pss", _MORE_2007, "{}-rsa-MGF1"),
        ("ecdsa", _MORE, "ecdsa-{}"),
    )
}
SMALLEST_RSA, SMALLEST_EC = 2048, 256


def digest(uri: str, data: bytes) -> bytes:
    """Return the digest by an algorithm's URI; DocumentRefused for one not accepted."""
    name = _DIGESTS.get(uri)
    if name is None:
        raise refused(Refusal.ALGORITHM_REFUSED, uri[:100])
    return hashlib.new(name, data).digest()


def is_digest(uri: str, data: bytes, expected: bytes) -> bool:
    """Say whether `expected` is the digest of the data, in constant time."""
    return hmac.compare_digest(digest(uri, data), expected)


def verify_xml_signature(
    key: Any, *, uri: str, signature: bytes, data: bytes, refusal: Refusal
) -> None:
    """Check a signature by its algorithm's URI; ECDSA values are r and s in a row."""
    if uri not in _SIGNATURES:
        raise refused(Refusal.ALGORITHM_REFUSED, uri[:100])
    scheme, hash_name = _SIGNATURES[uri]
    if scheme == "ecdsa":
        signature = _der_of(key, signature, refusal)
    verify(
        key,
        scheme=scheme,
        hash_name=hash_name,
        signature=signature,
        data=data,
        refusal=refusal,
    )


def verify(
    key: Any,
    *,
    scheme: str,
    hash_name: str,
    signature: bytes,
    data: bytes,
    refusal: Refusal,
) -> None:
    """Check a signature (`rsa`, `pss` or `ecdsa`); DocumentRefused with `refusal`."""
    algorithm = HASHES.get(hash_name)
    if algorithm is None:
        raise refused(Refusal.ALGORITHM_REFUSED, hash_name[:40])
    require_strong(key)
    check = _CHECKS.get((scheme, isinstance(key, rsa.RSAPublicKey)))
    if check is None:
        raise refused(Refusal.ALGORITHM_REFUSED, f"{scheme[:20]} and another key")
    try:
        check(key, signature, data, algorithm)
    except InvalidSignature:
        raise refused(refusal) from None
    except (ValueError, UnsupportedAlgorithm):
        raise refused(refusal, "unreadable") from None


def require_strong(key: Any) -> None:
    """Refuse a key that is short, or of a kind that X-Road does not use."""
    if isinstance(key, rsa.RSAPublicKey):
        is_strong = key.key_size >= SMALLEST_RSA
    elif isinstance(key, ec.EllipticCurvePublicKey):
        is_strong = key.curve.key_size >= SMALLEST_EC
    else:
        raise refused(Refusal.ALGORITHM_REFUSED, "kind of key")
    if not is_strong:
        raise refused(Refusal.KEY_TOO_SMALL)


def _rsa(key: Any, signature: bytes, data: bytes, algorithm: HashAlgorithm) -> None:
    key.verify(signature, data, padding.PKCS1v15(), algorithm)


def _pss(key: Any, signature: bytes, data: bytes, algorithm: HashAlgorithm) -> None:
    salted = padding.PSS(padding.MGF1(algorithm), padding.PSS.DIGEST_LENGTH)
    key.verify(signature, data, salted, algorithm)


def _ecdsa(key: Any, signature: bytes, data: bytes, algorithm: HashAlgorithm) -> None:
    key.verify(signature, data, ec.ECDSA(algorithm))


_Check = Callable[[Any, bytes, bytes, HashAlgorithm], None]
_CHECKS: dict[tuple[str, bool], _Check] = {
    ("rsa", True): _rsa,
    ("pss", True): _pss,
    ("ecdsa", False): _ecdsa,
}


def _der_of(key: Any, signature: bytes, refusal: Refusal) -> bytes:
    """Turn r and s in a row (RFC 4050, 3.3) into the DER that OpenSSL reads."""
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise refused(Refusal.ALGORITHM_REFUSED, "ecdsa and another key")
    half = (key.curve.key_size + 7) // 8
    if len(signature) != 2 * half:
        raise refused(refusal, "length")
    r, s = (int.from_bytes(part) for part in (signature[:half], signature[half:]))
    return utils.encode_dss_signature(r, s)
