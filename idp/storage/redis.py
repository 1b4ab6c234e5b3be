"""Records and wake-ups shared between nodes, in Redis."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from redis.asyncio import Redis

from idp.storage.ephemeral import Record
from idp.storage.signals import LocalSignals, Wait

PREFIX = "camdigikey:"
CHANNEL = "camdigikey:signals"

# Compare some fields, then set others: one step for every node.
SWAP = """
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
local n = tonumber(ARGV[1])
for i = 0, n - 1 do
  local value = redis.call('HGET', KEYS[1], ARGV[3 + 2 * i]) or ''
  if value ~= ARGV[4 + 2 * i] then return 0 end
end
for i = 3 + 2 * n, #ARGV, 2 do
  redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1])
end
if tonumber(ARGV[2]) > 0 then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return 1
"""


def _flat(record: Record) -> list[str]:
    return [part for item in record.items() for part in item]


class RedisEphemeral:
    """Records in Redis: hashes with a time to live."""

    def __init__(self, redis: "Redis") -> None:
        self._redis = redis
        self._swap = redis.register_script(SWAP)

    async def put(self, key: str, record: Record, *, seconds: float) -> None:
        """Write a record, whatever was there."""
        async with self._redis.pipeline(transaction=True) as pipe:
            fields: dict[Any, Any] = {"": "", **record}
            pipe.delete(PREFIX + key)
            pipe.hset(PREFIX + key, mapping=fields)
            pipe.pexpire(PREFIX + key, int(seconds * 1000))
            await pipe.execute()

    async def get(self, key: str) -> Record | None:
        """Return the record, or None when it is absent or over."""
        found: dict[bytes, bytes] = await self._redis.hgetall(PREFIX + key)  # type: ignore[assignment]  # bytes unless asked otherwise
        if not found:
            return None
        return {k.decode(): v.decode() for k, v in found.items() if k}

    async def swap(
        self,
        key: str,
        *,
        expect: Record,
        change: Record,
        seconds: float | None = None,
    ) -> bool:
        """Set `change` if every field of `expect` is as given."""
        millis = 0 if seconds is None else int(seconds * 1000)
        args = [str(len(expect)), str(millis), *_flat(expect), *_flat(change)]
        return bool(await self._swap(keys=[PREFIX + key], args=args))

    async def add_once(self, key: str, *, seconds: float) -> bool:
        """Remember the key; False when it was already remembered."""
        px = int(seconds * 1000)
        return bool(await self._redis.set(PREFIX + "once:" + key, b"", nx=True, px=px))

    async def delete(self, key: str) -> None:
        """Forget a record."""
        await self._redis.delete(PREFIX + key)

    async def secret(self, name: str) -> bytes:
        """Return the 32 bytes that every node shares."""
        key = PREFIX + "secret:" + name
        await self._redis.set(key, secrets.token_bytes(32), nx=True)
        found = await self._redis.get(key)
        assert isinstance(found, bytes)
        return found

    async def close(self) -> None:
        """Close the connections."""
        await self._redis.aclose()


class RedisSignals:
    """One subscription per process; browsers wait on the local half."""

    def __init__(self, redis: "Redis") -> None:
        self._redis = redis
        self._local = LocalSignals()
        self._listener: asyncio.Task[None] | None = None

    async def wake(self, name: str) -> None:
        """Wake whoever waits for `name`, on any node."""
        await self._redis.publish(CHANNEL, name)

    @asynccontextmanager
    async def waiting(self, name: str) -> AsyncIterator[Wait]:
        """Wait for `name`; listening starts with the first who waits."""
        if self._listener is None:
            ready = asyncio.Event()
            self._listener = asyncio.create_task(self._listen(ready))
            await ready.wait()
        async with self._local.waiting(name) as wait:
            yield wait

    async def close(self) -> None:
        """Stop listening."""
        if self._listener is not None:
            self._listener.cancel()
            with suppress(asyncio.CancelledError):
                await self._listener
        await self._redis.aclose()

    async def _listen(self, ready: asyncio.Event) -> None:
        async with self._redis.pubsub() as subscription:
            await subscription.subscribe(CHANNEL)
            ready.set()
            async for message in subscription.listen():
                if message["type"] == "message":
                    await self._local.wake(message["data"].decode())


def open_redis(url: str) -> tuple[RedisEphemeral, RedisSignals]:
    """Open both halves on one Redis server."""
    return RedisEphemeral(Redis.from_url(url)), RedisSignals(Redis.from_url(url))
