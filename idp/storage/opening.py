"""Open the store that an address names; only one engine is imported in a run."""

from idp.storage.store import Store


async def open_store(url: str) -> Store:
    """Open the store at `sqlite:///PATH` or `postgresql://…`.

    Raises ValueError for any other scheme.
    """
    if url.startswith("sqlite:///"):
        from idp.storage.sqlite import SqliteStore  # noqa: PLC0415 - one engine a run

        return SqliteStore(url.removeprefix("sqlite:///"))
    if url.startswith(("postgresql://", "postgres://")):
        from idp.storage.postgres import open_postgres  # noqa: PLC0415

        return await open_postgres(url)
    raise ValueError("the store is sqlite:///PATH or postgresql://…")
