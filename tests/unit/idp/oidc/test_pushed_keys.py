"""A pushed request is bound to the key of its DPoP proof (RFC 9449, 10)."""

from typing import Any

import httpx2
import pytest

from tests.unit.idp.oidc.signed_party import KEY, STRANGER, go, proof, thumbprint
from tests.unit.idp.oidc.world import PARTY, SECRET, World, basic

pytestmark = pytest.mark.anyio


async def push(
    world: World, headers: dict[str, str], **changes: str | None
) -> httpx2.Response:
    return await world.browser.post(
        "/par",
        data=world.authorization(**changes),
        headers={**basic(PARTY.id, SECRET), **headers},
    )


async def key_of(world: World, answer: httpx2.Response) -> str:
    assert answer.status_code == 201, answer.text
    parked = await go(world, PARTY.id, answer.json()["request_uri"])
    return (await world.parked(parked)).request.dpop_jkt


async def test_fapi2_row_16_a_proof_when_it_is_pushed_binds_the_code(
    world: World,
) -> None:
    answer = await push(world, proof(world, "/par"))
    assert await key_of(world, answer) == thumbprint(KEY)
    named = await push(world, {}, dpop_jkt=thumbprint(STRANGER))
    assert await key_of(world, named) == thumbprint(STRANGER)
    assert await key_of(world, await push(world, {})) == ""


async def test_rfc9449_10_1_proof_and_dpop_jkt_name_the_same_key(
    world: World,
) -> None:
    both = await push(world, proof(world, "/par"), dpop_jkt=thumbprint(KEY))
    assert await key_of(world, both) == thumbprint(KEY)
    answer = await push(world, proof(world, "/par"), dpop_jkt=thumbprint(STRANGER))
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_dpop_proof")


@pytest.mark.parametrize(
    "changes",
    [
        {"htm": "GET"},
        {"htu": "http://localhost:8000/token"},
        {"htu": "http://evil.example/par"},
        {"iat": 1},
        {"jti": ""},
    ],
)
async def test_a_proof_for_another_call_binds_nothing(
    world: World, changes: dict[str, Any]
) -> None:
    answer = await push(world, proof(world, "/par", **changes))
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_dpop_proof")


async def test_a_proof_pushes_once(world: World) -> None:
    header = proof(world, "/par")
    assert (await push(world, header)).status_code == 201
    again = await push(world, header)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_dpop_proof")


async def test_rfc9449_10_dpop_jkt_is_taken_in_the_query_too(world: World) -> None:
    answer = await world.ask(dpop_jkt=thumbprint(KEY))
    assert (await world.parked(answer)).request.dpop_jkt == thumbprint(KEY)
