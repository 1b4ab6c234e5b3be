"""The store of the hot paths: constant statements in, plain tuples out.

A statement is written once, with numbered places (`$1`), and runs on SQLite and
PostgreSQL alike. Columns are text, 64-bit integers (instants are milliseconds
since 1970, flags are nullable instants) and bytes, so values need no conversion.

A transaction commits when its block ends normally **and when the domain refuses**
(`idp.errors.IdentityError`): a refused attempt stays spent. Any other exception
rolls it back. Leaving the block means that the change is durable.
"""

from collections.abc import Iterable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from idp.errors import Malformed

Value = str | int | bytes | None
Row = tuple[Value, ...]


def check_texts(values: Iterable[Value]) -> None:
    """Refuse a text that no column can hold; raises Malformed.

    PostgreSQL keeps no NUL and neither engine a lone surrogate, and JSON may spell
    both. Whatever a stranger names, it is a refusal at every door, not a failure.
    """
    for value in values:
        if isinstance(value, str) and ("\x00" in value or not _is_unicode(value)):
            raise Malformed("a text that cannot be kept")


def _is_unicode(text: str) -> bool:
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


class Transaction(Protocol):
    """A block of statements that happen together or not at all."""

    async def one(self, statement: str, *values: Value) -> Row | None:
        """Run the statement and return its first row, if any."""
        ...

    async def all(self, statement: str, *values: Value) -> list[Row]:
        """Run the statement and return its rows."""
        ...

    async def run(self, statement: str, *values: Value) -> int:
        """Run the statement and return how many rows it changed."""
        ...


@dataclass(slots=True)
class Counters:
    """Exact counts for tests: they pin the cost of the hot paths."""

    statements: int = 0
    commits: int = 0


class Store(Protocol):
    """One database."""

    counters: Counters

    def begin(self) -> AbstractAsyncContextManager[Transaction]:
        """Open a transaction that may write."""
        ...

    def read(self) -> AbstractAsyncContextManager[Transaction]:
        """Open a block that only reads what is committed."""
        ...

    async def close(self) -> None:
        """Let go of every connection."""
        ...
