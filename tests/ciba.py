"""A portal that asks without a browser (CIBA), and the person it knows."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2
import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from camdigikey.phone import Phone
from idp.domain.jws import parse
from idp.domain.party_metadata import CIBA, PartyMetadata
from tests.world import APP, ISSUER, PORTAL, SECRET, World, open_world

NOTIFIED = "https://party.test/notified"
TOKEN = "notification-token-of-the-party"


@dataclass
class Notified:
    """The portal's notification endpoint, and what came to it."""

    seen: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)

    async def taken(self, request: Request) -> Response:
        header = request.headers["authorization"]
        self.seen.append((header, orjson.loads(await request.body())))
        status = self.statuses.pop(0) if self.statuses else 204
        return Response(status_code=status, headers={"location": NOTIFIED})


@dataclass
class Ciba:
    """One portal, one person with a phone, and what the portal calls them."""

    world: World
    phone: Phone
    subject: str
    client_id: str
    notified: Notified
    http: httpx2.AsyncClient

    async def post(self, path: str, data: dict[str, str]) -> tuple[int, dict[str, Any]]:
        auth = httpx2.BasicAuth(self.client_id, "a+portal%27s+secret")
        answer = await self.http.post(ISSUER + path, data=data, auth=auth)
        return answer.status_code, answer.json()

    async def ask(self, **changes: str | None) -> tuple[int, dict[str, Any]]:
        """Send a request; None leaves a parameter out."""
        form = {"scope": "openid profile", "login_hint": self.subject, **changes}
        kept = {name: value for name, value in form.items() if value is not None}
        return await self.post("/backchannel-authentication", kept)

    async def asked(self, **changes: str | None) -> dict[str, Any]:
        status, body = await self.ask(**changes)
        assert status == 200, body
        return body

    async def poll(self, asked: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        form = {"grant_type": CIBA, "auth_req_id": asked["auth_req_id"]}
        return await self.post("/token", form)

    async def poll_error(self, asked: dict[str, Any]) -> str:
        status, body = await self.poll(asked)
        assert status == 400, body
        return str(body["error"])

    def wait(self, seconds: float) -> None:
        self.world.clock.pass_time(seconds)
        self.phone.nonce = ""

    async def decide(self, asked: dict[str, Any], *, approve: bool = True) -> None:
        claimed = await self.phone.wait_for_challenge()
        if approve:
            code = asked["binding_code"]
            said = await self.phone.approve(claimed, binding_code=code)
            assert said == {"state": "approved"}
        else:
            assert await self.phone.deny(claimed) == {"state": "denied"}

    async def log_in(self, phone: Phone) -> str:
        """Log the phone's person in to the portal; return what it calls them."""
        portal = self.world.portal_process(self.client_id)
        browser = self.world.browser()
        page = await browser.open_login(await portal.start())
        await phone.approve(await phone.scan(await browser.qr(page)))
        tokens = await portal.finish(await browser.finish(page))
        return str(tokens.id_token.subject)


def metadata(mode: str = "poll", **changes: Any) -> PartyMetadata:
    return PartyMetadata(
        grant_types=("authorization_code", "refresh_token", CIBA),
        backchannel_token_delivery_mode=mode,
        backchannel_client_notification_endpoint="" if mode == "poll" else NOTIFIED,
        **changes,
    )


async def enter(world: World, mode: str = "poll", client_id: str = "portal") -> Ciba:
    """Register a portal and log a person in there."""
    await world.portal(client_id, metadata=metadata(mode))
    notified = Notified()
    world.network.apps["party.test"] = Starlette(
        routes=[Route("/notified", notified.taken, methods=["POST"])]
    )
    phone, http = await world.phone(), world.browser().http
    ciba = Ciba(world, phone, "", client_id, notified, http)
    ciba.subject = await ciba.log_in(phone)
    return ciba


@asynccontextmanager
async def open_ciba(url: str, mode: str = "poll") -> AsyncIterator[Ciba]:
    async with open_world(url) as world:
        yield await enter(world, mode)


def claims_of(token: str) -> dict[str, Any]:
    return dict(parse(token, typ="JWT").unverified_payload)


__all__ = ["APP", "NOTIFIED", "PORTAL", "SECRET", "TOKEN", "Ciba", "open_ciba"]
