"""The login channel, rule by rule, through both applications' real doors."""

import asyncio

import pytest

from sdk_web import TokenRefused
from tests.login import device_of, follow, refused, shown_login
from tests.world import ISSUER, World

pytestmark = pytest.mark.anyio


async def test_a_citizen_logs_in_refreshes_and_logs_out(world: World) -> None:
    phone = await world.phone()
    portal, browser, page = await shown_login(world)
    claimed = await phone.scan(await browser.qr(page))
    assert (await browser.status(page))["event"] == "claimed"
    assert (await phone.approve(claimed))["state"] == "approved"
    told = await browser.status(page)
    assert told["event"] == "approved"
    assert told["data"] == {"initials": "ស. ស."}
    tokens = await portal.finish(await browser.finish(page))
    assert tokens.id_token.claims["acr"] == f"{ISSUER}/acr/substantial"
    assert tokens.id_token.claims["amr"] == ["mfa", "pin", "pop", "swk"]
    claims = await portal.userinfo()
    assert claims["family_name#km"] == "សុខ"
    await portal.refresh()
    answer = await browser.http.get(await portal.logout())
    assert answer.is_redirect


async def test_a_qr_login_costs_three_durable_commits_with_a_pin(
    quick: World,
) -> None:
    quick.clock.hold()  # the keys are read once a second, whoever logs in
    phone = await quick.phone()
    portal, browser, page = await shown_login(quick)
    await quick.services.keys.sign({}, typ="JWT")
    counters = quick.services.store.counters
    before = (counters.commits, counters.statements)
    claimed = await phone.scan(await browser.qr(page))
    await phone.approve(claimed)
    await portal.finish(await browser.finish(page))
    assert counters.commits - before[0] == 3
    assert counters.statements - before[1] == 15  # and one for the portal, before


async def test_a_code_is_good_for_five_seconds(quick: World) -> None:
    phone = await quick.phone()
    _, browser, page = await shown_login(quick)
    text = await browser.qr(page)
    quick.clock.pass_time(7)
    await refused(phone.scan(text), "qr-stale")
    assert (await browser.status(page))["event"] == "codes"
    await phone.scan(await browser.qr(page))


async def test_a_code_from_the_future_or_altered_is_refused(quick: World) -> None:
    phone = await quick.phone()
    _, browser, page = await shown_login(quick)
    head, t, code = (await browser.qr(page)).rsplit(".", 2)
    for bad in (f"{head}.{int(t) + 3}.{code}", f"{head}.0{t}.{code}", f"{head}.{t}.x"):
        await refused(phone.scan(bad), "qr-stale")


async def test_the_first_device_that_claims_wins(world: World) -> None:
    first, second = await world.phone(), await world.phone(number="099999999")
    _, browser, page = await shown_login(world)
    text = await browser.qr(page)
    claimed = await first.scan(text)
    await refused(second.scan(text), "challenge-taken")
    again = await first.scan(text)
    assert again["nonce"] == claimed["nonce"]
    await refused(second.approve(claimed), "assertion-invalid")


async def test_denying_tells_the_browser_and_ends_it(world: World) -> None:
    phone = await world.phone()
    _, browser, page = await shown_login(world)
    claimed = await phone.scan(await browser.qr(page))
    assert (await phone.deny(claimed, reason="not_me"))["state"] == "denied"
    told = await browser.status(page)
    assert told["event"] == "closed"
    await refused(phone.approve(claimed), "challenge-closed")


async def test_the_same_assertion_gets_the_first_answer_and_costs_no_try(
    world: World,
) -> None:
    phone = await world.phone()
    _, browser, page = await shown_login(world)
    claimed = await phone.scan(await browser.qr(page))
    token = phone.assertion(claimed)
    body = {"assertion": token, "uv": phone.keys.pin_uv(token, phone.pin)}
    path = f"/challenges/{claimed['challenge']}/approval"
    assert await phone.post(path, body) == await phone.post(path, body)
    other = phone.assertion(claimed)
    body = {"assertion": other, "uv": phone.keys.pin_uv(other, phone.pin)}
    await refused(phone.post(path, body), "challenge-closed")


async def test_of_approvals_and_denials_that_race_one_wins(world: World) -> None:
    phone = await world.phone()
    _, browser, page = await shown_login(world)
    claimed = await phone.scan(await browser.qr(page))
    results = await asyncio.gather(
        *(phone.approve(claimed) for _ in range(3)),
        *(phone.deny(claimed) for _ in range(3)),
        return_exceptions=True,
    )
    assert len([r for r in results if isinstance(r, dict)]) == 1
    assert (await device_of(world, phone)).failures <= 2


async def test_a_login_is_finished_only_by_the_browser_that_began_it(
    quick: World,
) -> None:
    phone = await quick.phone()
    _, browser, page = await shown_login(quick)
    claimed = await phone.scan(await browser.qr(page))
    await phone.approve(claimed)
    thief = quick.browser()
    assert (await thief.post(page, "finish")).status_code == 404
    assert (await thief.http.get(f"{page}/status")).status_code == 404
    foreign = {"Origin": "https://evil.test"}
    answer = await browser.http.post(f"{page}/finish", headers=foreign, data={})
    assert answer.status_code == 403
    await browser.finish(page)


