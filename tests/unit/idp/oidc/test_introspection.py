"""Introspection (RFC 7662, 9701) and revocation (RFC 7009), clause by clause."""

from dataclasses import replace
from typing import Any

import httpx2
import pytest

from idp.domain.party_metadata import PartyMetadata
from idp.domain.subjects import subject_key, subject_of
from tests.unit.idp.oidc.signed_party import JWKS, MESSAGES, assertion, opened
from tests.unit.idp.oidc.world import ISSUER, PARTY, SECRET, World, query_of

pytestmark = pytest.mark.anyio
OFFLINE = "openid profile offline_access"
API = "https://api.example/v1"
SERVICE = replace(
    PARTY,
    id="service",
    redirect_uris=("https://api.example/cb",),
    metadata=PartyMetadata(audience=API),
)
CLIENT = replace(
    PARTY,
    id="client",
    metadata=PartyMetadata(
        grant_types=("authorization_code", "refresh_token", "client_credentials"),
        resources=(API,),
        api_scopes=("read",),
    ),
)
APP = replace(PARTY, id="app", auth_method="none")
JWT = "application/token-introspection+jwt"


async def ask(world: World, token: str, *, caller: str = PARTY.id) -> Any:
    answer = await world.post("/introspect", caller=(caller, SECRET), token=token)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    return answer.json()


async def test_a_living_token_is_told_to_its_client(world: World) -> None:
    body = await world.login(scope=OFFLINE)
    told = await ask(world, body["access_token"])
    token = await world.services.keys.verify(body["access_token"], typ="at+jwt")
    assert told == {
        "active": True,
        "token_type": "Bearer",
        **{name: token[name] for name in told if name not in {"active", "token_type"}},
    }
    assert {"scope", "client_id", "sub", "aud", "iss", "exp", "iat", "acr"} <= set(told)
    assert not {"username", "sid", "name"} & set(told)
    refresh = await ask(world, body["refresh_token"])
    assert refresh == {
        "active": True,
        "client_id": PARTY.id,
        "scope": OFFLINE,
        "sub": token["sub"],
        "iss": ISSUER,
    }


async def test_a_stranger_learns_nothing(world: World) -> None:
    await world.add_party(SERVICE)
    body = await world.login(scope=OFFLINE)
    for name in ("access_token", "refresh_token", "id_token"):
        told = await ask(world, body[name], caller=SERVICE.id)
        assert told == {"active": False}
    assert await ask(world, "nonsense") == {"active": False}
    assert await ask(world, "x" * 9000) == {"active": False}
    assert await ask(world, body["id_token"]) == {"active": False}


async def test_the_service_that_a_token_is_for_learns_what_it_says(
    world: World,
) -> None:
    await world.add_party(SERVICE)
    await world.add_party(CLIENT)
    parked = await world.ask(client_id=CLIENT.id, resource=API)
    code = query_of(await world.approve(parked))["code"]
    body = (await world.exchange(code, caller=(CLIENT.id, SECRET))).json()
    told = await ask(world, body["access_token"], caller=SERVICE.id)
    key = subject_key(world.services.sealer)
    # What the client calls the person: the token says so. Nobody learns another name.
    known = subject_of(key, sector="localhost", account_id=world.account_id)
    assert (told["active"], told["aud"], told["sub"]) == (True, API, known)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE account SET state = 'suspended'",
        "UPDATE account SET logged_out_at = 9999999999999",
        "UPDATE device SET revoked_at = 1",
        "UPDATE browser_session SET ended_at = 1",
        "UPDATE authorization_grant SET revoked_at = 1",
    ],
)
async def test_whatever_ends_the_right_ends_the_token(
    any_world: World, statement: str
) -> None:
    world = any_world
    body = await world.login()
    assert (await ask(world, body["access_token"]))["active"]
    await world.run(statement)
    assert await ask(world, body["access_token"]) == {"active": False}


async def test_a_disabled_party_ends_its_tokens_for_the_service_too(
    world: World,
) -> None:
    await world.add_party(SERVICE)
    await world.add_party(CLIENT)
    own = await world.post(
        "/token", caller=(CLIENT.id, SECRET), grant_type="client_credentials"
    )
    token = own.json()["access_token"]
    assert (await ask(world, token, caller=SERVICE.id))["active"]
    await world.run("UPDATE relying_party SET disabled_at = 1 WHERE id = 'client'")
    world.clock.move(seconds=1)
    assert await ask(world, token, caller=SERVICE.id) == {"active": False}


async def test_a_partys_own_token_is_revoked_alone(world: World) -> None:
    await world.add_party(SERVICE)
    await world.add_party(CLIENT)

    async def own() -> str:
        answer = await world.post(
            "/token", caller=(CLIENT.id, SECRET), grant_type="client_credentials"
        )
        return str(answer.json()["access_token"])

    first, second = await own(), await own()
    await world.post("/revoke", token=first)  # not theirs
    assert (await ask(world, first, caller=SERVICE.id))["active"]
    for _ in range(2):
        answer = await world.post("/revoke", caller=(CLIENT.id, SECRET), token=first)
        assert answer.status_code == 200
    assert await ask(world, first, caller=SERVICE.id) == {"active": False}
    assert (await ask(world, second, caller=SERVICE.id))["active"]


