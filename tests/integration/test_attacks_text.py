"""Text that nobody means well by, wherever a stranger may name something.

A NUL or half of a surrogate pair fits no column, and not every text is ASCII: each
is a refusal like any other name that nobody has, never a failure of ours.
"""

from time import time

import orjson
import pytest

from idp.errors import Malformed
from idp.storage.columns import b64encode
from tests.ciba import enter
from tests.integration.test_backchannel_requests import KEY, signed, signing
from tests.party_keys import PartyKey
from tests.world import ISSUER, World, open_world

pytestmark = pytest.mark.anyio
UNKEEPABLE = ["\\u0000", "a\\u0000b", "\\ud800", "\\udfff\\ud800"]
JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def unsigned(payload: str) -> str:
    parts = (b'{"alg":"ES256"}', payload.encode(), bytes(64))
    return ".".join(map(b64encode, parts))


@pytest.mark.parametrize("name", UNKEEPABLE)
async def test_an_assertion_of_a_client_no_column_can_name_is_refused(
    world: World, name: str
) -> None:
    form = {
        "grant_type": "client_credentials",
        "client_assertion_type": JWT_BEARER,
        "client_assertion": unsigned(f'{{"sub":"{name}"}}'),
    }
    answer = await world.browser().http.post(f"{ISSUER}/token", data=form)
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"] == "invalid_request"


async def test_a_registration_no_column_can_name_is_refused(world: World) -> None:
    headers = {"Authorization": "Bearer nobodys"}
    for path in ("%00", "a%00b"):
        url = f"{ISSUER}/register/{path}"
        answer = await world.browser().http.get(url, headers=headers)
        assert answer.status_code == 400, answer.text


@pytest.mark.parametrize("name", UNKEEPABLE[:2])
async def test_a_passkey_no_column_can_name_is_refused(world: World, name: str) -> None:
    portal, browser = await world.portal(), world.browser()
    page = await browser.open_login(await portal.start())
    options = (await browser.http.get(f"{page}/passkey")).json()
    client_data = b64encode(orjson.dumps({"challenge": options["challenge"]}))
    response = f'{{"clientDataJSON":"{client_data}"}}'
    credential = f'{{"id":"{name}","response":{response}}}'
    answer = await browser.post(page, "passkey", credential=credential)
    assert answer.status_code == 400


@pytest.mark.parametrize("text", ["a\x00b", "\ud800"])
async def test_no_statement_runs_with_a_text_that_cannot_be_kept(
    world: World, text: str
) -> None:
    async with world.services.store.read() as tx:
        with pytest.raises(Malformed):
            await tx.one("SELECT id FROM account WHERE id = $1", text)
        with pytest.raises(Malformed):
            await tx.all("SELECT id FROM account WHERE id = $1", text)
        assert await tx.one("SELECT CAST($1 AS TEXT)", "ឈ្មោះ") == ("ឈ្មោះ",)
    with pytest.raises(Malformed):
        async with world.services.store.begin() as tx:
            await tx.run("DELETE FROM account WHERE id = $1", text)


async def test_a_proof_beside_a_thumbprint_that_is_none_is_refused(
    quick: World,
) -> None:
    await quick.portal()
    key = PartyKey.make()
    claims = {"htm": "POST", "htu": f"{ISSUER}/par", "iat": int(time()), "jti": "1"}
    proof = key.sign(claims, kid=None, typ="dpop+jwt", jwk=key.bare)
    answer = await quick.browser().http.post(
        f"{ISSUER}/par",
        data={"dpop_jkt": "ស"},
        auth=("portal", "a+portal%27s+secret"),
        headers={"DPoP": proof},
    )
    assert answer.status_code == 400, answer.text


@pytest.mark.redis
async def test_a_signed_request_is_numbered_by_any_text_and_taken_once(
    sqlite_url: str, redis_url: str
) -> None:
    async with open_world(sqlite_url, redis=redis_url) as world:
        signer = await signing(await enter(world))
        claims = orjson.dumps(signed(signer, jti="J")).replace(b'"J"', b'"\\ud800"')
        request = {"request": KEY.sign_text(b'{"alg":"ES256","kid":"k1"}', claims)}
        path = "/backchannel-authentication"
        first, again = [await signer.post(path, request) for _ in range(2)]
        assert first[0] == 200, first
        assert again == (400, again[1])
        assert again[1]["error"] == "invalid_request"
