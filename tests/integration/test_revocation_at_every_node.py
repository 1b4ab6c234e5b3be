"""Two server processes on one PostgreSQL: what one revokes is over at the other.

No Redis and nothing else joins them: every answer reads the database.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx2
import pytest

from camdigikey.demo.processes import Processes
from camdigikey.demo.run import Demo, Ports
from idp.domain.accounts import AccountFacts
from idp.domain.interactions import AuthorizationRequest, Login
from idp.domain.party_metadata import PartyMetadata
from idp.domain.relying_parties import RelyingParty
from idp.services import Services, open_services
from idp.storage.columns import b64encode, new_id, to_millis
from idp.storage.database import migrate
from tests.e2e.stack import free_ports

pytestmark = [pytest.mark.anyio, pytest.mark.postgresql]
SECRET, VERIFIER = "a portal's secret", "v" * 64
CALLBACK = "https://portal.test/callback"
SCOPES = ("openid", "profile", "offline_access")
PARTY = RelyingParty(
    id="portal",
    name_km="វិបផតថល",
    name_en="Portal",
    domain="portal.test",
    purpose_km="",
    purpose_en="",
    redirect_uris=(CALLBACK,),
    scopes=SCOPES,
    metadata=PartyMetadata(
        grant_types=("authorization_code", "refresh_token", "client_credentials"),
        api_scopes=("read",),
    ),
)


@dataclass
class Nodes:
    """Two processes, and the test's own hand on their database."""

    services: Services
    here: httpx2.AsyncClient
    there: httpx2.AsyncClient
    account_id: str = ""

    async def run(self, statement: str, *values: Any) -> None:
        async with self.services.store.begin() as tx:
            assert await tx.run(statement, *values) > 0

    async def log_in(self) -> dict[str, str]:
        """Redeem the code of a fresh login at the first node."""
        async with self.services.store.begin() as tx:
            facts = AccountFacts(
                surname_khmer="សុខ",
                given_name_khmer="សុភា",
                surname_latin="SOK",
                given_name_latin="SOPHEA",
                birth_date="1990-04-15",
                sex="F",
                document_number=new_id(),
                document_expires="2031-01-01",
                phone="+85512345678",
            )
            account = await self.services.accounts.open(tx, facts, level="substantial")
        self.account_id = account.id
        asked = AuthorizationRequest(
            client_id=PARTY.id,
            redirect_uri=CALLBACK,
            code_challenge=b64encode(sha256(VERIFIER.encode()).digest()),
            scopes=SCOPES,
            claims=("name", "offline_access"),
        )
        login = Login(
            grant_id=new_id(),
            account_id=account.id,
            session_id=new_id(),
            acr="substantial",
            amr=("pin",),
            auth_time=to_millis(self.services.clock.now()),
            claims=asked.claims,
        )
        form = {
            "grant_type": "authorization_code",
            "code": self.services.grants.make_code(asked, login),
            "redirect_uri": CALLBACK,
            "code_verifier": VERIFIER,
        }
        answer = await self.here.post("/token", data=form)
        assert answer.status_code == 200, answer.text
        tokens: dict[str, str] = answer.json()
        return tokens

    async def is_active(self, token: str) -> bool:
        """Ask the second node."""
        answer = await self.there.post("/introspect", data={"token": token})
        assert answer.status_code == 200, answer.text
        return bool(answer.json()["active"])

    async def opens_userinfo(self, token: str) -> bool:
        """Present the token to the second node."""
        headers = {"Authorization": f"Bearer {token}"}
        answer = await self.there.get("/userinfo", headers=headers, auth=None)
        assert answer.status_code in {200, 401}
        return answer.status_code == 200


