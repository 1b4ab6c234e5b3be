"""Apps in a browser may read our answers from registered origins, exactly."""

from dataclasses import replace

import pytest

from idp.oidc.cross_origin import origin_of
from tests.unit.idp.oidc.world import PARTY, World

pytestmark = pytest.mark.anyio
SPA = replace(
    PARTY,
    id="spa",
    auth_method="none",
    redirect_uris=("https://spa.example/callback", "https://spa.example:8443/cb"),
    sector="spa.example",
)
CONFIDENTIAL = replace(PARTY, id="web", redirect_uris=("https://web.example/callback",))
OPEN = ("/token", "/userinfo", "/revoke")
ALLOWED = "access-control-allow-origin"


@pytest.fixture
async def spa(world: World) -> World:
    await world.add_party(SPA, None)
    await world.add_party(CONFIDENTIAL)
    return world


def preflight(origin: str) -> dict[str, str]:
    return {
        "Origin": origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,dpop",
    }


@pytest.mark.parametrize("path", OPEN)
async def test_a_registered_origin_may_ask_and_read(spa: World, path: str) -> None:
    for origin in ("https://spa.example", "https://spa.example:8443"):
        answer = await spa.browser.options(path, headers=preflight(origin))
        assert answer.status_code == 204
        assert answer.headers[ALLOWED] == origin
        assert "DPoP" in answer.headers["access-control-allow-headers"]
        assert "Authorization" in answer.headers["access-control-allow-headers"]
        assert answer.headers["vary"] == "Origin"
        assert "access-control-allow-credentials" not in answer.headers
        told = await spa.browser.post(path, headers={"Origin": origin})
        assert told.headers[ALLOWED] == origin
        assert "DPoP-Nonce" in told.headers["access-control-expose-headers"]


@pytest.mark.parametrize("path", OPEN)
@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "http://spa.example",
        "https://spa.example:443",
        "https://spa.example.evil.example",
        "https://sub.spa.example",
        "https://web.example",
        "https://spa.example/callback",
        "null",
        "*",
        "",
    ],
)
async def test_any_other_origin_may_read_nothing(
    spa: World, path: str, origin: str
) -> None:
    for answer in (
        await spa.browser.options(path, headers=preflight(origin)),
        await spa.browser.post(path, headers={"Origin": origin}),
    ):
        assert ALLOWED not in answer.headers
        assert answer.headers["vary"] == "Origin"


async def test_a_disabled_party_opens_nothing(spa: World) -> None:
    await spa.run("UPDATE relying_party SET disabled_at = 1 WHERE id = 'spa'")
    spa.clock.move(seconds=1)
    answer = await spa.browser.options(
        "/token", headers=preflight("https://spa.example")
    )
    assert ALLOWED not in answer.headers


async def test_row_21_there_is_none_of_this_where_people_are(spa: World) -> None:
    headers = {"Origin": "https://spa.example"}
    for path in ("/authorize", "/logout", "/introspect", "/par"):
        answer = await spa.browser.options(path, headers=preflight(headers["Origin"]))
        assert (answer.status_code, ALLOWED in answer.headers) == (405, False)
    asked = spa.authorization(client_id=SPA.id, redirect_uri=SPA.redirect_uris[0])
    answer = await spa.browser.get("/authorize", params=asked, headers=headers)
    assert ALLOWED not in answer.headers


async def test_discovery_and_keys_may_be_read_from_everywhere(spa: World) -> None:
    for path in ("/.well-known/openid-configuration", "/jwks"):
        answer = await spa.browser.get(path, headers={"Origin": "https://any.example"})
        assert answer.headers[ALLOWED] == "*"


async def test_whoever_has_no_origin_costs_no_look_at_the_parties(spa: World) -> None:
    body = await spa.login()
    await spa.userinfo(body["access_token"])
    spa.clock.move(seconds=2)
    counters = spa.services.store.counters
    before = counters.statements
    await spa.post("/revoke", token="x")
    own = counters.statements - before
    assert own == 1  # the party


def test_an_origin_is_scheme_host_and_port() -> None:
    assert origin_of("https://A.example:8443/cb?x=1") == "https://a.example:8443"
