"""A portal calls another one in the citizen's name (RFC 8693): refusal by refusal."""

from dataclasses import replace
from typing import Any

import httpx2
import pytest

from idp.domain.consents import claims_of, delegation_label, is_known_scope
from idp.domain.party_metadata import (
    AUTHORIZATION_CODE,
    REFRESH_TOKEN,
    TOKEN_EXCHANGE,
    PartyMetadata,
)
from idp.domain.shown_parties import shown_claims
from idp.domain.subjects import subject_key, subject_of
from idp.oidc.exchange_grant import ACCESS_TOKEN_TYPE
from tests.unit.idp.oidc.signed_party import KEY, STRANGER, proof
from tests.unit.idp.oidc.world import PARTY, SECRET, World, query_of

pytestmark = pytest.mark.anyio
TAX = replace(
    PARTY,
    id="tax",
    name_km="ពន្ធដារ",
    name_en="Tax",
    redirect_uris=("https://tax.example/cb",),
    metadata=PartyMetadata(audience="https://tax.example/api"),
)
LAND = replace(TAX, id="land", metadata=PartyMetadata(audience="https://land.example"))
CALLER = replace(
    PARTY,
    id="caller",
    name_km="អ្នកហៅ",
    name_en="Caller",
    metadata=PartyMetadata(
        grant_types=(AUTHORIZATION_CODE, REFRESH_TOKEN, TOKEN_EXCHANGE),
        may_act_at=("tax", "gone"),
    ),
)
SCOPE = "openid profile delegate:tax"


@pytest.fixture
async def town(world: World) -> World:
    for party in (TAX, LAND, CALLER):
        await world.add_party(party)
    return world


async def log_in(
    world: World,
    *,
    client_id: str = CALLER.id,
    scope: str = SCOPE,
    withhold: tuple[str, ...] = (),
    headers: dict[str, str] | None = None,
) -> Any:
    parked = await world.ask(client_id=client_id, scope=scope, prompt="login")
    interaction = await world.parked(parked)
    claims = tuple(c for c in interaction.request.claims if c not in withhold)
    code = query_of(await world.approve(parked, claims=claims))["code"]
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": PARTY.redirect_uris[0],
        "code_verifier": "v" * 64,
    }
    answer = await world.browser.post(
        "/token", data=form, auth=(client_id, SECRET), headers=headers or {}
    )
    assert answer.status_code == 200, answer.text
    return answer.json()


async def exchange(
    world: World,
    token: str,
    *,
    caller: str = CALLER.id,
    headers: dict[str, str] | None = None,
    **changes: str | None,
) -> httpx2.Response:
    form: dict[str, str | None] = {
        "grant_type": TOKEN_EXCHANGE,
        "subject_token": token,
        "subject_token_type": ACCESS_TOKEN_TYPE,
        "audience": TAX.id,
        **changes,
    }
    said = {name: value for name, value in form.items() if value is not None}
    return await world.browser.post(
        "/token", data=said, auth=(caller, SECRET), headers=headers or {}
    )


async def is_active(world: World, token: str, *, caller: str = TAX.id) -> bool:
    answer = await world.post("/introspect", caller=(caller, SECRET), token=token)
    return bool(answer.json()["active"])


async def test_a_token_for_another_portal_names_both_and_nobody_else(
    town: World,
) -> None:
    body = await log_in(town)
    answer = await exchange(town, body["access_token"])
    assert answer.status_code == 200, answer.text
    issued = answer.json()
    assert issued["issued_token_type"] == ACCESS_TOKEN_TYPE
    assert issued["expires_in"] == 300
    assert not {"refresh_token", "id_token"} & set(issued)
    token = await town.services.keys.verify(issued["access_token"], typ="at+jwt")
    key = subject_key(town.services.sealer)
    known = subject_of(key, sector="tax.example", account_id=town.account_id)
    assert (token["sub"], token["act"]) == (known, {"sub": CALLER.id})
    assert (token["aud"], token["client_id"]) == (TAX.metadata.audience, CALLER.id)
    assert token["scope"] == "delegate:tax"
    assert "sid" not in token
    told = await town.post(
        "/introspect", caller=(TAX.id, SECRET), token=issued["access_token"]
    )
    assert told.json()["sub"] == known
    assert told.json()["act"] == {"sub": CALLER.id}
    # The provider itself and every other party refuse it.
    assert (await town.userinfo(issued["access_token"])).status_code == 401
    assert not await is_active(town, issued["access_token"], caller=LAND.id)
    again = await exchange(town, issued["access_token"])
    assert again.json()["error"] == "invalid_request"


