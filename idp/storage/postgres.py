"""The store on PostgreSQL: asyncpg, prepared statements, one round trip a step."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import asyncpg

from idp.errors import IdentityError, Unavailable
from idp.storage.store import Counters, Row, Transaction, Value, check_texts

POOL = 16


LOST = (
    OSError,  # TimeoutError and every broken connection of the system
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)


@contextmanager
def _lost_is_unavailable() -> Iterator[None]:
    try:
        yield
    except LOST as error:
        raise Unavailable("database") from error


class PostgresTransaction:
    """Statements on one connection."""

    def __init__(self, connection: Any, counters: Counters) -> None:
        self._connection = connection
        self._counters = counters

    async def one(self, statement: str, *values: Value) -> Row | None:
        """Run the statement and return its first row, if any."""
        check_texts(values)
        self._counters.statements += 1
        row = await self._connection.fetchrow(statement, *values)
        return None if row is None else tuple(row)

    async def all(self, statement: str, *values: Value) -> list[Row]:
        """Run the statement and return its rows."""
        check_texts(values)
        self._counters.statements += 1
        return [tuple(row) for row in await self._connection.fetch(statement, *values)]

    async def run(self, statement: str, *values: Value) -> int:
        """Run the statement and return how many rows it changed."""
        check_texts(values)
        self._counters.statements += 1
        status: str = await self._connection.execute(statement, *values)
        count = status.rsplit(" ", 1)[-1]
        return int(count) if count.isdecimal() else 0


class PostgresStore:
    """A pool of connections to one database."""

    def __init__(self, pool: Any) -> None:
        self.counters = Counters()
        self._pool = pool

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[Transaction]:
        """Open a transaction; it is durable when the block is left."""
        refusal: IdentityError | None = None
        with _lost_is_unavailable():
            async with self._acquire() as connection, connection.transaction():
                try:
                    yield PostgresTransaction(connection, self.counters)
                except IdentityError as error:
                    refusal = error
                self.counters.commits += 1
        if refusal is not None:
            raise refusal

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Transaction]:
        """Open a block that sees what is committed."""
        with _lost_is_unavailable():
            async with self._acquire() as connection:
                yield PostgresTransaction(connection, self.counters)

    async def close(self) -> None:
        """Close every connection."""
        await self._pool.close()

    @asynccontextmanager
    async def _acquire(self) -> AsyncIterator[Any]:
        connection = await self._pool.acquire(timeout=5)
        try:
            yield connection
        finally:
            await self._pool.release(connection)


async def open_postgres(url: str) -> PostgresStore:
    """Open a pool on the database at `url`."""
    pool = await asyncpg.create_pool(
        url, min_size=1, max_size=POOL, command_timeout=10, statement_cache_size=512
    )
    return PostgresStore(pool)
