"""The phone's own event stream: signed like a call, quick, and over with the device."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import orjson
import pytest

from tests.ciba import Ciba, open_ciba
from tests.login import refused
from tests.world import APP

pytestmark = pytest.mark.anyio


@pytest.fixture
async def ciba(sqlite_url: str) -> AsyncIterator[Ciba]:
    async with open_ciba(sqlite_url) as opened:
        yield opened


@asynccontextmanager
async def stream(ciba: Ciba, **proof: str) -> AsyncIterator["asyncio.Queue[Any]"]:
    """Open GET /notices as a server would, and yield what it sends."""
    sent: asyncio.Queue[Any] = asyncio.Queue()
    arriving: asyncio.Queue[Any] = asyncio.Queue()
    arriving.put_nowait({"type": "http.request", "body": b"", "more_body": False})
    phone = ciba.phone
    nonce = (await phone.http.get(f"{APP}/nonce")).json()["nonce"]
    signed = {"method": "GET", "url": f"{APP}/notices", **proof}
    token = phone.keys.proof(body=b"", nonce=nonce, iat=phone.now(), **signed)
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "GET",
        "scheme": "https",
        "server": ("app.test", 443),
        "path": "/notices",
        "raw_path": b"/notices",
        "query_string": b"",
        "headers": [(b"host", b"app.test"), (b"device-proof", token.encode())],
    }
    app = ciba.world.network.apps["app.test"]
    serving = asyncio.create_task(app(scope, arriving.get, sent.put))
    try:
        yield sent
    finally:
        arriving.put_nowait({"type": "http.disconnect"})
        await asyncio.wait_for(serving, timeout=5)


async def told(sent: "asyncio.Queue[Any]") -> list[str]:
    """Return the ids of the next event."""
    while True:
        message = await asyncio.wait_for(sent.get(), timeout=10)
        for line in message.get("body", b"").splitlines():
            if line.startswith(b"data: "):
                return [one["id"] for one in orjson.loads(line[6:])["challenges"]]


async def test_the_stream_tells_of_a_request_and_of_its_end(ciba: Ciba) -> None:
    async with stream(ciba) as sent:
        assert (await sent.get())["status"] == 200
        assert await told(sent) == []
        asked = await ciba.asked()
        challenge = asked["auth_req_id"].partition(".")[0]
        assert await told(sent) == [challenge]
        await ciba.decide(asked)
        assert await told(sent) == []


async def test_the_stream_ends_with_its_device(ciba: Ciba) -> None:
    async with stream(ciba) as sent:
        assert await told(sent) == []
        async with ciba.world.services.store.begin() as tx:
            await tx.run("UPDATE device SET revoked_at = 1")
        await ciba.world.services.signals.wake(f"notices:{ciba.phone.account_id}")
        last = await asyncio.wait_for(sent.get(), timeout=5)
        assert (last["body"], last.get("more_body", False)) == (b"", False)
    await refused(ciba.phone.post("/notices", {"seen": []}), "device-revoked")


async def test_a_proof_of_another_call_opens_no_stream(ciba: Ciba) -> None:
    async with stream(ciba, method="POST") as sent:
        assert (await sent.get())["status"] == 401


async def test_what_was_seen_is_waited_for_and_listening_has_a_budget(
    ciba: Ciba,
) -> None:
    await refused(ciba.phone.post("/notices", {"seen": ["x"] * 17}), "fields-invalid")
    asked = await ciba.asked()
    challenge = asked["auth_req_id"].partition(".")[0]
    waiting = ciba.phone.post("/notices", {"seen": [challenge]})
    listening = asyncio.create_task(waiting)
    await asyncio.sleep(0.1)
    assert not listening.done()
    ciba.phone.nonce = ""
    await ciba.decide(asked)
    assert (await listening) == {"challenges": []}
    for _ in range(60):
        key = f"notices:{ciba.phone.keys.device_id}"
        await ciba.world.services.ephemeral.count(key, seconds=60)
    await refused(ciba.phone.post("/notices", {"seen": []}), "exhausted")
