"""Personal data sealed at rest: envelope encryption and blind indexes.

A sealed value is

    0x01 | key id (4) | nonce (12) | wrapped data key (48) | nonce (12) | ciphertext

A fresh AES-256 data key seals the value (AES-GCM); the master key named by the key
id wraps the data key. The context (`"account.phone:" + id`) is authenticated with
both, so a sealed value cannot be moved to another row. Master keys rotate: the
first of the key ring seals, every one of them opens.

A blind index is HMAC-SHA-256 under a key derived for one name: equal values can be
found, nothing else can be learned without the key.
"""

import hmac
import os
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

VERSION = b"\x01"
KEY_ID = 4
NONCE = 12
KEY = 32
WRAPPED = KEY + 16
TOKEN_VERSION = b"\x02"


class SealBroken(Exception):
    """The value was not sealed by us, for this context, or was altered."""


def derive(key: bytes, purpose: str) -> bytes:
    """Return a 32-byte key for one purpose (HKDF-SHA-256, RFC 5869)."""
    info = f"camdigikey {purpose}".encode()
    return HKDF(algorithm=SHA256(), length=KEY, salt=None, info=info).derive(key)


@dataclass(frozen=True, slots=True)
class MasterKey:
    """A 32-byte key and its public identifier."""

    key_id: bytes
    key: bytes

    @classmethod
    def of(cls, key: bytes) -> "MasterKey":
        """Name the key by a digest that says nothing about it."""
        if len(key) != KEY:
            raise ValueError("a master key has 32 bytes")
        return cls(sha256(b"camdigikey master key id" + key).digest()[:KEY_ID], key)


class Sealer:
    """Seals, opens and indexes. The first master key seals; all of them open."""

    def __init__(self, keys: Sequence[MasterKey]) -> None:
        if not keys:
            raise ValueError("at least one master key is needed")
        self._current = keys[0]
        self._wrapping = {k.key_id: AESGCM(derive(k.key, "wrap")) for k in keys}
        self._tokens = {k.key_id: AESGCM(derive(k.key, "token")) for k in keys}
        # Indexes stay on the oldest key: they are rewritten, not rotated.
        self._index_root = derive(keys[-1].key, "blind index")
        self._index_keys: dict[str, bytes] = {}

    def seal(self, plaintext: bytes, *, context: str) -> bytes:
        """Seal a value for one context."""
        aad, data_key = context.encode(), os.urandom(KEY)
        wrap_nonce, nonce = os.urandom(NONCE), os.urandom(NONCE)
        wrapping = self._wrapping[self._current.key_id]
        wrapped = wrapping.encrypt(wrap_nonce, data_key, aad)
        body = AESGCM(data_key).encrypt(nonce, plaintext, aad)
        return VERSION + self._current.key_id + wrap_nonce + wrapped + nonce + body

    def open(self, sealed: bytes, *, context: str) -> bytes:
        """Open a value; raises SealBroken."""
        aad = context.encode()
        key_id, rest = sealed[1 : 1 + KEY_ID], sealed[1 + KEY_ID :]
        wrapping = self._wrapping.get(key_id)
        if sealed[:1] != VERSION or wrapping is None:
            raise SealBroken(context)
        head = NONCE + WRAPPED
        try:
            data_key = wrapping.decrypt(rest[:NONCE], rest[NONCE:head], aad)
            nonce, body = rest[head : head + NONCE], rest[head + NONCE :]
            return AESGCM(data_key).decrypt(nonce, body, aad)
        except (InvalidTag, ValueError) as error:
            raise SealBroken(context) from error

    def seal_text(self, text: str, *, context: str) -> bytes:
        """Seal a text (UTF-8)."""
        return self.seal(text.encode(), context=context)

    def open_text(self, sealed: bytes, *, context: str) -> str:
        """Open a text; raises SealBroken."""
        return self.open(sealed, context=context).decode()

    def seal_token(self, payload: bytes, *, context: str) -> bytes:
        """Seal a short-lived value directly under the master key (about 1 µs)."""
        nonce = os.urandom(NONCE)
        cipher = self._tokens[self._current.key_id]
        body = cipher.encrypt(nonce, payload, context.encode())
        return TOKEN_VERSION + self._current.key_id + nonce + body

    def open_token(self, sealed: bytes, *, context: str) -> bytes:
        """Open a short-lived value; raises SealBroken."""
        cipher = self._tokens.get(sealed[1 : 1 + KEY_ID])
        if sealed[:1] != TOKEN_VERSION or cipher is None:
            raise SealBroken(context)
        rest = sealed[1 + KEY_ID :]
        try:
            return cipher.decrypt(rest[:NONCE], rest[NONCE:], context.encode())
        except (InvalidTag, ValueError) as error:
            raise SealBroken(context) from error

    def blind_index(self, name: str, value: str) -> bytes:
        """Return the 32-byte index of `value` among values called `name`."""
        key = self._index_keys.get(name)
        if key is None:
            key = self._index_keys[name] = derive(self._index_root, f"index {name}")
        return hmac.digest(key, value.encode(), "sha256")

    def derived_key(self, purpose: str) -> bytes:
        """Return a 32-byte key for a purpose that is the same on every node."""
        return derive(self._current.key, purpose)
