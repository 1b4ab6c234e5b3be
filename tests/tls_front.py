"""A proxy that ends TLS for tests, as an operator's does in front of the provider.

It asks for a client certificate without insisting, deletes what the caller says of
one, and tells of the one it saw in `Client-Cert` (RFC 9440). One request a connection.
It calls the provider from an address of its own, so that the provider can tell it
from anybody else on this machine.
"""

import asyncio
import socket
import ssl
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)

ADDRESS = "127.0.0.2"
MAX_HEAD = 32 * 1024
PATIENCE = 30
OURS = {
    b"client-cert",
    b"client-cert-chain",
    b"connection",
    b"x-forwarded-for",
    b"x-forwarded-proto",
}


@dataclass(frozen=True)
class Holder:
    """A certificate with the key to it."""

    key: Any
    certificate: x509.Certificate

    @property
    def pem(self) -> str:
        return self.certificate.public_bytes(Encoding.PEM).decode()

    @property
    def key_pem(self) -> str:
        form = (Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return str(self.key.private_bytes(*form).decode())

    def as_client(self) -> dict[str, str]:
        """Return what a program needs to show it."""
        return {"cert": self.pem, "key": self.key_pem}


def front_context(
    server: Holder, clients: list[x509.Certificate], folder: Path
) -> ssl.SSLContext:
    """Return TLS of a server that lets these certificates, or none, through.

    `clients` are authorities or self-signed ones; the provider judges them again.
    """
    file = folder / "front.pem"
    file.write_text(server.pem + server.key_pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    context.verify_mode = ssl.CERT_OPTIONAL
    pems = [each.public_bytes(Encoding.PEM).decode() for each in clients]
    context.load_verify_locations(cadata="".join(pems))
    return context


@contextmanager
def tls_front(
    listener: socket.socket, *, upstream: int, context: ssl.SSLContext
) -> Iterator[None]:
    """Forward what comes to `listener` to the port `upstream` until the block ends."""
    ready = Event()
    running: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    async def handle(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        gone = (ConnectionError, asyncio.IncompleteReadError, TimeoutError)
        with suppress(*gone):
            async with asyncio.timeout(PATIENCE):
                await _forward(reader, writer, upstream)
        writer.close()

    async def main() -> None:
        stop = asyncio.Event()
        running.append((asyncio.get_running_loop(), stop))
        server = await asyncio.start_server(
            handle, sock=listener, ssl=context, limit=MAX_HEAD
        )
        async with server:
            ready.set()
            await stop.wait()

    thread = Thread(target=asyncio.run, args=[main()])
    thread.start()
    try:
        assert ready.wait(30), "the front did not start"
        yield
    finally:
        for loop, stop in running:
            loop.call_soon_threadsafe(stop.set)
        thread.join()
        listener.close()


async def _forward(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, upstream: int
) -> None:
    head = await reader.readuntil(b"\r\n\r\n")
    tls = writer.get_extra_info("ssl_object")
    peer = writer.get_extra_info("peername")[0]
    der = tls.getpeercert(binary_form=True)
    lines, length = _rewritten(head, der, peer)
    body = await reader.readexactly(length)
    answers, asks = await asyncio.open_connection(
        "127.0.0.1", upstream, local_addr=(ADDRESS, 0)
    )
    try:
        asks.write(lines + body)
        while piece := await answers.read(MAX_HEAD):
            writer.write(piece)
            await writer.drain()
    finally:
        asks.close()


def _rewritten(head: bytes, der: bytes | None, peer: str) -> tuple[bytes, int]:
    """Return the head with exactly our word of the caller, and the body's length."""
    first, *fields = head.removesuffix(b"\r\n\r\n").split(b"\r\n")
    kept, length = [first], 0
    for line in fields:
        name, _, value = line.partition(b":")
        word = name.strip().lower()
        assert word != b"transfer-encoding", "say the length"
        if word == b"content-length":
            length = int(value)
        if word not in OURS:
            kept.append(line)
    said = ["Connection: close", f"X-Forwarded-For: {peer}", "X-Forwarded-Proto: https"]
    if der:
        said.append(f"Client-Cert: :{b64encode(der).decode()}:")
    return b"\r\n".join([*kept, *map(str.encode, said), b"", b""]), length
