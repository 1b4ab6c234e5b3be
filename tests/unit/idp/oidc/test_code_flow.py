from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import pytest

from idp.domain.grants import AuthorizationCode
from idp.domain.interactions import Interaction
from idp.domain.relying_parties import RelyingParty
from idp.domain.sessions import cookie_name as session_cookie_name
from idp.errors import NotFound
from tests.unit.idp.oidc.world import (
    AFTER_LOGOUT,
    DEVICE,
    FACTS,
    ISSUER,
    PARTY,
    SECRET,
    VERIFIER,
    World,
    query_of,
)

pytestmark = pytest.mark.anyio

OTHER = RelyingParty(
    id="other",
    name_km="ផ្សេង",
    name_en="Other",
    domain="other.example",
    purpose_km="",
    purpose_en="",
    redirect_uris=("https://other.example/callback",),
)


async def id_token(world: World, body: dict[str, Any]) -> Any:
    return await world.services.keys.verify(body["id_token"], typ="JWT")


async def test_a_person_logs_in_is_described_and_logs_out(any_world: World) -> None:
    world = any_world
    parked = await world.ask()
    assert parked.headers["location"].startswith("/login/")
    answer = query_of(await world.approve(parked))
    assert answer["state"] == "st"
    assert answer["iss"] == ISSUER

    tokens = await world.exchange(answer["code"])
    assert tokens.status_code == 200
    assert tokens.headers["cache-control"] == "no-store"
    body = tokens.json()
    assert "refresh_token" not in body
    claims = await id_token(world, body)
    assert claims["aud"] == PARTY.id
    assert claims["nonce"] == "no"
    assert claims["acr"] == f"{ISSUER}/acr/substantial"
    assert claims["amr"] == ["mfa", "pin", "pop", "swk"]

    info = (await world.userinfo(body["access_token"])).json()
    assert info["sub"] == claims["sub"]
    assert info["family_name#km"] == "សុខ"
    assert info["birthdate"] == "1990-04-15"
    assert "phone_number" not in info

    logout = await world.browser.get(
        "/logout",
        params={
            "id_token_hint": body["id_token"],
            "post_logout_redirect_uri": AFTER_LOGOUT,
            "state": "over",
        },
    )
    assert logout.headers["location"] == f"{AFTER_LOGOUT}?state=over"
    assert session_cookie_name(secure=False) not in world.browser.cookies
    assert (await world.userinfo(body["access_token"])).status_code == 401


async def test_redeeming_a_code_costs_one_commit_and_four_statements(
    world: World,
) -> None:
    code = await world.code()
    await world.services.keys.sign({}, typ="JWT")
    before = world.services.store.counters
    statements, commits = before.statements, before.commits
    answer = await world.exchange(code)
    assert answer.status_code == 200
    after = world.services.store.counters
    # grant, session, consent, audit; party and keys were read less than 1 s ago
    assert (after.commits - commits, after.statements - statements) == (1, 4)


async def test_a_login_before_its_code_is_redeemed_costs_no_commit(
    world: World,
) -> None:
    commits = world.services.store.counters.commits
    await world.code()
    assert world.services.store.counters.commits == commits


async def test_a_replayed_code_is_refused_and_takes_its_tokens_with_it(
    any_world: World,
) -> None:
    world = any_world
    code = await world.code()
    body = (await world.exchange(code)).json()
    again = await world.exchange(code)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")
    assert (await world.userinfo(body["access_token"])).status_code == 401


async def test_a_wrong_verifier_burns_the_code(world: World) -> None:
    code = await world.code()
    wrong = await world.exchange(code, code_verifier="w" * 64)
    assert wrong.json()["error"] == "invalid_grant"
    assert (await world.exchange(code)).json()["error"] == "invalid_grant"


async def test_a_wrong_redirect_uri_at_the_token_endpoint_burns_the_code(
    world: World,
) -> None:
    code = await world.code()
    wrong = await world.exchange(code, redirect_uri=AFTER_LOGOUT)
    assert wrong.json()["error"] == "invalid_grant"
    assert (await world.exchange(code)).json()["error"] == "invalid_grant"


