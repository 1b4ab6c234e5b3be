"""camdigikey migrate: bring the database to the newest revision."""

from camdigikey.commands.common import console, settings
from idp.storage import database


def migrate() -> None:
    """Bring the database to the newest revision. Safe to run again."""
    with console.status("Migrating…"):
        database.migrate(settings().store)
    console.print("✓ The database is at the newest revision.")
