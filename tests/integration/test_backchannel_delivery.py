"""Ping and push: the party is told, by its own token, again and again if need be."""

from dataclasses import replace
from typing import Any

import pytest

from idp.domain.backchannel_deliveries import MOST_TRIES
from idp.oidc.backchannel_delivery import deliver_backchannel
from idp.oidc.claims import half_hash
from tests.ciba import TOKEN, Ciba, claims_of, enter
from tests.party_keys import PartyKey
from tests.world import ISSUER, World

pytestmark = pytest.mark.anyio
CLAIM = "urn:openid:params:jwt:claim:"


async def deliver(ciba: Ciba) -> int:
    return await deliver_backchannel(ciba.world.services)


async def asked_by(ciba: Ciba, **changes: str) -> dict[str, Any]:
    return await ciba.asked(client_notification_token=TOKEN, **changes)


async def test_a_pinged_party_fetches_its_tokens_core_10_2(world: World) -> None:
    ciba = await enter(world, "ping")
    asked = await asked_by(ciba)
    assert await deliver(ciba) == 0
    await ciba.decide(asked)
    assert await deliver(ciba) == 1
    named = {"auth_req_id": asked["auth_req_id"]}
    assert ciba.notified.seen == [(f"Bearer {TOKEN}", named)]
    assert (await ciba.poll(asked))[0] == 200
    ciba.wait(600)
    assert await deliver(ciba) == 0


async def test_a_ping_party_may_still_poll_and_is_then_not_pinged_core_7_3(
    world: World,
) -> None:
    ciba = await enter(world, "ping")
    asked = await asked_by(ciba)
    assert await ciba.poll_error(asked) == "authorization_pending"
    await ciba.decide(asked)
    assert (await ciba.poll(asked))[0] == 200
    assert await deliver(ciba) == 0
    assert ciba.notified.seen == []


async def test_a_redirect_is_no_acceptance_and_the_ping_is_sent_again(
    world: World,
) -> None:
    ciba = await enter(world, "ping")
    ciba.notified.statuses = [302, 500]
    asked = await asked_by(ciba)
    await ciba.decide(asked)
    for seconds in (0, 3, 10, 600):
        ciba.wait(seconds)
        await deliver(ciba)
    assert len(ciba.notified.seen) == 3


@pytest.mark.parametrize("status", [401, 403])
async def test_a_ping_whose_token_is_refused_is_not_sent_again_core_10_2(
    world: World, status: int
) -> None:
    ciba = await enter(world, "ping")
    ciba.notified.statuses = [status]
    asked = await asked_by(ciba)
    await ciba.decide(asked)
    for seconds in (0, 3, 10, 20):
        ciba.wait(seconds)
        await deliver(ciba)
    assert len(ciba.notified.seen) == 1
    assert (await ciba.poll(asked))[0] == 200


async def test_the_end_of_time_is_pinged_too(world: World) -> None:
    ciba = await enter(world, "ping")
    asked = await asked_by(ciba, requested_expiry="30")
    ciba.wait(31)
    assert await deliver(ciba) == 1
    assert await ciba.poll_error(asked) == "expired_token"


async def test_a_pushed_answer_is_the_whole_token_response_core_10_3(
    world: World,
) -> None:
    ciba = await enter(world, "push")
    asked = await asked_by(ciba, scope="openid profile offline_access")
    assert "interval" not in asked
    assert await ciba.poll_error(asked) == "unauthorized_client"
    await ciba.decide(asked)
    assert await deliver(ciba) == 1
    (header, body), *more = ciba.notified.seen
    assert (header, more) == (f"Bearer {TOKEN}", [])
    assert body["auth_req_id"] == asked["auth_req_id"]
    claims = claims_of(body["id_token"])
    assert claims[f"{CLAIM}auth_req_id"] == asked["auth_req_id"]
    assert claims[f"{CLAIM}rt_hash"] == half_hash(body["refresh_token"])
    assert claims["at_hash"] == half_hash(body["access_token"])
    bearer = {"Authorization": f"Bearer {body['access_token']}"}
    told = await ciba.http.get(f"{ISSUER}/userinfo", headers=bearer)
    assert told.json()["sub"] == ciba.subject
    assert await ciba.poll_error(asked) == "unauthorized_client"


