"""A provider's server on loopback: it speaks a wire, and fails as it is told."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

HANG, RESET, DRIP, NONSENSE, HUGE = "hang", "reset", "drip", "nonsense", "huge"
FAULTS = (HANG, RESET, DRIP, NONSENSE, HUGE, 500, 503, 429)


@dataclass(frozen=True)
class Asked:
    """One request as it came."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def form(self) -> dict[str, str]:
        return {name: one for name, (one,) in parse_qs(self.body.decode()).items()}


Speak = Callable[[Asked], tuple[int, Any]]


@dataclass
class Wire:
    """`faults` are taken in turn, one a request; then the wire is spoken."""

    speak: Speak
    port: int = 0
    faults: list[object] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    let_go: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        try:
            asked = await _read(reader)
            self.asked.append(asked)
            fault = self.faults.pop(0) if self.faults else None
            await self._answer(writer, asked, fault)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _answer(
        self, writer: asyncio.StreamWriter, asked: Asked, fault: object
    ) -> None:
        if fault == HANG:
            await self.let_go.wait()
            return
        if fault == RESET:
            writer.transport.abort()
            return
        status, value = (fault, {}) if isinstance(fault, int) else self.speak(asked)
        body = b"<html>" if fault == NONSENSE else json.dumps(value).encode()
        if fault == HUGE:
            body = b'"' + b"x" * 200_000 + b'"'
        head = (
            f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        )
        writer.write(head.encode())
        if fault == DRIP:
            for octet in body:
                writer.write(bytes([octet]))
                await writer.drain()
                await asyncio.wait(
                    {asyncio.ensure_future(self.let_go.wait())}, timeout=0.2
                )
                if self.let_go.is_set():
                    return
            return
        writer.write(body)
        await writer.drain()


async def _read(reader: asyncio.StreamReader) -> Asked:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.strip().split("\r\n")
    method, target, _ = first.split(" ")
    named = (line.split(": ", 1) for line in lines)
    headers = {name.lower(): value for name, value in named}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    parts = urlsplit(target)
    query = {name: one for name, (one,) in parse_qs(parts.query).items()}
    return Asked(method, parts.path, query, headers, body)


@asynccontextmanager
async def wire(speak: Speak, *faults: object) -> AsyncIterator[Wire]:
    """Run one on a free port."""
    running = Wire(speak, faults=list(faults))
    server = await asyncio.start_server(running.serve, "127.0.0.1", 0)
    running.port = server.sockets[0].getsockname()[1]
    async with server:
        yield running
        running.let_go.set()
        await asyncio.sleep(0)
