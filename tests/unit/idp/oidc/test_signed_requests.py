"""Request objects by value: RFC 9101, and OpenID Connect Core 1.0, 6.1."""

from dataclasses import replace
from typing import Any

import pytest
from joserfc.jwk import OctKey

from tests.unit.idp.oidc.signed_party import (
    KEYS,
    SIGNING,
    STRANGER,
    go,
    now_of,
    pushed,
    request_object,
    signed,
)
from tests.unit.idp.oidc.world import ISSUER, PARTY, PORTAL, World, query_of

pytestmark = pytest.mark.anyio
STRICT = replace(
    PARTY, id="strict", metadata=replace(KEYS, require_signed_request_object=True)
)


@pytest.fixture(autouse=True)
async def _parties(world: World) -> None:
    await world.add_party(SIGNING)
    await world.add_party(STRICT)


async def test_a_signed_request_is_taken_by_get_and_by_post(world: World) -> None:
    inside = request_object(
        world, SIGNING.id, state="inside", max_age=30, typ="oauth-authz-req+jwt"
    )
    asked = {"client_id": SIGNING.id, "request": inside}
    for answer in (
        await world.browser.get("/authorize", params=asked),
        await world.browser.post("/authorize", data=asked),
    ):
        request = (await world.parked(answer)).request
        assert (request.state, request.max_age) == ("inside", 30)


async def test_rfc9101_6_3_parameters_outside_of_the_object_are_ignored(
    world: World,
) -> None:
    inside = request_object(world, SIGNING.id, scope="openid", state=None)
    answer = await world.ask(
        client_id=SIGNING.id,
        request=inside,
        scope="openid phone",
        state="outside",
        prompt="none",
        nonce="outside",
        redirect_uri="https://evil.example/",
    )
    request = (await world.parked(answer)).request
    assert request.scopes == ("openid",)
    assert (request.state, request.nonce) == (None, "no")
    assert request.redirect_uri == PORTAL


async def test_rfc9101_5_client_id_outside_and_inside_are_the_same(
    world: World,
) -> None:
    inside = request_object(world, SIGNING.id)
    swapped = await world.ask(client_id=STRICT.id, request=inside)
    assert query_of(swapped)["error"] == "invalid_request_object"
    mixed = request_object(world, SIGNING.id, client_id=STRICT.id)
    answer = await world.ask(client_id=SIGNING.id, request=mixed)
    assert query_of(answer)["error"] == "invalid_request_object"


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "https://other.example"},
        {"aud": None},
        {"iss": "portal"},
        {"iss": None},
        {"sub": "signing"},
        {"exp": 1},
        {"request": "e30.e30."},
        {"request_uri": "urn:ietf:params:oauth:request_uri:x"},
    ],
)
async def test_rfc9101_6_an_object_that_is_not_for_us_is_refused(
    world: World, changes: dict[str, Any]
) -> None:
    inside = request_object(world, SIGNING.id, **changes)
    said = query_of(await world.ask(client_id=SIGNING.id, request=inside))
    assert (said["error"], said["iss"]) == ("invalid_request_object", ISSUER)
    assert said["state"] == "st"


async def test_an_unsigned_or_wrongly_signed_object_is_refused(world: World) -> None:
    forged = request_object(world, SIGNING.id, key=STRANGER)
    none = "eyJhbGciOiJub25lIn0." + forged.split(".")[1] + "."
    claims = {"client_id": SIGNING.id, "iss": SIGNING.id, "aud": ISSUER}
    secret = OctKey.import_key(b"a portal's secret, long enough to sign")
    shared = signed(claims, key=secret, alg="HS256")
    for text in (forged, none, shared, "x", "a.b.c", "a.b.c.d.e", "." * 5):
        said = query_of(await world.ask(client_id=SIGNING.id, request=text))
        assert said["error"] == "invalid_request_object", text


async def test_a_broken_object_without_a_way_back_is_told_on_a_page(
    world: World,
) -> None:
    for redirect_uri in (None, "https://evil.example/"):
        answer = await world.ask(
            client_id=SIGNING.id, request="a.b.c", redirect_uri=redirect_uri
        )
        assert answer.status_code == 400
        assert "location" not in answer.headers
        assert "invalid_request_object" in answer.text


async def test_an_object_cannot_smuggle_an_unregistered_redirect_uri(
    world: World,
) -> None:
    inside = request_object(world, SIGNING.id, redirect_uri="https://evil.example/")
    answer = await world.ask(client_id=SIGNING.id, request=inside)
    assert answer.status_code == 400
    assert "location" not in answer.headers


async def test_the_checks_are_the_same_inside_of_an_object(world: World) -> None:
    for changes, error in (
        ({"response_type": "code token"}, "unsupported_response_type"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge": None}, "invalid_request"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"scope": "openid document"}, "invalid_scope"),
        ({"nonce": "n" * 256}, "invalid_request"),
        ({"max_age": "soon"}, "invalid_request"),
        ({"resource": ["https://api.example/"]}, "invalid_target"),
        ({"resource": "[broken"}, "invalid_target"),
        ({"resource": [1]}, "invalid_target"),
        ({"claims": {"userinfo": []}}, "invalid_request"),
    ):
        inside = request_object(world, SIGNING.id, **changes)
        answer = await world.ask(client_id=SIGNING.id, request=inside)
        assert query_of(answer)["error"] == error, changes


async def test_a_party_without_keys_is_told_that_it_cannot_sign(world: World) -> None:
    inside = request_object(world, PARTY.id)
    assert query_of(await world.ask(request=inside))["error"] == (
        "request_not_supported"
    )


async def test_rfc9101_10_5_a_party_that_registered_so_always_signs(
    world: World,
) -> None:
    said = query_of(await world.ask(client_id=STRICT.id))
    assert said["error"] == "invalid_request"
    inside = request_object(world, STRICT.id)
    answer = await world.ask(client_id=STRICT.id, request=inside)
    assert answer.headers["location"].startswith("/login/")
    uri = await pushed(world, STRICT.id, with_request=False, request=inside)
    assert (await go(world, STRICT.id, uri)).status_code == 303


async def test_an_object_outlives_its_exp_once_it_was_pushed(world: World) -> None:
    inside = request_object(world, STRICT.id, exp=now_of(world) + 10)
    uri = await pushed(world, STRICT.id, with_request=False, request=inside)
    world.clock.move(seconds=30)
    answer = await go(world, STRICT.id, uri)
    assert answer.headers["location"].startswith("/login/")
    late = await world.ask(client_id=STRICT.id, request=inside)
    assert query_of(late)["error"] == "invalid_request_object"
