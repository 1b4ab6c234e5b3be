"""The login channel, rule by rule, through both applications' real doors."""

import asyncio
from collections.abc import AsyncIterator
from hashlib import sha256
from typing import Any

import pytest

from camdigikey.phone import Phone, Problem
from idp.storage.columns import b64encode
from sdk_web import TokenRefused
from tests.portal import HeadlessPortal
from tests.world import ISSUER, Browser, World, open_world

pytestmark = pytest.mark.anyio


@pytest.fixture
async def world(store_url: str) -> AsyncIterator[World]:
    async with open_world(store_url) as opened:
        yield opened


@pytest.fixture
async def quick(sqlite_url: str) -> AsyncIterator[World]:
    """One database is enough for what does not touch it."""
    async with open_world(sqlite_url) as opened:
        yield opened


async def shown_login(world: World) -> tuple[HeadlessPortal, Browser, str]:
    portal, browser = await world.portal(), world.browser()
    page = await browser.open_login(await portal.start())
    return portal, browser, page


async def refused(work: Any, code: str) -> dict[str, Any]:
    with pytest.raises(Problem) as caught:
        await work
    assert caught.value.code == code, caught.value.body
    return caught.value.body


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
    phone = await quick.phone()
    portal, browser, page = await shown_login(quick)
    counters = quick.services.store.counters
    before = (counters.commits, counters.statements)
    claimed = await phone.scan(await browser.qr(page))
    await phone.approve(claimed)
    await portal.finish(await browser.finish(page))
    assert counters.commits - before[0] == 3
    assert counters.statements - before[1] <= 30


async def test_a_wrong_pin_is_counted_and_a_right_one_forgives(world: World) -> None:
    phone = await world.phone()
    _, browser, page = await shown_login(world)
    claimed = await phone.scan(await browser.qr(page))
    body = await refused(phone.approve(claimed, pin="111222"), "code-wrong")
    assert body["attempts_left"] == 4
    assert (await phone.approve(claimed))["state"] == "approved"
    device = await device_of(world, phone)
    assert device.failures == 0


async def device_of(world: World, phone: Phone) -> Any:
    async with world.services.store.read() as tx:
        return await world.services.devices.find(tx, phone.keys.device_id)


def wait(world: World, phone: Phone, seconds: float) -> None:
    world.clock.pass_time(seconds)
    phone.nonce = ""  # the phone asks for the time again


async def test_the_sixth_pin_try_is_refused_for_ever_and_waits_grow(
    world: World,
) -> None:
    phone = await world.phone()
    for left in (4, 3, 2):
        body = await refused(phone.unlock(pin="000000"), "code-wrong")
        assert body["attempts_left"] == left
    body = await refused(phone.unlock(), "exhausted")
    assert 590 <= body["retry_after"] <= 600
    wait(world, phone, 601)
    assert (await refused(phone.unlock(pin="000000"), "code-wrong"))[
        "attempts_left"
    ] == 1
    wait(world, phone, 601)
    await refused(phone.unlock(), "exhausted")
    wait(world, phone, 3600)
    assert (await refused(phone.unlock(pin="000000"), "code-wrong"))[
        "attempts_left"
    ] == 0
    wait(world, phone, 100_000)
    assert (await refused(phone.unlock(), "exhausted"))["retry_after"] == 0


async def test_two_racers_cannot_spend_the_same_pin_try(world: World) -> None:
    phone = await world.phone()
    results = await asyncio.gather(
        *(phone.unlock(pin="000000") for _ in range(8)), return_exceptions=True
    )
    codes = [r.code for r in results if isinstance(r, Problem)]
    assert codes.count("code-wrong") == 3
    assert codes.count("exhausted") == 5


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


async def follow(browser: Browser, answer: Any) -> str:
    while answer.is_redirect:
        target = str(answer.url.join(answer.headers["location"]))
        if target.startswith("https://portal.test"):
            return target
        answer = await browser.http.get(target)
    raise AssertionError(answer.text[:300])


async def test_the_same_device_comes_back_by_its_own_value(quick: World) -> None:
    phone = await quick.phone()
    portal, browser, page = await shown_login(quick)
    answer = await browser.post(page, "same-device")
    assert answer.is_redirect
    shown = await browser.http.get(page)
    link = shown.text.split('href="https://app.test/s/', 1)[1].split('"', 1)[0]
    claimed = await phone.scan(f"https://app.test/s/{link}")
    v = b64encode(b"v" * 32)
    return_hash = b64encode(sha256(v.encode()).digest())
    approved = await phone.approve(claimed, return_hash=return_hash)
    back = f"{approved['return_url']}?value={approved['value']}&v={v}"
    early = await browser.post(page, "finish")
    assert "/authorize/resume" not in early.headers.get("location", "")
    callback = await follow(browser, await browser.http.get(back))
    assert (await portal.finish(callback)).id_token.subject


async def test_a_forwarded_same_device_link_ends_in_nothing(quick: World) -> None:
    phone = await quick.phone()
    _, browser, page = await shown_login(quick)
    await browser.post(page, "same-device")
    shown = await browser.http.get(page)
    link = shown.text.split('href="https://app.test/s/', 1)[1].split('"', 1)[0]
    claimed = await phone.scan(f"https://app.test/s/{link}")
    v = b64encode(b"v" * 32)
    return_hash = b64encode(sha256(v.encode()).digest())
    approved = await phone.approve(claimed, return_hash=return_hash)
    back = f"{approved['return_url']}?value={approved['value']}&v={v}"
    victims = quick.browser()
    answer = await victims.http.get(back)
    assert not answer.is_redirect
    after = await browser.http.get(back)
    assert not after.headers.get("location", "").startswith("/authorize/resume")


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


