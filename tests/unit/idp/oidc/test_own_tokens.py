"""A party's own tokens (client_credentials), and which resource a token is for."""

from dataclasses import replace
from typing import Any

import pytest

from idp.domain.party_metadata import PartyMetadata
from idp.oidc.resource_indicators import InvalidTargetError, audience_of
from tests.unit.idp.oidc.signed_party import FAPI, JWKS, assertion, proof
from tests.unit.idp.oidc.world import ISSUER, PARTY, SECRET, World, query_of

pytestmark = pytest.mark.anyio
TAX, LAND = "https://tax.example/api", "https://land.example/api"
OWN = replace(
    PARTY,
    id="own",
    metadata=PartyMetadata(
        grant_types=("authorization_code", "refresh_token", "client_credentials"),
        resources=(TAX, LAND),
        api_scopes=("companies.read", "companies.write"),
    ),
)
PUBLIC = replace(
    OWN, id="public", auth_method="none", redirect_uris=("https://app.example/cb",)
)
GRANT: dict[str, Any] = {"grant_type": "client_credentials"}


async def own(world: World, **form: str) -> Any:
    answer = await world.post("/token", caller=(OWN.id, SECRET), **GRANT, **form)
    return answer.json()


async def claims_of(world: World, token: str) -> Any:
    return await world.services.keys.verify(token, typ="at+jwt")


async def test_a_party_gets_what_it_registered_in_its_own_name(world: World) -> None:
    await world.add_party(OWN)
    body = await own(world)
    assert set(body) == {"access_token", "token_type", "expires_in", "scope"}
    assert body["scope"] == "companies.read companies.write"
    token = await claims_of(world, body["access_token"])
    assert (token["sub"], token["client_id"]) == (OWN.id, OWN.id)
    assert token["aud"] == [TAX, LAND]
    assert not {"sid", "acr", "auth_time", "cnf"} & set(token)
    assert (await world.userinfo(body["access_token"])).status_code == 401


async def test_scope_and_resource_may_be_narrowed(world: World) -> None:
    await world.add_party(OWN)
    body = await own(world, scope="companies.read", resource=LAND)
    assert body["scope"] == "companies.read"
    assert (await claims_of(world, body["access_token"]))["aud"] == LAND


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"scope": "openid"}, "invalid_scope"),
        ({"scope": "openid companies.read"}, "invalid_scope"),
        ({"scope": "profile"}, "invalid_scope"),
        ({"scope": "companies.delete"}, "invalid_scope"),
        ({"resource": "https://other.example/api"}, "invalid_target"),
        ({"resource": TAX + "/"}, "invalid_target"),
    ],
)
async def test_a_party_gets_nothing_else(
    world: World, form: dict[str, str], error: str
) -> None:
    await world.add_party(OWN)
    assert (await own(world, **form))["error"] == error


async def test_a_public_party_and_one_that_did_not_register_get_nothing(
    world: World,
) -> None:
    await world.add_party(PUBLIC, None)
    form = {**GRANT, "client_id": PUBLIC.id}
    answer = await world.browser.post("/token", data=form)
    assert answer.json()["error"] == "unauthorized_client"
    answer = await world.post("/token", **GRANT)
    assert answer.json()["error"] == "unauthorized_client"


async def test_a_party_without_scopes_gets_nothing(world: World) -> None:
    metadata = replace(OWN.metadata, api_scopes=())
    await world.add_party(replace(OWN, metadata=metadata))
    assert (await own(world))["error"] == "invalid_scope"


async def test_an_own_token_costs_no_commit_and_no_statement(world: World) -> None:
    await world.add_party(OWN)
    await own(world)
    counters = world.services.store.counters
    before = (counters.commits, counters.statements)
    await own(world)
    assert (counters.commits, counters.statements) == before


async def test_row_5_a_fapi_partys_own_token_is_bound(world: World) -> None:
    metadata = PartyMetadata(
        jwks=JWKS,
        dpop_bound_access_tokens=True,
        grant_types=("client_credentials",),
        api_scopes=("companies.read",),
    )
    party = replace(FAPI, id="machine", metadata=metadata)
    await world.add_party(party)
    bare = await world.browser.post(
        "/token", data={**GRANT, **assertion(world, party.id)}
    )
    assert bare.json()["error"] == "invalid_dpop_proof"
    answer = await world.browser.post(
        "/token",
        data={**GRANT, **assertion(world, party.id)},
        headers=proof(world, "/token"),
    )
    assert answer.json()["token_type"] == "DPoP"
    token = await claims_of(world, answer.json()["access_token"])
    assert list(token["cnf"]) == ["jkt"]
    assert token["aud"] == ISSUER


async def login(world: World, *, scope: str = "openid", **token: str) -> Any:
    """Log in at the party with both resources granted."""
    asked = world.authorization(
        client_id=OWN.id, scope=scope, prompt="login", resource=f"{TAX} {LAND}"
    )
    query: list[tuple[str, Any]] = [(k, v) for k, v in asked.items() if k != "resource"]
    query += [("resource", TAX), ("resource", LAND)]
    parked = await world.browser.get("/authorize", params=query)
    code = query_of(await world.approve(parked))["code"]
    return await world.exchange(code, caller=(OWN.id, SECRET), **token)


async def test_a_token_is_for_what_was_granted_or_a_part_of_it(world: World) -> None:
    await world.add_party(OWN)
    every = (await login(world)).json()
    assert (await claims_of(world, every["access_token"]))["aud"] == [TAX, LAND]
    one = (await login(world, resource=TAX)).json()
    assert (await claims_of(world, one["access_token"]))["aud"] == TAX
    other = await login(world, resource="https://other.example/api")
    assert other.json()["error"] == "invalid_target"


async def test_a_refresh_token_reaches_each_granted_resource(world: World) -> None:
    await world.add_party(OWN)
    body = (await login(world, scope="openid offline_access", resource=TAX)).json()
    for resource in (LAND, TAX, ISSUER):
        answer = await world.refresh(
            body["refresh_token"], caller=(OWN.id, SECRET), resource=resource
        )
        token = await claims_of(world, answer.json()["access_token"])
        assert token["aud"] == resource
    wrong = await world.refresh(
        body["refresh_token"],
        caller=(OWN.id, SECRET),
        resource="https://other.example/api",
    )
    assert wrong.json()["error"] == "invalid_target"


async def test_row_18_a_token_for_a_resource_opens_no_userinfo(world: World) -> None:
    await world.add_party(OWN)
    for resource, status in ((TAX, 401), (ISSUER, 200)):
        body = (await login(world, resource=resource)).json()
        answer = await world.userinfo(body["access_token"])
        assert answer.status_code == status


@pytest.mark.parametrize("asked", [[ISSUER, TAX], ["x"], [TAX, "x"], ["x", ISSUER]])
def test_userinfo_and_a_resource_never_share_a_token(asked: list[str]) -> None:
    with pytest.raises(InvalidTargetError):
        audience_of(asked, granted=(TAX, LAND), issuer=ISSUER)


def test_without_resources_a_token_is_for_userinfo() -> None:
    assert audience_of([], granted=(), issuer=ISSUER) == (ISSUER,)
    assert audience_of([ISSUER, ISSUER], granted=(TAX,), issuer=ISSUER) == (ISSUER,)
    assert audience_of([TAX, TAX], granted=(TAX, LAND), issuer=ISSUER) == (TAX,)
