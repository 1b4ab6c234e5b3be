"""A simulator over loopback HTTP and a client of it, for one test."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any

import httpx2

from camdx_bridge import (
    BridgeClient,
    HttpTransport,
    NationalIdClient,
    PlainHttp,
    Verification,
)
from camdx_bridge.simulator import (
    CLIENT,
    IDENTITY,
    SERVICE,
    FaultKind,
    Simulator,
    load_registry,
    running,
)

SREYPOV: dict[str, Any] = {
    "number": "012345678",
    "surname_khmer": "សុខ",
    "given_name_khmer": "ស្រីពៅ",
    "surname_latin": "SOK",
    "given_name_latin": "SREYPOV",
    "sex": "F",
    "birth_date": date(1999, 1, 1),
    "issue_date": date(2021, 1, 2),
    "expiry_date": date(2031, 1, 1),
}


@dataclass(frozen=True, slots=True)
class World:
    address: str
    client: BridgeClient
    national_id: NationalIdClient

    async def verify(self, **changed: Any) -> Verification:
        return await self.national_id.verify(**{**SREYPOV, **changed})

    async def play(self, kind: FaultKind | str, count: int = 1) -> httpx2.Response:
        async with httpx2.AsyncClient() as http:
            return await http.post(
                f"{self.address}/control/fault", json={"kind": kind, "count": count}
            )

    async def add(self, citizen: dict[str, Any]) -> None:
        async with httpx2.AsyncClient() as http:
            answer = await http.post(f"{self.address}/control/citizens", json=citizen)
        assert answer.status_code == 201, answer.text

    async def counts(self) -> dict[str, int]:
        async with httpx2.AsyncClient() as http:
            found = await http.get(f"{self.address}/control/messages")
        counts: dict[str, int] = found.json()
        return counts


async def no_pause(_: float) -> None:
    await asyncio.sleep(0)


@asynccontextmanager
async def world(*, timeout_s: float = 20.0, **options: Any) -> AsyncIterator[World]:
    simulator = Simulator(registry=load_registry(), identity=IDENTITY, clients=[CLIENT])
    async with (
        running(simulator) as address,
        HttpTransport(address, PlainHttp(), timeout_s=timeout_s) as transport,
    ):
        settings = {"client": CLIENT, "sleep": no_pause, **options}
        client = BridgeClient(transport=transport, **settings)
        register = NationalIdClient(client, SERVICE, clock=lambda: 1_700_000_000.0)
        yield World(address, client, register)


def in_world(**options: Any) -> Callable[..., Callable[[], None]]:
    """Make a plain test of an async one that takes a World."""

    def decorate(test: Callable[[World], Awaitable[None]]) -> Callable[[], None]:
        async def walk() -> None:
            async with world(**options) as found:
                await test(found)

        def run() -> None:
            walking: Coroutine[Any, Any, None] = walk()
            asyncio.run(walking)

        run.__name__ = test.__name__  # type: ignore[attr-defined]
        return run

    return decorate
