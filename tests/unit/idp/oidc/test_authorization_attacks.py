"""What a thief would try at the authorization endpoint, and what comes of it."""

from dataclasses import replace
from typing import Any

import pytest

from tests.unit.idp.oidc.signed_party import SIGNING, go, pushed, request_object
from tests.unit.idp.oidc.world import (
    CHALLENGE,
    ISSUER,
    PARTY,
    PORTAL,
    SECRET,
    VERIFIER,
    World,
    query_of,
)

pytestmark = pytest.mark.anyio
EVIL = "https://evil.example/"


@pytest.mark.parametrize(
    "uri",
    [
        "http://localhost:8002/callback/",
        "http://localhost:8002/callback/../callback",
        "http://localhost:8002/Callback",
        "http://localhost:8002/callback?next=x",
        "http://localhost:8002/callback?",
        "http://localhost:8002/callback#fragment",
        "http://localhost:8002/callback#",
        "http://localhost:8002/call%62ack",
        "http://localhost:8002/callback%00",
        "http://localhost:8002/callback ",
        " http://localhost:8002/callback",
        "http://localhost:8002/callback\n",
        "http://localhost:8003/callback",
        "http://localhost/callback",
        "http://localhost:08002/callback",
        "http://127.0.0.1:8002/callback",
        "http://[::1]:8002/callback",
        "http://LOCALHOST:8002/callback",
        "http://localhost.:8002/callback",
        "HTTP://localhost:8002/callback",
        "https://localhost:8002/callback",
        "//localhost:8002/callback",
        "http:localhost:8002/callback",
        "http://user@localhost:8002/callback",
        "http://localhost:8002@evil.example/callback",
        "http://evil.example#@localhost:8002/callback",
        "http://localhost:8002\\@evil.example/callback",
        "http://*.localhost:8002/callback",
        "http://localhost:8002/*",
        "http://sub.localhost:8002/callback",
        "http://localhost:8002.evil.example/callback",
        "http://ⅼocalhost:8002/callback",
        "javascript:alert(1)",
        "data:text/html,x",
        "",
    ],
)
async def test_rfc9700_2_1_a_redirect_uri_is_the_registered_one_or_none(
    world: World, uri: str
) -> None:
    answer = await world.ask(redirect_uri=uri)
    assert answer.status_code == 400
    assert "location" not in answer.headers
    answer = await world.ask(redirect_uri=uri, response_mode="form_post")
    assert answer.status_code == 400
    assert "<form" not in answer.text


async def test_two_redirect_uris_are_none(world: World) -> None:
    asked: Any = [*world.authorization().items(), ("redirect_uri", EVIL)]
    for answer in (
        await world.browser.get("/authorize", params=asked),
        await world.browser.post(
            "/authorize", data={**world.authorization(), "redirect_uri": [PORTAL, EVIL]}
        ),
    ):
        assert answer.status_code == 400
        assert "location" not in answer.headers


async def test_one_partys_redirect_uri_is_not_anothers(world: World) -> None:
    other = replace(PARTY, id="other", redirect_uris=("https://other.example/cb",))
    await world.add_party(other)
    answer = await world.ask(redirect_uri="https://other.example/cb")
    assert answer.status_code == 400
    answer = await world.ask(client_id="other")
    assert answer.status_code == 400


@pytest.mark.parametrize(
    "changes",
    [
        {"code_challenge": None, "code_challenge_method": None},
        {"code_challenge": None},
        {"code_challenge_method": None},
        {"code_challenge_method": "plain"},
        {"code_challenge_method": "plain", "code_challenge": VERIFIER},
        {"code_challenge_method": "s256"},
        {"code_challenge_method": "S512"},
        {"code_challenge": CHALLENGE[:-1]},
        {"code_challenge": CHALLENGE + "A"},
        {"code_challenge": CHALLENGE[:-1] + "="},
        {"code_challenge": CHALLENGE[:-1] + "+"},
    ],
)
async def test_rfc9700_2_1_1_pkce_is_never_negotiated_down(
    world: World, changes: dict[str, str | None]
) -> None:
    assert query_of(await world.ask(**changes))["error"] == "invalid_request"


async def test_pkce_a_verifier_is_needed_and_no_other_fits(world: World) -> None:
    for verifier in (None, CHALLENGE, "w" * 64, "v" * 42, "v" * 129):
        code = await world.code(prompt="login")
        answer = await world.exchange(code, code_verifier=verifier)
        assert answer.status_code == 400


@pytest.mark.parametrize(
    "response_type",
    [
        "token",
        "id_token",
        "id_token token",
        "code id_token",
        "code token",
        "code id_token token",
        "none",
        "code code",
        "CODE",
        "code ",
    ],
)
async def test_fapi2_row_3_no_implicit_and_no_hybrid_flow(
    world: World, response_type: str
) -> None:
    answer = await world.ask(response_type=response_type)
    assert query_of(answer)["error"] == "unsupported_response_type"
    assert "#" not in answer.headers["location"]


