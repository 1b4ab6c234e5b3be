"""The pages over real services: a store, keys, one citizen, and a clock we move."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import httpx2
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse
from starlette.routing import Route
from starlette.types import ASGIApp

from camdigikey.phone import PhoneKeys
from idp.domain.accounts import AccountFacts
from idp.domain.challenge_records import Channel, State
from idp.domain.decisions import Decision, Verdict
from idp.domain.interactions import (
    AuthorizationRequest,
    Interaction,
    Requester,
    cookie_name,
)
from idp.domain.relying_parties import RelyingParty
from idp.interfaces import Clock
from idp.services import Services, wire
from idp.settings import IdpSettings
from idp.storage.columns import b64encode
from idp.storage.encryption import MasterKey, Sealer
from idp.storage.ephemeral import MemoryEphemeral
from idp.storage.signals import LocalSignals
from idp.storage.sqlite import SqliteStore
from idp.web.middleware import web_middleware
from idp.web.routes import faults, routes
from tests.stores import with_tables

ISSUER = "http://localhost:8000"
APP = "http://localhost:8001"
PORTAL = "http://localhost:8002"
DEVICE = "device-1"
FACTS = AccountFacts(
    surname_khmer="សុខ",
    given_name_khmer="ដារ៉ា",
    surname_latin="SOK",
    given_name_latin="DARA",
    birth_date="1990-04-15",
    sex="F",
    document_number="012345678",
    document_expires="2031-01-01",
    phone="+85512345678",
)
PARTY = RelyingParty(
    id="portal",
    name_km="សេវាចុះបញ្ជីអាជីវកម្មអនឡាញ",
    name_en="Online Business Registration",
    domain="registration.gov.example",
    purpose_km="ដើម្បីចុះបញ្ជីអាជីវកម្មក្នុងនាមរបស់អ្នក",
    purpose_en="To register a business in your name",
    redirect_uris=(f"{PORTAL}/callback",),
    scopes=("openid", "profile", "phone"),
)


@dataclass
class MovableClock:
    at: datetime = datetime(2026, 7, 1, 8, 0, tzinfo=UTC)

    def now(self) -> datetime:
        return self.at

    def move(self, **span: float) -> None:
        self.at += timedelta(**span)


class NoSms:
    async def send(self, *, to: str, text: str) -> None:
        raise AssertionError(f"no page sends a text message: {to} {text}")


def wire_services(
    folder: Path, *, clock: Clock, issuer: str = ISSUER, app_origin: str = APP
) -> Services:
    database = folder / "web.sqlite3"
    if not database.exists():
        with_tables(f"sqlite:///{database}")
    settings = IdpSettings(
        environment="development", issuer=issuer, app_origin=app_origin
    )
    return wire(
        settings,
        store=SqliteStore(str(database)),
        sealer=Sealer([MasterKey.of(b"k" * 32)]),
        ephemeral=MemoryEphemeral(),
        signals=LocalSignals(),
        sms=NoSms(),
        clock=clock,
    )


async def resumed(request: Request) -> RedirectResponse:
    """Stand where the protocol continues: to the portal, when it is all there."""
    services: Services = request.state.services
    interaction_id = request.query_params["interaction"]
    cookie = request.cookies[cookie_name(interaction_id, secure=False)]
    found = await services.interactions.resume(interaction_id, cookie=cookie)
    return RedirectResponse(f"{found.request.redirect_uri}?code=1", 303)


def application(services: Services) -> ASGIApp:
    app = Starlette(
        routes=[*routes(), Route("/authorize/resume", resumed)],
        middleware=list(web_middleware(services.settings)),
        exception_handlers=faults(),
    )

    async def with_services(scope, receive, send) -> None:  # type: ignore[no-untyped-def]
        scope.setdefault("state", {})["services"] = services
        await app(scope, receive, send)

    return with_services


@dataclass
class World:
    """One provider, one citizen with a phone, and browsers."""

    services: Services
    clock: MovableClock
    browser: httpx2.AsyncClient
    account_id: str
    cookies: dict[str, str] = field(default_factory=dict)

    async def park(self, **changes: object) -> Interaction:
        """Park a request for the browser, as the protocol door does."""
        interaction, cookie = await park(self.services, **changes)
        name = cookie_name(interaction.id, secure=False)
        self.cookies[name] = cookie
        self.browser.cookies.set(name, cookie)
        return interaction

    async def now(self, interaction: Interaction) -> Interaction:
        name = cookie_name(interaction.id, secure=False)
        return await self.services.interactions.find(
            interaction.id, cookie=self.cookies[name]
        )

    async def open_page(self, **changes: object) -> tuple[Interaction, str]:
        interaction = await self.park(**changes)
        page = await self.browser.get(f"/login/{interaction.id}")
        assert page.status_code == 200, page.text
        return await self.now(interaction), page.text

    async def press(
        self, interaction: Interaction, action: str, **form: str
    ) -> httpx2.Response:
        return await self.browser.post(
            f"/login/{interaction.id}/{action}", data=form, headers={"origin": ISSUER}
        )

    async def page(self, interaction: Interaction, **query: str) -> str:
        answer = await self.browser.get(f"/login/{interaction.id}", params=query)
        assert answer.status_code == 200, answer.text
        return answer.text

    async def claim(self, interaction: Interaction) -> None:
        await claim(self.services, interaction.challenge_id, self.account_id)

    async def approve(self, interaction: Interaction, **facts: str) -> None:
        await decide(self.services, interaction.challenge_id, self.account_id, **facts)

    async def decision(self, interaction: Interaction) -> Decision | None:
        async with self.services.store.read() as tx:
            return await self.services.decisions.find(tx, interaction.challenge_id)

    async def events(self) -> list[str]:
        async with self.services.store.read() as tx:
            rows = await tx.all("SELECT tag FROM audit_event ORDER BY at, id")
        return [str(row[0]) for row in rows]


async def park(services: Services, **changes: object) -> tuple[Interaction, str]:
    asked: dict[str, object] = {
        "client_id": PARTY.id,
        "redirect_uri": PARTY.redirect_uris[0],
        "code_challenge": "x" * 43,
        "scopes": ("openid", "profile"),
        "claims": ("name", "birthdate", "phone_number"),
        "voluntary": ("phone_number",),
        "locale": "en",
        **changes,
    }
    request = AuthorizationRequest(**asked)  # type: ignore[arg-type]
    return await services.interactions.park(
        request, requester=Requester(network="127.0.0.0/24", browser="Chromium")
    )


async def claim(services: Services, challenge_id: str, account_id: str) -> None:
    """Do what the phone does when it has read the code or opened the link."""
    challenge = await services.challenges.find(challenge_id)
    proof = services.challenges.claim_secret(challenge)
    if challenge.channel is Channel.QR:
        _, text = services.challenges.qr_texts(challenge)[0]
        proof = text.partition(f"{challenge_id}.")[2]
    await services.challenges.claim(
        challenge_id,
        device_id=DEVICE,
        account_id=account_id,
        channel=challenge.channel,
        proof=proof,
    )


async def decide(
    services: Services,
    challenge_id: str,
    account_id: str,
    *,
    state: State = State.APPROVED,
    v: str = "",
) -> None:
    """Write the phone's answer through the domain."""
    challenge = await services.challenges.find(challenge_id)
    verdict = Verdict(
        state=state,
        jti="jti-1",
        account_id=account_id,
        device_id=DEVICE,
        acr="substantial",
        amr=("mfa", "pin", "pop", "swk"),
        claims=challenge.interaction.request.claims,
        return_hash=b64encode(sha256(v.encode()).digest()) if v else "",
    )
    async with services.store.begin() as tx:
        assert await services.decisions.decide(tx, challenge, verdict)
    await services.challenges.decided(challenge, state)


async def seed(services: Services) -> str:
    """Open the citizen's account and register the portal."""
    async with services.store.begin() as tx:
        account = await services.accounts.open(tx, FACTS, level="substantial")
        await services.relying_parties.add(tx, PARTY)
        keys = PhoneKeys()
        await services.devices.bind(
            tx,
            device_id=DEVICE,
            account_id=account.id,
            public_key=keys.jwk,
            pin_key=keys.jwk,
            name="Phone",
        )
    return account.id


def browser_of(services: Services) -> httpx2.AsyncClient:
    transport = httpx2.ASGITransport(application(services))
    return httpx2.AsyncClient(transport=transport, base_url=ISSUER)


@asynccontextmanager
async def open_world(folder: Path) -> AsyncIterator[World]:
    clock = MovableClock()
    services = wire_services(folder, clock=clock)
    account_id = await seed(services)
    async with browser_of(services) as browser:
        yield World(services, clock, browser, account_id)
    await services.store.close()
