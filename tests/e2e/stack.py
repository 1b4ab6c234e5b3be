"""The whole product as its own processes, on free ports: the demo, in a folder."""

import asyncio
import re
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import httpx2
import orjson

from camdigikey.demo.run import SPECIMENS, Demo, Ports

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@dataclass(frozen=True)
class Stack:
    """A running demo and what a test may know of it."""

    demo: Demo

    @property
    def register(self) -> str:
        """Where the register simulator is controlled."""
        return f"http://127.0.0.1:{self.demo.ports.register}"

    def fault(self, kind: str, count: int = 1) -> None:
        """Make the register fail in a scripted way."""
        body = {"kind": kind, "count": count}
        answer = httpx2.post(f"{self.register}/control/fault", json=body)
        assert answer.status_code < 300, answer.text

    def sms_code(self, seen: int, *, patience: float = 20.0) -> str:
        """Wait for a code that was printed after `seen` characters."""
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            found = re.findall(r"SMS to .*?\b(\d{6})\b", self.demo.outbox()[seen:])
            if found:
                return str(found[-1])
            time.sleep(0.05)
        raise AssertionError("no text message came")

    def printed(self) -> int:
        """Return how much the server has printed so far."""
        return len(self.demo.outbox())


def free_ports(count: int) -> list[int]:
    """Return ports that were free just now."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for sock in sockets:
            sock.bind(("127.0.0.1", 0))
        return [sock.getsockname()[1] for sock in sockets]


class HastyDemo(Demo):
    """A demo whose owners have four seconds to object to a recovery."""

    def environment(self) -> Mapping[str, str]:
        return {**super().environment(), "IDP_RECOVERY_WAIT": "PT4S"}


@contextmanager
def running_stack(
    folder: Path, *, store: str = "", redis: str = "", kind: type[Demo] = Demo
) -> Iterator[Stack]:
    """Start everything on free ports; stop it at the end."""
    demo = kind(folder=folder, ports=Ports(*free_ports(4)), store=store, redis=redis)
    try:
        demo.start()
        yield Stack(demo)
    finally:
        demo.stop()


def person(name: str) -> dict[str, str]:
    """Return a shipped specimen by the first part of its card's name."""
    persons: list[dict[str, str]] = orjson.loads(
        (SPECIMENS / "persons.json").read_bytes()
    )
    return next(p for p in persons if p["card"].startswith(f"{name}-"))


@asynccontextmanager
async def http_client(**options: object) -> "AsyncIterator[httpx2.AsyncClient]":
    async with httpx2.AsyncClient(timeout=60, **options) as client:  # type: ignore[arg-type]
        yield client


async def until(check: object, *, patience: float = 30.0) -> None:
    """Wait until an async check returns something true."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        if await check():  # type: ignore[operator]
            return
        await asyncio.sleep(0.1)
    raise AssertionError("it did not happen in time")