async def test_either_name_of_the_other_portal_will_do(town: World) -> None:
    token = (await log_in(town))["access_token"]
    address = TAX.metadata.audience
    for named in (
        {"audience": TAX.id},
        {"audience": address},
        {"audience": None, "resource": address},
        {"scope": "delegate:tax"},
    ):
        assert (await exchange(town, token, **named)).status_code == 200


async def test_one_released_name_of_the_one_portal_is_enough(town: World) -> None:
    metadata = replace(CALLER.metadata, may_act_at=("tax",))
    await town.add_party(replace(CALLER, id="single", metadata=metadata))
    body = await log_in(town, client_id="single", scope="openid delegate:tax")
    answer = await exchange(town, body["access_token"], caller="single")
    assert await is_active(town, answer.json()["access_token"])


async def test_a_portal_without_an_address_is_named_by_its_id(town: World) -> None:
    await town.add_party(replace(TAX, id="gone", metadata=PartyMetadata()))
    body = await log_in(town, scope="openid delegate:gone")
    answer = await exchange(town, body["access_token"], audience="gone")
    issued = answer.json()["access_token"]
    token = await town.services.keys.verify(issued, typ="at+jwt")
    assert token["aud"] == "gone"


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"subject_token": None}, "invalid_request"),
        ({"subject_token": "x"}, "invalid_request"),
        ({"subject_token_type": None}, "invalid_request"),
        (
            {"subject_token_type": "urn:ietf:params:oauth:token-type:id_token"},
            "invalid_request",
        ),
        (
            {"requested_token_type": "urn:ietf:params:oauth:token-type:refresh_token"},
            "invalid_request",
        ),
        ({"actor_token": "x"}, "invalid_request"),
        ({"actor_token_type": ACCESS_TOKEN_TYPE}, "invalid_request"),
        ({"audience": None}, "invalid_target"),
        ({"audience": LAND.id}, "invalid_target"),
        ({"audience": LAND.metadata.audience}, "invalid_target"),
        ({"audience": "gone"}, "invalid_target"),
        ({"audience": CALLER.id}, "invalid_target"),
        ({"audience": "tax land"}, "invalid_target"),
        ({"resource": "https://land.example"}, "invalid_target"),
        ({"scope": "openid"}, "invalid_scope"),
        ({"scope": "delegate:land"}, "invalid_scope"),
    ],
)
async def test_a_request_that_asks_for_something_else_is_refused(
    town: World, changes: dict[str, Any], error: str
) -> None:
    token = (await log_in(town))["access_token"]
    answer = await exchange(town, token, **changes)
    assert (answer.status_code, answer.json()["error"]) == (400, error)


async def test_an_id_token_and_a_refresh_token_are_no_access_tokens(
    town: World,
) -> None:
    body = await log_in(town, scope=f"{SCOPE} offline_access")
    for name in ("id_token", "refresh_token"):
        answer = await exchange(town, body[name])
        assert answer.json()["error"] == "invalid_request"


async def test_another_clients_token_is_refused(town: World) -> None:
    theirs = (await town.login())["access_token"]
    assert (await exchange(town, theirs)).json()["error"] == "invalid_request"
    ours = (await log_in(town))["access_token"]
    answer = await exchange(town, ours, caller=PARTY.id)
    assert answer.json()["error"] == "unauthorized_client"


async def test_a_token_that_is_over_is_refused(town: World) -> None:
    token = (await log_in(town))["access_token"]
    town.clock.move(minutes=10)
    assert (await exchange(town, token)).json()["error"] == "invalid_request"
    token = (await log_in(town))["access_token"]
    await town.post("/revoke", caller=(CALLER.id, SECRET), token=token)
    assert (await exchange(town, token)).json()["error"] == "invalid_request"


async def test_the_new_token_never_outlives_the_old_one(town: World) -> None:
    token = (await log_in(town))["access_token"]
    town.clock.move(minutes=8)
    assert (await exchange(town, token)).json()["expires_in"] == 120


async def test_without_the_citizens_word_there_is_no_token(town: World) -> None:
    for login in (
        {"withhold": ("delegate:tax",)},
        {"scope": "openid profile"},
    ):
        token = (await log_in(town, **login))["access_token"]
        answer = await exchange(town, token)
        assert answer.json()["error"] == "consent_required"


async def test_a_withdrawn_consent_ends_what_was_exchanged(town: World) -> None:
    token = (await log_in(town))["access_token"]
    other = (await exchange(town, token)).json()["access_token"]
    assert await is_active(town, other)
    async with town.services.store.begin() as tx:
        await town.services.consents.withdraw(
            tx, account_id=town.account_id, relying_party_id=CALLER.id
        )
    assert not await is_active(town, other)
    answer = await exchange(town, token)
    assert answer.json()["error"] == "invalid_request"  # the grant is over, too


