"""One file, one writer, and a commit that many transactions share.

Transactions queue for the single writing connection. The first one to finish asks
for a commit; those already waiting run before it, each in a savepoint of its own,
and the one `fsync` makes all of them durable (group commit). While the disk works
the event loop is free. Other processes may write to the same file: `BEGIN
IMMEDIATE` is tried again every few milliseconds until it has the lock.
"""

import asyncio
import re
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache

from idp.errors import IdentityError, Unavailable
from idp.storage.store import Counters, Row, Transaction, Value, check_texts

LOCK_PATIENCE = 10.0  # seconds
LOCK_PAUSE = 0.002
PLACE = re.compile(r"\$(\d+)")


@cache
def sqlite_places(statement: str) -> str:
    """Return the statement with SQLite's numbered places (`?1`)."""
    return PLACE.sub(r"?\1", statement)


class SqliteTransaction:
    """Statements on one connection, run at once."""

    def __init__(self, connection: sqlite3.Connection, counters: Counters) -> None:
        self._connection = connection
        self._counters = counters

    def _execute(self, statement: str, values: tuple[Value, ...]) -> sqlite3.Cursor:
        check_texts(values)
        self._counters.statements += 1
        return self._connection.execute(sqlite_places(statement), values)

    async def one(self, statement: str, *values: Value) -> Row | None:
        """Run the statement and return its first row, if any."""
        rows = self._execute(statement, values).fetchall()
        return rows[0] if rows else None

    async def all(self, statement: str, *values: Value) -> list[Row]:
        """Run the statement and return its rows."""
        return self._execute(statement, values).fetchall()

    async def run(self, statement: str, *values: Value) -> int:
        """Run the statement and return how many rows it changed."""
        return self._execute(statement, values).rowcount


def _connect(path: str) -> sqlite3.Connection:
    connection = sqlite3.connect(
        path, isolation_level=None, check_same_thread=False, cached_statements=512
    )
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "busy_timeout=0",
        "temp_store=MEMORY",
    ):
        connection.execute(f"PRAGMA {pragma}")
    return connection


class SqliteStore:
    """A database in one file (WAL, `synchronous=FULL`)."""

    def __init__(self, path: str) -> None:
        self.counters = Counters()
        self._writer = _connect(path)
        self._reader = _connect(path)
        self._reader.execute("PRAGMA query_only=ON")
        self._turn = asyncio.Lock()
        self._group: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[Transaction]:
        """Open a transaction; it is durable when the block is left."""
        refusal: IdentityError | None = None
        async with self._turn:
            await self._ensure_begun()
            self._writer.execute("SAVEPOINT one")
            try:
                yield SqliteTransaction(self._writer, self.counters)
            except IdentityError as error:
                refusal = error
            except BaseException:
                self._writer.execute("ROLLBACK TO one")
                self._writer.execute("RELEASE one")
                self._ask_for_commit()
                raise
            self._writer.execute("RELEASE one")
            group = self._ask_for_commit()
        await asyncio.shield(group)
        if refusal is not None:
            raise refusal

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Transaction]:
        """Open a block that sees what is committed."""
        yield SqliteTransaction(self._reader, self.counters)

    async def close(self) -> None:
        """Wait for the last commit and close the file."""
        async with self._turn:
            group = self._group
        if group is not None:
            await group
        self._writer.close()
        self._reader.close()

    async def _ensure_begun(self) -> None:
        """Take the file's write lock unless the group already holds it."""
        if self._writer.in_transaction:
            return
        deadline = asyncio.get_running_loop().time() + LOCK_PATIENCE
        while True:
            try:
                self._writer.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                if asyncio.get_running_loop().time() > deadline:
                    raise Unavailable("database") from error
                await asyncio.sleep(LOCK_PAUSE)
            else:
                return

    def _ask_for_commit(self) -> asyncio.Task[None]:
        """Return the commit that will cover this transaction; start it if need be."""
        if self._group is None:
            self._group = asyncio.create_task(self._commit())
        return self._group

    async def _commit(self) -> None:
        """Commit whatever ran before our turn came."""
        async with self._turn:
            self._group = None
            self.counters.commits += 1
            await asyncio.to_thread(self._writer.commit)
