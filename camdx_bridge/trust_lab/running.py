"""Run the lab over HTTP on loopback, beside whoever uses it."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime

import uvicorn

from camdx_bridge.trust_lab.instance import LabInstance
from camdx_bridge.trust_lab.publisher import Publisher
from camdx_bridge.trust_lab.server import LabServer


@asynccontextmanager
async def running(
    instance: LabInstance, *, clock: Callable[[], datetime]
) -> AsyncIterator[LabServer]:
    """Serve an instance on a free port of loopback; its `address` says where."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        instance.address = f"http://127.0.0.1:{sock.getsockname()[1]}"
        url = f"{instance.address}/internalconf"
        publisher = Publisher.make(instance.instance, url, now=clock())
        lab = LabServer(instance, publisher, clock)
        server = _server(lab)
        serving = asyncio.create_task(server.serve(sockets=[sock]))
        while not server.started and not serving.done():  # noqa: ASYNC110
            await asyncio.sleep(0.01)  # the server has no event to wait for
        try:
            yield lab
        finally:
            server.should_exit = True
            await serving


def _server(lab: LabServer) -> uvicorn.Server:
    return uvicorn.Server(
        uvicorn.Config(
            lab.app(),
            lifespan="off",
            ws="none",
            access_log=False,
            log_level="warning",
            timeout_graceful_shutdown=1,
        )
    )
