"""Who is asked again, how fresh a login must be, and who it must be."""

from dataclasses import replace
from typing import Any

import orjson
import pytest

from idp.domain.party_metadata import PartyMetadata
from idp.domain.subjects import subject_key, subject_of
from idp.storage.columns import to_millis
from tests.unit.idp.oidc.world import ISSUER, PARTY, World, query_of

pytestmark = pytest.mark.anyio
AGED = replace(PARTY, id="aged", metadata=PartyMetadata(default_max_age=60))


def page_of(answer: object) -> str:
    location: str = answer.headers["location"]  # type: ignore[attr-defined]
    return location.split("/")[1]


def subject_at(world: World) -> str:
    key = subject_key(world.services.sealer)
    return subject_of(key, sector="localhost", account_id=world.account_id)


async def test_core_3_1_2_1_prompt_login_is_a_new_login_with_a_new_auth_time(
    world: World,
) -> None:
    await world.login()
    world.clock.move(minutes=10)
    before = to_millis(world.clock.now())
    asked = await world.ask(prompt="login")
    interaction = await world.parked(asked)
    assert interaction.proposed is None
    assert interaction.request.fresh_since == before
    old = await world.approve(asked, auth_time=before - 600_000)
    assert query_of(old)["error"] == "login_required"
    fresh = await world.approve(await world.ask(prompt="login"))
    assert "code" in query_of(fresh)


async def test_core_3_1_2_1_max_age_is_counted_when_the_login_comes_back(
    world: World,
) -> None:
    now = to_millis(world.clock.now())
    asked = await world.ask(max_age="60")
    stale = await world.approve(asked, auth_time=now - 66_000)
    assert query_of(stale)["error"] == "login_required"
    asked = await world.ask(max_age="60", prompt="login select_account")
    assert "code" in query_of(await world.approve(asked))


async def test_core_3_1_2_1_max_age_0_asks_for_a_login_although_one_is_fresh(
    world: World,
) -> None:
    await world.login()
    said = query_of(await world.ask(max_age="0", prompt="none"))
    assert said["error"] == "login_required"
    asked = await world.ask(max_age="0")
    assert page_of(asked) == "login"
    world.clock.move(seconds=20)
    assert "code" in query_of(await world.approve(asked))


async def test_a_partys_own_default_max_age_holds_unless_it_asks_otherwise(
    world: World,
) -> None:
    await world.add_party(AGED)
    login = await world.ask(client_id=AGED.id)
    code = query_of(await world.approve(login))["code"]
    assert (
        await world.post(
            "/token",
            caller=(AGED.id, "portal-secret-for-tests"),
            grant_type="authorization_code",
            code=code,
            redirect_uri=PARTY.redirect_uris[0],
            code_verifier="v" * 64,
        )
    ).status_code == 200
    assert "code" in query_of(await world.ask(client_id=AGED.id, prompt="none"))
    world.clock.move(seconds=61)
    said = query_of(await world.ask(client_id=AGED.id, prompt="none"))
    assert said["error"] == "login_required"
    more = await world.ask(client_id=AGED.id, prompt="none", max_age="600")
    assert "code" in query_of(more)


async def test_consent_is_asked_without_a_phone_when_a_session_would_do(
    world: World,
) -> None:
    await world.login()
    for changes in ({"scope": "openid profile phone"}, {"prompt": "consent"}):
        answer = await world.ask(**changes)
        assert page_of(answer) == "consent"
        proposed = (await world.parked(answer)).proposed
        assert proposed is not None
        assert proposed.account_id == world.account_id


async def test_what_is_released_on_the_consent_page_becomes_a_code_of_that_session(
    world: World,
) -> None:
    await world.login()
    world.clock.move(minutes=1)
    answer = await world.ask(scope="openid profile phone", max_age="600")
    interaction = await world.parked(answer)
    assert interaction.proposed is not None
    await world.services.interactions.release(
        interaction, claims=interaction.request.claims
    )
    said = query_of(await world.resume(interaction.id))
    assert (await world.exchange(said["code"])).status_code == 200


async def test_core_5_5_a_voluntary_claim_that_was_withheld_is_not_asked_again(
    world: World,
) -> None:
    scope = "openid profile offline_access"
    asked = await world.ask(scope=scope)
    request = (await world.parked(asked)).request
    kept = tuple(name for name in request.claims if name != "offline_access")
    code = query_of(await world.approve(asked, claims=kept))["code"]
    assert (await world.exchange(code)).status_code == 200
    assert "code" in query_of(await world.ask(scope=scope, prompt="none"))


async def test_select_account_shows_who_is_signed_in_and_offers_another(
    world: World,
) -> None:
    assert page_of(await world.ask(prompt="select_account")) == "login"
    await world.login()
    answer = await world.ask(prompt="select_account")
    assert page_of(answer) == "consent"


