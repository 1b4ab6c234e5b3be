"""The cold path to the tables: SQLAlchemy for migrations and the command line."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, event
from sqlalchemy.pool import NullPool
from sqlmodel import create_engine

MIGRATIONS = Path(__file__).parent.parent / "migrations"


def open_engine(url: str) -> Engine:
    """Return an engine for the store's address (`sqlite:///…`, `postgresql://…`)."""
    driver = url.replace("postgres://", "postgresql://", 1).replace(
        "postgresql://", "postgresql+psycopg://", 1
    )
    engine = create_engine(driver, poolclass=NullPool)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
    return engine


def _prepare_sqlite(connection: object, _record: object) -> None:
    execute = connection.execute  # type: ignore[attr-defined]  # sqlite3.Connection
    execute("PRAGMA journal_mode=WAL")
    execute("PRAGMA foreign_keys=ON")
    execute("PRAGMA busy_timeout=10000")


def _config(url: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["url"] = url
    return config


def migrate(url: str) -> None:
    """Bring the database to the newest revision; safe to run again."""
    if url.startswith("sqlite:///"):
        Path(url.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
    command.upgrade(_config(url), "head")


def is_current(url: str) -> bool:
    """Say whether the database is at the newest revision."""
    newest = ScriptDirectory.from_config(_config(url)).get_current_head()
    engine = open_engine(url)
    with engine.connect() as connection:
        found = MigrationContext.configure(connection).get_current_revision()
    return found == newest