async def test_a_push_that_failed_is_sent_again_for_the_same_grant(
    world: World,
) -> None:
    ciba = await enter(world, "push")
    ciba.notified.statuses = [503]
    await ciba.decide(await asked_by(ciba))
    await deliver(ciba)
    ciba.wait(3)
    await deliver(ciba)
    first, second = (claims_of(body["id_token"]) for _, body in ciba.notified.seen)
    assert first["sid"] == second["sid"]


async def test_what_could_never_be_pushed_is_revoked(world: World) -> None:
    ciba = await enter(world, "push")
    ciba.notified.statuses = [503] * MOST_TRIES
    await ciba.decide(await asked_by(ciba))
    for _ in range(MOST_TRIES + 2):
        await deliver(ciba)
        ciba.wait(65)  # longer than any pause; the token outlives them all
    assert len(ciba.notified.seen) == MOST_TRIES
    token = ciba.notified.seen[0][1]["access_token"]
    bearer = {"Authorization": f"Bearer {token}"}
    told = await ciba.http.get(f"{ISSUER}/userinfo", headers=bearer)
    assert told.status_code == 401


async def test_a_party_without_a_key_to_encrypt_to_holds_nobody_up_and_gets_nothing(
    world: World,
) -> None:
    ciba, services = await enter(world, "push"), world.services
    async with services.store.begin() as tx:
        party = await services.relying_parties.find(tx, "portal")
        sealed = replace(
            party.metadata,
            jwks=PartyKey.make().jwks,  # to sign with, not to encrypt to
            id_token_encrypted_response_alg="ECDH-ES",
        )
        await services.relying_parties.update(tx, replace(party, metadata=sealed))
    asked = await asked_by(ciba)
    await ciba.decide(asked)
    for _ in range(MOST_TRIES):
        assert await deliver(ciba) == 1
        ciba.wait(65)
    assert await deliver(ciba) == 0
    assert ciba.notified.seen == []
    row = "SELECT revoked_at FROM authorization_grant WHERE id = $1"
    async with services.store.read() as tx:
        found = await tx.one(row, asked["auth_req_id"].partition(".")[0])
    assert found is not None
    assert found[0] is not None


@pytest.mark.parametrize("end", ["access_denied", "expired_token"])
async def test_a_pushed_refusal_names_its_error_core_12(world: World, end: str) -> None:
    ciba = await enter(world, "push")
    asked = await asked_by(ciba, requested_expiry="30")
    if end == "access_denied":
        await ciba.decide(asked, approve=False)
    else:
        ciba.wait(31)
    await deliver(ciba)
    told = {"auth_req_id": asked["auth_req_id"], "error": end}
    assert [body for _, body in ciba.notified.seen] == [told]


async def test_two_nodes_do_not_both_deliver(world: World) -> None:
    ciba = await enter(world, "ping")
    await ciba.decide(await asked_by(ciba))
    services = world.services
    first = await services.backchannel_deliveries.lease_due()
    second = await services.backchannel_deliveries.lease_due()
    assert (len(first), len(second)) == (1, 0)
    ciba.wait(3)  # the first node died: the lease ends
    assert await deliver(ciba) == 1


async def test_a_disabled_party_is_told_nothing(world: World) -> None:
    ciba = await enter(world, "push")
    await ciba.decide(await asked_by(ciba))
    async with world.services.store.begin() as tx:
        await world.services.relying_parties.disable(tx, "portal")
    await deliver(ciba)
    assert ciba.notified.seen == []
    assert await deliver(ciba) == 0
