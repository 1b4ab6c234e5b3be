"""The provider's signing keys: next, current, retired; sign, verify, publish.

    next --rotate--> current --rotate--> retired --(overlap is over)--> archived
      └───────────────────┴──── revoke ─────┴──► revoked

There is one key for each algorithm and each of the first two states. A key is
published before it signs and stays published until nothing it signed can be alive and
no cache is without its successor. Then its private half is wiped and its public half
kept, unpublished: the seals of the audit chain are for good. A revoked key leaves the
published set at once. Every node reads the set again every second (one statement), so
that whatever any node or command does to a key is true everywhere a second later.
"""

import asyncio
import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256
from typing import Any

import orjson

from idp.domain import jws
from idp.domain import signing_key_rows as rows
from idp.domain.key_changes import KeyChanges, RevokedKey
from idp.domain.key_schedule import KeySchedule
from idp.domain.signing_algorithms import (
    ALGORITHMS,
    ES256,
    check_signature,
    jwk_of,
)
from idp.domain.signing_key_rows import CURRENT, KeyRow, key_row, read_rows
from idp.errors import Malformed, Unavailable
from idp.interfaces import Clock, KeySigner
from idp.storage.columns import b64encode, to_millis
from idp.storage.store import Store, Transaction

__all__ = ["KeyChanges", "KeySchedule", "Keys", "RevokedKey", "jwk_of"]

logger = logging.getLogger(__name__)

FRESH = timedelta(seconds=1)
# While one request reads the set again the others go on with the old one, but not
# with one that is older than this.
STALE = timedelta(seconds=3)
# An unknown kid may be a second old; it is looked for no more often than this.
LOOK_AGAIN = timedelta(milliseconds=100)
TEND_EVERY = timedelta(seconds=1)
AFTER_FAILURE = timedelta(seconds=30)
MOST_VERIFIED = 4096


@dataclass(frozen=True, slots=True)
class KeySet:
    """The keys as one node read them: `current` by alg, `public` by kid."""

    rows: tuple[KeyRow, ...]
    current: Mapping[str, str]
    public: Mapping[str, tuple[str, Any]]
    jwks: tuple[Mapping[str, str], ...]


@dataclass(frozen=True, slots=True)
class Verified:
    """What a signature of ours was seen to cover."""

    alg: str
    typ: str
    claims: Mapping[str, Any] = field(repr=False)


