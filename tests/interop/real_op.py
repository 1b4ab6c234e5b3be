"""The provider itself over real HTTP, in its sandbox: a test citizen approves.

Everything of the protocol is real: pages, cookies, codes, keys, sessions. Only the
phone is left out, as an integrator leaves it out (the phone has tests of its own).
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Event, Thread
from typing import Any, TypeVar
from urllib.parse import urljoin, urlsplit

import httpx2
import uvicorn
from sqlmodel import SQLModel

from camdigikey.commands.serve import behind_proxies
from camdigikey.housekeeping import housekeeping
from idp.app import create_app
from idp.domain.party_metadata import PartyMetadata
from idp.domain.relying_parties import RelyingParty
from idp.interfaces import SystemClock
from idp.services import Services, wire
from idp.settings import IdpSettings
from idp.storage.database import open_engine
from idp.storage.encryption import MasterKey, Sealer
from idp.storage.ephemeral import MemoryEphemeral
from idp.storage.opening import open_store
from idp.storage.signals import LocalSignals
from tests.unit.sdk_web.serving import address

T = TypeVar("T")
SCOPES = ("openid", "profile", "phone", "offline_access")


class NoSms:
    async def send(self, *, to: str, text: str) -> None:
        raise AssertionError(to, text)


@dataclass
class RealOp:
    """The driver of the provider; calls run in the provider's own loop."""

    issuer: str
    services: Services
    loop: asyncio.AbstractEventLoop

    def register(
        self,
        *,
        client_id: str,
        redirect_uris: list[str],
        post_logout_redirect_uris: list[str],
        secret: str | None,
        auth_method: str = "client_secret_basic",
        profile: str = "basic",
        scopes: tuple[str, ...] = SCOPES,
        **metadata: Any,
    ) -> None:
        party = RelyingParty(
            id=client_id,
            name_km="វិបផតថល",
            name_en="Portal",
            domain="localhost",
            purpose_km="ដើម្បីសាកល្បង",
            purpose_en="To try",
            redirect_uris=tuple(redirect_uris),
            post_logout_redirect_uris=tuple(post_logout_redirect_uris),
            scopes=scopes,
            auth_method=auth_method if secret or metadata else "none",
            profile=profile,
            metadata=PartyMetadata(**metadata),
        )

        async def add() -> None:
            async with self.services.store.begin() as tx:
                await self.services.relying_parties.add(tx, party, secret=secret)

        self._run(add)

    def approve(self, login_url: str, browser: httpx2.Client) -> str:
        """Press the sandbox's button as a browser without JavaScript does."""
        parked = urlsplit(login_url).path.split("/")[-1]
        answer = browser.post(
            f"{self.issuer}/login/{parked}/sandbox",
            headers={"Origin": self.issuer},
            data={"citizen": "citizen"},
            follow_redirects=False,
        )
        assert answer.status_code == 303, answer.text
        return urljoin(login_url, answer.headers["location"])

    def rotate_keys(self) -> None:
        """Let the next keys sign."""

        async def rotate() -> None:
            async with self.services.store.begin() as tx:
                await self.services.keys.rotate(tx)

        self._run(rotate)

    def log_out_everywhere(self) -> None:
        """End every session of the test citizen, and tell every portal."""

        async def end() -> None:
            async with self.services.store.begin() as tx:
                assert self.services.sandbox is not None
                account = await self.services.sandbox.account_of(tx, "citizen")
                await self.services.logouts.everywhere(tx, account)
            await self.services.logouts.wake()

        self._run(end)

    def _run(self, work: Callable[[], Awaitable[T]]) -> T:
        async def awaited() -> T:
            return await work()

        return asyncio.run_coroutine_threadsafe(awaited(), self.loop).result(30)


@contextmanager
def open_real_op(
    listener: socket.socket, database: str, **settings: Any
) -> Iterator[RealOp]:
    """Run the provider in a thread until the block ends, served as in earnest."""
    ready = Event()
    running: list[tuple[RealOp, uvicorn.Server]] = []

    async def main() -> None:
        op = await _open(address(listener), database, settings)
        found = op.services.settings
        app = behind_proxies(create_app(found, op.services), found.trusted_proxies)
        server = uvicorn.Server(
            uvicorn.Config(app, log_level="error", ws="none", proxy_headers=False)
        )
        running.append((op, server))
        ready.set()
        beside = [asyncio.create_task(work) for work in housekeeping(op.services)]
        await server.serve(sockets=[listener])
        for task in beside:
            task.cancel()
        await asyncio.gather(*beside, return_exceptions=True)
        await op.services.store.close()

    thread = Thread(target=asyncio.run, args=[main()])
    thread.start()
    try:
        assert ready.wait(30), "the provider did not start"
        yield running[0][0]
    finally:
        for _, server in running:
            server.should_exit = True
        thread.join()
        listener.close()


async def _open(issuer: str, database: str, settings: dict[str, Any]) -> RealOp:
    engine = open_engine(database)
    SQLModel.metadata.create_all(engine)
    engine.dispose()
    services = wire(
        IdpSettings(
            environment="development",
            issuer=issuer,
            app_origin="http://localhost:1",
            sandbox=True,
            **settings,
        ),
        store=await open_store(database),
        sealer=Sealer([MasterKey.of(b"k" * 32)]),
        ephemeral=MemoryEphemeral(),
        signals=LocalSignals(),
        sms=NoSms(),
        clock=SystemClock(),
    )
    async with services.store.begin() as tx:
        await services.keys.ensure(tx)
    return RealOp(issuer, services, asyncio.get_running_loop())
