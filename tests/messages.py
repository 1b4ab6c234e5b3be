"""What tests of messages share: people with addresses, and a log that is searched."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from idp.storage.store import Transaction


@dataclass
class Emails:
    """The e-mail address of each account."""

    known: dict[str, str] = field(default_factory=dict)

    async def email_of(self, tx: Transaction, account_id: str) -> str | None:
        del tx
        return self.known.get(account_id)


@contextmanager
def everything_logged() -> Iterator[list[str]]:
    """Gather every record of every logger, at every level, with its tracebacks."""
    said: list[str] = []
    formatter = logging.Formatter("%(name)s %(levelname)s %(message)s")

    class Gatherer(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            said.append(formatter.format(record))
            said.append(repr(record.args))

    root, gatherer = logging.getLogger(), Gatherer(level=1)
    before = root.level
    root.addHandler(gatherer)
    root.setLevel(1)
    try:
        yield said
    finally:
        root.removeHandler(gatherer)
        root.setLevel(before)
