"""The public keys of a relying party: registered, or read from its own address.

A set read from `jwks_uri` is kept for five minutes. Whoever meets an unknown key asks
again, and gets a fresh copy at most once in thirty seconds a party, so that nobody's
invented key identifiers become traffic to a third server. While that server is away
the last copy serves for a day.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import orjson

from idp.domain import signing_algorithms as signing
from idp.domain.jws import BadSignature
from idp.domain.party_metadata import PartyMetadata
from idp.errors import Malformed, Unavailable
from idp.interfaces import Clock, Outbound
from idp.storage.columns import b64decode

Jwk = Mapping[str, Any]

LARGEST_SET = 64 * 1024
MOST_KEYS = 20
FRESH, PATIENCE, STALE = 300, 30, 24 * 3600  # seconds
ACCEPT = "application/jwk-set+json, application/json"
PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
MEMBERS: Mapping[str, tuple[str, ...]] = {
    "EC": ("crv", "kty", "x", "y"),
    "OKP": ("crv", "kty", "x"),
    "RSA": ("e", "kty", "n"),
}
ALGORITHMS: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("EC", "P-256"): ("ES256",),
    ("OKP", "Ed25519"): ("EdDSA",),
    ("RSA", ""): ("PS256", "RS256"),
}
SMALLEST_RSA, LARGEST_RSA = 2048, 8192  # bits
SMALLEST_EXPONENT, LARGEST_EXPONENT = 65537, 2**32


class HasKeys(Protocol):
    """What is asked of a relying party here."""

    @property
    def id(self) -> str:
        """Its identifier."""
        ...

    @property
    def metadata(self) -> PartyMetadata:
        """What it registered."""
        ...


def bare_key(jwk: Jwk) -> dict[str, str]:
    """Return only what names a public key (RFC 7638, 3.2), after a close look. Pure.

    P-256, Ed25519 and RSA of 2048 bits or more. Raises Malformed for any other key,
    a point that is not on its curve, and any private or symmetric key.
    """
    if PRIVATE & set(jwk):
        raise Malformed("a private key")
    kty, crv = jwk.get("kty"), jwk.get("crv", "")
    if not isinstance(kty, str) or not isinstance(crv, str):
        raise Malformed("a key of no kind")
    algorithms = ALGORITHMS.get((kty, crv))
    if algorithms is None:
        raise Malformed("a kind of key that is not used here")
    bare = {name: jwk.get(name) for name in MEMBERS[kty]}
    texts = {name: text for name, text in bare.items() if isinstance(text, str)}
    if len(texts) != len(bare):
        raise Malformed("a key with missing members")
    try:
        if kty == "RSA":
            _check_rsa(texts)
        signing.ALGORITHMS[algorithms[0]].read(texts)
    except (ValueError, BadSignature) as error:
        raise Malformed("not a public key") from error
    return texts


def _check_rsa(bare: Mapping[str, str]) -> None:
    octets = [b64decode(bare[name]) for name in ("n", "e")]
    if any(not each or each[0] == 0 for each in octets):
        raise ValueError("more octets than the number needs (RFC 7518, 6.3.1)")
    n, e = (int.from_bytes(each) for each in octets)
    if not SMALLEST_RSA <= n.bit_length() <= LARGEST_RSA:
        raise ValueError("RSA keys have 2048 bits or more (FAPI 2.0, 5.4)")
    if not SMALLEST_EXPONENT <= e < LARGEST_EXPONENT:
        raise ValueError("an exponent that is not used")


def read_key_set(value: object) -> tuple[Jwk, ...]:
    """Return the keys of a JWK Set that can be used here. Pure.

    Other public keys are passed over (RFC 7517, 5). Raises Malformed for a set with
    a private or symmetric key: its owner must learn of it at once.
    """
    keys = value.get("keys") if isinstance(value, Mapping) else None
    if not isinstance(keys, list | tuple) or len(keys) > MOST_KEYS:
        raise Malformed("not a JWK Set of at most 20 keys")
    if any(not isinstance(key, Mapping) for key in keys):
        raise Malformed("not a JWK Set")
    if any(PRIVATE & set(key) for key in keys):
        raise Malformed("a private key in a public place")
    return tuple(key for key in keys if _is_usable(key))


def _is_usable(jwk: Jwk) -> bool:
    try:
        bare_key(jwk)
    except Malformed:
        return False
    return True


@dataclass(slots=True)
class Copy:
    """What was read from one address, and when; instants in seconds."""

    uri: str
    keys: tuple[Jwk, ...] | None = None
    read_at: float = 0.0
    tried_at: float = 0.0
    reading: asyncio.Lock = field(default_factory=asyncio.Lock)

    def is_due(self, now: float, *, refresh: bool) -> bool:
        """Say whether it is time to read again."""
        if 0 <= now - self.tried_at < PATIENCE:
            return False
        return refresh or not 0 <= now - self.read_at < FRESH


@dataclass(frozen=True, slots=True)
class ClientKeys:
    """Find the keys of relying parties."""

    clock: Clock
    outbound: Outbound
    _copies: dict[str, Copy] = field(default_factory=dict)

    async def of(self, party: HasKeys, *, refresh: bool = False) -> tuple[Jwk, ...]:
        """Return the public keys of a party; none when it registered none.

        `refresh` asks for a fresh copy, because the wanted key is not there. Raises
        Malformed when the registered set is no such thing, and Unavailable.
        """
        metadata = party.metadata
        if not metadata.jwks_uri:
            return read_key_set(metadata.jwks or {"keys": []})
        copy = self._copies.get(party.id)
        if copy is None or copy.uri != metadata.jwks_uri:
            copy = self._copies[party.id] = Copy(metadata.jwks_uri)
        async with copy.reading:
            now = self.clock.now().timestamp()
            if copy.is_due(now, refresh=refresh):
                await self._read(copy, now)
            if copy.keys is None or now - copy.read_at > STALE:
                raise Unavailable("the keys of a relying party")
            return copy.keys

    async def _read(self, copy: Copy, now: float) -> None:
        copy.tried_at = now
        try:
            text = await self.outbound.get(copy.uri, accept=ACCEPT, limit=LARGEST_SET)
            copy.keys = read_key_set(orjson.loads(text))
        except (Unavailable, Malformed, ValueError):
            return  # the copy before serves on
        copy.read_at = now
