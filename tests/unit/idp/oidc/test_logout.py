import re
from typing import Any

import httpx2
import pytest

from idp.domain.sessions import cookie_name, is_same_line
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
    again = await world.browser.post(
        "/logout", data={"id_token_hint": body["id_token"]}
    )
    assert again.status_code == 303
    done = await world.browser.get(again.headers["location"])
    assert "set-cookie" not in done.headers  # no cookie was shown, none is deleted
    world.browser.cookies.set(
        cookie_name(secure=False), cookie, domain="localhost.local"
    )
    assert not await is_signed_in(world)


async def test_an_expired_hint_still_logs_out(world: World) -> None:
    body = await world.login()
    world.clock.move(hours=7)
    await logout(world, id_token_hint=body["id_token"])
    assert not await is_signed_in(world)


NEARLY = [
    AFTER_LOGOUT + "/",
    AFTER_LOGOUT + "?x=1",
    AFTER_LOGOUT + "#x",
    AFTER_LOGOUT + "/../evil",
    AFTER_LOGOUT + "%2f",
    AFTER_LOGOUT.upper(),
    AFTER_LOGOUT.replace("http:", "https:"),
    AFTER_LOGOUT.replace(":8002", ""),
    AFTER_LOGOUT.replace(":8002", ":8003"),
    AFTER_LOGOUT.replace("localhost", "localhost."),
    AFTER_LOGOUT.replace("localhost", "localhost@evil.example"),
    AFTER_LOGOUT.replace("localhost", "evil.example"),
    AFTER_LOGOUT.replace("http://", "http:\\\\"),
    AFTER_LOGOUT.replace("http://", "//"),
    " " + AFTER_LOGOUT,
    AFTER_LOGOUT + "\r\nSet-Cookie: x=1",
    "javascript:alert(1)",
    "data:text/html,x",
    "/",
]


@pytest.mark.parametrize(
    "asked",
    [
        {"post_logout_redirect_uri": AFTER_LOGOUT},
        *({"client_id": PARTY.id, "post_logout_redirect_uri": uri} for uri in NEARLY),
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


@pytest.mark.parametrize("uri", NEARLY)
async def test_not_even_with_a_hint(world: World, uri: str) -> None:
    hint = (await world.login())["id_token"]
    for answer in (
        await logout(world, id_token_hint=hint, post_logout_redirect_uri=uri),
        await world.browser.post(
            "/logout", data={"id_token_hint": hint, "post_logout_redirect_uri": uri}
        ),
    ):
        assert answer.status_code == 400
        assert "location" not in answer.headers
    assert await is_signed_in(world)


async def test_a_form_from_another_site_cannot_sign_anybody_out(world: World) -> None:
    await world.login()
    (cookie,) = [c for c in world.browser.cookies.jar if c.name == "session"]
    world.browser.cookies.jar.clear()  # Lax: the form comes without it
    answer = await world.browser.post("/logout", data={"state": "x"})
    assert answer.status_code == 303
    assert answer.headers["location"] == "/logout?state=x"
    assert "set-cookie" not in answer.headers
    world.browser.cookies.jar.set_cookie(cookie)
    page = await world.browser.get(answer.headers["location"])
    assert "confirm" in hidden(page)
    assert await is_signed_in(world)


async def test_the_language_asked_for_goes_through_the_confirmation(
    world: World,
) -> None:
    await world.login()
    fields = hidden(await logout(world, ui_locales="en km"))
    assert fields["ui_locales"] == "en km"
    assert (await world.browser.post("/logout", data=fields)).status_code == 200
    assert not await is_signed_in(world)


async def test_a_logout_hint_changes_nothing(world: World) -> None:
    hint = (await world.login())["id_token"]
    assert "confirm" in hidden(await logout(world, logout_hint="somebody"))
    await logout(world, id_token_hint=hint, logout_hint="somebody else")
    assert not await is_signed_in(world)


async def test_logging_out_ends_what_this_browser_opened_before_and_nothing_else(
    world: World,
) -> None:
    sessions = world.services.sessions
    first, other = sessions.new_id(None), sessions.new_id(None)
    second = sessions.new_id(sessions.cookie_value(first))
    assert len({first, second, other}) == 3
    for session_id in (other, first, second):
        answer = await world.approve(
            await world.ask(prompt="login"), session_id=session_id
        )
        assert (await world.exchange(query_of(answer)["code"])).status_code == 200
    await world.browser.post("/logout", data=hidden(await logout(world)))
    async with world.services.store.read() as tx:
        live = [
            session_id
            for session_id in (first, second, other)
            if await sessions.live(tx, sessions.cookie_value(session_id))
        ]
    assert live == [other]


async def test_a_forged_cookie_begins_a_line_of_its_own(world: World) -> None:
    sessions = world.services.sessions
    stolen = sessions.new_id(None)
    for cookie in (stolen, f"{stolen}.", f"{stolen}.forged", "", None):
        assert not is_same_line(sessions.new_id(cookie), stolen)
