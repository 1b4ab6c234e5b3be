import re
from typing import Any

import httpx2
import pytest

from idp.domain.sessions import cookie_name
from tests.unit.idp.oidc.world import AFTER_LOGOUT, PARTY, World, query_of

pytestmark = pytest.mark.anyio


async def logout(world: World, **asked: str) -> httpx2.Response:
    return await world.browser.get("/logout", params=asked)


async def is_signed_in(world: World) -> bool:
    return "code" in query_of(await world.ask(prompt="none"))


def hidden(page: httpx2.Response) -> dict[str, str]:
    return dict(re.findall(r'name="([^"]+)" value="([^"]*)"', page.text))


async def test_without_a_hint_the_person_is_asked_first(world: World) -> None:
    await world.login()
    page = await logout(
        world, client_id=PARTY.id, post_logout_redirect_uri=AFTER_LOGOUT, state="x"
    )
    assert page.status_code == 200
    assert await is_signed_in(world)
    answer = await world.browser.post("/logout", data=hidden(page))
    assert answer.headers["location"] == f"{AFTER_LOGOUT}?state=x"
    assert not await is_signed_in(world)


@pytest.mark.parametrize("confirm", ["", "x", "AgAAAA"])
async def test_a_forged_confirmation_ends_nothing(world: World, confirm: str) -> None:
    await world.login()
    answer = await world.browser.post("/logout", data={"confirm": confirm})
    assert "confirm" in hidden(answer)
    assert await is_signed_in(world)


async def test_a_hint_of_another_session_asks_first(world: World) -> None:
    old = await world.login()
    await world.login(prompt="login")
    page = await logout(world, id_token_hint=old["id_token"])
    assert "confirm" in hidden(page)
    assert await is_signed_in(world)


async def test_a_hint_ends_its_session_also_without_the_cookie(world: World) -> None:
    body = await world.login()
    cookie = world.browser.cookies[cookie_name(secure=False)]
    world.browser.cookies.clear()
    await world.browser.post("/logout", data={"id_token_hint": body["id_token"]})
    world.browser.cookies.set(
        cookie_name(secure=False), cookie, domain="localhost.local"
    )
    assert not await is_signed_in(world)


async def test_an_expired_hint_still_logs_out(world: World) -> None:
    body = await world.login()
    world.clock.move(hours=7)
    await logout(world, id_token_hint=body["id_token"])
    assert not await is_signed_in(world)


@pytest.mark.parametrize(
    "asked",
    [
        {"post_logout_redirect_uri": AFTER_LOGOUT},
        {"client_id": PARTY.id, "post_logout_redirect_uri": AFTER_LOGOUT + "/"},
        {"client_id": "nobody", "post_logout_redirect_uri": AFTER_LOGOUT},
        {"client_id": "nobody"},
    ],
)
async def test_the_browser_goes_only_where_the_party_registered(
    world: World, asked: dict[str, Any]
) -> None:
    await world.login()
    answer = await logout(world, **asked)
    assert answer.status_code == 400
    assert "location" not in answer.headers
    assert await is_signed_in(world)


async def test_hint_and_client_must_agree(world: World) -> None:
    body = await world.login()
    answer = await logout(world, id_token_hint=body["id_token"], client_id="other")
    assert answer.status_code == 400
    assert await is_signed_in(world)


async def test_with_nobody_signed_in_there_is_nothing_to_ask(world: World) -> None:
    page = await logout(world)
    assert page.status_code == 200
    assert "confirm" not in hidden(page)
    await world.login()
    token = (await world.login(prompt="login"))["access_token"]
    await logout(world, id_token_hint=token)  # an access token is no hint
    assert await is_signed_in(world)


async def test_a_confirmation_counts_for_the_session_it_was_shown_to(
    world: World,
) -> None:
    await world.login()
    page = await logout(world)
    await world.login(prompt="login")
    await world.browser.post("/logout", data=hidden(page))
    assert await is_signed_in(world)
