from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from idp.domain.sessions import cookie_name as session_cookie_name
from tests.unit.idp.oidc.world import (
    AFTER_LOGOUT,
    ISSUER,
    PARTY,
    World,
    open_world,
    query_of,
)

pytestmark = pytest.mark.anyio


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with open_world(tmp_path) as opened:
        yield opened


async def id_token(world: World, body: dict[str, Any]) -> Any:
    return await world.services.keys.verify(body["id_token"], typ="JWT")


async def test_a_person_logs_in_is_described_and_logs_out(world: World) -> None:
    parked = await world.ask()
    assert parked.headers["location"].startswith("/login/")
    answer = query_of(await world.approve(parked))
    assert answer["state"] == "st"
    assert answer["iss"] == ISSUER

    tokens = await world.exchange(answer["code"])
    assert tokens.status_code == 200
    assert tokens.headers["cache-control"] == "no-store"
    body = tokens.json()
    assert "refresh_token" not in body
    claims = await id_token(world, body)
    assert claims["aud"] == PARTY.id
    assert claims["nonce"] == "no"
    assert claims["acr"] == f"{ISSUER}/acr/substantial"
    assert claims["amr"] == ["mfa", "pin", "pop", "swk"]

    info = (await world.userinfo(body["access_token"])).json()
    assert info["sub"] == claims["sub"]
    assert info["family_name#km"] == "សុខ"
    assert info["birthdate"] == "1990-04-15"
    assert "phone_number" not in info

    logout = await world.browser.get(
        "/logout",
        params={
            "id_token_hint": body["id_token"],
            "post_logout_redirect_uri": AFTER_LOGOUT,
            "state": "over",
        },
    )
    assert logout.headers["location"] == f"{AFTER_LOGOUT}?state=over"
    assert session_cookie_name(secure=False) not in world.browser.cookies
    assert (await world.userinfo(body["access_token"])).status_code == 401
