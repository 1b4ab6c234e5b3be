"""Databases with every table, quickly: SQLite is laid out once, and then copied."""

import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

from sqlmodel import SQLModel

from idp.storage.database import migrate, open_engine

SQLITE = "sqlite:///"
Layout = Callable[[str], None]


def migrated(url: str) -> None:
    """Bring a database to the newest revision; one that is there keeps its rows."""
    _lay_out(url, migrate)


def with_tables(url: str) -> None:
    """Make every table that is known, without the migrations."""
    _lay_out(url, _create_tables)


def _lay_out(url: str, layout: Layout) -> None:
    path = Path(url.removeprefix(SQLITE))
    if not url.startswith(SQLITE) or path.exists():
        layout(url)
    else:
        path.write_bytes(_laid_out(layout, len(SQLModel.metadata.tables)))


@cache
def _laid_out(layout: Layout, _tables: int) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "empty.sqlite3"
        layout(f"{SQLITE}{path}")
        return path.read_bytes()


def _create_tables(url: str) -> None:
    engine = open_engine(url)
    SQLModel.metadata.create_all(engine)
    engine.dispose()