async def test_a_later_no_ends_what_an_earlier_yes_gave(town: World) -> None:
    token = (await log_in(town))["access_token"]
    other = (await exchange(town, token)).json()["access_token"]
    await log_in(town, withhold=("delegate:tax",))
    assert not await is_active(town, other)
    assert (await exchange(town, token)).json()["error"] == "consent_required"


async def test_a_later_yes_does_not_reach_an_earlier_login(town: World) -> None:
    before = (await log_in(town, scope="openid profile"))["access_token"]
    after = (await log_in(town))["access_token"]
    assert (await exchange(town, before)).json()["error"] == "consent_required"
    assert (await exchange(town, after)).status_code == 200


async def test_the_end_of_the_grant_ends_what_was_exchanged(town: World) -> None:
    token = (await log_in(town))["access_token"]
    other = (await exchange(town, token)).json()["access_token"]
    await town.post("/revoke", caller=(CALLER.id, SECRET), token=token)
    assert not await is_active(town, other)


async def test_a_party_that_may_act_there_no_more_has_no_token(town: World) -> None:
    token = (await log_in(town))["access_token"]
    other = (await exchange(town, token)).json()["access_token"]
    await town.run("UPDATE relying_party SET metadata = '{}' WHERE id = 'caller'")
    town.clock.move(seconds=1)
    assert not await is_active(town, other)
    answer = await exchange(town, token)
    assert answer.json()["error"] == "unauthorized_client"


async def test_an_exchanged_token_may_be_revoked_alone(town: World) -> None:
    token = (await log_in(town))["access_token"]
    first, second = [
        (await exchange(town, token)).json()["access_token"] for _ in range(2)
    ]
    # The party that it is for is not its client: it cannot end it.
    await town.post("/revoke", caller=(TAX.id, SECRET), token=first)
    assert await is_active(town, first)
    await town.post("/revoke", caller=(CALLER.id, SECRET), token=first)
    assert not await is_active(town, first)
    assert await is_active(town, second)
    assert (await town.userinfo(token)).status_code == 200
    town.clock.move(minutes=10)
    async with town.services.store.begin() as tx:
        assert await town.services.token_status.drop_expired(tx) == 1


async def test_a_bound_subject_token_needs_its_key(town: World) -> None:
    token = (await log_in(town, headers=proof(town, "/token")))["access_token"]
    assert (await exchange(town, token)).json()["error"] == "invalid_request"
    stolen = await exchange(town, token, headers=proof(town, "/token", key=STRANGER))
    assert stolen.json()["error"] == "invalid_request"
    answer = await exchange(town, token, headers=proof(town, "/token", key=KEY))
    assert answer.json()["token_type"] == "DPoP"


async def test_the_record_names_both_parties(town: World) -> None:
    await exchange(town, (await log_in(town))["access_token"])
    async with town.services.store.read() as tx:
        row = await tx.one(
            "SELECT relying_party_id, account_id, detail FROM audit_event"
            " WHERE tag = 'token:exchanged'"
        )
    assert row == (CALLER.id, town.account_id, '{"at":"tax"}')


async def test_the_citizen_reads_both_names_and_may_say_no(town: World) -> None:
    parked = await town.ask(client_id=CALLER.id, scope=SCOPE)
    request = (await town.parked(parked)).request
    assert "delegate:tax" in request.voluntary
    shown = shown_claims(request, parties=(CALLER, TAX))[-1]
    assert shown.name == "delegate:tax"
    assert shown.label.en == "Let Caller ask Tax in your name"
    assert CALLER.name_km in shown.label.km
    assert TAX.name_km in shown.label.km


async def test_a_delegation_that_is_not_registered_means_nothing(town: World) -> None:
    for client_id, scope in (
        (PARTY.id, "openid delegate:tax"),
        (CALLER.id, "openid delegate:land delegate: delegate:caller"),
    ):
        parked = await town.ask(client_id=client_id, scope=scope)
        assert (await town.parked(parked)).request.scopes == ("openid",)


def test_a_delegation_is_a_scope_and_a_claim_of_one_name() -> None:
    assert claims_of(("openid", "delegate:tax")) == ("delegate:tax",)
    assert is_known_scope("delegate:tax", CALLER)
    assert not is_known_scope("delegate:tax", PARTY)
    assert not is_known_scope("delegate:", CALLER)
    label = delegation_label("ក", "A", party=CALLER)
    assert set(label) == {"km", "en"}