FIELDS = {
    "challenge": "AAAAAAAAAAAAAAAAAAAAAA",
    "nonce": "other",
    "rp": "other",
    "rp_domain": "evil.test",
    "shown": "A" * 43,
    "channel": "same_device",
    "iss": "A" * 43,
    "sub": "someone-else",
    "aud": "https://other.test",
    "decision": "maybe",
    "uv_method": "none",
    "withheld": ["phone_number"],
    "return_hash": "A" * 43,
    "reason": "not_me",
    "binding_code": "42",
    "exp": 9_999_999_999,
    "jti": "",
}


async def test_an_assertion_with_any_one_field_changed_costs_no_try(
    quick: World,
) -> None:
    phone = await quick.phone()
    _, browser, page = await shown_login(quick)
    claimed = await phone.scan(await browser.qr(page))
    for name, value in FIELDS.items():
        work = phone.approve(claimed, **{name: value})
        await refused(work, "assertion-invalid")
    assert (await device_of(quick, phone)).failures == 0
    assert (await phone.approve(claimed))["state"] == "approved"


async def test_naming_another_pin_key_costs_a_try_like_any_wrong_pin(
    quick: World,
) -> None:
    phone = await quick.phone()
    _, browser, page = await shown_login(quick)
    claimed = await phone.scan(await browser.qr(page))
    await refused(phone.approve(claimed, uv_key="A" * 43), "code-wrong")
    assert (await device_of(quick, phone)).failures == 1


async def test_personal_data_is_shown_only_after_unlocking(quick: World) -> None:
    phone = await quick.phone()
    await refused(phone.call("GET", "/profile"), "locked")
    unlocked = await phone.unlock()
    assert unlocked["profile"]["surname_khmer"] == "សុខ"
    assert (await phone.call("GET", "/profile"))["profile"] == unlocked["profile"]
    await phone.post("/lock")
    await refused(phone.call("GET", "/profile"), "locked")


async def test_an_unknown_device_is_told_so(quick: World) -> None:
    await quick.phone()
    stranger = Phone(quick.browser().http, "https://app.test", ISSUER)
    await refused(stranger.unlock(), "device-unknown")


async def test_a_level_that_cannot_be_reached_costs_no_pin_try(quick: World) -> None:
    phone, portal = await quick.phone(), await quick.portal()
    browser = quick.browser()
    page = await browser.open_login(await portal.start(level="high"))
    await browser.post(page, "same-device")
    shown = await browser.http.get(page)
    link = shown.text.split('href="https://app.test/s/', 1)[1].split('"', 1)[0]
    claimed = await phone.scan(f"https://app.test/s/{link}")
    return_hash = b64encode(sha256(b"v").digest())
    for _ in range(6):
        await refused(
            phone.approve(claimed, return_hash=return_hash), "assurance-too-low"
        )
    assert (await device_of(quick, phone)).failures == 0


async def test_an_unlock_assertion_is_accepted_once(quick: World) -> None:
    phone = await quick.phone()
    sent = await unlock_body(phone)
    await phone.post("/unlock", sent)
    await refused(phone.unlock(pin="000000"), "code-wrong")
    await refused(phone.post("/unlock", sent), "assertion-invalid")
    assert (await device_of(quick, phone)).failures == 1


class Recorder(Phone):
    """A phone whose next call is overheard and goes nowhere."""

    async def post(self, path: str, body: Any = None) -> dict[str, Any]:
        assert path == "/unlock"
        return dict(body)


async def unlock_body(phone: Phone) -> dict[str, Any]:
    """Return the body of an unlock as a thief might have recorded it."""
    recorder = Recorder(phone.http, phone.origin, phone.issuer, keys=phone.keys)
    recorder.account_id = phone.account_id
    return await recorder.unlock()


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


async def test_a_jti_that_is_no_plain_text_is_refused_before_a_try(
    world: World,
) -> None:
    phone = await world.phone()
    _, browser, page = await shown_login(world)
    claimed = await phone.scan(await browser.qr(page))
    for jti in ("a\x00b", "é", "a" * 65, "a b"):
        await refused(phone.approve(claimed, jti=jti), "assertion-invalid")
    assert (await device_of(world, phone)).failures == 0


async def test_a_finished_login_cannot_be_made_to_look_cancelled(world: World) -> None:
    phone = await world.phone()
    portal, browser, page = await shown_login(world)
    await browser.post(page, "same-device")
    shown = await browser.http.get(page)
    link = shown.text.split('href="https://app.test/s/', 1)[1].split('"', 1)[0]
    claimed = await phone.scan(f"https://app.test/s/{link}")
    v = b64encode(b"v" * 32)
    return_hash = b64encode(sha256(v.encode()).digest())
    approved = await phone.approve(claimed, return_hash=return_hash)
    back = f"{approved['return_url']}?value={approved['value']}&v={v}"
    await portal.finish(await follow(browser, await browser.http.get(back)))
    await world.browser().http.get(back)
    async with world.services.store.read() as tx:
        row = await tx.one(
            "SELECT state FROM decision WHERE challenge_id = $1", claimed["challenge"]
        )
    assert row == ("approved",)
