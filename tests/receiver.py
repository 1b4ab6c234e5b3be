"""A relying party's server on loopback: it takes posts and answers as it is told."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import parse_qs

HANG_UP = 0
LONGEST = 30.0  # seconds; a test that waits longer has failed


@dataclass(frozen=True)
class Posted:
    """One request as it came."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def form(self) -> dict[str, str]:
        return {name: one for name, (one,) in parse_qs(self.body.decode()).items()}


@dataclass
class Receiver:
    """`answers` are statuses to give in turn, 200 after them; HANG_UP says nothing."""

    port: int = 0
    answers: list[int] = field(default_factory=list)
    body: bytes = b""
    posts: list[Posted] = field(default_factory=list)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    async def wait_for(self, count: int) -> list[Posted]:
        async with asyncio.timeout(LONGEST):
            while len(self.posts) < count:
                self.arrived.clear()
                await self.arrived.wait()
        return self.posts

    async def serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Take one request."""
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            first, *lines = head.strip().split("\r\n")
            named = (line.split(": ", 1) for line in lines)
            headers = {name.lower(): value for name, value in named}
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            self.posts.append(Posted(first.split()[1], headers, body))
            status = self.answers.pop(0) if self.answers else 200
            if status != HANG_UP:
                writer.write(
                    f"HTTP/1.1 {status} X\r\nContent-Length: {len(self.body)}\r\n"
                    "Connection: close\r\n\r\n".encode()
                    + self.body
                )
                await writer.drain()
            self.arrived.set()
        finally:
            writer.close()


@asynccontextmanager
async def receiver(*answers: int) -> AsyncIterator[Receiver]:
    """Run one on a free port."""
    running = Receiver(answers=list(answers))
    server = await asyncio.start_server(running.serve, "127.0.0.1", 0)
    running.port = server.sockets[0].getsockname()[1]
    async with server:
        yield running