async def test_a_stranger_cannot_burn_a_code(world: World) -> None:
    await world.add_party(OTHER)
    code = await world.code()
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": PARTY.redirect_uris[0],
        "code_verifier": VERIFIER,
    }
    stranger = await world.post("/token", caller=("other", SECRET), **form)
    assert stranger.json()["error"] == "invalid_grant"
    guess = await world.post("/token", caller=(PARTY.id, "guess"), **form)
    assert (guess.status_code, guess.json()["error"]) == (401, "invalid_client")
    assert guess.headers["www-authenticate"].startswith("Basic")
    assert (await world.exchange(code)).status_code == 200


async def test_a_late_code_is_refused(world: World) -> None:
    code = await world.code()
    world.clock.move(seconds=60)
    assert (await world.exchange(code)).json()["error"] == "invalid_grant"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE account SET state = 'suspended'",
        "UPDATE device SET revoked_at = 1",
        "UPDATE relying_party SET disabled_at = 1",
        "UPDATE account SET logged_out_at = 99999999999999",
    ],
)
async def test_whoever_lost_the_right_since_the_approval_gets_no_token(
    any_world: World, statement: str
) -> None:
    code = await any_world.code()
    await any_world.run(statement)
    assert (await any_world.exchange(code)).status_code == 400


async def test_logging_out_everywhere_ends_codes_sessions_and_families(
    world: World,
) -> None:
    first = await world.login(scope="openid offline_access")
    code = await world.code(prompt="login")
    world.clock.move(seconds=1)
    async with world.services.store.begin() as tx:
        await world.services.accounts.log_out_everywhere(tx, world.account_id)
    assert (await world.exchange(code)).json()["error"] == "invalid_grant"
    assert (await world.refresh(first["refresh_token"])).status_code == 400
    assert (await world.userinfo(first["access_token"])).status_code == 401
    assert query_of(await world.ask(prompt="none"))["error"] == "login_required"
    world.clock.move(seconds=1)
    assert "id_token" in await world.login()


@pytest.mark.parametrize(
    "end", ["UPDATE browser_session SET ended_at = 1", "DELETE FROM browser_session"]
)
async def test_a_code_of_a_session_that_ended_gives_nothing_and_leaves_nothing(
    world: World, end: str
) -> None:
    await world.login()
    code = query_of(await world.ask())["code"]
    await world.run(end)
    answer = await world.exchange(code)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
    async with world.services.store.read() as tx:
        assert await tx.one(
            "SELECT COUNT(*) FROM authorization_grant WHERE revoked_at IS NULL"
        ) == (1,)


async def test_an_approval_is_resumed_once_and_only_by_its_browser(
    world: World,
) -> None:
    interaction = await world.parked(await world.ask())
    await world.approve(await world.ask())
    path = f"/authorize/resume?interaction={interaction.id}"
    assert (await world.browser.get(path)).status_code == 400  # nobody approved yet
    done = await world.ask(prompt="login")
    other = await world.parked(done)
    assert (await world.approve(done)).status_code == 303
    assert (await world.resume(other.id)).status_code == 400
    with pytest.raises(NotFound):
        await world.services.interactions.find(other.id, cookie="stolen")


async def test_a_no_goes_back_as_access_denied(world: World) -> None:
    interaction: Interaction = await world.parked(await world.ask())
    await world.services.interactions.refuse(interaction)
    answer = query_of(await world.resume(interaction.id))
    assert answer["error"] == "access_denied"
    assert answer["iss"] == ISSUER


async def test_a_login_below_the_needed_level_is_not_enough(world: World) -> None:
    answer = await world.approve(await world.ask(), acr="low")
    assert query_of(answer)["error"] == "unmet_authentication_requirements"


async def test_another_person_cannot_answer_a_hinted_request(world: World) -> None:
    body = await world.login()
    async with world.services.store.begin() as tx:
        facts = replace(FACTS, document_number="987654321", phone="+85598765432")
        other = await world.services.accounts.open(tx, facts, level="substantial")
    parked = await world.ask(id_token_hint=body["id_token"], prompt="login")
    answer = await world.approve(parked, account_id=other.id, device_id=None)
    assert query_of(answer)["error"] == "login_required"