@asynccontextmanager
async def open_nodes(folder: Path, store: str) -> AsyncIterator[Nodes]:
    issuer, app, *ports = free_ports(4)
    demo = Demo(folder=folder, ports=Ports(issuer=issuer, app=app), store=store)
    (folder / "logs").mkdir()
    migrate(store)
    processes = Processes(folder / "logs")
    async with open_services(demo.settings()) as services:
        async with services.store.begin() as tx:
            await services.relying_parties.add(tx, PARTY, secret=SECRET)
        try:
            for port in ports:
                processes.start(
                    f"node-{port}",
                    "camdigikey.cli",
                    ["serve", "--port", str(port)],
                    environment=demo.environment(),
                    port=port,
                )
            for port in ports:
                await asyncio.to_thread(processes.wait_for, f"node-{port}", port)
            host = {"Host": f"localhost:{issuer}"}
            clients = [
                httpx2.AsyncClient(
                    base_url=f"http://127.0.0.1:{port}",
                    headers=host,
                    auth=(PARTY.id, SECRET),
                )
                for port in ports
            ]
            async with clients[0] as here, clients[1] as there:
                yield Nodes(services, here, there)
        finally:
            await asyncio.to_thread(processes.stop)


async def test_what_one_node_revokes_is_over_at_the_other(
    postgres_url: str, tmp_path: Path
) -> None:
    async with open_nodes(tmp_path, postgres_url) as nodes:
        await check_refresh_token(nodes)
        await check_access_token(nodes)
        await check_reuse(nodes)
        await check_own_token(nodes)
        await check_everywhere(nodes)
        await check_disabled_party(nodes)


async def check_refresh_token(nodes: Nodes) -> None:
    tokens = await nodes.log_in()
    assert await nodes.opens_userinfo(tokens["access_token"])
    assert await nodes.is_active(tokens["access_token"])
    await nodes.here.post("/revoke", data={"token": tokens["refresh_token"]})
    assert not await nodes.is_active(tokens["access_token"])
    assert not await nodes.is_active(tokens["refresh_token"])
    assert not await nodes.opens_userinfo(tokens["access_token"])


async def check_access_token(nodes: Nodes) -> None:
    tokens = await nodes.log_in()
    assert await nodes.is_active(tokens["refresh_token"])
    await nodes.here.post("/revoke", data={"token": tokens["access_token"]})
    assert not await nodes.opens_userinfo(tokens["access_token"])
    assert not await nodes.is_active(tokens["refresh_token"])


async def check_reuse(nodes: Nodes) -> None:
    """A family that ends at one node for a reused token is over at the other."""
    tokens = await nodes.log_in()
    form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    answer = await nodes.here.post("/token", data=form)
    fresh = answer.json()["access_token"]
    # Both nodes answer the token before within the grace, with the same generation.
    assert (await nodes.there.post("/token", data=form)).status_code == 200
    assert await nodes.opens_userinfo(fresh)
    await nodes.run("UPDATE authorization_grant SET rotated_at = rotated_at - 60000")
    assert (await nodes.here.post("/token", data=form)).status_code == 400
    assert not await nodes.opens_userinfo(fresh)


async def check_own_token(nodes: Nodes) -> None:
    form = {"grant_type": "client_credentials"}
    token = (await nodes.here.post("/token", data=form)).json()["access_token"]
    assert await nodes.is_active(token)
    await nodes.here.post("/revoke", data={"token": token})
    assert not await nodes.is_active(token)


async def check_everywhere(nodes: Nodes) -> None:
    tokens = await nodes.log_in()
    assert await nodes.is_active(tokens["access_token"])
    async with nodes.services.store.begin() as tx:
        await nodes.services.logouts.everywhere(tx, nodes.account_id)
    assert not await nodes.is_active(tokens["access_token"])
    assert not await nodes.opens_userinfo(tokens["access_token"])


async def check_disabled_party(nodes: Nodes) -> None:
    """Who a party is, a node remembers for a second; what it holds it does not."""
    tokens = await nodes.log_in()
    assert await nodes.opens_userinfo(tokens["access_token"])
    await nodes.run(
        "UPDATE relying_party SET disabled_at = $1",
        to_millis(nodes.services.clock.now()),
    )
    assert not await nodes.opens_userinfo(tokens["access_token"])
    await asyncio.sleep(1)
    answer = await nodes.there.post("/introspect", data={"token": "x"})
    assert answer.status_code == 401
