"""Codes and tokens of a FAPI party and of an app: whose key may use them."""

from dataclasses import replace
from hashlib import sha256
from typing import Any

import httpx2
import pytest

from idp.domain.party_metadata import PartyMetadata
from idp.storage.columns import b64encode
from tests.unit.idp.oidc.signed_party import (
    FAPI,
    KEY,
    STRANGER,
    assertion,
    go,
    proof,
    pushed,
    thumbprint,
)
from tests.unit.idp.oidc.world import (
    PARTY,
    PORTAL,
    SECRET,
    VERIFIER,
    World,
    query_of,
)

pytestmark = pytest.mark.anyio
OFFLINE = "openid profile offline_access"
APP = replace(
    PARTY,
    id="app",
    auth_method="none",
    redirect_uris=(PORTAL,),
    metadata=PartyMetadata(dpop_bound_access_tokens=True),
)


async def fapi_code(world: World, **asked: str) -> str:
    request_uri = await pushed(world, FAPI.id, prompt="login", **asked)
    parked = await go(world, FAPI.id, request_uri)
    return query_of(await world.approve(parked))["code"]


async def fapi_token(
    world: World, *, key: Any = KEY, headers: dict[str, str] | None = None, **form: Any
) -> httpx2.Response:
    sent = proof(world, "/token", key=key) if headers is None else headers
    return await world.browser.post(
        "/token", data={**form, **assertion(world, FAPI.id)}, headers=sent
    )


def redemption(code: str) -> dict[str, Any]:
    return {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": PORTAL,
        "code_verifier": VERIFIER,
    }


async def fapi_login(world: World, **asked: str) -> Any:
    answer = await fapi_token(world, **redemption(await fapi_code(world, **asked)))
    assert answer.status_code == 200, answer.text
    return answer.json()


async def see(
    world: World, token: str, *, scheme: str = "DPoP", key: Any = KEY, **proved: Any
) -> httpx2.Response:
    ath = b64encode(sha256(token.encode()).digest())
    claims = {"method": "GET", "ath": ath, **proved}
    headers = proof(world, "/userinfo", key=key, **claims)
    if not proved.get("with_proof", True):
        headers = {}
    return await world.browser.get(
        "/userinfo", headers={"Authorization": f"{scheme} {token}", **headers}
    )


@pytest.fixture
async def fapi(world: World) -> World:
    await world.add_party(FAPI, None)
    return world


async def test_row_5_a_fapi_partys_tokens_are_bound_to_its_key(fapi: World) -> None:
    code = await fapi_code(fapi)
    bare = await fapi_token(fapi, headers={}, **redemption(code))
    assert bare.json()["error"] == "invalid_dpop_proof"
    # The proof is looked at before the code is spent.
    answer = await fapi_token(fapi, **redemption(code))
    assert answer.json()["token_type"] == "DPoP"
    token = await fapi.services.keys.verify(answer.json()["access_token"], typ="at+jwt")
    assert token["cnf"] == {"jkt": thumbprint(KEY)}


async def test_row_18_a_bound_token_is_presented_by_its_holder_only(
    fapi: World,
) -> None:
    token = (await fapi_login(fapi))["access_token"]
    for scheme in ("DPoP", "dpop", "DPOP"):
        assert (await see(fapi, token, scheme=scheme)).status_code == 200
    for changes in (
        {"scheme": "Bearer"},
        {"key": STRANGER},
        {"ath": b64encode(sha256(b"another").digest())},
        {"ath": None},
        {"htu": "https://elsewhere.example/userinfo"},
        {"iat": 1},
    ):
        answer = await see(fapi, token, **changes)
        assert answer.status_code == 401, changes
        assert answer.headers["www-authenticate"].startswith("DPoP")
    headers = {"Authorization": f"DPoP {token}"}
    answer = await fapi.browser.get("/userinfo", headers=headers)
    assert answer.status_code == 401
    answer = await fapi.userinfo(token)
    assert answer.status_code == 401


