"""Cookies that only this portal can read and write: AES-256-GCM, versioned.

    v1.<base64url(nonce | ciphertext | tag)>

The context (what the cookie is for) is authenticated with it, so that one
cookie's content cannot be passed off as another's.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from secrets import token_bytes

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from sdk_web.errors import Misconfigured, SealBroken

VERSION = "v1."
NONCE_BYTES = 12
LEAST_KEY_BYTES = 32


class CookieSealer:
    """Seals with the first key, opens with any: put a new key in front to rotate."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        if not keys or any(len(key) < LEAST_KEY_BYTES for key in keys):
            raise Misconfigured("a cookie key has at least 32 random bytes")
        self._ciphers = [AESGCM(_derive(key)) for key in keys]

    def seal(self, content: bytes, *, context: str) -> str:
        """Return `content` as text that is safe in a cookie."""
        nonce = token_bytes(NONCE_BYTES)
        sealed = self._ciphers[0].encrypt(nonce, content, context.encode())
        return VERSION + urlsafe_b64encode(nonce + sealed).rstrip(b"=").decode()

    def open(self, sealed: str, *, context: str) -> bytes:
        """Return what was sealed for `context`.

        Raises:
            SealBroken: altered, of another context, or of no known key.

        """
        content = _decode(sealed)
        nonce, rest = content[:NONCE_BYTES], content[NONCE_BYTES:]
        for cipher in self._ciphers:
            try:
                return cipher.decrypt(nonce, rest, context.encode())
            except (InvalidTag, ValueError):
                continue
        raise SealBroken("the cookie cannot be opened")


def _derive(key: bytes) -> bytes:
    info = b"camdigikey sdk_web cookie v1"
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(key)


def _decode(sealed: str) -> bytes:
    if not sealed.startswith(VERSION):
        raise SealBroken("not a sealed cookie")
    text = sealed.removeprefix(VERSION)
    try:
        return urlsafe_b64decode((text + "=" * (-len(text) % 4)).encode("ascii"))
    except ValueError as error:
        raise SealBroken("not a sealed cookie") from error
