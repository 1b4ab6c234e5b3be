"""Pushed requests: RFC 9126 and FAPI 2.0 Security Profile, 5.3.2.2."""

from dataclasses import replace
from typing import Any

import pytest

from idp.domain.party_metadata import PartyMetadata, write_metadata
from idp.oidc.requester import requester_of
from idp.storage.columns import new_id
from tests.unit.idp.oidc.signed_party import (
    FAPI,
    KEYS,
    SIGNING,
    assertion,
    go,
    push,
    pushed,
    request_object,
)
from tests.unit.idp.oidc.world import (
    CHALLENGE,
    ISSUER,
    PARTY,
    PORTAL,
    SECRET,
    World,
    basic,
    query_of,
)

pytestmark = pytest.mark.anyio
PUSHING = replace(
    PARTY,
    id="pushing",
    metadata=replace(KEYS, require_pushed_authorization_requests=True),
)


async def test_rfc9126_2_2_a_pushed_request_gets_a_request_uri_for_90_seconds(
    world: World,
) -> None:
    answer = await push(world, PARTY.id)
    assert answer.status_code == 201
    assert answer.headers["cache-control"] == "no-store"
    body = answer.json()
    assert set(body) == {"request_uri", "expires_in"}
    assert body["expires_in"] == 90
    prefix, _, random = body["request_uri"].rpartition(":")
    assert prefix == "urn:ietf:params:oauth:request_uri"
    assert len(random) == 43  # 256 bits
    assert (await pushed(world, PARTY.id)) != body["request_uri"]


async def test_what_was_pushed_is_what_is_asked(world: World) -> None:
    uri = await pushed(
        world, PARTY.id, scope="openid phone", state="kept", nonce="told"
    )
    answer = await go(world, PARTY.id, uri)
    request = (await world.parked(answer)).request
    assert (request.state, request.nonce) == ("kept", "told")
    assert request.scopes == ("openid", "phone")
    assert request.pushed_id == uri.rpartition(":")[2]
    said = query_of(await world.approve(answer))
    assert (said["state"], said["iss"]) == ("kept", ISSUER)
    assert (await world.exchange(said["code"])).status_code == 200


async def test_rfc9101_6_3_parameters_beside_a_request_uri_are_ignored(
    world: World,
) -> None:
    uri = await pushed(world, PARTY.id, state="pushed", scope="openid")
    answer = await go(
        world,
        PARTY.id,
        uri,
        state="injected",
        scope="openid phone",
        redirect_uri="https://evil.example/",
        response_mode="form_post",
        prompt="none",
    )
    request = (await world.parked(answer)).request
    assert (request.state, request.scopes) == ("pushed", ("openid",))
    assert (request.redirect_uri, request.response_mode) == (PORTAL, "query")


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
async def test_fapi2_row_11_par_takes_only_post(world: World, method: str) -> None:
    answer = await world.browser.request(
        method, "/par", params=world.authorization(), headers={}
    )
    assert answer.status_code == 405
    assert "location" not in answer.headers


@pytest.mark.parametrize("name", ["scope", "state", "redirect_uri", "made_up"])
async def test_fapi2_row_11_par_takes_no_parameter_twice(
    world: World, name: str
) -> None:
    pairs = [*world.authorization().items(), (name, "1"), (name, "2")]
    body = "&".join(f"{key}={value}" for key, value in pairs)
    headers = {
        **basic(PARTY.id, SECRET),
        "Content-Type": "application/x-www-form-urlencoded",
    }
    answer = await world.browser.post("/par", content=body, headers=headers)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


async def test_rfc9126_2_1_fapi2_row_9_a_request_uri_cannot_be_pushed(
    world: World,
) -> None:
    uri = await pushed(world, PARTY.id)
    for inside in (uri, "https://portal.example/request.jwt"):
        answer = await push(world, PARTY.id, request_uri=inside)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


