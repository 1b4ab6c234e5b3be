"""A provider in one process: a real store, real keys, and a clock that we move."""

from base64 import b64encode as basic64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx2
from starlette.applications import Starlette

from idp.domain.accounts import AccountFacts
from idp.domain.interactions import Interaction, Login, cookie_name
from idp.domain.relying_parties import RelyingParty
from idp.domain.sessions import cookie_name as session_cookie_name
from idp.oidc import routes
from idp.services import Services, wire
from idp.settings import IdpSettings
from idp.storage.columns import b64encode, new_id, to_millis
from idp.storage.encryption import MasterKey, Sealer
from idp.storage.ephemeral import MemoryEphemeral
from idp.storage.opening import open_store
from idp.storage.signals import LocalSignals
from tests.signing_keys import ensure_keys
from tests.stores import with_tables

ISSUER = "http://localhost:8000"
PORTAL = "http://localhost:8002/callback"
AFTER_LOGOUT = "http://localhost:8002/bye"
SECRET = "portal-secret-for-tests"
VERIFIER = "v" * 64
CHALLENGE = b64encode(sha256(VERIFIER.encode()).digest())
DEVICE = "device-1"
FACTS = AccountFacts(
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
PARTY = RelyingParty(
    id="portal",
    name_km="វិបផតថល",
    name_en="Portal",
    domain="localhost",
    purpose_km="ដើម្បីសាកល្បង",
    purpose_en="To try",
    redirect_uris=(PORTAL,),
    post_logout_redirect_uris=(AFTER_LOGOUT,),
    scopes=("openid", "profile", "phone", "offline_access"),
    acr="substantial",
)


@dataclass
class MovableClock:
    at: datetime = datetime(2026, 7, 1, 8, 0, tzinfo=UTC)

    def now(self) -> datetime:
        return self.at

    def move(self, **span: float) -> None:
        self.at += timedelta(**span)


async def open_wired(url: str) -> Services:
    """Return every service on an empty database."""
    with_tables(url)
    settings = IdpSettings(
        environment="development", issuer=ISSUER, app_origin="http://localhost:8001"
    )
    return wire(
        settings,
        store=await open_store(url),
        sealer=Sealer([MasterKey.of(b"k" * 32)]),
        ephemeral=MemoryEphemeral(),
        signals=LocalSignals(),
        sms=NoSms(),
        clock=MovableClock(),
    )


class NoSms:
    async def send(self, *, to: str, text: str) -> None:
        raise AssertionError(to, text)


@dataclass
class World:
    """One provider, one citizen, one browser, and what they can do."""

    services: Services
    browser: httpx2.AsyncClient
    account_id: str

    @property
    def clock(self) -> MovableClock:
        clock = self.services.clock
        assert isinstance(clock, MovableClock)
        return clock

    def authorization(self, **changes: str | None) -> dict[str, str]:
        asked: dict[str, str | None] = {
            "client_id": PARTY.id,
            "redirect_uri": PORTAL,
            "response_type": "code",
            "scope": "openid profile",
            "state": "st",
            "nonce": "no",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
            **changes,
        }
        return {name: value for name, value in asked.items() if value is not None}

    async def ask(self, **changes: str | None) -> httpx2.Response:
        return await self.browser.get(
            "/authorize", params=self.authorization(**changes)
        )

    async def approve(self, answer: httpx2.Response, **changes: Any) -> httpx2.Response:
        """Complete the parked request as the web door does, and come back."""
        interaction = await self.parked(answer)
        login = Login(
            grant_id=new_id(),
            account_id=self.account_id,
            session_id=new_id(),
            acr="substantial",
            amr=("mfa", "pin", "pop", "swk"),
            auth_time=to_millis(self.services.clock.now()),
            claims=interaction.request.claims,
            device_id=DEVICE,
        )
        login = replace(login, **changes)
        await self.services.interactions.complete(interaction, login)
        self.browser.cookies.set(
            session_cookie_name(secure=False),
            self.services.sessions.cookie_value(login.session_id),
            domain="localhost.local",
        )
        return await self.resume(interaction.id)

    async def parked(self, answer: httpx2.Response) -> Interaction:
        assert answer.status_code == 303, answer.text
        interaction_id = urlsplit(answer.headers["location"]).path.split("/")[-1]
        cookie = self.browser.cookies[cookie_name(interaction_id, secure=False)]
        return await self.services.interactions.find(interaction_id, cookie=cookie)

    async def resume(self, interaction_id: str) -> httpx2.Response:
        return await self.browser.get(
            "/authorize/resume", params={"interaction": interaction_id}
        )

    async def code(self, **changes: str | None) -> str:
        answer = await self.approve(await self.ask(**changes))
        return query_of(answer)["code"]

    async def exchange(self, code: str, **changes: Any) -> httpx2.Response:
        form: dict[str, Any] = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": PORTAL,
            "code_verifier": VERIFIER,
            **changes,
        }
        return await self.post("/token", **form)

    async def refresh(self, token: str, **changes: Any) -> httpx2.Response:
        form = {"grant_type": "refresh_token", "refresh_token": token, **changes}
        return await self.post("/token", **form)

    async def post(
        self, path: str, *, caller: tuple[str, str] = (PARTY.id, SECRET), **form: Any
    ) -> httpx2.Response:
        said = {name: value for name, value in form.items() if value is not None}
        return await self.browser.post(path, data=said, headers=basic(*caller))

    async def userinfo(self, access_token: str) -> httpx2.Response:
        headers = {"Authorization": f"Bearer {access_token}"}
        return await self.browser.get("/userinfo", headers=headers)

    async def login(self, **changes: str | None) -> dict[str, Any]:
        """Walk the whole flow and return the body of the token response."""
        answer = await self.exchange(await self.code(**changes))
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        return body

    async def add_party(self, party: RelyingParty, secret: str | None = SECRET) -> None:
        async with self.services.store.begin() as tx:
            await self.services.relying_parties.add(tx, party, secret=secret)

    async def run(self, statement: str, *values: Any) -> int:
        async with self.services.store.begin() as tx:
            return await tx.run(statement, *values)


def basic(client_id: str, secret: str) -> dict[str, str]:
    text = basic64(f"{client_id}:{secret}".encode()).decode()
    return {"Authorization": f"Basic {text}"}


def query_of(answer: httpx2.Response) -> dict[str, str]:
    assert answer.status_code == 303, answer.text
    return dict(parse_qsl(urlsplit(answer.headers["location"]).query))


@asynccontextmanager
async def open_world(url: str) -> AsyncIterator[World]:
    services = await open_wired(url)
    async with services.store.begin() as tx:
        await ensure_keys(services, tx)
        account = await services.accounts.open(tx, FACTS, level="substantial")
        await services.devices.bind(
            tx,
            device_id=DEVICE,
            account_id=account.id,
            public_key={"kty": "EC", "crv": "P-256", "x": "eA", "y": "eQ"},
            pin_key={"kty": "EC", "crv": "P-256", "x": "eA", "y": "eg"},
            name="Phone",
        )
        await services.relying_parties.add(tx, PARTY, secret=SECRET)

    application = Starlette(routes=routes())

    async def with_services(scope: Any, receive: Any, send: Any) -> None:
        await application({**scope, "state": {"services": services}}, receive, send)

    transport = httpx2.ASGITransport(app=with_services)
    async with httpx2.AsyncClient(transport=transport, base_url=ISSUER) as browser:
        yield World(services, browser, account.id)
    await services.store.close()
