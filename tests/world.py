"""The whole server in this process: both applications, a moving clock, no sockets.

The network is httpx2's ASGI transport; the database, the keys, the signatures and
the records are real. Pictures and the register are left to the end-to-end tests.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from time import time
from typing import Any, cast

import httpx2
from starlette.types import ASGIApp, Receive, Scope, Send

from camdigikey.phone import Phone
from idp.app import create_app as create_provider
from idp.domain.accounts import AccountFacts
from idp.domain.relying_parties import RelyingParty
from idp.engines.development import ConsoleSmsSender
from idp.engines.outbound import HttpOutbound
from idp.errors import Unavailable
from idp.interfaces import EmailSender
from idp.services import Services, wire
from idp.settings import IdpSettings
from idp.storage.encryption import MasterKey, Sealer
from idp.storage.ephemeral import Ephemeral, MemoryEphemeral
from idp.storage.opening import open_store
from idp.storage.redis import open_redis
from idp.storage.signals import LocalSignals, Signals
from mobile_api.app import create_app as create_mobile_api
from mobile_api.services import MobileServices
from tests.portal import HeadlessPortal
from tests.signing_keys import ensure_keys
from tests.stores import migrated

ISSUER, APP, PORTAL = "https://idp.test", "https://app.test", "https://portal.test"
SECRET = "a portal's secret"


@dataclass
class MovingClock:
    """Runs with the machine's clock, and jumps when a test says so."""

    ahead: timedelta = timedelta()
    held: datetime | None = None

    def now(self) -> datetime:
        return (self.held or datetime.fromtimestamp(time(), UTC)) + self.ahead

    def hold(self) -> None:
        """Stand still, but for what a test lets pass."""
        self.held = datetime.fromtimestamp(time(), UTC)

    def pass_time(self, seconds: float) -> None:
        self.ahead += timedelta(seconds=seconds)


@dataclass
class Network(httpx2.AsyncBaseTransport):
    """Sends each request to the application of its host."""

    apps: dict[str, ASGIApp]

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        app = self.apps[request.url.host]
        transport = httpx2.ASGITransport(app=cast("Any", app))
        return await transport.handle_async_request(request)


@dataclass
class NetworkOutbound:
    """Reaches the applications of this network, and real servers on loopback."""

    network: Network
    real: HttpOutbound = field(
        default_factory=lambda: HttpOutbound(allows_loopback=True)
    )

    async def get(self, url: str, *, accept: str, limit: int) -> bytes:
        if not self._is_here(url):
            return await self.real.get(url, accept=accept, limit=limit)
        async with httpx2.AsyncClient(transport=self.network) as client:
            answer = await client.get(url, headers={"Accept": accept})
        if answer.status_code != 200 or len(answer.content) > limit:
            raise Unavailable("outbound")
        return answer.content

    async def post(self, url: str, *, body: bytes, headers: Mapping[str, str]) -> int:
        if not self._is_here(url):
            return await self.real.post(url, body=body, headers=headers)
        async with httpx2.AsyncClient(transport=self.network) as client:
            answer = await client.post(url, content=body, headers=dict(headers))
        return answer.status_code

    def _is_here(self, url: str) -> bool:
        return httpx2.URL(url).host in self.network.apps


@dataclass(frozen=True)
class WithState:
    """Gives an application the state that its lifespan would."""

    app: ASGIApp
    state: dict[str, object]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app({**scope, "state": dict(self.state)}, receive, send)


@dataclass
class Browser:
    """A browser: its own cookies, its own address."""

    http: httpx2.AsyncClient

    async def open_login(self, url: str) -> str:
        """Follow an authorization request to the login page; return its address."""
        answer = await self.http.get(url)
        while answer.is_redirect:
            answer = await self.http.get(
                str(answer.url.join(answer.headers["location"]))
            )
        assert answer.status_code == 200, answer.text
        return str(answer.url).partition("?")[0]

    async def status(self, page: str) -> dict[str, Any]:
        found: dict[str, Any] = (await self.http.get(f"{page}/status")).json()
        return found

    async def qr(self, page: str) -> str:
        """Return the text of the QR code that is shown now."""
        told = await self.status(page)
        assert told["event"] == "codes", told
        return str(told["data"]["codes"][0][1])

    async def post(self, page: str, action: str, **data: str) -> httpx2.Response:
        headers = {"Origin": ISSUER}
        return await self.http.post(f"{page}/{action}", headers=headers, data=data)

    async def finish(self, page: str) -> str:
        """Finish and follow until the browser leaves for the portal."""
        answer = await self.post(page, "finish")
        while answer.is_redirect:
            target = str(answer.url.join(answer.headers["location"]))
            if target.startswith(PORTAL):
                return target
            answer = await self.http.get(target)
        raise AssertionError(f"{answer.status_code} {answer.text[:400]}")