async def test_rfc9126_2_1_the_client_authenticates_as_at_the_token_endpoint(
    world: World,
) -> None:
    form = world.authorization()
    wrong = await world.post("/par", caller=(PARTY.id, "guess"), **form)
    assert (wrong.status_code, wrong.json()["error"]) == (401, "invalid_client")
    bare = await world.browser.post("/par", data=form)
    assert (bare.status_code, bare.json()["error"]) == (401, "invalid_client")


async def test_another_clients_request_cannot_be_pushed(world: World) -> None:
    await world.add_party(SIGNING)
    form = world.authorization(client_id=PARTY.id)
    answer = await world.post("/par", caller=(SIGNING.id, SECRET), **form)
    assert answer.status_code == 400
    assert answer.json()["error"] == "invalid_request"


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"redirect_uri": None}, "invalid_request"),
        ({"redirect_uri": PORTAL + "/"}, "invalid_request"),
        ({"redirect_uri": "https://evil.example/"}, "invalid_request"),
        ({"response_type": "code id_token"}, "unsupported_response_type"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"scope": "profile"}, "invalid_scope"),
        ({"scope": "openid document"}, "invalid_scope"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge": CHALLENGE[:-1]}, "invalid_request"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"claims": "[]"}, "invalid_request"),
        ({"resource": "https://api.example/"}, "invalid_target"),
        ({"dpop_jkt": "short"}, "invalid_request"),
        ({"id_token_hint": "e30.e30.e30"}, "invalid_request"),
        ({"state": "s" * 1025}, "invalid_request"),
    ],
)
async def test_rfc9126_2_1_every_check_of_authorize_is_made_when_it_is_pushed(
    world: World, changes: dict[str, Any], error: str
) -> None:
    answer = await push(world, PARTY.id, **changes)
    assert (answer.status_code, answer.json()["error"]) == (400, error)


async def test_fapi2_row_10_another_clients_request_uri_is_refused_on_a_page(
    world: World,
) -> None:
    await world.add_party(SIGNING)
    uri = await pushed(world, PARTY.id)
    answer = await go(world, SIGNING.id, uri)
    assert answer.status_code == 400
    assert "location" not in answer.headers
    assert "invalid_request_uri" in answer.text
    assert (await go(world, PARTY.id, uri)).status_code == 303


async def test_fapi2_row_10_an_expired_request_uri_is_refused(world: World) -> None:
    uri = await pushed(world, PARTY.id)
    world.clock.move(seconds=89)
    assert (await go(world, PARTY.id, uri)).status_code == 303
    world.clock.move(seconds=1)
    assert (await go(world, PARTY.id, uri)).status_code == 400


@pytest.mark.parametrize(
    "uri",
    [
        "urn:ietf:params:oauth:request_uri:" + "A" * 43,
        "urn:ietf:params:oauth:request_uri:",
        "urn:ietf:params:oauth:request_uri:" + "A" * 2000,
        "URN:ietf:params:oauth:request_uri:x",
        "https://portal.example/request.jwt",
        "http://169.254.169.254/",
        "file:///etc/passwd",
    ],
)
async def test_an_unknown_request_uri_is_refused_and_never_fetched(
    world: World, uri: str
) -> None:
    answer = await go(world, PARTY.id, uri)
    assert answer.status_code == 400
    assert "location" not in answer.headers


async def test_fapi2_row_10_it_may_be_fetched_again_before_the_login_completes(
    world: World,
) -> None:
    uri = await pushed(world, PARTY.id)
    first = await go(world, PARTY.id, uri)
    again = await go(world, PARTY.id, uri)
    assert first.headers["location"] != again.headers["location"]
    assert "code" in query_of(await world.approve(again))


async def test_fapi2_row_10_it_is_not_taken_after_the_login_completed(
    world: World,
) -> None:
    uri = await pushed(world, PARTY.id)
    await world.approve(await go(world, PARTY.id, uri))
    answer = await go(world, PARTY.id, uri)
    assert answer.status_code == 400
    assert "invalid_request_uri" in answer.text


