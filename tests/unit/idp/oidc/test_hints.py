"""An ID token that comes back as a hint: whose it has to be, and of what shape."""

from typing import Any

import pytest

from idp.oidc.id_token_hint import MAX_HINT
from tests.unit.idp.oidc.world import ISSUER, PARTY, World, query_of

pytestmark = pytest.mark.anyio


async def answer_to_hint(world: World, **changes: Any) -> dict[str, str]:
    """Ask with a hint that our own key signed, of a login that stands."""
    body = await world.login(prompt="login")
    true = await world.services.keys.verify(body["id_token"], typ="JWT")
    claims = {**true, **changes}
    hint = await world.services.keys.sign(
        {name: value for name, value in claims.items() if value is not None}, typ="JWT"
    )
    return query_of(await world.ask(id_token_hint=hint, prompt="none"))


async def test_a_hint_that_says_what_we_said_is_ours(world: World) -> None:
    assert "code" in await answer_to_hint(world)


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://another.example"},
        {"iss": None},
        {"aud": [PARTY.id]},
        {"aud": None},
        {"sid": None},
        {"sid": 1},
        {"aud": "another"},
        {"padding": "x" * MAX_HINT},
    ],
)
async def test_a_hint_that_says_anything_else_is_none(
    world: World, changes: dict[str, Any]
) -> None:
    said = await answer_to_hint(world, **changes)
    assert said["error"] == "invalid_request"
    assert said["iss"] == ISSUER
