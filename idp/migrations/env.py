"""Run the migrations on the database that the caller names."""

import importlib
import pkgutil

from alembic import context
from sqlmodel import SQLModel

import idp.domain
from idp.storage.database import open_engine

for module in pkgutil.iter_modules(idp.domain.__path__):
    importlib.import_module(f"idp.domain.{module.name}")


def run() -> None:
    url = context.config.attributes.get("url") or context.get_x_argument(
        as_dictionary=True
    ).get("url")
    if not url:
        raise SystemExit("name the database: alembic -x url=sqlite:///PATH …")
    engine = open_engine(url)
    with engine.connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=SQLModel.metadata,
            render_as_batch=engine.dialect.name == "sqlite",
            compare_type=True,
        )
        with context.begin_transaction():
            if engine.dialect.name == "postgresql":
                # Two nodes that start together migrate one after the other.
                connection.exec_driver_sql("SELECT pg_advisory_xact_lock(2026112301)")
            context.run_migrations()


run()