async def test_row_18_a_bearer_token_is_no_bound_token(world: World) -> None:
    token = (await world.login())["access_token"]
    assert (await see(world, token)).status_code == 401
    for scheme in ("Bearer", "bearer", "BEARER"):
        headers = {"Authorization": f"{scheme} {token}"}
        answer = await world.browser.get("/userinfo", headers=headers)
        assert answer.status_code == 200


async def test_row_18_a_token_is_taken_from_the_header_alone(world: World) -> None:
    token = (await world.login())["access_token"]
    for answer in (
        await world.browser.get("/userinfo", params={"access_token": token}),
        await world.browser.post("/userinfo", data={"access_token": token}),
    ):
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Bearer ")
        assert ", DPoP " in answer.headers["www-authenticate"]
        assert "error=" not in answer.headers["www-authenticate"]


async def test_a_proof_is_used_once(fapi: World) -> None:
    used = proof(fapi, "/token")
    first = await fapi_token(fapi, headers=used, **redemption(await fapi_code(fapi)))
    assert first.status_code == 200
    code = await fapi_code(fapi)
    again = await fapi_token(fapi, headers=used, **redemption(code))
    assert again.json()["error"] == "invalid_dpop_proof"
    assert (await fapi_token(fapi, **redemption(code))).status_code == 200


async def test_row_16_a_code_for_one_key_is_not_redeemed_by_another(
    fapi: World,
) -> None:
    code = await fapi_code(fapi, dpop_jkt=thumbprint(KEY))
    wrong = await fapi_token(fapi, key=STRANGER, **redemption(code))
    assert (wrong.status_code, wrong.json()["error"]) == (400, "invalid_grant")
    again = await fapi_token(fapi, **redemption(code))
    assert again.json()["error"] == "invalid_grant"  # it had one try
    code = await fapi_code(fapi, dpop_jkt=thumbprint(KEY))
    assert (await fapi_token(fapi, **redemption(code))).status_code == 200


async def test_row_4_a_fapi_party_proves_itself_by_its_key_alone(fapi: World) -> None:
    form = redemption(await fapi_code(fapi))
    for extra in (
        {"client_id": FAPI.id},
        {"client_id": FAPI.id, "client_secret": SECRET},
        {**assertion(fapi, FAPI.id, aud=["http://localhost:8000"]), "x": "y"},
    ):
        answer = await fapi.browser.post(
            "/token", data={**form, **extra}, headers=proof(fapi, "/token")
        )
        assert answer.json()["error"] == "invalid_client", extra
    both = {**assertion(fapi, FAPI.id), "client_secret": SECRET}
    answer = await fapi.browser.post(
        "/token", data={**form, **both}, headers=proof(fapi, "/token")
    )
    assert answer.json()["error"] == "invalid_request"
    assert (await fapi_token(fapi, **form)).status_code == 200


async def test_row_15_a_code_lives_a_minute_and_is_used_once(fapi: World) -> None:
    code = await fapi_code(fapi)
    fapi.clock.move(seconds=60)
    late = await fapi_token(fapi, **redemption(code))
    assert late.json()["error"] == "invalid_grant"
    code = await fapi_code(fapi)
    token = (await fapi_token(fapi, **redemption(code))).json()["access_token"]
    assert (await see(fapi, token)).status_code == 200
    fapi.clock.move(seconds=1)
    again = await fapi_token(fapi, **redemption(code))
    assert again.json()["error"] == "invalid_grant"
    assert (await see(fapi, token)).status_code == 401


async def test_row_15_a_code_is_worth_nothing_to_another_party(fapi: World) -> None:
    code = await fapi_code(fapi)
    stolen = await fapi.exchange(code)
    assert stolen.json()["error"] == "invalid_grant"
    # And the stranger did not burn it.
    assert (await fapi_token(fapi, **redemption(code))).status_code == 200


async def test_row_12_a_wrong_verifier_burns_the_code(fapi: World) -> None:
    for verifier in ("w" * 64, VERIFIER + "v", VERIFIER[:43]):
        code = await fapi_code(fapi)
        form = {**redemption(code), "code_verifier": verifier}
        assert (await fapi_token(fapi, **form)).json()["error"] == "invalid_grant"
        again = await fapi_token(fapi, **redemption(code))
        assert again.json()["error"] == "invalid_grant"
    async with fapi.services.store.read() as tx:
        left = "SELECT COUNT(*) FROM authorization_grant WHERE revoked_at IS NULL"
        assert await tx.one(left) == (0,)