async def test_an_approval_not_finished_within_a_minute_is_over(quick: World) -> None:
    phone = await quick.phone()
    _, browser, page = await shown_login(quick)
    await phone.approve(await phone.scan(await browser.qr(page)))
    quick.clock.pass_time(61)
    answer = await browser.post(page, "finish")
    assert "portal.test" not in answer.headers.get("location", "")


async def test_an_approval_yields_one_grant_whatever_is_repeated(world: World) -> None:
    phone = await world.phone()
    portal, browser, page = await shown_login(world)
    await phone.approve(await phone.scan(await browser.qr(page)))
    callback = await browser.finish(page)
    await portal.finish(callback)
    another = world.portal_process()
    another.transaction = portal.transaction
    with pytest.raises(TokenRefused):
        await another.finish(callback)
    with pytest.raises(TokenRefused):  # the family went with the replay
        await portal.refresh()
    answer = await browser.post(page, "finish")
    assert "code=" not in answer.headers.get("location", "")


async def test_an_approval_survives_the_loss_of_every_short_lived_record(
    quick: World,
) -> None:
    phone = await quick.phone()
    portal, browser, page = await shown_login(quick)
    claimed = await phone.scan(await browser.qr(page))
    await phone.approve(claimed)
    await quick.services.ephemeral.close()
    answer = await browser.http.post(
        f"{page}/finish?challenge={claimed['challenge']}",
        headers={"Origin": ISSUER},
        data={},
    )
    callback = await follow(browser, answer)
    assert (await portal.finish(callback)).id_token.subject


async def test_more_than_ten_claims_a_minute_are_refused(quick: World) -> None:
    phone = await quick.phone()
    _, browser, page = await shown_login(quick)
    head, t, _ = (await browser.qr(page)).rsplit(".", 2)
    for _ in range(10):
        await refused(phone.scan(f"{head}.{t}.{'A' * 22}"), "qr-stale")
    await refused(phone.scan(await browser.qr(page)), "exhausted")


async def test_a_claim_nobody_answers_is_over_after_two_minutes(quick: World) -> None:
    phone = await quick.phone()
    _, browser, page = await shown_login(quick)
    claimed = await phone.scan(await browser.qr(page))
    quick.clock.pass_time(121)
    await refused(phone.approve(claimed), "challenge-closed")


async def test_a_claim_by_another_account_is_refused_and_not_counted(
    quick: World,
) -> None:
    first, second = await quick.phone(), await quick.phone(number="099999999")
    portal, browser, page = await shown_login(quick)
    await first.approve(await first.scan(await browser.qr(page)))
    tokens = await portal.finish(await browser.finish(page))
    stranger = quick.browser()
    hinted = await portal.start(prompt="login")
    hint = f"&id_token_hint={tokens.id_token.raw}"
    again = await stranger.open_login(hinted + hint)
    for _ in range(12):
        await refused(second.scan(await stranger.qr(again)), "challenge-closed")
    await first.scan(await stranger.qr(again))


REVOCATIONS = {
    "the device is revoked": "UPDATE device SET revoked_at = 1",
    "the person logged out everywhere": (
        "UPDATE account SET logged_out_at = 9999999999999"
    ),
    "the party is disabled": "UPDATE relying_party SET disabled_at = 1",
    "the account is suspended": "UPDATE account SET state = 'suspended'",
}


@pytest.mark.parametrize("what", REVOCATIONS)
async def test_an_approval_is_not_finished_once(world: World, what: str) -> None:
    phone = await world.phone()
    _, browser, page = await shown_login(world)
    await phone.approve(await phone.scan(await browser.qr(page)))
    async with world.services.store.begin() as tx:
        await tx.run(REVOCATIONS[what])
    answer = await browser.post(page, "finish")
    assert "/authorize/resume" not in answer.headers.get("location", "")
    assert "session" not in answer.headers.get("set-cookie", "")


async def test_head_finishes_nothing(quick: World) -> None:
    phone = await quick.phone()
    portal, browser, page = await shown_login(quick)
    await phone.approve(await phone.scan(await browser.qr(page)))
    answer = await browser.post(page, "finish")
    resume = str(answer.url.join(answer.headers["location"]))
    assert (await browser.http.head(resume)).status_code == 405
    assert (await portal.finish(await follow(browser, answer))).id_token.subject
    path = "https://idp.test/return/" + "A" * 22
    assert (await browser.http.head(path)).status_code == 405


async def test_one_network_cannot_start_logins_without_end(quick: World) -> None:
    portal, browser = await quick.portal(), quick.browser()
    url = await portal.start()
    most = quick.services.settings.logins_per_prefix_a_minute
    answers = [await browser.http.get(url) for _ in range(most + 1)]
    assert all("/login/" in a.headers["location"] for a in answers[:most])
    assert "error=" in answers[most].headers["location"]
