"""The provider itself over real HTTP, with one citizen who always approves.

Everything of the protocol is real: pages, cookies, codes, keys, sessions. Only the
citizen's phone is left out: the parked request is completed as the login page does
once a phone has approved (the phone has tests of its own).
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Event, Thread
from typing import TypeVar
from urllib.parse import urlsplit

import httpx2
import uvicorn
from sqlmodel import SQLModel

from idp.app import create_app
from idp.domain.accounts import AccountFacts
from idp.domain.interactions import Login, cookie_name
from idp.domain.relying_parties import RelyingParty
from idp.domain.sessions import cookie_name as session_cookie_name
from idp.interfaces import SystemClock
from idp.services import Services, wire
from idp.settings import IdpSettings
from idp.storage.columns import new_id, to_millis
from idp.storage.database import open_engine
from idp.storage.encryption import MasterKey, Sealer
from idp.storage.ephemeral import MemoryEphemeral
from idp.storage.opening import open_store
from idp.storage.signals import LocalSignals
from tests.unit.sdk_web.serving import address

T = TypeVar("T")
DEVICE = "device-1"
SCOPES = ("openid", "profile", "phone", "offline_access")
CITIZEN = AccountFacts(
    surname_khmer="សុខ",
    given_name_khmer="សុភា",
    surname_latin="SOK",
    given_name_latin="SOPHEA",
    birth_date="1990-04-15",
    sex="F",
    document_number="012345678",
    document_expires="2031-01-01",
    phone="+85512345678",
)


class NoSms:
    async def send(self, *, to: str, text: str) -> None:
        raise AssertionError(to, text)


@dataclass
class RealOp:
    """The driver of the provider; calls run in the provider's own loop."""

    issuer: str
    services: Services
    loop: asyncio.AbstractEventLoop
    account_id: str

    def register(
        self,
        *,
        client_id: str,
        redirect_uris: list[str],
        post_logout_redirect_uris: list[str],
        secret: str | None,
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
            scopes=SCOPES,
            auth_method="none" if secret is None else "client_secret_basic",
        )

        async def add() -> None:
            async with self.services.store.begin() as tx:
                await self.services.relying_parties.add(tx, party, secret=secret)

        self._run(add)

    def approve(self, login_url: str, browser: httpx2.Client) -> str:
        parked = urlsplit(login_url).path.split("/")[-1]
        cookie = browser.cookies[cookie_name(parked, secure=False)]
        session_id = new_id()

        async def complete() -> None:
            interactions = self.services.interactions
            interaction = await interactions.find(parked, cookie=cookie)
            login = Login(
                grant_id=new_id(),
                account_id=self.account_id,
                session_id=session_id,
                acr="substantial",
                amr=("mfa", "pin", "pop", "swk"),
                auth_time=to_millis(self.services.clock.now()),
                claims=interaction.request.claims,
                device_id=DEVICE,
            )
            await interactions.complete(interaction, login)

        self._run(complete)
        browser.cookies.set(
            session_cookie_name(secure=False),
            self.services.sessions.cookie_value(session_id),
            domain="localhost.local",
        )
        return f"{self.issuer}/authorize/resume?interaction={parked}"

    def _run(self, work: Callable[[], Awaitable[T]]) -> T:
        async def awaited() -> T:
            return await work()

        return asyncio.run_coroutine_threadsafe(awaited(), self.loop).result(30)


@contextmanager
def real_op(listener: socket.socket, database: str) -> Iterator[RealOp]:
    """Run the provider in a thread until the block ends."""
    ready = Event()
    running: list[tuple[RealOp, uvicorn.Server]] = []

    async def main() -> None:
        op = await _open(address(listener), database)
        app = create_app(op.services.settings, op.services)
        server = uvicorn.Server(uvicorn.Config(app, log_level="error", ws="none"))
        running.append((op, server))
        ready.set()
        await server.serve(sockets=[listener])
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


async def _open(issuer: str, database: str) -> RealOp:
    engine = open_engine(database)
    SQLModel.metadata.create_all(engine)
    engine.dispose()
    services = wire(
        IdpSettings(
            environment="development",
            issuer=issuer,
            app_origin="http://localhost:1",
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
        account = await services.accounts.open(tx, CITIZEN, level="substantial")
        await services.devices.bind(
            tx,
            device_id=DEVICE,
            account_id=account.id,
            public_key={"kty": "EC", "crv": "P-256", "x": "eA", "y": "eQ"},
            pin_key={"kty": "EC", "crv": "P-256", "x": "eA", "y": "eg"},
            name="Phone",
        )
    return RealOp(issuer, services, asyncio.get_running_loop(), account.id)
