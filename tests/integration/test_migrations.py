"""The migrations make exactly the tables that the code describes."""

import importlib
import pkgutil

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlmodel import SQLModel

import idp.domain
from idp.storage.database import is_current, migrate, open_engine

for module in pkgutil.iter_modules(idp.domain.__path__):
    importlib.import_module(f"idp.domain.{module.name}")


def test_the_newest_revision_is_what_the_models_say(store_url: str) -> None:
    assert not is_current(store_url)
    migrate(store_url)
    migrate(store_url)
    assert is_current(store_url)
    with open_engine(store_url).connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, SQLModel.metadata) == []


@pytest.mark.parametrize("url", ["mysql://x", "x.sqlite3", ""])
def test_any_other_database_is_refused(url: str) -> None:
    import asyncio  # noqa: PLC0415

    from idp.storage.opening import open_store  # noqa: PLC0415

    with pytest.raises(ValueError, match="sqlite"):
        asyncio.run(open_store(url))