async def test_core_5_5_1_an_essential_acr_must_be_reached(world: World) -> None:
    high = {"acr": {"essential": True, "values": [f"{ISSUER}/acr/high"]}}
    asked = await world.ask(claims=orjson.dumps({"id_token": high}).decode())
    assert (await world.parked(asked)).request.acr == "high"
    said = query_of(await world.approve(asked))
    assert said["error"] == "unmet_authentication_requirements"
    unknown = {"acr": {"essential": True, "value": "urn:other"}}
    said = query_of(
        await world.ask(claims=orjson.dumps({"id_token": unknown}).decode())
    )
    assert said["error"] == "unmet_authentication_requirements"


async def test_core_5_5_1_a_voluntary_acr_that_is_unknown_asks_nothing(
    world: World,
) -> None:
    asked = await world.ask(acr_values="urn:mace:incommon:iap:silver 0 high")
    assert (await world.parked(asked)).request.acr == "high"
    asked = await world.ask(acr_values="urn:mace:incommon:iap:silver 0")
    assert (await world.parked(asked)).request.acr == "substantial"


async def test_core_5_5_1_a_sub_with_a_value_admits_nobody_else(world: World) -> None:
    await world.login()
    ours = {"id_token": {"sub": {"value": subject_at(world)}}}
    other = {"id_token": {"sub": {"value": "somebody else"}}}
    said = query_of(await world.ask(claims=orjson.dumps(ours).decode(), prompt="none"))
    assert "code" in said
    said = query_of(await world.ask(claims=orjson.dumps(other).decode(), prompt="none"))
    assert said["error"] == "login_required"
    asked = await world.ask(claims=orjson.dumps(other).decode(), prompt="login")
    assert query_of(await world.approve(asked))["error"] == "login_required"


async def test_the_claims_request_is_kept_in_canonical_form(world: World) -> None:
    text = ' {"userinfo": {"gender" : null, "nobody_knows": null}} '
    request = (await world.parked(await world.ask(claims=text))).request
    assert request.claims_request == '{"userinfo":{"gender":null}}'


async def test_a_login_hint_is_bounded_and_leads_nowhere(world: World) -> None:
    answer = await world.ask(login_hint="012345678<script>")
    interaction = await world.parked(answer)
    assert "012345678" not in repr(interaction.request)
    assert query_of(await world.ask(login_hint="x" * 1025))["error"] == (
        "invalid_request"
    )


async def test_display_and_claims_locales_are_tolerated(world: World) -> None:
    answer = await world.ask(display="touch", claims_locales="km en", ui_locales="en")
    assert (await world.parked(answer)).request.locale == "en"


async def test_rfc8707_2_resources_are_those_that_were_registered(
    world: World,
) -> None:
    resources = ("https://api.example/a", "https://api.example/b")
    party = replace(PARTY, id="api", metadata=PartyMetadata(resources=resources))
    await world.add_party(party)
    asked: Any = [
        *world.authorization(client_id="api").items(),
        *(("resource", resource) for resource in resources),
    ]
    answer = await world.browser.get("/authorize", params=asked)
    assert (await world.parked(answer)).request.resources == resources
    for wrong in (
        "https://api.example/c",
        "https://api.example/a#f",
        "/a",
        "api",
        "https://api.example/a https://evil.example/",
        "[1]",
        "[",
    ):
        said = query_of(await world.ask(client_id="api", resource=wrong))
        assert said["error"] == "invalid_target", wrong


async def test_a_hint_of_a_login_that_is_long_gone_admits_nobody(
    world: World,
) -> None:
    hint = (await world.login())["id_token"]
    assert "code" in query_of(await world.ask(id_token_hint=hint, prompt="none"))
    await world.run("DELETE FROM authorization_grant")
    said = query_of(await world.ask(id_token_hint=hint, prompt="none"))
    assert said["error"] == "login_required"
    said = query_of(await world.ask(id_token_hint=hint, prompt="login"))
    assert said["error"] == "login_required"


async def test_a_consent_answers_for_what_it_was_asked_and_released_only(
    world: World,
) -> None:
    await world.login()
    more = await world.ask(scope="openid profile offline_access", prompt="none")
    assert query_of(more)["error"] == "consent_required"
    assert "code" in query_of(await world.ask(prompt="none"))
    await world.run("UPDATE consent SET claims = 'birthdate'")
    said = query_of(await world.ask(prompt="none"))
    assert said["error"] == "consent_required"


async def test_a_code_for_which_nobody_was_asked_renews_no_withdrawn_consent(
    world: World,
) -> None:
    await world.login()
    code = query_of(await world.ask(prompt="none"))["code"]
    services = world.services
    async with services.store.begin() as tx:
        await services.consents.withdraw(
            tx, account_id=world.account_id, relying_party_id=PARTY.id
        )
    await world.exchange(code)
    said = query_of(await world.ask(prompt="none"))
    assert said["error"] == "consent_required"
