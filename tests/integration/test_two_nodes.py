"""Two nodes on one PostgreSQL and one Redis: phone at one, browser at the other."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from camdigikey.phone import Phone, Problem
from tests.world import APP, ISSUER, World, open_world

pytestmark = [pytest.mark.anyio, pytest.mark.postgresql, pytest.mark.redis]


@pytest.fixture
async def nodes(
    postgres_url: str, redis_url: str
) -> AsyncIterator[tuple[World, World]]:
    async with (
        open_world(postgres_url, redis=redis_url) as first,
        open_world(postgres_url, redis=redis_url) as second,
    ):
        yield first, second


async def phone_at(node: World, known: Phone) -> Phone:
    """Return the same phone, speaking to another node."""
    other = Phone(node.browser().http, APP, ISSUER, keys=known.keys)
    other.account_id = known.account_id
    return other


async def test_an_approval_at_one_node_wakes_the_browser_at_the_other(
    nodes: tuple[World, World],
) -> None:
    here, there = nodes
    phone = await phone_at(there, await here.phone())
    portal, browser = await here.portal(), here.browser()
    page = await browser.open_login(await portal.start())
    claimed = await phone.scan(await browser.qr(page))
    token = (await browser.status(page))["token"]
    waiting = asyncio.create_task(browser.http.get(f"{page}/status?seen={token}"))
    await asyncio.sleep(0.2)
    await phone.approve(claimed)
    told = (await asyncio.wait_for(waiting, 10)).json()
    assert told["event"] == "approved"
    tokens = await portal.finish(await browser.finish(page))
    assert tokens.id_token.subject


async def test_tries_are_counted_across_nodes(nodes: tuple[World, World]) -> None:
    here, there = nodes
    phone = await here.phone()
    elsewhere = await phone_at(there, phone)
    results = await asyncio.gather(
        *(p.unlock(pin="000000") for p in (phone, elsewhere) * 4),
        return_exceptions=True,
    )
    codes = [r.code for r in results if isinstance(r, Problem)]
    assert codes.count("code-wrong") == 3
    assert codes.count("exhausted") == 5


async def test_a_request_proof_is_accepted_once_by_all_nodes_together(
    nodes: tuple[World, World],
) -> None:
    here, there = nodes
    phone = await here.phone()
    nonce = (await phone.http.get(f"{APP}/nonce")).json()["nonce"]
    url, body = f"{APP}/lock", b"{}"
    proof = phone.keys.proof(
        method="POST", url=url, body=body, nonce=nonce, iat=phone.now()
    )
    headers = {"Device-Proof": proof, "Content-Type": "application/json"}
    answers = await asyncio.gather(
        phone.http.post(url, headers=headers, content=body),
        there.browser().http.post(url, headers=headers, content=body),
    )
    assert sorted(a.status_code for a in answers) == [204, 401]