async def test_row_17_a_fapi_refresh_token_stays_what_it_is(fapi: World) -> None:
    body = await fapi_login(fapi, scope=OFFLINE)
    form = {"grant_type": "refresh_token", "refresh_token": body["refresh_token"]}
    for _ in range(3):
        fapi.clock.move(days=1)
        answer = await fapi_token(fapi, **form)
        assert answer.status_code == 200
        assert "refresh_token" not in answer.json()
        token = answer.json()["access_token"]
        assert (await see(fapi, token)).status_code == 200
    bare = await fapi_token(fapi, headers={}, **form)
    assert bare.json()["error"] == "invalid_dpop_proof"
    async with fapi.services.store.read() as tx:
        row = await tx.one("SELECT generation, rotated_at FROM authorization_grant")
    assert row == (0, None)
    await fapi.run("UPDATE authorization_grant SET revoked_at = 1")
    over = await fapi_token(fapi, **form)
    assert (over.status_code, over.json()["error"]) == (400, "invalid_grant")


async def test_a_party_that_proves_itself_may_change_its_key(fapi: World) -> None:
    body = await fapi_login(fapi, scope=OFFLINE)
    form = {"grant_type": "refresh_token", "refresh_token": body["refresh_token"]}
    answer = await fapi_token(fapi, key=STRANGER, **form)
    token = answer.json()["access_token"]
    assert (await see(fapi, token, key=STRANGER)).status_code == 200
    assert (await see(fapi, token)).status_code == 401


async def test_an_apps_refresh_token_belongs_to_its_first_key(world: World) -> None:
    await world.add_party(APP, None)
    parked = await world.ask(client_id=APP.id, scope=OFFLINE)
    code = query_of(await world.approve(parked))["code"]

    async def send(key: Any, **form: str) -> httpx2.Response:
        return await world.browser.post(
            "/token",
            data={**form, "client_id": APP.id},
            headers=proof(world, "/token", key=key),
        )

    body = (await send(KEY, **redemption(code))).json()
    form = {"grant_type": "refresh_token", "refresh_token": body["refresh_token"]}
    stolen = await send(STRANGER, **form)
    assert stolen.json()["error"] == "invalid_grant"
    # A thief without the key moves nothing.
    assert (await send(KEY, **form)).status_code == 200


async def test_a_voluntarily_bound_login_does_not_fall_back_to_bearer(
    world: World,
) -> None:
    code = await world.code(scope=OFFLINE)
    basic = {"client_id": PARTY.id}
    answer = await world.browser.post(
        "/token",
        data=redemption(code) | basic,
        headers=proof(world, "/token"),
        auth=(PARTY.id, SECRET),
    )
    assert answer.json()["token_type"] == "DPoP"
    refreshed = await world.refresh(answer.json()["refresh_token"])
    assert refreshed.json()["error"] == "invalid_grant"


async def test_row_20_what_is_issued_cannot_be_guessed(world: World) -> None:
    codes, jtis, refresh_tokens = set(), set(), set()
    for _ in range(8):
        code = await world.code(scope=OFFLINE, prompt="login")
        body = (await world.exchange(code)).json()
        token = await world.services.keys.verify(body["access_token"], typ="at+jwt")
        codes.add(code)
        refresh_tokens.add(body["refresh_token"])
        jtis.add(token["jti"])
        # base64url: six bits a letter; both halves of jti are random on their own.
        assert all(len(part) * 6 >= 128 for part in token["jti"].split("."))
    assert len(codes) == len(jtis) == len(refresh_tokens) == 8
    for text in codes | refresh_tokens:
        # Whoever guesses has to guess the seal: a tag of 128 bits at the end.
        assert len(text) * 6 >= 128 + 128
        altered = text[:-4] + ("AAAA" if text[-4:] != "AAAA" else "BBBB")
        assert (await world.exchange(altered)).json()["error"] == "invalid_grant"
