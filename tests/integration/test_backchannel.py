"""CIBA end to end: a portal asks, a phone answers, on both databases."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from idp.domain.party_metadata import CIBA
from idp.storage.ephemeral import MemoryEphemeral
from tests.ciba import Ciba, claims_of, enter, metadata, open_ciba
from tests.login import refused
from tests.world import ISSUER, WithState, World

pytestmark = pytest.mark.anyio
AUTH_REQ_ID = "urn:openid:params:jwt:claim:auth_req_id"


@pytest.fixture
async def ciba(sqlite_url: str):
    async with open_ciba(sqlite_url) as opened:
        yield opened


async def test_a_polling_portal_gets_tokens_once_core_7_3_and_10_1(
    world: World,
) -> None:
    ciba = await enter(world)
    asked = await ciba.asked(binding_message="Order 17")
    assert (asked["expires_in"], asked["interval"]) == (300, 5)
    assert len(asked["auth_req_id"]) > 43
    assert await ciba.poll_error(asked) == "authorization_pending"
    await ciba.decide(asked)
    status, tokens = await ciba.poll(asked)
    assert status == 200, tokens
    claims = claims_of(tokens["id_token"])
    assert claims["sub"] == ciba.subject
    assert claims[AUTH_REQ_ID] == asked["auth_req_id"]
    assert claims["acr"] == f"{ISSUER}/acr/substantial"
    assert claims["amr"] == ["mfa", "pin", "pop", "swk"]
    assert await ciba.poll_error(asked) == "invalid_grant"
    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
    told = await ciba.http.get(f"{ISSUER}/userinfo", headers=bearer)
    assert told.json()["name"] == "SOK SREYPOV"


async def test_parallel_polls_of_an_approval_give_tokens_to_one(world: World) -> None:
    ciba = await enter(world)
    asked = await ciba.asked()
    await ciba.decide(asked)
    answers = await asyncio.gather(*(ciba.poll(asked) for _ in range(6)))
    assert sorted(status for status, _ in answers) == [200, *([400] * 5)]
    won = next(body for status, body in answers if status == 200)
    bearer = {"Authorization": f"Bearer {won['access_token']}"}
    told = await ciba.http.get(f"{ISSUER}/userinfo", headers=bearer)
    assert told.status_code == 200  # the losers have not revoked it


async def test_polling_too_fast_slows_down_for_good_core_11(ciba: Ciba) -> None:
    asked = await ciba.asked()
    assert await ciba.poll_error(asked) == "authorization_pending"
    assert await ciba.poll_error(asked) == "slow_down"
    ciba.wait(6)
    assert await ciba.poll_error(asked) == "slow_down"
    ciba.wait(15)
    assert await ciba.poll_error(asked) == "authorization_pending"
    ciba.wait(12)
    assert await ciba.poll_error(asked) == "slow_down"
    await ciba.decide(asked)
    assert (await ciba.poll(asked))[0] == 200


async def test_a_denial_and_the_end_of_time_are_told_core_11(ciba: Ciba) -> None:
    asked = await ciba.asked()
    await ciba.decide(asked, approve=False)
    assert await ciba.poll_error(asked) == "access_denied"
    ciba.wait(24 * 3600)
    late = await ciba.asked(requested_expiry="30")
    assert late["expires_in"] == 30
    ciba.wait(31)
    assert await ciba.poll_error(late) == "expired_token"


async def test_requested_expiry_is_bounded_core_7_1(ciba: Ciba) -> None:
    assert (await ciba.asked(requested_expiry="999999"))["expires_in"] == 600


async def test_an_approval_in_the_last_second_can_still_be_fetched(ciba: Ciba) -> None:
    asked = await ciba.asked(requested_expiry="30")
    ciba.wait(29)
    await ciba.decide(asked)
    ciba.wait(3)
    assert (await ciba.poll(asked))[0] == 200


async def test_an_approval_nobody_fetches_is_worth_nothing_later(ciba: Ciba) -> None:
    asked = await ciba.asked(requested_expiry="30")
    await ciba.decide(asked)
    ciba.wait(120)
    assert await ciba.poll_error(asked) == "expired_token"


async def test_another_partys_or_an_altered_id_is_an_invalid_grant_core_11(
    ciba: Ciba,
) -> None:
    asked = await ciba.asked()
    await ciba.decide(asked)
    await ciba.world.portal("other", metadata=metadata())
    thief = replace(ciba, client_id="other")
    assert await thief.poll_error(asked) == "invalid_grant"
    half = asked["auth_req_id"].partition(".")[0]
    for guess in (half, f"{half}.", f"{half}.{'A' * 22}", "x", "A" * 200):
        assert await ciba.poll_error({"auth_req_id": guess}) == "invalid_grant"
    assert (await ciba.poll(asked))[0] == 200


async def test_a_wrong_binding_code_denies_and_spends_no_pin_try(ciba: Ciba) -> None:
    asked = await ciba.asked()
    claimed = await ciba.phone.wait_for_challenge()
    wrong = f"{(int(asked['binding_code']) + 1) % 100:02d}"
    said = await ciba.phone.approve(claimed, pin="111122", binding_code=wrong)
    assert said == {"state": "denied"}
    async with ciba.world.services.store.read() as tx:
        device = await ciba.world.services.devices.find(tx, ciba.phone.keys.device_id)
    assert device.failures == 0
    right = ciba.phone.approve(claimed, binding_code=asked["binding_code"])
    await refused(right, "challenge-closed")
    assert await ciba.poll_error(asked) == "access_denied"


@pytest.mark.parametrize("code", [None, "", "7", "123", "４２", 42])
async def test_an_approval_without_two_digits_is_no_answer(
    ciba: Ciba, code: object
) -> None:
    asked = await ciba.asked()
    claimed = await ciba.phone.wait_for_challenge()
    more = {} if code is None else {"binding_code": code}
    await refused(ciba.phone.approve(claimed, **more), "assertion-invalid")
    said = await ciba.phone.approve(claimed, binding_code=asked["binding_code"])
    assert said == {"state": "approved"}


async def test_a_denial_carries_no_binding_code(ciba: Ciba) -> None:
    await ciba.asked()
    claimed = await ciba.phone.wait_for_challenge()
    await refused(ciba.phone.deny(claimed, binding_code="11"), "assertion-invalid")


async def test_only_the_account_that_is_meant_can_claim(ciba: Ciba) -> None:
    asked = await ciba.asked()
    challenge = asked["auth_req_id"].partition(".")[0]
    stranger = await ciba.world.phone(number="987654321")
    path = f"/challenges/{challenge}/claim"
    for body in ({"channel": "push"}, {"channel": "qr", "code": "0." + "A" * 22}):
        with pytest.raises(Exception, match="challenge-closed"):
            await stranger.post(path, body)
    with pytest.raises(Exception, match="not-found"):
        await ciba.phone.post(path, {"channel": "qr", "code": "0." + "A" * 22})
    with pytest.raises(Exception, match="not-found"):
        await ciba.phone.post(path, {"channel": "push", "code": "x"})
    assert (await stranger.post("/notices", {"seen": ["x"]})) == {"challenges": []}


async def test_the_phone_signs_the_message_the_channel_and_the_party(
    ciba: Ciba,
) -> None:
    asked = await ciba.asked(binding_message="កិច្ចសន្យា ១៧")
    claimed = await ciba.phone.wait_for_challenge()
    assert '"binding_message":"កិច្ចសន្យា ១៧"' in claimed["display"]
    assert '"channel":"push"' in claimed["display"]
    code = asked["binding_code"]
    for change in ({"shown": "A" * 43}, {"channel": "qr"}, {"rp": "other"}):
        bad = ciba.phone.approve(claimed, binding_code=code, **change)
        await refused(bad, "assertion-invalid")


async def test_one_request_is_open_at_a_time_whoever_asks(world: World) -> None:
    ciba = await enter(world)
    await ciba.world.portal("other", metadata=metadata())
    other = replace(ciba, client_id="other")
    other.subject = await other.log_in(ciba.phone)
    both = await asyncio.gather(ciba.ask(), other.ask(), ciba.ask(), other.ask())
    assert sorted(status for status, _ in both) == [200, 403, 403, 403]
    assert {body.get("error") for _, body in both} == {None, "access_denied"}


async def test_three_unanswered_prompts_an_hour_are_the_most(ciba: Ciba) -> None:
    for _ in range(3):
        await ciba.asked(requested_expiry="60")
        ciba.wait(61)
    assert await ciba.ask() == await ciba.ask()
    assert (await ciba.ask())[0] == 403
    ciba.wait(3600)
    assert (await ciba.ask())[0] == 200


async def test_approved_prompts_do_not_count(ciba: Ciba) -> None:
    for _ in range(5):
        asked = await ciba.asked()
        await ciba.decide(asked)
        ciba.wait(60)


async def test_a_no_stops_the_partys_prompts_for_a_day(world: World) -> None:
    ciba = await enter(world)
    await ciba.decide(await ciba.asked(), approve=False)
    ciba.wait(3601)  # also when the hour's budget is fresh
    status, body = await ciba.ask()
    assert (status, body["error"]) == (403, "access_denied")
    ciba.wait(23 * 3600)
    assert (await ciba.ask())[0] == 200


async def test_wrong_binding_codes_spend_the_budget_of_prompts(world: World) -> None:
    ciba = await enter(world)
    for _ in range(3):
        asked = await ciba.asked()
        claimed = await ciba.phone.wait_for_challenge()
        wrong = f"{(int(asked['binding_code']) + 1) % 100:02d}"
        said = await ciba.phone.approve(claimed, binding_code=wrong)
        assert said == {"state": "denied"}
        ciba.wait(6)
    assert (await ciba.ask())[0] == 403
    ciba.wait(3601)
    assert (await ciba.ask())[0] == 200


async def test_not_me_blocks_the_party_for_a_day_and_can_be_lifted(
    ciba: Ciba,
) -> None:
    await ciba.asked()
    claimed = await ciba.phone.wait_for_challenge()
    await ciba.phone.deny(claimed, reason="not_me")
    status, body = await ciba.ask()
    assert (status, body["error"]) == (403, "access_denied")
    await refused(ciba.phone.call("GET", "/push-blocks"), "locked")
    await ciba.phone.unlock()
    listed = (await ciba.phone.call("GET", "/push-blocks"))["blocks"]
    assert [one["relying_party"]["id"] for one in listed] == ["portal"]
    lift = {"relying_party": "portal"}
    await ciba.phone.post("/push-blocks/removal", lift)
    await refused(ciba.phone.post("/push-blocks/removal", lift), "not-found")
    assert (await ciba.ask())[0] == 200


async def test_a_block_ends_by_itself(ciba: Ciba) -> None:
    await ciba.asked()
    claimed = await ciba.phone.wait_for_challenge()
    await ciba.phone.deny(claimed, reason="not_me")
    ciba.wait(24 * 3600 - 60)
    assert (await ciba.ask())[0] == 403
    ciba.wait(61)
    assert (await ciba.ask())[0] == 200


async def test_rows_alone_answer_when_all_short_lived_records_are_lost(
    world: World,
) -> None:
    ciba = await enter(world)
    asked = await ciba.asked()
    ephemeral = world.services.ephemeral
    assert isinstance(ephemeral, MemoryEphemeral)
    await ephemeral.close()  # forgets everything
    assert await ciba.poll_error(asked) == "authorization_pending"
    ciba.phone.nonce = ""
    await ciba.decide(asked)
    await ephemeral.close()
    status, tokens = await ciba.poll(asked)
    assert status == 200, tokens


@pytest.fixture
async def patient(ciba: Ciba) -> Ciba:
    """The same server, where a poll waits for the phone for up to 25 s."""
    apps, services = ciba.world.network.apps, ciba.world.services
    longer = {"backchannel_long_poll": timedelta(seconds=25)}
    waiting = replace(services, settings=services.settings.model_copy(update=longer))
    served = apps["idp.test"]
    assert isinstance(served, WithState)
    apps["idp.test"] = WithState(served.app, {"services": waiting})
    return ciba


async def test_a_waiting_poll_is_answered_when_the_phone_decides(
    patient: Ciba,
) -> None:
    asked = await patient.asked()
    polling = asyncio.create_task(patient.poll(asked))
    await patient.decide(asked)
    status, tokens = await asyncio.wait_for(polling, timeout=10)
    assert status == 200, tokens


async def test_a_waiting_poll_holds_no_transaction_and_refuses_a_second_core_7_3(
    patient: Ciba,
) -> None:
    asked = await patient.asked()
    polling = asyncio.create_task(patient.poll(asked))
    for _ in range(500):
        if await _busy(patient, asked):
            break
        await asyncio.sleep(0.01)
    patient.wait(6)  # the interval is over, the first question is not
    assert await patient.poll_error(asked) == "slow_down"
    async with asyncio.timeout(5), patient.world.services.store.begin() as tx:
        await tx.run("DELETE FROM push_block")
    assert not polling.done()
    await patient.decide(asked)
    assert (await polling)[0] == 200


async def _busy(ciba: Ciba, asked: dict[str, Any]) -> str:
    key = f"backchannel-poll:{asked['auth_req_id'].partition('.')[0]}"
    found = await ciba.world.services.ephemeral.get(key)
    assert found is not None
    return found.get("busy", "")


async def test_a_revoked_party_registration_ends_everything(ciba: Ciba) -> None:
    asked = await ciba.asked()
    services = ciba.world.services
    async with services.store.begin() as tx:
        await services.accounts.active(tx, ciba.phone.account_id)
        await services.relying_parties.disable(tx, "portal")
    status, body = await ciba.poll(asked)
    assert (status, body["error"]) == (401, "invalid_client")


async def test_a_device_revoked_after_its_approval_gives_no_tokens(
    ciba: Ciba,
) -> None:
    asked = await ciba.asked()
    await ciba.decide(asked)
    services = ciba.world.services
    async with services.store.begin() as tx:
        await tx.run(
            "UPDATE device SET revoked_at = 1 WHERE id = $1", ciba.phone.keys.device_id
        )
    assert await ciba.poll_error(asked) == "invalid_grant"


async def test_the_grant_type_is_only_for_those_who_registered_it(
    world: World,
) -> None:
    ciba = await enter(world)
    asked = await ciba.asked()
    await world.portal("plain")
    plain = replace(ciba, client_id="plain")
    assert await plain.poll_error(asked) == "unauthorized_client"
    status, body = await plain.ask()
    assert (status, body["error"]) == (400, "unauthorized_client")
    assert CIBA in (await _discovery(ciba))["grant_types_supported"]


async def _discovery(ciba: Ciba) -> dict[str, list[str]]:
    path = f"{ISSUER}/.well-known/openid-configuration"
    found: dict[str, list[str]] = (await ciba.http.get(path)).json()
    return found
