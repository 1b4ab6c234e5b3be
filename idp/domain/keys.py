"""The provider's signing keys: next, current, retired.

    next --rotate--> current --rotate--> retired --(overlap is over)--> archived

A key is published before it signs and stays published until nothing it signed can
be alive. Then its private half is wiped and its public half kept, unpublished: the
seals of the audit chain are for good. Private keys are sealed in the database;
custody in hardware comes behind the same service. Every node reads the set again
every few seconds, so a rotation by command reaches a running server.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import orjson
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
)
from sqlmodel import BigInteger, Column, Field, LargeBinary, SQLModel

from idp.domain import jws
from idp.domain.audit import Audit, EventTag
from idp.errors import Malformed, Unavailable
from idp.interfaces import Clock
from idp.storage.columns import b64encode, canonical_json, to_millis
from idp.storage.encryption import Sealer
from idp.storage.store import Row, Store, Transaction

NEXT, CURRENT, RETIRED, ARCHIVED = "next", "current", "retired", "archived"
FRESH = timedelta(seconds=5)


class SigningKey(SQLModel, table=True):
    """One ES256 key; the private half is sealed. Instants in milliseconds."""

    __tablename__ = "signing_key"
    kid: str = Field(primary_key=True)
    state: str
    public_jwk: str
    private_sealed: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    made_at: int = Field(sa_column=Column(BigInteger, nullable=False))
    retired_at: int | None = Field(default=None, sa_column=Column(BigInteger))


INSERT = (
    "INSERT INTO signing_key (kid, state, public_jwk, private_sealed, made_at)"
    " VALUES ($1, $2, $3, $4, $5)"
)
ALL = (
    "SELECT kid, state, public_jwk, private_sealed FROM signing_key"
    " ORDER BY made_at, kid"
)
RETIRE_CURRENT = (
    "UPDATE signing_key SET state = 'retired', retired_at = $1 WHERE state = 'current'"
)
PROMOTE_NEXT = "UPDATE signing_key SET state = 'current' WHERE state = 'next'"
ARCHIVE = (
    "UPDATE signing_key SET state = 'archived', private_sealed = $2"
    " WHERE state = 'retired' AND retired_at < $1"
)


@dataclass(frozen=True, slots=True)
class KeySet:
    """The keys as one node read them."""

    read_at: int
    current_kid: str
    private_key: EllipticCurvePrivateKey
    public_jwks: tuple[Mapping[str, str], ...]
    public_keys: Mapping[str, EllipticCurvePublicKey]
    archived_keys: Mapping[str, EllipticCurvePublicKey]


@dataclass(slots=True)
class _Cache:
    keys: KeySet | None = None
    headers: dict[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Keys:
    """Sign, verify, publish and rotate."""

    clock: Clock
    store: Store
    sealer: Sealer
    audit: Audit
    overlap: timedelta
    _cache: _Cache = field(default_factory=_Cache)

    async def sign(self, payload: Mapping[str, Any], *, typ: str) -> str:
        """Return a compact JWS by the current key."""
        keys = await self._fresh()
        name = f"{keys.current_kid} {typ}"
        header = self._cache.headers.get(name)
        if header is None:
            header = jws.header_bytes(
                {"alg": "ES256", "typ": typ, "kid": keys.current_kid}
            )
            self._cache.headers = {name: header, **self._cache.headers}
        return jws.sign(payload, key=keys.private_key, header=header)

    async def verify(
        self, token: str, *, typ: str, or_archived: bool = False
    ) -> Mapping[str, Any]:
        """Return the claims of a token of ours; raises Malformed.

        `or_archived` also takes keys that are published no more: for records only.
        """
        try:
            parsed = jws.parse(token, typ=typ)
            keys, kid = await self._fresh(), str(parsed.unverified_header.get("kid"))
            key = keys.public_keys.get(kid)
            if key is None and or_archived:
                key = keys.archived_keys.get(kid)
            if key is None:
                raise Malformed("unknown kid")
            jws.check_signature(
                key=key, signature=parsed.signature, message=parsed.signing_input
            )
        except jws.BadSignature as error:
            raise Malformed(str(error)) from error
        return parsed.unverified_payload

    async def jwks(self) -> dict[str, list[Mapping[str, str]]]:
        """Return the public set (RFC 7517): next, current and retired keys."""
        return {"keys": list((await self._fresh()).public_jwks)}

    async def ensure(self, tx: Transaction) -> None:
        """Make the first two keys when there are none."""
        if not await tx.all(ALL):
            await self._make(tx, CURRENT)
            await self._make(tx, NEXT)

    async def rotate(self, tx: Transaction) -> None:
        """Retire the current key, promote the next, publish another."""
        now = self.clock.now()
        await tx.run(ARCHIVE, to_millis(now - self.overlap), b"")
        await tx.run(RETIRE_CURRENT, to_millis(now))
        await tx.run(PROMOTE_NEXT)
        await self._make(tx, NEXT)
        await self.audit.record(tx, EventTag.KEYS_ROTATED)

    async def states(self, tx: Transaction) -> list[tuple[str, str]]:
        """Return `(kid, state)` of every key, oldest first."""
        return [(str(row[0]), str(row[1])) for row in await tx.all(ALL)]

    async def _make(self, tx: Transaction, state: str) -> None:
        key = generate_private_key(SECP256R1())
        public = jwk_of(key.public_key())
        kid = jws.thumbprint(public)
        private = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        sealed = self.sealer.seal(private, context=f"signing_key:{kid}")
        made_at = to_millis(self.clock.now())
        text = canonical_json(public).decode()
        await tx.run(INSERT, kid, state, text, sealed, made_at)

    async def _fresh(self) -> KeySet:
        now = to_millis(self.clock.now())
        known = self._cache.keys
        if (
            known is not None
            and 0 <= now - known.read_at < FRESH.total_seconds() * 1000
        ):
            return known
        async with self.store.read() as tx:
            rows = await tx.all(ALL)
        self._cache.keys = read = self._read(rows, now)
        return read

    def _read(self, rows: list[Row], now: int) -> KeySet:
        current = next((row for row in rows if row[1] == CURRENT), None)
        if current is None:
            raise Unavailable("signing keys")
        kid, sealed = str(current[0]), current[3]
        assert isinstance(sealed, bytes)
        known = self._cache.keys
        if known is not None and known.current_kid == kid:
            private: Any = known.private_key
        else:
            der = self.sealer.open(sealed, context=f"signing_key:{kid}")
            private = load_der_private_key(der, password=None)
        public = {
            str(row[0]): _parse(str(row[2])) for row in rows if row[1] != ARCHIVED
        }
        archived = {
            str(row[0]): jws.public_key(_parse(str(row[2])))
            for row in rows
            if row[1] == ARCHIVED
        }
        published = tuple(
            {**jwk, "kid": kid_, "alg": "ES256", "use": "sig"}
            for kid_, jwk in public.items()
        )
        keys = {kid_: jws.public_key(jwk) for kid_, jwk in public.items()}
        return KeySet(now, kid, private, published, keys, archived)


def _parse(text: str) -> dict[str, str]:
    parsed: dict[str, str] = orjson.loads(text)
    return parsed


def jwk_of(key: EllipticCurvePublicKey) -> dict[str, str]:
    """Return the bare public JWK of a P-256 key (RFC 7518, 6.2)."""
    numbers = key.public_numbers()
    x, y = numbers.x.to_bytes(32), numbers.y.to_bytes(32)
    return {"kty": "EC", "crv": "P-256", "x": b64encode(x), "y": b64encode(y)}
