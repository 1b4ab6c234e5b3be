"""What happens to signing keys: made, promoted, retired, revoked, destroyed.

Any node may do any of it. New keys are made before a transaction is opened (hardware
is slow), and whoever loses a race destroys what it made for nothing.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from idp.domain import signing_key_rows as rows
from idp.domain.audit import Audit, EventTag
from idp.domain.key_schedule import Act, KeySchedule, Step, find
from idp.domain.signing_algorithms import ES256, public_jwk, thumbprint
from idp.domain.signing_key_rows import CURRENT, NEXT, KeyRow, read_rows
from idp.errors import NotFound, Unavailable
from idp.interfaces import Clock, KeyCustody, MadeKey
from idp.storage.columns import canonical_json, to_millis
from idp.storage.store import Store, Transaction

logger = logging.getLogger(__name__)


class _RaceLost(Exception):
    """Another node moved the keys first: roll back and look again."""


@dataclass(frozen=True, slots=True)
class RevokedKey:
    """What was revoked, in which state it was, and which key signs now."""

    kid: str
    alg: str
    state: str
    signs_now: str


@dataclass(frozen=True, slots=True)
class KeyChanges:
    """Change the keys. `making` names the custody of new keys."""

    clock: Clock
    store: Store
    audit: Audit
    custodies: Mapping[str, KeyCustody]
    making: str
    schedule: KeySchedule

    def custody(self, name: str) -> KeyCustody:
        """Return who keeps the keys of that name; raises Unavailable."""
        found = self.custodies.get(name)
        if found is None:
            raise Unavailable(f"key custody {name}")
        return found

    async def ensure(self, tx: Transaction) -> None:
        """Make what is missing: the first keys sign at once, others are published."""
        known = await read_rows(tx, rows.ALL)
        is_new = all(row.alg != ES256 for row in known)
        for alg in self.schedule.algorithms:
            if is_new and find(known, alg=alg, state=CURRENT) is None:
                await self._make(tx, alg, CURRENT)
            if find(known, alg=alg, state=NEXT) is None:
                await self._make(tx, alg, NEXT)

    async def rotate(self, tx: Transaction) -> None:
        """Retire every current key at once, promote the next, publish another."""
        now, known = self._now(), await read_rows(tx, rows.LIVE)
        for step in self.schedule.due(known, now=now):
            if step.act is Act.ARCHIVE:
                await tx.run(rows.ARCHIVE, step.kid, b"")
        for alg in self.schedule.algorithms:
            current = find(known, alg=alg, state=CURRENT)
            if current is not None:
                await tx.run(rows.RETIRE, current.kid, now)
            await self._refill(tx, alg)
        await self.audit.record(tx, EventTag.KEYS_ROTATED, detail={"by": "command"})

    async def revoke(self, tx: Transaction, kid: str) -> RevokedKey:
        """Take a key out of use for good; raises NotFound (or revoked already)."""
        found = await tx.one(rows.ONE, kid)
        if found is None or await tx.run(rows.REVOKE, kid, self._now(), b"") != 1:
            raise NotFound("no such key, or it is revoked already")
        row = rows.key_row(found)
        if row.alg in self.schedule.algorithms:
            await self._refill(tx, row.alg)
        detail = {"kid": kid, "alg": row.alg, "state": row.state}
        await self.audit.record(tx, EventTag.KEYS_REVOKED, detail=detail)
        current = find(await read_rows(tx, rows.LIVE), alg=row.alg, state=CURRENT)
        return RevokedKey(
            kid, row.alg, row.state, "" if current is None else current.kid
        )

    async def _refill(self, tx: Transaction, alg: str) -> None:
        """Let the next key sign now; make one if there is none, and another next."""
        known = await read_rows(tx, rows.LIVE)
        following = find(known, alg=alg, state=NEXT)
        if find(known, alg=alg, state=CURRENT) is None:
            if following is None:
                await self._make(tx, alg, CURRENT)
            else:
                await tx.run(rows.PROMOTE, following.kid, self._now())
                following = None
        if following is None:
            await self._make(tx, alg, NEXT)

    async def follow(self, steps: Sequence[Step]) -> bool:
        """Take the steps that are due, together; False when another node did."""
        fresh = {
            step.alg: await self.custody(self.making).make(step.alg)
            for step in steps
            if step.act is Act.MAKE
        }
        try:
            async with self.store.begin() as tx:
                for step in steps:
                    await self._take(tx, step, fresh.get(step.alg))
                if any(step.act is Act.PROMOTE for step in steps):
                    detail = {"by": "schedule"}
                    await self.audit.record(tx, EventTag.KEYS_ROTATED, detail=detail)
        except BaseException as failure:
            for made in fresh.values():
                await self.custody(self.making).destroy(made.handle)
            if isinstance(failure, _RaceLost):
                return False
            raise
        await self.destroy_private_halves()
        return True

    async def _take(self, tx: Transaction, step: Step, made: MadeKey | None) -> None:
        if step.act is Act.MAKE:
            assert made is not None
            changed = await self._insert(tx, step.alg, NEXT, made)
        elif step.act is Act.ARCHIVE:
            changed = await tx.run(rows.ARCHIVE, step.kid, b"")
        else:
            move = rows.PROMOTE if step.act is Act.PROMOTE else rows.RETIRE
            changed = await tx.run(move, step.kid, self._now())
        if changed != 1:
            raise _RaceLost

    async def destroy_private_halves(self) -> None:
        """Destroy what hardware still keeps of archived and revoked keys.

        A token that does not answer is asked again after the next change.
        """
        async with self.store.read() as tx:
            left = await tx.all(rows.TO_DESTROY, b"")
        for kid, name, handle in left:
            assert isinstance(handle, bytes)
            try:
                await self.custody(str(name)).destroy(handle)
            except Unavailable as failure:
                logger.warning("key %s is not destroyed yet: %s", kid, failure)
                continue
            async with self.store.begin() as tx:
                await tx.run(rows.WIPE, kid, b"")

    async def states(self, tx: Transaction) -> list[KeyRow]:
        """Return every key, oldest first."""
        return await read_rows(tx, rows.ALL)

    async def _make(self, tx: Transaction, alg: str, state: str) -> None:
        made = await self.custody(self.making).make(alg)
        if await self._insert(tx, alg, state, made) != 1:
            # Another node made one first.
            await self.custody(self.making).destroy(made.handle)

    async def _insert(
        self, tx: Transaction, alg: str, state: str, made: MadeKey
    ) -> int:
        jwk, now = public_jwk(alg, made.public_der), self._now()
        text = canonical_json(jwk).decode()
        since = now if state == CURRENT else None
        kid, keeper = thumbprint(jwk), self.making
        return await tx.run(
            rows.INSERT, kid, alg, state, text, keeper, made.handle, now, since
        )

    def _now(self) -> int:
        return to_millis(self.clock.now())