@dataclass(slots=True)
class _Cache:
    keys: KeySet | None = None
    read_at: int = 0
    is_reading: bool = False
    signers: dict[str, KeySigner] = field(default_factory=dict)
    headers: dict[tuple[str, str], bytes] = field(default_factory=dict)
    records: dict[str, tuple[str, Any]] = field(default_factory=dict)
    verified: dict[bytes, Verified] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Keys:
    """Sign, verify, publish; `changes` makes, rotates and revokes."""

    clock: Clock
    store: Store
    changes: KeyChanges
    _cache: _Cache = field(default_factory=_Cache)

    async def sign(
        self, payload: Mapping[str, Any], *, typ: str, alg: str = ES256
    ) -> str:
        """Return a compact JWS by the current key of `alg`; raises Unavailable."""
        kid = (await self._fresh()).current.get(alg)
        if kid is None:
            raise Unavailable(f"signing key {alg}")
        signer = self._cache.signers.get(kid) or await self._open(kid, alg)
        header = self._cache.headers.get((kid, typ)) or self._header(kid, alg, typ)
        body = b64encode(orjson.dumps(dict(payload))).encode("ascii")
        message = header + b"." + body
        signature = b64encode(await signer.sign(message)).encode("ascii")
        return (message + b"." + signature).decode("ascii")

    async def verify(
        self,
        token: str,
        *,
        typ: str,
        algs: Collection[str] = (ES256,),
        or_archived: bool = False,
    ) -> Mapping[str, Any]:
        """Return the claims of a token of ours; raises Malformed.

        The key decides the algorithm; `algs` says which of them the caller takes.
        `or_archived` also takes keys that are published no more, and revoked ones: for
        the sealed record only, whose later seals cover what an old key signed.

        A token that is shown again costs no second look at its signature while the
        key set is the same. Time and revocation are the caller's to check, each time.
        """
        if or_archived:
            seen = await self._verify(token, or_archived=True)
        else:
            seen = await self._verify_once(token)
        if seen.typ != typ or seen.alg not in algs:
            raise Malformed("wrong alg or typ")
        return seen.claims

    async def _verify_once(self, token: str) -> Verified:
        name = sha256(token.encode(errors="surrogatepass")).digest()
        if name in self._cache.verified:
            await self._fresh()  # forgets it when a key came, went or was revoked
        seen = self._cache.verified.get(name)
        if seen is None:
            seen = await self._verify(token, or_archived=False)
            if len(self._cache.verified) >= MOST_VERIFIED:
                self._cache.verified.clear()
            self._cache.verified[name] = seen
        return seen

    async def _verify(self, token: str, *, or_archived: bool) -> Verified:
        try:
            parsed = jws.take_apart(token)
            header = parsed.unverified_header
            alg, key = await self._key(str(header.get("kid")), or_archived)
            if header.get("alg") != alg:
                raise Malformed("wrong alg")
            check_signature(
                alg, key, signature=parsed.signature, message=parsed.signing_input
            )
        except jws.BadSignature as error:
            raise Malformed(str(error)) from error
        return Verified(alg, str(header.get("typ")), parsed.unverified_payload)

    async def jwks(self) -> dict[str, list[Mapping[str, str]]]:
        """Return the public set (RFC 7517): next, current and retired, oldest first."""
        return {"keys": list(await self.published())}

    async def published(self) -> tuple[Mapping[str, str], ...]:
        """Return its members; the same object until the set has changed."""
        return (await self._fresh()).jwks

    async def ensure(self, tx: Transaction) -> None:
        """Make the keys that are missing."""
        await self.changes.ensure(tx)

    async def rotate(self, tx: Transaction) -> None:
        """Rotate every algorithm at once, whatever the schedule says."""
        await self.changes.rotate(tx)

    async def states(self, tx: Transaction) -> list[KeyRow]:
        """Return every key, oldest first."""
        return await self.changes.states(tx)

    async def tend(self) -> bool:
        """Take what steps are due; return whether this node changed anything."""
        now = to_millis(self.clock.now())
        known = (await self._fresh()).rows
        steps = self.changes.schedule.due(known, now=now)
        if not steps:
            return False
        done = await self.changes.follow(steps)
        self._cache.keys = None
        return done

    async def run(self) -> None:
        """Look after the keys every second, until cancelled."""
        while True:
            await asyncio.sleep(TEND_EVERY.total_seconds())
            try:
                await self.tend()
            except Exception as failure:
                # Never the end of rotation: it is tried again.
                logger.exception("signing keys: %s", type(failure).__name__)
                await asyncio.sleep(AFTER_FAILURE.total_seconds())

    def _header(self, kid: str, alg: str, typ: str) -> bytes:
        header = jws.header_bytes({"alg": alg, "typ": typ, "kid": kid})
        self._cache.headers[kid, typ] = header
        return header

    async def _open(self, kid: str, alg: str) -> KeySigner:
        async with self.store.read() as tx:
            found = await tx.one(rows.HANDLE, kid)
        if found is None:
            raise Unavailable("signing keys")
        name, handle = found
        assert isinstance(handle, bytes)
        custody = self.changes.custody(str(name))
        signer = await custody.open(alg=alg, kid=kid, handle=handle)
        self._cache.signers[kid] = signer
        return signer

    async def _key(self, kid: str, or_archived: bool) -> tuple[str, Any]:
        found = (await self._fresh()).public.get(kid)
        if found is None:
            found = (await self._fresh(LOOK_AGAIN)).public.get(kid)
        if found is None and or_archived:
            found = self._cache.records.get(kid) or await self._record_key(kid)
        if found is None:
            raise Malformed("unknown kid")
        return found

    async def _record_key(self, kid: str) -> tuple[str, Any] | None:
        async with self.store.read() as tx:
            found = await tx.one(rows.ONE, kid)
        if found is None:
            return None
        row = key_row(found)
        self._cache.records[kid] = known = (row.alg, _public(row))
        return known

    async def _fresh(self, patience: timedelta = FRESH) -> KeySet:
        """Return the set, not older than `patience`."""
        cache, now = self._cache, to_millis(self.clock.now())
        known = cache.keys
        if known is not None:
            age = now - cache.read_at
            if 0 <= age < patience.total_seconds() * 1000:
                return known
            if cache.is_reading and 0 <= age < STALE.total_seconds() * 1000:
                return known
        cache.is_reading = True
        try:
            async with self.store.read() as tx:
                found = tuple(await read_rows(tx, rows.LIVE))
        finally:
            cache.is_reading = False
        if known is None or known.rows != found:
            known = _key_set(found)
            cache.signers, cache.headers, cache.verified = {}, {}, {}
        cache.keys, cache.read_at = known, now
        return known


def _key_set(found: Sequence[KeyRow]) -> KeySet:
    public = {row.kid: (row.alg, _public(row)) for row in found}
    current = {row.alg: row.kid for row in found if row.state == CURRENT}
    jwks = tuple(
        {**orjson.loads(row.public_jwk), "kid": row.kid, "alg": row.alg, "use": "sig"}
        for row in found
    )
    return KeySet(tuple(found), current, public, jwks)


def _public(row: KeyRow) -> Any:
    return ALGORITHMS[row.alg].read(orjson.loads(row.public_jwk))
