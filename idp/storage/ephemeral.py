"""Short-lived records that never touch the disk: a Protocol and its memory engine.

A record is a flat mapping of text to text with a time to live. `swap` is the only
way to change one: it compares some fields and sets others in one step, so that two
racers cannot both win. Losing every record (a restart) costs people a fresh QR
code, never a decision: those are rows.
"""

import secrets
from collections.abc import Mapping
from heapq import heappop, heappush
from time import monotonic
from typing import Protocol

from idp.errors import Unavailable

Record = Mapping[str, str]
CAPACITY = 1_000_000


class Ephemeral(Protocol):
    """Records with a time to live."""

    async def put(self, key: str, record: Record, *, seconds: float) -> None:
        """Write a record, whatever was there."""
        ...

    async def get(self, key: str) -> Record | None:
        """Return the record, or None when it is absent or over."""
        ...

    async def swap(
        self,
        key: str,
        *,
        expect: Record,
        change: Record,
        seconds: float | None = None,
    ) -> bool:
        """Set `change` if every field of `expect` is as given ("" means absent).

        `seconds` sets a new time to live. Returns whether it was done.
        """
        ...

    async def add_once(self, key: str, *, seconds: float) -> bool:
        """Remember the key; False when it was already remembered."""
        ...

    async def count(self, key: str, *, seconds: float) -> int:
        """Count one more; return how many there are in this stretch of time."""
        ...

    async def delete(self, key: str) -> None:
        """Forget a record."""
        ...

    async def secret(self, name: str) -> bytes:
        """Return 32 random bytes that live as long as the records do."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...


class MemoryEphemeral:
    """Records in this process; expired ones are dropped as new ones arrive."""

    def __init__(self) -> None:
        self._records: dict[str, tuple[float, dict[str, str]]] = {}
        self._ends: list[tuple[float, str]] = []
        self._secrets: dict[str, bytes] = {}

    async def put(self, key: str, record: Record, *, seconds: float) -> None:
        """Write a record, whatever was there."""
        self._write(key, dict(record), monotonic() + seconds)

    async def get(self, key: str) -> Record | None:
        """Return the record, or None when it is absent or over."""
        found = self._records.get(key)
        return dict(found[1]) if found and found[0] > monotonic() else None

    async def swap(
        self,
        key: str,
        *,
        expect: Record,
        change: Record,
        seconds: float | None = None,
    ) -> bool:
        """Set `change` if every field of `expect` is as given."""
        found = self._records.get(key)
        if found is None or found[0] <= monotonic():
            return False
        end, fields = found
        if any(fields.get(name, "") != value for name, value in expect.items()):
            return False
        new_end = end if seconds is None else monotonic() + seconds
        self._write(key, {**fields, **change}, new_end)
        return True

    async def add_once(self, key: str, *, seconds: float) -> bool:
        """Remember the key; False when it was already remembered."""
        if await self.get(key) is not None:
            return False
        self._write(key, {}, monotonic() + seconds)
        return True

    async def count(self, key: str, *, seconds: float) -> int:
        """Count one more; return how many there are in this stretch of time."""
        name = f"count:{key}"
        found = self._records.get(name)
        if found is None or found[0] <= monotonic():
            found = (monotonic() + seconds, {"n": "0"})
        counted = int(found[1]["n"]) + 1
        self._write(name, {"n": str(counted)}, found[0])
        return counted

    async def delete(self, key: str) -> None:
        """Forget a record."""
        self._records.pop(key, None)

    async def secret(self, name: str) -> bytes:
        """Return 32 random bytes of this process."""
        return self._secrets.setdefault(name, secrets.token_bytes(32))

    async def close(self) -> None:
        """Forget everything."""
        self._records.clear()

    def _write(self, key: str, fields: dict[str, str], end: float) -> None:
        known = self._records.get(key)
        if known is None:
            self._drop_expired()
            if len(self._records) >= CAPACITY:
                # Never in the place of a live record: it may remember a replay.
                raise Unavailable("memory")
        self._records[key] = (end, fields)
        if known is None or known[0] != end:
            heappush(self._ends, (end, key))

    def _drop_expired(self) -> None:
        now = monotonic()
        while self._ends and self._ends[0][0] <= now:
            end, key = heappop(self._ends)
            found = self._records.get(key)
            if found is not None and found[0] == end:
                del self._records[key]