async def test_an_expired_token_is_over(world: World) -> None:
    body = await world.login(scope=OFFLINE)
    world.clock.move(minutes=10)
    assert await ask(world, body["access_token"]) == {"active": False}
    assert (await ask(world, body["refresh_token"]))["active"]


async def test_an_old_refresh_token_is_over_after_its_grace(world: World) -> None:
    first = (await world.login(scope=OFFLINE))["refresh_token"]
    second = (await world.refresh(first)).json()["refresh_token"]
    assert (await ask(world, first))["active"]
    world.clock.move(seconds=60)
    assert await ask(world, first) == {"active": False}
    # Asking is no use: the family lives.
    assert (await ask(world, second))["active"]
    assert (await world.refresh(second)).status_code == 200


async def test_only_confidential_parties_may_ask(world: World) -> None:
    await world.add_party(APP, None)
    token = (await world.login())["access_token"]
    for sent in (
        await world.browser.post("/introspect", data={"token": token}),
        await world.browser.post(
            "/introspect", data={"token": token, "client_id": APP.id}
        ),
        await world.post("/introspect", caller=(PARTY.id, "wrong"), token=token),
    ):
        assert (sent.status_code, sent.json()["error"]) == (401, "invalid_client")
    missing = await world.post("/introspect")
    assert missing.json()["error"] == "invalid_request"
    assert (await world.browser.get("/introspect")).status_code == 405


async def signed_answer(
    world: World, answer: httpx2.Response, *, aud: str, alg: str = "ES256"
) -> Any:
    assert answer.headers["content-type"] == JWT
    claims = await world.services.keys.verify(
        answer.text, typ="token-introspection+jwt", algs=(alg,)
    )
    assert (claims["iss"], claims["aud"]) == (ISSUER, aud)
    assert set(claims) == {"iss", "aud", "iat", "token_introspection"}
    return claims["token_introspection"]


async def test_row_24_the_answer_is_signed_for_whoever_accepts_that(
    world: World,
) -> None:
    token = (await world.login())["access_token"]
    answer = await world.browser.post(
        "/introspect",
        data={"token": token},
        auth=(PARTY.id, SECRET),
        headers={"Accept": f"application/json;q=0.5, {JWT}"},
    )
    told = await signed_answer(world, answer, aud=PARTY.id)
    assert told["active"] is True
    # What is signed for one party is no access token.
    assert (await world.userinfo(answer.text)).status_code == 401


async def test_row_24_message_signing_parties_always_get_a_signed_answer(
    world: World,
) -> None:
    await world.add_party(MESSAGES, None)
    answer = await world.browser.post(
        "/introspect", data={"token": "x", **assertion(world, MESSAGES.id)}
    )
    told = await signed_answer(world, answer, aud=MESSAGES.id)
    assert told == {"active": False}


async def test_a_registered_answer_is_signed_and_sealed(world: World) -> None:
    metadata = PartyMetadata(
        jwks=JWKS,
        introspection_signed_response_alg="ES256",
        introspection_encrypted_response_alg="ECDH-ES",
        introspection_encrypted_response_enc="A256GCM",
    )
    party = replace(PARTY, id="sealed", metadata=metadata)
    await world.add_party(party)
    answer = await world.post("/introspect", caller=(party.id, SECRET), token="x")
    assert answer.headers["content-type"] == JWT
    claims = await world.services.keys.verify(
        opened(answer.text), typ="token-introspection+jwt"
    )
    assert claims["token_introspection"] == {"active": False}


async def test_the_registered_algorithm_signs_the_answer(world: World) -> None:
    metadata = PartyMetadata(introspection_signed_response_alg="EdDSA")
    party = replace(PARTY, id="signed", metadata=metadata)
    await world.add_party(party)
    answer = await world.post("/introspect", caller=(party.id, SECRET), token="x")
    claims = await world.services.keys.verify(
        answer.text, typ="token-introspection+jwt", algs=("EdDSA",)
    )
    assert claims["token_introspection"] == {"active": False}


async def test_one_of_several_services_that_a_token_is_for_may_ask(
    world: World,
) -> None:
    metadata = replace(CLIENT.metadata, resources=(API, f"{API}/more"))
    await world.add_party(SERVICE)
    await world.add_party(replace(CLIENT, metadata=metadata))
    answer = await world.post(
        "/token",
        caller=(CLIENT.id, SECRET),
        grant_type="client_credentials",
        resource=[API, f"{API}/more"],
    )
    told = await ask(world, answer.json()["access_token"], caller=SERVICE.id)
    assert (told["active"], told["aud"]) == (True, [API, f"{API}/more"])


async def test_a_token_under_another_issuers_name_is_none_of_ours(
    world: World,
) -> None:
    body = await world.login()
    keys = world.services.keys
    claims = dict(await keys.verify(body["access_token"], typ="at+jwt"))
    for issuer, is_ours in ((ISSUER, True), ("https://other.example", False)):
        token = await keys.sign({**claims, "iss": issuer}, typ="at+jwt")
        assert (await ask(world, token))["active"] is is_ours