async def test_fapi2_row_10_of_two_logins_from_one_request_uri_one_gets_a_code(
    world: World,
) -> None:
    uri = await pushed(world, PARTY.id)
    first, second = await go(world, PARTY.id, uri), await go(world, PARTY.id, uri)
    world.clock.move(minutes=20)
    assert "code" in query_of(await world.approve(second))
    late = await world.approve(first)
    assert late.status_code == 400
    assert "location" not in late.headers


async def test_single_sign_on_spends_a_request_uri_too(world: World) -> None:
    await world.login()
    uri = await pushed(world, PARTY.id)
    assert "code" in query_of(await go(world, PARTY.id, uri))
    assert (await go(world, PARTY.id, uri)).status_code == 400


async def test_a_refused_login_spends_it_too(world: World) -> None:
    uri = await pushed(world, PARTY.id)
    interaction = await world.parked(await go(world, PARTY.id, uri))
    await world.services.interactions.refuse(interaction)
    said = query_of(await world.resume(interaction.id))
    assert said["error"] == "access_denied"  # FAPI 2.0 checklist, row 23
    assert (await go(world, PARTY.id, uri)).status_code == 400


async def test_rfc9126_6_a_party_that_registered_so_always_pushes(
    world: World,
) -> None:
    await world.add_party(PUSHING)
    said = query_of(await world.ask(client_id=PUSHING.id))
    assert (said["error"], said["iss"]) == ("invalid_request", ISSUER)
    signed = request_object(world, PUSHING.id)
    answer = await world.ask(client_id=PUSHING.id, request=signed)
    assert query_of(answer)["error"] == "invalid_request"
    uri = await pushed(world, PUSHING.id)
    assert (await go(world, PUSHING.id, uri)).status_code == 303


async def test_request_and_request_uri_together_are_refused(world: World) -> None:
    await world.add_party(SIGNING)
    uri = await pushed(world, SIGNING.id)
    both = {"request": request_object(world, SIGNING.id)}
    answer = await go(world, SIGNING.id, uri, **both)
    assert answer.status_code == 400
    assert "location" not in answer.headers


async def test_a_signed_request_may_be_pushed_and_only_what_is_inside_counts(
    world: World,
) -> None:
    await world.add_party(SIGNING)
    inside = request_object(world, SIGNING.id, state="inside")
    uri = await pushed(
        world, SIGNING.id, request=inside, state="outside", redirect_uri="x"
    )
    request = (await world.parked(await go(world, SIGNING.id, uri))).request
    assert (request.state, request.redirect_uri) == ("inside", PORTAL)


async def test_a_public_party_may_push_but_not_without_end(world: World) -> None:
    await world.add_party(replace(PARTY, id="app", auth_method="none"))
    form = world.authorization(client_id="app")
    assert (await world.browser.post("/par", data=form)).status_code == 201
    network = requester_of(address="127.0.0.1", headers={}).network
    for _ in range(world.services.settings.logins_per_prefix_a_minute):
        await world.services.ephemeral.count(f"logins:par:{network}", seconds=60)
    answer = await world.browser.post("/par", data=form)
    assert answer.json()["error"] == "temporarily_unavailable"
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "60")
    assert (await push(world, PARTY.id)).status_code == 201


async def test_secrets_and_assertions_are_not_kept_with_the_request(
    world: World,
) -> None:
    await world.add_party(
        replace(PARTY, id="posting", auth_method="client_secret_post")
    )
    form = world.authorization(client_id="posting")
    answer = await world.browser.post("/par", data={**form, "client_secret": SECRET})
    request_id = answer.json()["request_uri"].rpartition(":")[2]
    kept = await world.services.pushed_requests.find(request_id, client_id="posting")
    assert SECRET not in kept.parameters.values()


