import pytest

from idp import errors
from idp.domain.consents import (
    CLAIM_LABELS,
    CLAIMS_OF_SCOPE,
    MEMBERS,
    ONE_BY_ONE,
    SCOPE_LABELS,
)
from idp.oidc.errors import SPOKEN
from tests.unit.idp.oidc.world import ISSUER, World

pytestmark = pytest.mark.anyio


def every(kind: type[errors.IdentityError]) -> set[type[errors.IdentityError]]:
    return {kind}.union(*(every(child) for child in kind.__subclasses__()))


def test_every_refusal_of_the_domain_has_its_oauth_error() -> None:
    ours = {kind for kind in every(errors.IdentityError) if "idp" in kind.__module__}
    assert ours == set(SPOKEN)


def test_every_claim_has_a_label_in_both_languages_and_its_members() -> None:
    claims = {claim for claims in CLAIMS_OF_SCOPE.values() for claim in claims}
    assert claims | set(ONE_BY_ONE) == set(CLAIM_LABELS) == set(MEMBERS)
    assert set(SCOPE_LABELS) == set(CLAIMS_OF_SCOPE)
    for labels in (*CLAIM_LABELS.values(), *SCOPE_LABELS.values()):
        assert set(labels) == {"km", "en"}


@pytest.mark.parametrize(
    "header",
    [
        "Bearer",
        "Bearer x",
        "Bearer a.b.c",
        "Basic eDp5",
        "Bearer ក",
        "bearer " + "x" * 9000,
    ],
)
async def test_userinfo_answers_only_a_token_of_ours(world: World, header: str) -> None:
    answer = await world.browser.get(
        "/userinfo", headers={"Authorization": header.encode()}
    )
    assert answer.status_code == 401
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]


async def test_userinfo_takes_no_token_from_form_or_query(world: World) -> None:
    token = (await world.login())["access_token"]
    answer = await world.browser.post("/userinfo", data={"access_token": token})
    assert answer.status_code == 401
    answer = await world.browser.get("/userinfo", params={"access_token": token})
    assert answer.status_code == 401
    headers = {"Authorization": f"bEARER {token}"}
    assert (await world.browser.post("/userinfo", headers=headers)).status_code == 200


async def test_an_id_token_is_no_access_token_and_an_old_one_is_none(
    world: World,
) -> None:
    body = await world.login()
    assert (await world.userinfo(body["id_token"])).status_code == 401
    world.clock.move(minutes=10)
    assert (await world.userinfo(body["access_token"])).status_code == 401


async def test_a_good_token_comes_in_one_header_of_its_scheme(world: World) -> None:
    token = (await world.login())["access_token"]
    good = ("Authorization", f"Bearer {token}")
    for headers in ([good, good], [("Authorization", f"Basic {token}")]):
        answer = await world.browser.get("/userinfo", headers=headers)
        assert answer.status_code == 401


async def test_a_token_without_openid_opens_no_userinfo(world: World) -> None:
    body = await world.login(scope="openid profile offline_access")
    narrow = await world.refresh(body["refresh_token"], scope="profile")
    assert narrow.json()["scope"] == "profile"
    assert (await world.userinfo(narrow.json()["access_token"])).status_code == 401


async def test_a_party_whose_sector_moved_learns_nothing_of_the_other_subject(
    world: World,
) -> None:
    token = (await world.login())["access_token"]
    assert (await world.userinfo(token)).status_code == 200
    await world.run("UPDATE relying_party SET sector = 'elsewhere.example'")
    world.clock.move(seconds=1)
    assert (await world.userinfo(token)).status_code == 401


async def test_userinfo_costs_two_statements_and_no_commit(world: World) -> None:
    token = (await world.login())["access_token"]
    await world.userinfo(token)
    counters = world.services.store.counters
    statements, commits = counters.statements, counters.commits
    await world.userinfo(token)
    assert counters.commits == commits
    assert counters.statements - statements == 2  # the grant, the account


async def test_access_tokens_are_rfc_9068(world: World) -> None:
    body = await world.login()
    claims = await world.services.keys.verify(body["access_token"], typ="at+jwt")
    names = {"iss", "exp", "aud", "sub", "client_id", "iat", "jti", "scope"}
    assert names <= set(claims)
    assert claims["aud"] == ISSUER


@pytest.mark.parametrize("path", ["/.well-known/openid-configuration", "/jwks"])
async def test_documents_are_cached_by_their_etag(world: World, path: str) -> None:
    first = await world.browser.get(path)
    assert first.headers["cache-control"] == "public, max-age=300"
    etag = {"If-None-Match": first.headers["etag"]}
    assert (await world.browser.get(path, headers=etag)).status_code == 304


async def test_a_rotated_key_is_published_before_and_after_it_signs(
    world: World,
) -> None:
    body = await world.login()
    before = (await world.browser.get("/jwks")).json()["keys"]
    async with world.services.store.begin() as tx:
        await world.services.keys.rotate(tx)
    world.clock.move(seconds=6)
    after = (await world.browser.get("/jwks")).json()["keys"]
    assert {key["kid"] for key in before} < {key["kid"] for key in after}
    assert (await world.userinfo(body["access_token"])).status_code == 200