async def test_a_request_object_is_not_swapped_between_parties_or_browsers(
    world: World,
) -> None:
    await world.add_party(SIGNING)
    other = replace(SIGNING, id="twin")
    await world.add_party(other)
    inside = request_object(world, SIGNING.id)
    answer = await world.ask(client_id="twin", request=inside)
    assert query_of(answer)["error"] == "invalid_request_object"
    answer = await world.post(
        "/par", caller=("twin", SECRET), client_id="twin", request=inside
    )
    assert answer.json()["error"] == "invalid_request_object"


async def test_a_login_belongs_to_the_browser_that_began_it(world: World) -> None:
    """RFC 9700, 4.7: a thief's browser cannot finish it, nor be finished by it."""
    asked = await world.ask()
    interaction = await world.parked(asked)
    jar = dict(world.browser.cookies)
    world.browser.cookies.clear()
    thief = await world.resume(interaction.id)
    assert thief.status_code == 400
    for name, value in jar.items():
        world.browser.cookies.set(name, value, domain="localhost.local")
    assert "code" in query_of(await world.approve(asked))


async def test_a_session_that_was_fixed_beforehand_is_replaced_by_the_login(
    world: World,
) -> None:
    world.browser.cookies.set("session", "fixed.mac", domain="localhost.local")
    assert (await world.ask()).headers["location"].startswith("/login/")
    claims = await world.services.keys.verify(
        (await world.login())["id_token"], typ="JWT"
    )
    assert "fixed" not in claims["sid"]


async def test_no_page_of_another_site_may_read_or_frame_an_answer(
    world: World,
) -> None:
    headers = {"Origin": EVIL.rstrip("/")}
    answers = [
        await world.browser.get(
            "/authorize", params=world.authorization(), headers=headers
        ),
        await world.browser.get("/authorize", headers=headers),
        await world.browser.options(
            "/authorize",
            headers={**headers, "Access-Control-Request-Method": "POST"},
        ),
    ]
    for answer in answers:
        assert not [name for name in answer.headers if name.startswith("access-contr")]
    assert "frame-ancestors 'none'" in answers[1].headers["content-security-policy"]


async def test_fapi2_row_21_every_redirect_is_303(world: World) -> None:
    parked = await world.ask()
    refused = await world.browser.post(
        "/authorize", data=world.authorization(prompt="none")
    )
    done = await world.approve(parked)
    assert {parked.status_code, refused.status_code, done.status_code} == {303}


async def test_get_and_post_are_equal(world: World) -> None:
    for changes in ({}, {"scope": "x"}, {"client_id": "x"}, {"redirect_uri": EVIL}):
        asked = world.authorization(**changes)
        got = await world.browser.get("/authorize", params=asked)
        posted = await world.browser.post("/authorize", data=asked)
        assert got.status_code == posted.status_code
        there, here = (
            answer.headers.get("location", "").partition("?")[0][:7]
            for answer in (got, posted)
        )
        assert there == here


async def test_a_request_that_is_too_large_is_refused(world: World) -> None:
    asked = world.authorization(state="s" * 20_000)
    for answer in (
        await world.browser.get("/authorize", params=asked),
        await world.browser.post("/authorize", data=asked),
    ):
        assert answer.status_code == 400
        assert "location" not in answer.headers


@pytest.mark.parametrize("length", [0, 1, 64, 255])
async def test_fapi2_row_22_nonces_up_to_255_characters_work(
    world: World, length: int
) -> None:
    nonce = "n" * length or None
    asked = await world.ask(nonce=nonce, state=nonce, prompt="login")
    assert (await world.parked(asked)).request.nonce == nonce
    said = query_of(await world.approve(asked))
    assert said.get("state") == nonce
    assert said["iss"] == ISSUER


async def test_a_state_comes_back_as_it_was_and_breaks_nothing(world: World) -> None:
    state = "a&code=stolen&iss=https://evil.example/#x%0d%0aSet-Cookie: a=b"
    said = query_of(await world.approve(await world.ask(state=state)))
    assert said["state"] == state
    assert said["iss"] == ISSUER


async def test_another_party_cannot_redeem_what_a_pushed_request_gave(
    world: World,
) -> None:
    await world.add_party(SIGNING)
    uri = await pushed(world, PARTY.id)
    code = query_of(await world.approve(await go(world, PARTY.id, uri)))["code"]
    stolen = await world.post(
        "/token",
        caller=(SIGNING.id, SECRET),
        grant_type="authorization_code",
        code=code,
        redirect_uri=PORTAL,
        code_verifier=VERIFIER,
    )
    assert stolen.json()["error"] == "invalid_grant"
    assert (await world.exchange(code)).status_code == 200