# --- FAPI 2.0 -----------------------------------------------------------------------


async def test_fapi2_row_9_a_request_that_was_not_pushed_is_refused(
    world: World,
) -> None:
    await world.add_party(FAPI, None)
    said = query_of(await world.ask(client_id=FAPI.id))
    assert (said["error"], said["iss"]) == ("invalid_request", ISSUER)
    signed = await world.ask(client_id=FAPI.id, request=request_object(world, FAPI.id))
    assert query_of(signed)["error"] == "invalid_request"


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"redirect_uri": None}, "invalid_request"),
        ({"redirect_uri": "https://portal.example/unregistered"}, "invalid_request"),
        ({"response_type": "code id_token"}, "unsupported_response_type"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
    ],
)
async def test_fapi2_rows_3_12_13_are_refused_when_pushed(
    world: World, changes: dict[str, Any], error: str
) -> None:
    await world.add_party(FAPI, None)
    answer = await push(world, FAPI.id, **changes)
    assert (answer.status_code, answer.json()["error"]) == (400, error)


async def test_fapi2_row_14_a_pushed_login_answers_with_iss(world: World) -> None:
    await world.add_party(FAPI, None)
    uri = await pushed(world, FAPI.id, nonce="n" * 64, state=None)
    answer = await world.approve(await go(world, FAPI.id, uri))
    said = query_of(answer)
    assert set(said) == {"code", "iss"}
    assert said["iss"] == ISSUER


async def test_fapi2_row_10_an_assertion_pushes_only_its_own_clients_request(
    world: World,
) -> None:
    await world.add_party(FAPI, None)
    form = {**world.authorization(), **assertion(world, FAPI.id), "client_id": PARTY.id}
    answer = await world.browser.post("/par", data=form)
    assert answer.status_code in {400, 401}


async def test_a_public_party_of_a_fapi_profile_is_refused_by_the_checks_alone(
    world: World,
) -> None:
    await world.add_party(FAPI, None)
    await world.run(
        "UPDATE relying_party SET auth_method = 'none' WHERE id = $1", FAPI.id
    )
    form = world.authorization(client_id=FAPI.id)
    answer = await world.browser.post("/par", data=form)
    assert answer.json()["error"] == "unauthorized_client"


async def test_rfc9126_an_unknown_client_learns_nothing(world: World) -> None:
    form = world.authorization(client_id=new_id())
    answer = await world.browser.post("/par", data=form)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


async def test_the_metadata_of_a_party_that_changed_is_read_again(
    world: World,
) -> None:
    resource = "https://api.example/"
    party = replace(PARTY, id="calling", metadata=PartyMetadata(resources=(resource,)))
    await world.add_party(party)
    uri = await pushed(world, party.id, resource=resource)
    request = (await world.parked(await go(world, party.id, uri))).request
    assert request.resources == (resource,)
    await world.run("UPDATE relying_party SET metadata = '{}' WHERE id = 'calling'")
    world.clock.move(seconds=1)
    assert query_of(await go(world, party.id, uri))["error"] == "invalid_target"


async def test_what_was_pushed_unsigned_is_refused_once_the_party_must_sign(
    world: World,
) -> None:
    must_sign_since = replace(KEYS, require_signed_request_object=True)
    await world.add_party(SIGNING)
    plain = await pushed(world, SIGNING.id)
    signed = request_object(world, SIGNING.id)
    kept = await pushed(world, SIGNING.id, with_request=False, request=signed)
    await world.run(
        "UPDATE relying_party SET metadata = $1 WHERE id = $2",
        write_metadata(must_sign_since),
        SIGNING.id,
    )
    world.clock.move(seconds=1)
    said = query_of(await go(world, SIGNING.id, plain))
    assert said["error"] == "invalid_request"
    answer = await go(world, SIGNING.id, kept)
    assert answer.headers["location"].startswith("/login/")
