"""Records and wake-ups shared between nodes, in Redis."""

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from redis.asyncio import Redis
from redis.exceptions import RedisError

from idp.errors import Unavailable
from idp.storage.ephemeral import Record
from idp.storage.signals import LocalSignals, Wait

logger = logging.getLogger(__name__)

LISTENING_WITHIN = 2  # seconds
LISTEN_AGAIN = 1
AWAY = (RedisError, OSError)
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


P = ParamSpec("P")
T = TypeVar("T")


def _away_is_unavailable(
    work: Callable[P, Awaitable[T]],
) -> Callable[P, Coroutine[Any, Any, T]]:
    @wraps(work)
    async def asked(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return await work(*args, **kwargs)
        except AWAY as error:
            raise Unavailable("redis") from error

    return asked


class RedisEphemeral:
    """Records in Redis: hashes with a time to live."""

    def __init__(self, redis: "Redis") -> None:
        self._redis = redis
        self._swap = redis.register_script(SWAP)

    @_away_is_unavailable
    async def put(self, key: str, record: Record, *, seconds: float) -> None:
        """Write a record, whatever was there."""
        async with self._redis.pipeline(transaction=True) as pipe:
            fields: dict[Any, Any] = {"": "", **record}
            pipe.delete(PREFIX + key)
            pipe.hset(PREFIX + key, mapping=fields)
            pipe.pexpire(PREFIX + key, int(seconds * 1000))
            await pipe.execute()

    @_away_is_unavailable
    async def get(self, key: str) -> Record | None:
        """Return the record, or None when it is absent or over."""
        found: dict[bytes, bytes] = await self._redis.hgetall(PREFIX + key)  # type: ignore[assignment]  # bytes unless asked otherwise
        if not found:
            return None
        return {k.decode(): v.decode() for k, v in found.items() if k}

    @_away_is_unavailable
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

    @_away_is_unavailable
    async def add_once(self, key: str, *, seconds: float) -> bool:
        """Remember the key; False when it was already remembered."""
        px = int(seconds * 1000)
        return bool(await self._redis.set(PREFIX + "once:" + key, b"", nx=True, px=px))

    @_away_is_unavailable
    async def count(self, key: str, *, seconds: float) -> int:
        """Count one more; return how many there are in this stretch of time."""
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.incr(PREFIX + "count:" + key)
            pipe.pexpire(PREFIX + "count:" + key, int(seconds * 1000), nx=True)
            counted: int = (await pipe.execute())[0]
        return counted

    @_away_is_unavailable
    async def delete(self, key: str) -> None:
        """Forget a record."""
        await self._redis.delete(PREFIX + key)

    @_away_is_unavailable
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
        """Wake whoever waits for `name`, on any node.

        A wake-up that is lost does no harm: who waits looks again by himself.
        """
        try:
            await self._redis.publish(CHANNEL, name)
        except AWAY as failure:
            logger.warning("redis: %s", type(failure).__name__)

    @asynccontextmanager
    async def waiting(self, name: str) -> AsyncIterator[Wait]:
        """Wait for `name`; listening starts with the first who waits."""
        if self._listener is None or self._listener.done():
            ready = asyncio.Event()
            self._listener = asyncio.create_task(self._listen(ready))
            with suppress(TimeoutError):
                async with asyncio.timeout(LISTENING_WITHIN):
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
        """Listen until cancelled; a lost connection is opened again."""
        while True:
            try:
                async with self._redis.pubsub() as subscription:
                    await subscription.subscribe(CHANNEL)
                    ready.set()
                    async for message in subscription.listen():
                        if message["type"] == "message":
                            await self._local.wake(message["data"].decode())
            except AWAY as failure:
                logger.warning("redis: %s", type(failure).__name__)
            await asyncio.sleep(LISTEN_AGAIN)


def open_redis(url: str) -> tuple[RedisEphemeral, RedisSignals]:
    """Open both halves on one Redis server."""
    return RedisEphemeral(Redis.from_url(url)), RedisSignals(Redis.from_url(url))