@dataclass
class World:
    """Both applications over one set of services."""

    services: Services
    clock: MovingClock
    network: Network
    opened: list[httpx2.AsyncClient] = field(default_factory=list)

    def browser(self) -> Browser:
        return Browser(self._client())

    def _client(self) -> httpx2.AsyncClient:
        client = httpx2.AsyncClient(transport=self.network)
        self.opened.append(client)
        return client

    def use(self, services: Services) -> None:
        """Put other services behind the pages."""
        self.services = services
        pages = self.network.apps["idp.test"]
        assert isinstance(pages, WithState)
        pages.state["services"] = services

    def unbound_phone(self, *, pin: str = "493027") -> Phone:
        """Return a phone that no account knows."""
        return Phone(self._client(), APP, ISSUER, pin=pin)

    async def phone(
        self,
        *,
        number: str = "012345678",
        level: str = "substantial",
        phone: str = "+85512345678",
    ) -> Phone:
        """Return a phone that is bound to a fresh account."""
        bound = self.unbound_phone()
        keys = bound.keys
        facts = AccountFacts(
            surname_khmer="សុខ",
            given_name_khmer="ស្រីពៅ",
            surname_latin="SOK",
            given_name_latin="SREYPOV",
            birth_date="1999-01-01",
            sex="F",
            document_number=number,
            document_expires="2031-01-01",
            phone=phone,
        )
        services = self.services
        async with services.store.begin() as tx:
            account = await services.accounts.open(tx, facts, level=level)
            await services.devices.bind(
                tx,
                device_id=keys.device_id,
                account_id=account.id,
                public_key=keys.jwk,
                pin_key=keys.pin_jwk(bound.pin),
                name="Test phone",
            )
        bound.account_id = account.id
        return bound

    async def portal(self, client_id: str = "portal", **changes: Any) -> HeadlessPortal:
        """Register a portal and return it."""
        party = RelyingParty(
            id=client_id,
            name_km="វិបផតថល",
            name_en="Portal",
            domain="portal.test",
            purpose_km="ដើម្បីសាកល្បង",
            purpose_en="To test",
            redirect_uris=(f"{PORTAL}/callback",),
            post_logout_redirect_uris=(f"{PORTAL}/",),
            **{"scopes": ("openid", "profile", "phone", "offline_access"), **changes},
        )
        async with self.services.store.begin() as tx:
            await self.services.relying_parties.add(tx, party, secret=SECRET)
        return self.portal_process(client_id)

    def portal_process(self, client_id: str = "portal") -> HeadlessPortal:
        """Return another process of a registered portal: it remembers nothing."""
        return HeadlessPortal(
            issuer=ISSUER,
            client_id=client_id,
            client_secret=SECRET,
            redirect_uri=f"{PORTAL}/callback",
            post_logout_redirect_uri=f"{PORTAL}/",
            transport=self.network,
            clock=lambda: self.clock.now().timestamp(),
        )


def settings_for(store_url: str, **changes: Any) -> IdpSettings:
    return IdpSettings(
        environment="development",
        issuer=ISSUER,
        app_origin=APP,
        store=store_url,
        **changes,
    )


@asynccontextmanager
async def open_world(
    store_url: str,
    *,
    redis: str = "",
    mobile: MobileServices | None = None,
    email: EmailSender | None = None,
    **changes: Any,
) -> AsyncIterator[World]:
    """Open the whole server; with `redis` it is one node of several.

    `mobile` is there for tests that ask a register; `changes` are settings that
    differ from the usual ones.
    """
    migrated(store_url)
    clock = MovingClock()
    ephemeral: Ephemeral = MemoryEphemeral()
    signals: Signals = LocalSignals()
    if redis:
        ephemeral, signals = open_redis(redis)
    network = Network({})
    services = wire(
        settings_for(store_url, **changes),
        store=await open_store(store_url),
        sealer=Sealer([MasterKey.of(bytes(range(32)))]),
        ephemeral=ephemeral,
        signals=signals,
        sms=ConsoleSmsSender(),
        email=email,
        clock=clock,
        outbound=NetworkOutbound(network),
    )
    async with services.store.begin() as tx:
        await ensure_keys(services, tx)
    provider = create_provider(services.settings, services)
    app = create_mobile_api(services, cast("MobileServices", mobile))
    state: dict[str, object] = {"services": services}
    network.apps["idp.test"] = WithState(provider, state)
    network.apps["app.test"] = WithState(app, state)
    world = World(services, clock, network)
    yield world
    for client in world.opened:
        await client.aclose()
    await signals.close()
    await ephemeral.close()
    await services.store.close()
