"""What the domain asks of the world: Protocols of one method where possible."""

from datetime import UTC, datetime
from time import time
from typing import Protocol, runtime_checkable


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> datetime:
        """Return the instant, aware, in UTC."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Return the machine's instant, aware, in UTC."""
        return datetime.fromtimestamp(time(), UTC)


@runtime_checkable
class SmsSender(Protocol):
    """Sends a text message."""

    async def send(self, *, to: str, text: str) -> None:
        """Send `text` to `to` (E.164). Raises idp.errors.Unavailable."""
        ...
