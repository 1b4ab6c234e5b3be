import pytest

from tests.unit.idp.oidc.world import CHALLENGE, PORTAL, World, query_of

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": None},
        {"client_id": "nobody"},
        {"redirect_uri": None},
        {"redirect_uri": "http://localhost:8002/callback/"},
        {"redirect_uri": "http://localhost:8002/callback?x=1"},
        {"redirect_uri": "HTTP://localhost:8002/callback"},
        {"redirect_uri": "https://evil.example/"},
    ],
)
async def test_an_unknown_client_or_redirect_uri_gets_a_page_never_a_redirect(
    world: World, changes: dict[str, str | None]
) -> None:
    answer = await world.ask(**changes)
    assert answer.status_code == 400
    assert "location" not in answer.headers
    assert answer.headers["content-type"].startswith("text/html")


async def test_a_disabled_client_gets_a_page_within_a_second(world: World) -> None:
    await world.ask()
    await world.run("UPDATE relying_party SET disabled_at = 1")
    world.clock.move(seconds=1)
    assert (await world.ask()).status_code == 400


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": None}, "unsupported_response_type"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "code id_token"}, "unsupported_response_type"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"response_mode": "fragment.jwt"}, "invalid_request"),
        ({"scope": None}, "invalid_scope"),
        ({"scope": "profile"}, "invalid_scope"),
        ({"scope": "openid document"}, "invalid_scope"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge": CHALLENGE + "x"}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"prompt": "sing"}, "invalid_request"),
        ({"max_age": "soon"}, "invalid_request"),
        ({"max_age": "-1"}, "invalid_request"),
        ({"max_age": "១០"}, "invalid_request"),
        ({"state": "s" * 1025}, "invalid_request"),
        ({"nonce": "n" * 256}, "invalid_request"),
        ({"login_hint": "h" * 1025}, "invalid_request"),
        ({"max_age": "1" * 10}, "invalid_request"),
        ({"nonce": "ខ្មែរ"}, "invalid_request"),
        ({"request": "e30.e30."}, "request_not_supported"),
        ({"request_uri": "https://a.example/"}, "request_uri_not_supported"),
        ({"registration": "{}"}, "registration_not_supported"),
        ({"id_token_hint": "e30.e30.e30"}, "invalid_request"),
    ],
)
async def test_every_other_refusal_goes_back_to_the_relying_party(
    world: World, changes: dict[str, str | None], error: str
) -> None:
    answer = await world.ask(**changes)
    assert answer.headers["location"].startswith(PORTAL + "?")
    said = query_of(answer)
    assert said["error"] == error
    assert said["iss"] == "http://localhost:8000"
    if len(changes.get("state") or "") <= 1024:
        assert said["state"] == "st"


async def test_a_refusal_without_a_state_has_none(world: World) -> None:
    said = query_of(await world.ask(state=None, response_type="token"))
    assert said["error"] == "unsupported_response_type"
    assert "state" not in said


@pytest.mark.parametrize("name", ["client_id", "redirect_uri", "state", "anything"])
async def test_a_repeated_parameter_is_refused(world: World, name: str) -> None:
    asked = [*world.authorization().items(), (name, "1"), (name, "1")]
    answer = await world.browser.get("/authorize", params=asked)
    assert answer.status_code == 400
    assert "location" not in answer.headers


async def test_unknown_parameters_and_scopes_are_ignored(world: World) -> None:
    answer = await world.ask(scope="openid made_up", claims="{}", display="wap")
    interaction = await world.parked(answer)
    assert interaction.request.scopes == ("openid",)


async def test_a_request_may_come_as_a_form(world: World) -> None:
    answer = await world.browser.post("/authorize", data=world.authorization())
    assert answer.headers["location"].startswith("/login/")


async def test_a_long_nonce_works(world: World) -> None:
    interaction = await world.parked(await world.ask(nonce="n" * 255, state=None))
    assert interaction.request.nonce == "n" * 255
    assert interaction.request.state is None


@pytest.mark.parametrize(
    "changes",
    [
        {"state": "s" * 1024},
        {"login_hint": "h" * 1024},
        {"max_age": "9" * 9},
        {"prompt": "login consent select_account"},
        {"scope": "openid profile phone offline_access"},
    ],
)
async def test_the_most_that_may_be_asked_is_asked(
    world: World, changes: dict[str, str]
) -> None:
    assert (await world.parked(await world.ask(**changes))).request.client_id


async def test_what_was_asked_is_parked(world: World) -> None:
    answer = await world.ask(
        scope="openid profile offline_access",
        acr_values="high substantial",
        ui_locales="fr en-GB km",
        max_age="60",
    )
    request = (await world.parked(answer)).request
    assert request.acr == "substantial"
    assert request.locale == "en"
    assert request.max_age == 60
    assert request.voluntary == ("offline_access",)
    assert request.claims[:2] == ("name", "birthdate")


async def test_a_party_cannot_ask_below_its_own_level(world: World) -> None:
    request = (await world.parked(await world.ask(acr_values="low"))).request
    assert request.acr == "substantial"
    uri = "http://localhost:8000/acr/high"
    request = (await world.parked(await world.ask(acr_values=uri))).request
    assert request.acr == "high"


async def test_the_login_cookie_is_out_of_reach_of_scripts_and_other_sites(
    world: World,
) -> None:
    cookie = (await world.ask()).headers["set-cookie"].lower()
    assert cookie.startswith("login-")
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert "path=/" in cookie
