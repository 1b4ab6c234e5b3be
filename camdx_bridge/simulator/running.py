"""Run the simulator over HTTP on loopback, as a process or beside a test."""

import asyncio
import ipaddress
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from camdx_bridge.simulator.server import Simulator


class NotLoopback(ValueError):
    """The simulator answers on this machine only."""


def listen(host: str, port: int) -> socket.socket:
    """Open the socket; port 0 takes a free one. NotLoopback for any other host."""
    address = "127.0.0.1" if host == "localhost" else host
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        raise NotLoopback(host) from None
    if not found.is_loopback:
        raise NotLoopback(host)
    family = socket.AF_INET6 if found.version == 6 else socket.AF_INET  # noqa: PLR2004
    return socket.create_server((address, port), family=family)


def server_of(simulator: Simulator) -> uvicorn.Server:
    """Return the server, which also lets the simulator reset its connections."""

    class Connection(H11Protocol):
        def connection_made(  # type: ignore[override]
            self, transport: asyncio.Transport
        ) -> None:
            super().connection_made(transport)
            peer: tuple[str, int] = transport.get_extra_info("peername")[:2]
            simulator.connections[peer] = transport
            simulator.script.counts["connections"] += 1

        def connection_lost(self, exc: Exception | None) -> None:
            super().connection_lost(exc)
            if self.client is not None:
                simulator.connections.pop(self.client, None)

    return uvicorn.Server(
        uvicorn.Config(
            simulator,
            http=Connection,
            ws="none",
            lifespan="off",
            access_log=False,
            log_level="warning",
            timeout_graceful_shutdown=1,
        )
    )


@asynccontextmanager
async def running(
    simulator: Simulator, *, host: str = "127.0.0.1", port: int = 0
) -> AsyncIterator[str]:
    """Run beside the caller, in its event loop; yields `http://host:port`."""
    server = server_of(simulator)
    with listen(host, port) as sock:
        serving = asyncio.create_task(server.serve(sockets=[sock]))
        while not server.started and not serving.done():  # noqa: ASYNC110
            await asyncio.sleep(0.01)  # the server has no event to wait for
        try:
            yield f"http://{host}:{sock.getsockname()[1]}"
        finally:
            server.should_exit = True
            await serving