async def test_pairwise_identifiers_differ_per_sector_and_stay(world: World) -> None:
    await world.add_party(OTHER)
    one = await id_token(world, await world.login())
    two = await id_token(world, await world.login(prompt="login"))
    assert one["sub"] == two["sub"]
    where = OTHER.redirect_uris[0]
    parked = await world.ask(client_id=OTHER.id, redirect_uri=where)
    code = query_of(await world.approve(parked))["code"]
    answer = await world.post(
        "/token",
        caller=(OTHER.id, SECRET),
        grant_type="authorization_code",
        code=code,
        redirect_uri=where,
        code_verifier=VERIFIER,
    )
    elsewhere = await id_token(world, answer.json())
    assert elsewhere["sub"] != one["sub"]
    assert elsewhere["sid"] != two["sid"]
    assert world.account_id not in str(elsewhere)


async def test_userinfo_says_only_what_was_released(world: World) -> None:
    parked = await world.ask(scope="openid profile phone")
    released = ("name", "phone_number")
    code = query_of(await world.approve(parked, claims=released))["code"]
    body = (await world.exchange(code)).json()
    info = (await world.userinfo(body["access_token"])).json()
    assert info["phone_number"] == "+85512345678"
    assert "birthdate" not in info
    assert "document_number" not in info


async def test_claims_that_were_not_asked_cannot_be_released(world: World) -> None:
    answer = await world.approve(await world.ask(), claims=("document_number",))
    assert "error" in query_of(answer)


async def test_a_session_and_a_consent_complete_the_next_login_at_once(
    any_world: World,
) -> None:
    world = any_world
    first = await id_token(world, await world.login())
    answer = query_of(await world.ask(prompt="none", nonce="two"))
    second = await world.exchange(answer["code"])
    claims = await id_token(world, second.json())
    assert (claims["sub"], claims["sid"]) == (first["sub"], first["sid"])
    assert claims["auth_time"] == first["auth_time"]
    assert claims["nonce"] == "two"


async def test_prompt_none_says_what_is_missing(world: World) -> None:
    assert query_of(await world.ask(prompt="none"))["error"] == "login_required"
    await world.login()
    more = await world.ask(prompt="none", scope="openid profile phone")
    assert query_of(more)["error"] == "consent_required"
    high = await world.ask(prompt="none", acr_values="high")
    assert query_of(high)["error"] == "login_required"
    world.clock.move(seconds=30)
    old = await world.ask(prompt="none", max_age="30")
    assert query_of(old)["error"] == "login_required"
    world.clock.move(hours=8)
    assert query_of(await world.ask(prompt="none"))["error"] == "login_required"


@pytest.mark.parametrize(
    ("prompt", "page"),
    [
        ("login", "/login/"),
        ("login consent", "/login/"),
        ("consent", "/consent/"),
        ("select_account", "/consent/"),
    ],
)
async def test_a_prompt_asks_again_although_a_session_stands(
    world: World, prompt: str, page: str
) -> None:
    await world.login()
    answer = await world.ask(prompt=prompt)
    assert urlsplit(answer.headers["location"]).path.startswith(page)
    parked = await world.parked(answer)
    assert (parked.proposed is not None) is (page == "/consent/")


async def test_a_forged_session_cookie_signs_nobody_in(world: World) -> None:
    claims = await id_token(world, await world.login())
    name = session_cookie_name(secure=False)
    for forged in (claims["sid"], f"{claims['sid']}.x", "ក.ខ", ""):
        cookie = {"Cookie": f"{name}={forged}".encode()}
        world.browser.cookies.clear()
        answer = await world.browser.get(
            "/authorize", params=world.authorization(prompt="none"), headers=cookie
        )
        assert query_of(answer)["error"] == "login_required"


async def test_a_withdrawn_consent_is_asked_again(world: World) -> None:
    await world.login()
    async with world.services.store.begin() as tx:
        await world.services.consents.withdraw(
            tx, account_id=world.account_id, relying_party_id=PARTY.id
        )
    assert query_of(await world.ask(prompt="none"))["error"] == "consent_required"


async def test_a_code_says_nothing_to_whoever_reads_it(world: World) -> None:
    code = await world.code()
    assert world.account_id not in code
    opened = world.services.grants.open_code(code, client_id=PARTY.id)
    assert isinstance(opened, AuthorizationCode)
    assert opened.device_id == DEVICE
    assert len(code) < 900
