"""How answers travel: query, form_post, and the signed forms of JARM."""

import re
from dataclasses import replace
from html import unescape
from typing import Any

import httpx2
import pytest

from idp.domain.consents import CLAIMS_OF_SCOPE
from tests.unit.idp.oidc.signed_party import (
    KEYS,
    MESSAGES,
    SIGNING,
    go,
    opened,
    push,
    pushed,
    request_object,
)
from tests.unit.idp.oidc.world import ISSUER, PARTY, PORTAL, World, query_of

pytestmark = pytest.mark.anyio
FIELD = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)">')
SEALED = replace(
    PARTY,
    id="sealed",
    metadata=replace(
        KEYS,
        authorization_signed_response_alg="PS256",
        authorization_encrypted_response_alg="ECDH-ES",
        authorization_encrypted_response_enc="A256GCM",
    ),
)


def fields_of(answer: httpx2.Response) -> dict[str, str]:
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert f'method="post" action="{PORTAL}"' in answer.text
    return {name: unescape(value) for name, value in FIELD.findall(answer.text)}


async def read_jarm(world: World, token: str, alg: str = "ES256") -> dict[str, Any]:
    return dict(await world.services.keys.verify(token, typ="JWT", algs=[alg]))


async def test_form_post_a_code_is_posted_by_a_page_that_nobody_keeps(
    world: World,
) -> None:
    answer = await world.approve(
        await world.ask(response_mode="form_post", state='a"<b>&')
    )
    said = fields_of(answer)
    assert set(said) == {"code", "state", "iss"}
    assert (said["state"], said["iss"]) == ('a"<b>&', ISSUER)
    assert "<b>" not in answer.text
    assert (await world.exchange(said["code"])).status_code == 200


async def test_form_post_an_error_goes_the_same_way(world: World) -> None:
    said = fields_of(await world.ask(response_mode="form_post", prompt="none"))
    assert said["error"] == "login_required"
    assert (said["state"], said["iss"]) == ("st", ISSUER)
    said = fields_of(await world.ask(response_mode="form_post", scope="profile"))
    assert said["error"] == "invalid_scope"


@pytest.mark.parametrize("mode", ["jwt", "query.jwt"])
async def test_jarm_2_3_1_a_code_is_inside_one_signed_response(
    world: World, mode: str
) -> None:
    answer = await world.approve(await world.ask(response_mode=mode))
    said = query_of(answer)
    assert set(said) == {"response"}
    claims = await read_jarm(world, said["response"])
    assert (claims["iss"], claims["aud"]) == (ISSUER, PARTY.id)
    assert claims["exp"] - world.clock.now().timestamp() == 600
    assert claims["state"] == "st"
    assert (await world.exchange(claims["code"])).status_code == 200


async def test_jarm_2_3_3_a_signed_response_may_be_posted(world: World) -> None:
    answer = await world.approve(await world.ask(response_mode="form_post.jwt"))
    said = fields_of(answer)
    assert set(said) == {"response"}
    assert "code" in await read_jarm(world, said["response"])


async def test_jarm_an_error_is_signed_too(world: World) -> None:
    answer = await world.ask(response_mode="jwt", prompt="none")
    claims = await read_jarm(world, query_of(answer)["response"])
    assert claims["error"] == "login_required"
    assert (claims["iss"], claims["aud"], claims["state"]) == (ISSUER, PARTY.id, "st")


async def test_jarm_2_2_a_response_is_sealed_to_a_party_that_registered_so(
    world: World,
) -> None:
    await world.add_party(SEALED)
    asked = await world.ask(client_id=SEALED.id, response_mode="jwt")
    answer = await world.approve(asked)
    response = query_of(answer)["response"]
    assert response.count(".") == 4
    claims = await read_jarm(world, opened(response), alg="PS256")
    assert "code" in claims


@pytest.mark.parametrize(
    "mode", ["fragment", "fragment.jwt", "web_message", "QUERY", "query fragment"]
)
async def test_an_answer_never_travels_in_a_fragment_or_in_an_unknown_way(
    world: World, mode: str
) -> None:
    said = query_of(await world.ask(response_mode=mode))
    assert (said["error"], said["iss"]) == ("invalid_request", ISSUER)


async def test_a_response_is_no_id_token_hint(world: World) -> None:
    answer = await world.ask(response_mode="jwt", prompt="none")
    said = query_of(await world.ask(id_token_hint=query_of(answer)["response"]))
    assert said["error"] == "invalid_request"


async def test_fapi2_row_24_message_signing_answers_are_always_signed(
    world: World,
) -> None:
    await world.add_party(MESSAGES, None)
    plain = await world.ask(client_id=MESSAGES.id)
    claims = await read_jarm(world, query_of(plain)["response"])
    assert (claims["error"], claims["iss"]) == ("invalid_request", ISSUER)
    unsigned = await world.ask(client_id=MESSAGES.id, response_mode="query")
    assert set(query_of(unsigned)) == {"response"}


async def test_fapi2_row_24_message_signing_takes_only_signed_requests(
    world: World,
) -> None:
    await world.add_party(MESSAGES, None)
    answer = await push(world, MESSAGES.id)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    signed = request_object(world, MESSAGES.id)
    uri = await pushed(world, MESSAGES.id, with_request=False, request=signed)
    code = await world.approve(await go(world, MESSAGES.id, uri))
    assert "code" in await read_jarm(world, query_of(code)["response"])


@pytest.mark.parametrize("mode", ["query", "form_post", "fragment.jwt"])
async def test_fapi2_row_24_message_signing_refuses_unsigned_response_modes(
    world: World, mode: str
) -> None:
    await world.add_party(MESSAGES, None)
    signed = request_object(world, MESSAGES.id, response_mode=mode)
    answer = await push(world, MESSAGES.id, with_request=False, request=signed)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


@pytest.mark.parametrize("mode", ["query", "form_post", "jwt", "form_post.jwt"])
async def test_rfc9207_iss_is_in_every_answer_and_every_error(
    world: World, mode: str
) -> None:
    await world.add_party(SIGNING)
    changes: list[dict[str, str | None]] = [
        {},
        {"prompt": "none"},
        {"scope": "email"},
        {"response_type": "token"},
        {"code_challenge": None},
        {"state": "s" * 1025},
    ]
    for change in changes:
        answer = await world.ask(client_id=SIGNING.id, response_mode=mode, **change)
        if answer.headers.get("location", "").startswith("/login/"):
            answer = await world.approve(answer)
            world.browser.cookies.clear()
        said = fields_of(answer) if "form_post" in mode else query_of(answer)
        if "jwt" in mode:
            said = await read_jarm(world, said["response"])
        assert said["iss"] == ISSUER
        assert len(said.get("state", "")) <= 1024


async def test_an_answer_that_cannot_be_sealed_is_told_to_the_person(
    world: World,
) -> None:
    metadata = replace(SEALED.metadata, jwks={"keys": [KEYS.jwks["keys"][0]]})  # type: ignore[index]
    await world.add_party(replace(SEALED, metadata=metadata))
    answer = await world.ask(client_id=SEALED.id, response_mode="jwt", prompt="none")
    assert answer.status_code == 400
    assert "location" not in answer.headers
    assert "openid" in CLAIMS_OF_SCOPE
