"""Wake a waiting browser: in this process, or through Redis on any node.

A signal carries a name and nothing else: whoever is woken reads the state again,
so a lost or doubled signal does no harm.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Protocol

Wait = Callable[[float], Awaitable[bool]]
"""Wait at most so many seconds; True when woken. May be called again."""


class Signals(Protocol):
    """Wakes those who wait for a name."""

    async def wake(self, name: str) -> None:
        """Wake everybody who waits for `name`."""
        ...

    def waiting(self, name: str) -> AbstractAsyncContextManager[Wait]:
        """Register before reading the state, then wait: no wake-up is missed."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...


class LocalSignals:
    """Wake-ups inside this process."""

    def __init__(self) -> None:
        self._waiting: dict[str, set[asyncio.Event]] = {}

    async def wake(self, name: str) -> None:
        """Wake everybody who waits for `name`."""
        for event in self._waiting.get(name, ()):
            event.set()

    @asynccontextmanager
    async def waiting(self, name: str) -> AsyncIterator[Wait]:
        """Register, and give the function that waits."""
        event = asyncio.Event()
        self._waiting.setdefault(name, set()).add(event)

        async def wait(seconds: float) -> bool:
            try:
                async with asyncio.timeout(seconds):
                    await event.wait()
            except TimeoutError:
                return False
            event.clear()
            return True

        try:
            yield wait
        finally:
            others = self._waiting[name]
            others.discard(event)
            if not others:
                del self._waiting[name]

    async def close(self) -> None:
        """Nothing to let go of."""
