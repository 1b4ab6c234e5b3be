"""Link the audit rows and sign the head each second; check it all again later.

    link(n) = SHA-256(link(n-1) || digest of event n)

One node at a time does it: the chain's next position is a primary key, so a second
node that races loses its insert and looks again. Rows written by transactions that
commit late are simply linked later: the order of the chain is its own.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256

from idp.domain.audit import digest_of
from idp.domain.keys import Keys
from idp.errors import IdentityError
from idp.interfaces import Clock
from idp.storage.columns import b64encode, to_millis
from idp.storage.store import Row, Store, Transaction

logger = logging.getLogger(__name__)

TYP = "camdigikey-audit-seal+jwt"
BATCH = 1000
GENESIS = bytes(32)
EVERY = timedelta(seconds=1)

HEAD = "SELECT position, link FROM audit_link ORDER BY position DESC LIMIT 1"
UNLINKED = (
    "SELECT e.id, e.digest FROM audit_event e LEFT JOIN audit_link l"
    " ON l.event_id = e.id WHERE l.event_id IS NULL ORDER BY e.at, e.id LIMIT $1"
)
ADD_LINK = (
    "INSERT INTO audit_link (position, event_id, link) VALUES ($1, $2, $3)"
    " ON CONFLICT DO NOTHING"
)
ADD_SEAL = (
    "INSERT INTO audit_seal (position, at, signature) VALUES ($1, $2, $3)"
    " ON CONFLICT DO NOTHING"
)
LINKED = (
    "SELECT l.position, l.event_id, l.link, e.at, e.tag, e.account_id, e.device_id,"
    " e.relying_party_id, e.detail, e.digest FROM audit_link l"
    " LEFT JOIN audit_event e ON e.id = l.event_id"
    " WHERE l.position > $1 ORDER BY l.position LIMIT $2"
)
SEALS = (
    "SELECT position, signature FROM audit_seal"
    " WHERE position > $1 AND position <= $2 ORDER BY position"
)
COUNT_UNLINKED = (
    "SELECT COUNT(*) FROM audit_event e LEFT JOIN audit_link l"
    " ON l.event_id = e.id WHERE l.event_id IS NULL"
)


class _RaceLost(Exception):
    """Another node linked first: roll back and look again."""


@dataclass(frozen=True, slots=True)
class Report:
    """What a check found. `first_bad` names an event and why, or is None."""

    linked: int
    sealed: int
    unsealed_tail: int
    first_bad: str | None


@dataclass(frozen=True, slots=True)
class AuditChain:
    """Append to the chain, sign it, verify it."""

    clock: Clock
    store: Store
    keys: Keys

    async def seal(self) -> int:
        """Link what is new and sign the head; return how many events were linked."""
        async with self.store.read() as tx:
            if not await tx.all(UNLINKED, 1):
                return 0
        try:
            async with self.store.begin() as tx:
                return await self._seal(tx)
        except _RaceLost:
            return 0

    async def _seal(self, tx: Transaction) -> int:
        head = await tx.one(HEAD)
        position, link = (0, GENESIS) if head is None else _head(head)
        rows = await tx.all(UNLINKED, BATCH)
        for event_id, digest in rows:
            assert isinstance(digest, bytes)
            position += 1
            link = sha256(link + digest).digest()
            if await tx.run(ADD_LINK, position, event_id, link) != 1:
                raise _RaceLost
        at = to_millis(self.clock.now())
        claims = {"position": position, "link": b64encode(link), "at": at}
        signature = await self.keys.sign(claims, typ=TYP)
        await tx.run(ADD_SEAL, position, at, signature)
        return len(rows)

    async def verify(
        self, on_progress: Callable[[int], Awaitable[None]] | None = None
    ) -> Report:
        """Read the whole chain again; `on_progress` gets the position reached."""
        position, link, sealed = 0, GENESIS, 0
        async with self.store.read() as tx:
            while rows := await tx.all(LINKED, position, BATCH):
                start = position
                links: dict[int, bytes] = {}
                for row in rows:
                    position += 1
                    link, bad = _check(row, position, link)
                    if bad is not None:
                        return await self._report(tx, position - 1, sealed, bad)
                    links[position] = link
                for seal in await tx.all(SEALS, start, position):
                    bad = await self._check_seal(seal, links)
                    if bad is not None:
                        return await self._report(tx, position, sealed, bad)
                    sealed = int(seal[0] or 0)
                if on_progress is not None:
                    await on_progress(position)
            return await self._report(tx, position, sealed, None)

    async def _check_seal(self, seal: Row, links: dict[int, bytes]) -> str | None:
        position = int(seal[0] or 0)
        try:
            claims = await self.keys.verify(str(seal[1]), typ=TYP, or_archived=True)
        except IdentityError as error:
            return f"seal at position {position}: {error}"
        if claims.get("position") != position or claims.get("link") != b64encode(
            links.get(position, b"")
        ):
            return f"seal at position {position}: signs another chain"
        return None

    async def _report(
        self, tx: Transaction, linked: int, sealed: int, bad: str | None
    ) -> Report:
        waiting = await tx.one(COUNT_UNLINKED)
        assert waiting is not None
        tail = linked - sealed + int(waiting[0] or 0)
        return Report(linked, sealed, max(0, tail), bad)

    async def run(self) -> None:
        """Seal every second, until cancelled."""
        while True:
            await asyncio.sleep(EVERY.total_seconds())
            try:
                await self.seal()
            except Exception as failure:
                # Never the end of sealing: the next second tries again.
                logger.exception("audit seal: %s", type(failure).__name__)


def _head(row: Row) -> tuple[int, bytes]:
    position, link = row
    assert isinstance(position, int)
    assert isinstance(link, bytes)
    return position, link


def _text(value: object) -> str:
    return str(value)


def _check(row: Row, position: int, before: bytes) -> tuple[bytes, str | None]:
    """Check one linked event; return its link, and why it is bad if it is."""
    place, event_id, link, at, tag, account, device, party, detail, digest = row
    name = f"event {_text(event_id)} at position {position}"
    if place != position:
        return before, f"position {position} is missing"
    if at is None or not isinstance(digest, bytes):
        return before, f"{name}: the row is gone"
    subjects = tuple(None if s is None else str(s) for s in (account, device, party))
    expected = digest_of(
        str(event_id),
        int(at),
        str(tag),
        (subjects[0], subjects[1], subjects[2]),
        str(detail),
    )
    if digest != expected:
        return before, f"{name}: the row was altered"
    after = sha256(before + digest).digest()
    if link != after:
        return before, f"{name}: the link was altered"
    return after, None
