import pytest

from idp.domain.relying_parties import RelyingParty
from tests.unit.idp.oidc.world import PARTY, SECRET, World, query_of

pytestmark = pytest.mark.anyio

OFFLINE = "openid profile offline_access"
OTHER = RelyingParty(
    id="other",
    name_km="",
    name_en="",
    domain="",
    purpose_km="",
    purpose_en="",
    redirect_uris=("https://other.example/callback",),
)


async def test_a_refresh_token_is_issued_only_for_released_offline_access(
    world: World,
) -> None:
    assert "refresh_token" not in await world.login()
    parked = await world.ask(scope=OFFLINE)
    withheld = ("name", "birthdate", "gender", "camdigikey_level")
    code = query_of(await world.approve(parked, claims=withheld))["code"]
    assert "refresh_token" not in (await world.exchange(code)).json()
    assert "refresh_token" in await world.login(scope=OFFLINE, prompt="consent")


async def test_refreshing_rotates_and_keeps_the_person(any_world: World) -> None:
    world = any_world
    first = await world.login(scope=OFFLINE)
    second = (await world.refresh(first["refresh_token"])).json()
    third = (await world.refresh(second["refresh_token"])).json()
    keys = world.services.keys
    one = await keys.verify(first["id_token"], typ="JWT")
    two = await keys.verify(third["id_token"], typ="JWT")
    assert "nonce" not in two
    same = ("iss", "sub", "aud", "auth_time", "sid", "acr")
    assert [one[name] for name in same] == [two[name] for name in same]
    assert (await world.userinfo(third["access_token"])).status_code == 200


async def test_a_reused_refresh_token_revokes_the_family(any_world: World) -> None:
    world = any_world
    first = await world.login(scope=OFFLINE)
    second = (await world.refresh(first["refresh_token"])).json()
    world.clock.move(seconds=60)
    reused = await world.refresh(first["refresh_token"])
    assert (reused.status_code, reused.json()["error"]) == (400, "invalid_grant")
    assert (await world.refresh(second["refresh_token"])).status_code == 400
    assert (await world.userinfo(second["access_token"])).status_code == 401
    async with world.services.store.read() as tx:
        row = await tx.one(
            "SELECT account_id, relying_party_id, detail FROM audit_event"
            " WHERE tag = 'token:reused'"
        )
    assert row == (world.account_id, PARTY.id, '{"what":"refresh token"}')


async def test_a_token_of_a_family_that_was_tidied_away_is_spent(world: World) -> None:
    token = (await world.login(scope=OFFLINE))["refresh_token"]
    await world.run("DELETE FROM authorization_grant")
    answer = await world.refresh(token)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


async def test_only_the_token_before_has_a_grace(any_world: World) -> None:
    world = any_world
    oldest = (await world.login(scope=OFFLINE))["refresh_token"]
    older = (await world.refresh(oldest)).json()["refresh_token"]
    world.clock.move(seconds=60)
    newest = (await world.refresh(older)).json()["refresh_token"]
    assert (await world.refresh(older)).status_code == 200
    assert (await world.refresh(oldest)).json()["error"] == "invalid_grant"
    assert (await world.refresh(newest)).status_code == 400


async def test_refreshing_costs_one_commit_and_two_statements(world: World) -> None:
    body = await world.login(scope=OFFLINE)
    counters = world.services.store.counters
    statements, commits = counters.statements, counters.commits
    await world.refresh(body["refresh_token"])
    assert (counters.commits - commits, counters.statements - statements) == (1, 2)


async def test_a_family_ends_with_its_life_however_often_it_is_used(
    world: World,
) -> None:
    body = await world.login(scope=OFFLINE)
    for _ in range(3):
        world.clock.move(days=9)
        body = (await world.refresh(body["refresh_token"])).json()
    world.clock.move(days=4)
    assert (await world.refresh(body["refresh_token"])).status_code == 400


async def test_a_wrong_scope_costs_an_honest_party_nothing(world: World) -> None:
    token = (await world.login(scope=OFFLINE))["refresh_token"]
    wrong = await world.refresh(token, scope="openid phone")
    assert wrong.json()["error"] == "invalid_scope"
    narrow = await world.refresh(token, scope="openid")
    assert narrow.json()["scope"] == "openid"
    info = (await world.userinfo(narrow.json()["access_token"])).json()
    assert set(info) == {"sub"}
    wide = await world.refresh(narrow.json()["refresh_token"])
    assert wide.json()["scope"] == OFFLINE


async def test_a_stranger_cannot_use_nor_end_a_refresh_token(world: World) -> None:
    await world.add_party(OTHER)
    token = (await world.login(scope=OFFLINE))["refresh_token"]
    form = {"grant_type": "refresh_token", "refresh_token": token}
    stranger = await world.post("/token", caller=(OTHER.id, SECRET), **form)
    assert stranger.json()["error"] == "invalid_grant"
    revoked = await world.post("/revoke", caller=(OTHER.id, SECRET), token=token)
    assert revoked.status_code == 200
    assert (await world.refresh(token)).status_code == 200


async def test_a_revoked_token_ends_the_grant(world: World) -> None:
    for name in ("refresh_token", "access_token"):
        body = await world.login(scope=OFFLINE, prompt="login")
        assert (await world.post("/revoke", token=body[name])).status_code == 200
        assert (await world.refresh(body["refresh_token"])).status_code == 400
        assert (await world.userinfo(body["access_token"])).status_code == 401
    assert (await world.post("/revoke", token="nonsense")).status_code == 200
    assert (await world.post("/revoke")).json()["error"] == "invalid_request"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE account SET state = 'suspended'",
        "UPDATE device SET revoked_at = 1",
        "UPDATE relying_party SET disabled_at = 1",
    ],
)
async def test_a_family_ends_when_its_right_ends(world: World, statement: str) -> None:
    body = await world.login(scope=OFFLINE)
    await world.run(statement)
    assert (await world.refresh(body["refresh_token"])).status_code == 400
    assert (await world.userinfo(body["access_token"])).status_code == 401


async def test_offline_access_outlives_the_browser_session(world: World) -> None:
    body = await world.login(scope=OFFLINE)
    await world.browser.get("/logout", params={"id_token_hint": body["id_token"]})
    assert await world.run("UPDATE browser_session SET ended_at = 1") == 1
    again = await world.refresh(body["refresh_token"])
    assert again.status_code == 200
    assert (await world.userinfo(again.json()["access_token"])).status_code == 200
