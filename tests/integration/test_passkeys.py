"""Passkeys through the real door: added after a QR login, then a login of their own."""

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from camdigikey.phone import Phone
from idp.domain.passkeys import MOST
from tests.attestation import Maker
from tests.authenticator import UP, SoftAuthenticator
from tests.login import follow
from tests.portal import HeadlessPortal
from tests.world import ISSUER, Browser, World, open_world

pytestmark = pytest.mark.anyio
RP_ID = "idp.test"
ORIGIN = {"Origin": ISSUER}


@pytest.fixture
async def world(sqlite_url: str) -> AsyncIterator[World]:
    """One database is enough for what never reaches it."""
    async with open_world(sqlite_url) as opened:
        yield opened


@pytest.fixture
async def both(store_url: str) -> AsyncIterator[World]:
    async with open_world(store_url) as opened:
        yield opened


async def approve_qr(phone: Phone, text: str) -> None:
    await phone.approve(await phone.scan(text))


async def signed_in(
    world: World, portal: HeadlessPortal, *, number: str = "012345678", **facts: str
) -> tuple[Browser, str]:
    """Log somebody new in by QR; return the browser and the account."""
    phone, browser = await world.phone(number=number, **facts), world.browser()
    page = await browser.open_login(await portal.start())
    await approve_qr(phone, await browser.qr(page))
    await portal.finish(await browser.finish(page))
    return browser, phone.account_id


async def options(browser: Browser) -> dict[str, Any]:
    url = f"{ISSUER}/account/passkeys/options"
    found: dict[str, Any] = (await browser.http.post(url, headers=ORIGIN)).json()
    return found


async def press(browser: Browser, path: str, **data: str) -> str:
    """Press a button of the account page; return what the page says then."""
    answer = await browser.http.post(f"{ISSUER}/{path}", data=data, headers=ORIGIN)
    assert answer.status_code == 303, answer.text
    found = re.fullmatch(r"/account\?said=(\w+)", answer.headers["location"])
    assert found is not None, answer.headers["location"]
    return found[1]


async def added(browser: Browser, **facts: Any) -> SoftAuthenticator:
    passkey = SoftAuthenticator(ISSUER, RP_ID, **facts)
    credential = passkey.make(await options(browser))
    said = await press(
        browser, "account/passkeys", credential=credential, name="Laptop"
    )
    assert said == "added"
    return passkey


async def asked(
    world: World, portal: HeadlessPortal, **wanted: Any
) -> tuple[Browser, str]:
    """Open the login page in a browser where nobody is signed in."""
    browser = world.browser()
    return browser, await browser.open_login(await portal.start(**wanted))


async def offered(browser: Browser, page: str) -> dict[str, Any]:
    found: dict[str, Any] = (await browser.http.get(f"{page}/passkey")).json()
    return found


async def refused(browser: Browser, page: str, credential: str) -> str:
    """Send an answer that logs nobody in; return what the login page says."""
    answer = await browser.post(page, "passkey", credential=credential)
    assert answer.status_code == 303
    found = re.fullmatch(r"/login/[\w-]+\?said=(\w+)", answer.headers["location"])
    assert found is not None, answer.headers["location"]
    assert "session" not in str(answer.headers.get("set-cookie"))
    shown = await browser.http.get(f"{ISSUER}{answer.headers['location']}")
    assert f'data-testid="said-{found[1]}"' in shown.text
    return found[1]


async def tags(world: World) -> list[str]:
    async with world.services.store.read() as tx:
        rows = await tx.all("SELECT tag FROM audit_event ORDER BY at, id")
    return [str(row[0]) for row in rows]


async def run(world: World, statement: str) -> None:
    async with world.services.store.begin() as tx:
        await tx.run(statement)


async def test_a_passkey_logs_in_at_once_where_a_consent_stands(both: World) -> None:
    portal = await both.portal()
    browser, _ = await signed_in(both, portal)
    passkey = await added(browser)
    browser, page = await asked(both, portal)
    credential = passkey.use(await offered(browser, page))
    answer = await browser.post(page, "passkey", credential=credential)
    assert "__Host-session=" in answer.headers["set-cookie"]
    tokens = await portal.finish(await follow(browser, answer))
    claims = tokens.id_token.claims
    assert claims["acr"] == f"{ISSUER}/acr/substantial"
    assert claims["amr"] == ["mfa", "pop", "swk", "user"]
    assert (await portal.userinfo())["phone_number"] == "+85512345678"
    assert {"passkey:added", "login:passkey"} <= set(await tags(both))
    page_of_account = await browser.http.get(f"{ISSUER}/account")
    assert page_of_account.status_code == 200


async def test_a_passkey_login_at_a_new_portal_asks_what_to_release(
    world: World,
) -> None:
    first, other = await world.portal(), await world.portal("other")
    browser, _ = await signed_in(world, first)
    passkey = await added(browser)
    browser, page = await asked(world, other)
    credential = passkey.use(await offered(browser, page))
    answer = await browser.post(page, "passkey", credential=credential)
    assert answer.headers["location"] == page.replace(f"{ISSUER}/login", "/consent")
    assert "set-cookie" not in answer.headers
    consent = page.replace("/login/", "/consent/")
    shown = await browser.http.get(consent)
    assert "portal.<wbr>test" in shown.text
    assert "ស. ស." in shown.text
    assert "SOK" not in shown.text
    assert (await browser.http.get(page)).headers["location"].startswith("/consent/")
    proposal = proposal_of(shown.text)
    answer = await browser.http.post(
        consent, data={"proposal": proposal}, headers=ORIGIN
    )
    tokens = await other.finish(await follow(browser, answer))
    assert tokens.refresh_token is None  # offline access was switched off
    again = await browser.http.post(
        consent, data={"proposal": proposal}, headers=ORIGIN
    )
    assert again.status_code != 303 or "resume" in again.headers["location"]


def proposal_of(page: str) -> str:
    found = re.search(r'name="proposal" value="([\w-]+)"', page)
    assert found is not None
    return found[1]


@pytest.fixture
async def proposed(world: World) -> tuple[Browser, str, str]:
    """A browser before the consent page, its address and its proposal."""
    first, other = await world.portal(), await world.portal("other")
    browser, _ = await signed_in(world, first)
    passkey = await added(browser)
    browser, page = await asked(world, other)
    await browser.post(
        page, "passkey", credential=passkey.use(await offered(browser, page))
    )
    consent = page.replace("/login/", "/consent/")
    shown = await browser.http.get(consent)
    return browser, consent, proposal_of(shown.text)


@pytest.mark.parametrize("action", ["", "/refuse", "/another"])
async def test_the_consent_page_is_answered_from_our_page_only(
    proposed: tuple[Browser, str, str], action: str
) -> None:
    browser, consent, proposal = proposed
    for headers in ({}, {"Origin": "https://portal.test"}):
        answer = await browser.http.post(
            consent + action, data={"proposal": proposal}, headers=headers
        )
        assert answer.status_code == 403


async def test_an_answer_to_another_proposal_releases_nothing(
    proposed: tuple[Browser, str, str],
) -> None:
    browser, consent, _ = proposed
    for shown in ("", "another"):
        answer = await browser.http.post(
            consent, data={"proposal": shown}, headers=ORIGIN
        )
        assert answer.status_code == 409


async def test_a_refused_consent_is_told_to_the_portal(
    world: World, proposed: tuple[Browser, str, str]
) -> None:
    browser, consent, proposal = proposed
    answer = await browser.http.post(
        f"{consent}/refuse", data={"proposal": proposal}, headers=ORIGIN
    )
    assert "error=access_denied" in await follow(browser, answer)
    assert "login:denied" in await tags(world)


async def test_another_account_begins_with_a_fresh_code(
    proposed: tuple[Browser, str, str],
) -> None:
    browser, consent, proposal = proposed
    answer = await browser.http.post(f"{consent}/another", headers=ORIGIN)
    page = f"{ISSUER}{answer.headers['location']}"
    assert (await browser.http.get(page)).status_code == 200
    assert await browser.qr(page)
    late = await browser.http.post(consent, data={"proposal": proposal}, headers=ORIGIN)
    assert late.status_code == 409


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE account SET state = 'suspended'",
        "UPDATE account SET logged_out_at = 9999999999999",
        "UPDATE relying_party SET disabled_at = 1 WHERE id = 'other'",
    ],
)
async def test_a_proposal_does_not_outlive_what_it_rests_on(
    world: World, proposed: tuple[Browser, str, str], statement: str
) -> None:
    browser, consent, proposal = proposed
    await run(world, statement)
    answer = await browser.http.post(
        consent, data={"proposal": proposal}, headers=ORIGIN
    )
    assert answer.status_code == 409


LIES: list[tuple[str, dict[str, Any]]] = [
    ("origin", {"origin": "https://idp.test.evil.example"}),
    ("the app's origin", {"origin": "https://app.test"}),
    ("rp id", {"rp_id": "evil.example"}),
    ("nobody was verified", {"flags": UP}),
    ("nobody was there", {"flags": 0x04}),
    ("embedded", {"client_data": {"crossOrigin": True}}),
    ("embedded, told oddly", {"client_data": {"crossOrigin": "true"}}),
    ("top origin", {"client_data": {"topOrigin": "https://portal.test"}}),
    ("a registration", {"client_data": {"type": "webauthn.create"}}),
    ("another person", {"user_handle": b"somebody else"}),
    ("nobody's handle", {"user_handle": b""}),
    ("synced since", {"is_synced": True}),
]


@pytest.mark.parametrize(
    "lie", [lie for _, lie in LIES], ids=[name for name, _ in LIES]
)
async def test_an_answer_that_lies_logs_nobody_in(
    world: World, lie: dict[str, Any]
) -> None:
    portal = await world.portal()
    browser, _ = await signed_in(world, portal)
    passkey = await added(browser)
    browser, page = await asked(world, portal)
    liar = passkey.lie(**lie)
    credential = liar.use(await offered(browser, page))
    assert await refused(browser, page, credential) == "refused"
    assert "passkey:suspended" not in await tags(world)
    # The same passkey without the lie is as good as before.
    credential = passkey.use(await offered(browser, page))
    answer = await browser.post(page, "passkey", credential=credential)
    assert "code=" in await follow(browser, answer)


async def test_another_key_logs_nobody_in(world: World) -> None:
    portal = await world.portal()
    browser, _ = await signed_in(world, portal)
    passkey = await added(browser)
    browser, page = await asked(world, portal)
    thief = SoftAuthenticator(
        ISSUER,
        RP_ID,
        credential_id=passkey.credential_id,
        user_handle=passkey.user_handle,
        count=50,
    )
    credential = thief.use(await offered(browser, page))
    assert await refused(browser, page, credential) == "refused"


async def test_a_challenge_is_good_for_its_login_and_once(world: World) -> None:
    portal = await world.portal()
    browser, _ = await signed_in(world, portal)
    passkey = await added(browser)
    victim, page = await asked(world, portal)
    other, other_page = await asked(world, portal)
    credential = passkey.use(await offered(other, other_page))
    assert await refused(victim, page, credential) == "late"
    answer = await other.post(other_page, "passkey", credential=credential)
    assert answer.headers["location"].startswith("/authorize/resume")
    assert await refused(victim, page, credential) == "late"
    invented = passkey.use({"challenge": "A" * 43})
    assert await refused(victim, page, invented) == "late"
    wrong = passkey.lie(origin="https://evil.example").use(await offered(victim, page))
    assert await refused(victim, page, wrong) == "refused"
    assert await refused(victim, page, wrong) == "late"  # it was spent all the same


async def test_an_answer_completes_one_login_however_often_it_is_sent(
    world: World,
) -> None:
    portal = await world.portal()
    browser, _ = await signed_in(world, portal)
    passkey = await added(browser)
    browser, page = await asked(world, portal)
    credential = passkey.use(await offered(browser, page))
    first = await browser.post(page, "passkey", credential=credential)
    second = await browser.post(page, "passkey", credential=credential)
    assert "set-cookie" in first.headers
    assert "set-cookie" not in second.headers
    callback = await follow(browser, first)
    late = await browser.http.get(f"{ISSUER}{second.headers['location']}")
    assert late.status_code >= 400
    await portal.finish(callback)


async def test_a_count_that_went_back_suspends_the_passkey(both: World) -> None:
    portal = await both.portal()
    owner, _ = await signed_in(both, portal)
    passkey = await added(owner, count=10)
    clone = passkey.lie()
    browser, page = await asked(both, portal)
    await browser.post(
        page, "passkey", credential=clone.use(await offered(browser, page))
    )
    # A low count without the key's signature is nobody's evidence.
    browser, page = await asked(both, portal)
    forged = SoftAuthenticator(
        ISSUER,
        RP_ID,
        credential_id=passkey.credential_id,
        user_handle=passkey.user_handle,
        count=3,
    )
    await refused(browser, page, forged.use(await offered(browser, page)))
    assert "passkey:suspended" not in await tags(both)
    old = passkey.lie(count=10)
    assert await refused(browser, page, old.use(await offered(browser, page))) == (
        "refused"
    )
    assert (await tags(both)).count("passkey:suspended") == 1
    fresh = clone.lie(count=100)
    assert await refused(browser, page, fresh.use(await offered(browser, page))) == (
        "refused"
    )
    shown = await owner.http.get(f"{ISSUER}/account?lang=en")
    assert "this passkey may have been copied" in shown.text


async def test_a_count_that_is_always_zero_is_no_sign_of_a_copy(world: World) -> None:
    portal = await world.portal()
    owner, _ = await signed_in(world, portal)
    passkey = await added(owner, count=0, is_synced=True)
    for _ in range(2):
        browser, page = await asked(world, portal)
        credential = passkey.use(await offered(browser, page))
        answer = await browser.post(page, "passkey", credential=credential)
        assert "code=" in await follow(browser, answer)


async def test_a_suspended_account_and_a_removed_passkey_log_nobody_in(
    both: World,
) -> None:
    portal = await both.portal()
    owner, _ = await signed_in(both, portal)
    passkey = await added(owner)
    browser, page = await asked(both, portal)
    await run(both, "UPDATE account SET state = 'suspended'")
    credential = passkey.use(await offered(browser, page))
    assert await refused(browser, page, credential) == "suspended"
    await run(both, "UPDATE account SET state = 'active'")
    assert await press(owner, "account/passkeys/remove", passkey=passkey.id) == (
        "removed"
    )
    credential = passkey.use(await offered(browser, page))
    assert await refused(browser, page, credential) == "refused"
    async with both.services.store.read() as tx:
        row = await tx.one("SELECT removed_at FROM passkey WHERE id = $1", passkey.id)
    assert row is not None  # every authenticator ever bound stays on record
    assert row[0] is not None


async def test_a_request_for_one_account_takes_nobody_elses_passkey(
    world: World,
) -> None:
    portal = await world.portal()
    owner, _ = await signed_in(world, portal)
    passkey = await added(owner)
    _, other = await signed_in(world, portal, number="087654321")
    browser, page = await asked(world, portal)
    interactions = world.services.ephemeral._records  # type: ignore[attr-defined]  # noqa: SLF001
    key = f"interaction:{page.rpartition('/')[2]}"
    end, fields = interactions[key]
    data = fields["data"].replace(
        '"required_account":null', f'"required_account":"{other}"'
    )
    interactions[key] = (end, {**fields, "data": data})
    credential = passkey.use(await offered(browser, page))
    assert await refused(browser, page, credential) == "other_account"


async def test_the_first_method_wins(world: World) -> None:
    portal = await world.portal()
    owner, _ = await signed_in(world, portal)
    passkey = await added(owner)
    phone = await world.phone(number="087654321")
    # The phone approved first: the passkey is late.
    browser, page = await asked(world, portal)
    await approve_qr(phone, await browser.qr(page))
    credential = passkey.use(await offered(browser, page))
    assert await refused(browser, page, credential) == "late"
    assert "code=" in await browser.finish(page)
    # The passkey was first: the code that was shown is worth nothing.
    browser, page = await asked(world, portal)
    text = await browser.qr(page)
    credential = passkey.use(await offered(browser, page))
    answer = await browser.post(page, "passkey", credential=credential)
    with pytest.raises(Exception, match="challenge-closed"):
        await approve_qr(phone, text)
    assert "code=" in await follow(browser, answer)


async def test_a_high_login_needs_a_trusted_attestation(world: World) -> None:
    portal = await world.portal()
    owner, _ = await signed_in(world, portal, level="high")
    passkey = await added(owner)
    browser, page = await asked(world, portal)
    key = f"interaction:{page.rpartition('/')[2]}"
    interactions = world.services.ephemeral._records  # type: ignore[attr-defined]  # noqa: SLF001
    end, fields = interactions[key]
    data = re.sub(r'"acr":"\w+"', '"acr":"high"', fields["data"], count=1)
    assert '"acr":"high"' in data
    interactions[key] = (end, {**fields, "data": data})
    credential = passkey.use(await offered(browser, page))
    assert await refused(browser, page, credential) == "too_low"


async def test_tries_run_out(world: World) -> None:
    portal = await world.portal()
    browser, page = await asked(world, portal)
    said = [await refused(browser, page, "{}") for _ in range(11)]
    assert said == ["refused"] * 10 + ["exhausted"]
    codes = [(await browser.http.get(f"{page}/passkey")).status_code for _ in range(41)]
    assert codes == [200] * 40 + [429]


async def test_another_browser_gets_no_challenge(world: World) -> None:
    portal = await world.portal()
    _, page = await asked(world, portal)
    stranger = world.browser()
    assert (await stranger.http.get(f"{page}/passkey")).status_code == 404
    answer = await stranger.post(page, "passkey", credential="{}")
    assert answer.status_code == 404
    assert (
        await stranger.http.get(page.replace("login", "consent"))
    ).status_code == 404


async def test_an_answer_from_another_site_is_refused(world: World) -> None:
    portal = await world.portal()
    browser, page = await asked(world, portal)
    for headers in ({}, {"Origin": "https://portal.test"}, {"Origin": "null"}):
        answer = await browser.http.post(f"{page}/passkey", headers=headers)
        assert answer.status_code == 403


async def test_the_eleventh_passkey_and_a_known_one_are_refused(both: World) -> None:
    portal = await both.portal()
    browser, _ = await signed_in(both, portal)
    first = await added(browser)
    offer = await options(browser)
    assert offer["excludeCredentials"][0]["id"] == first.id
    assert offer["authenticatorSelection"]["residentKey"] == "required"
    assert offer["authenticatorSelection"]["userVerification"] == "required"
    assert offer["attestation"] == "none"
    assert "SOK" not in str(offer)
    again = first.make(offer)
    assert await press(browser, "account/passkeys", credential=again) == "known"
    for _ in range(MOST - 1):
        await added(browser)
    more = SoftAuthenticator(ISSUER, RP_ID).make(await options(browser))
    assert await press(browser, "account/passkeys", credential=more) == "most"


BAD_REGISTRATIONS: list[dict[str, Any]] = [
    {"origin": "https://app.test"},
    {"rp_id": "evil.example"},
    {"flags": UP},
    {"client_data": {"topOrigin": "https://portal.test"}},
    {"client_data": {"type": "webauthn.get"}},
]


@pytest.mark.parametrize("lie", BAD_REGISTRATIONS)
async def test_a_registration_that_lies_binds_nothing(
    world: World, lie: dict[str, Any]
) -> None:
    portal = await world.portal()
    browser, _ = await signed_in(world, portal)
    passkey = SoftAuthenticator(ISSUER, RP_ID).lie(**lie)
    credential = passkey.make(await options(browser))
    assert await press(browser, "account/passkeys", credential=credential) == "refused"
    assert await press(browser, "account/passkeys", credential=credential) == "late"
    assert "passkey:added" not in await tags(world)


async def test_a_passkey_is_added_by_its_own_session_only(world: World) -> None:
    portal = await world.portal()
    mine, _ = await signed_in(world, portal)
    theirs, _ = await signed_in(world, portal, number="087654321")
    credential = SoftAuthenticator(ISSUER, RP_ID).make(await options(theirs))
    assert await press(mine, "account/passkeys", credential=credential) == "late"
    passkey = await added(theirs)
    for path, data in (("name", {"name": "mine"}), ("remove", {})):
        answer = await mine.http.post(
            f"{ISSUER}/account/passkeys/{path}",
            data={"passkey": passkey.id, **data},
            headers=ORIGIN,
        )
        assert answer.status_code in {303, 404}
    shown = (await theirs.http.get(f"{ISSUER}/account")).text
    assert "Laptop" in shown
    assert "mine" not in shown


async def test_adding_wants_a_login_of_the_last_five_minutes(world: World) -> None:
    portal = await world.portal()
    browser, _ = await signed_in(world, portal)
    credential = SoftAuthenticator(ISSUER, RP_ID).make(await options(browser))
    world.clock.pass_time(301)
    url = f"{ISSUER}/account/passkeys/options"
    assert (await browser.http.post(url, headers=ORIGIN)).status_code == 403
    assert await press(browser, "account/passkeys", credential=credential) == "stale"
    shown = (await browser.http.get(f"{ISSUER}/account")).text
    assert 'data-testid="not-fresh"' in shown
    assert 'data-testid="add-passkey"' not in shown


POSTS = [
    "passkeys/options",
    "passkeys",
    "passkeys/name",
    "passkeys/remove",
    "consents/withdraw",
    "logout-everywhere",
]


@pytest.mark.parametrize("path", POSTS)
async def test_the_account_is_changed_from_our_page_by_who_is_signed_in(
    world: World, path: str
) -> None:
    portal = await world.portal()
    browser, _ = await signed_in(world, portal)
    url = f"{ISSUER}/account/{path}"
    for headers in ({}, {"Origin": "https://portal.test"}):
        answer = await browser.http.post(url, headers=headers)
        assert answer.status_code == 403
        assert "location" not in answer.headers
    nobody = await world.browser().http.post(url, headers=ORIGIN)
    assert nobody.status_code == 403
    assert (await world.browser().http.get(f"{ISSUER}/account")).status_code == 403


async def test_a_passkey_is_renamed_and_shown(world: World) -> None:
    portal = await world.portal()
    browser, _ = await signed_in(world, portal)
    passkey = await added(browser)
    name = "  <b>កុំព្យូទ័រ</b>\n x" + "y" * 80
    said = await press(browser, "account/passkeys/name", passkey=passkey.id, name=name)
    assert said == "renamed"
    shown = (await browser.http.get(f"{ISSUER}/account")).text
    assert "&lt;b&gt;កុំព្យូទ័រ&lt;/b&gt; xyyy" in shown


async def test_log_out_everywhere_ends_every_browser_and_token(both: World) -> None:
    portal = await both.portal()
    one, _ = await signed_in(both, portal)
    tokens = portal.tokens
    passkey = await added(one)
    other, page = await asked(both, portal)
    credential = passkey.use(await offered(other, page))
    answer = await other.post(page, "passkey", credential=credential)
    await portal.finish(await follow(other, answer))
    both.clock.pass_time(1)
    answer = await one.http.post(f"{ISSUER}/account/logout-everywhere", headers=ORIGIN)
    assert answer.status_code == 200
    for browser in (one, other):
        assert (await browser.http.get(f"{ISSUER}/account")).status_code == 403
    assert tokens is not None
    portal.tokens = tokens
    with pytest.raises(Exception, match=r"invalid_token|invalid_grant|401"):
        await portal.userinfo()
    assert "account:logged-out-everywhere" in await tags(both)


async def test_a_withdrawn_consent_ends_what_it_gave(both: World) -> None:
    portal = await both.portal()
    browser, _ = await signed_in(both, portal)
    shown = (await browser.http.get(f"{ISSUER}/account?lang=en")).text
    assert "Your phone number" in shown
    assert "portal.test" in shown
    assert await press(browser, "account/consents/withdraw", party="portal") == (
        "withdrawn"
    )
    shown = (await browser.http.get(f"{ISSUER}/account?lang=en")).text
    assert "You have released nothing" in shown
    with pytest.raises(Exception, match=r"invalid_token|401"):
        await portal.userinfo()
    assert "consent:withdrawn" in await tags(both)


async def test_an_attested_passkey_reaches_high(world: World) -> None:
    maker = Maker()
    trusting = replace(world.services.passkeys, roots=(maker.pem,))
    object.__setattr__(world.services, "passkeys", trusting)
    portal = await world.portal()
    owner, _ = await signed_in(world, portal, level="high")
    offer = await options(owner)
    assert offer["attestation"] == "direct"
    passkey = SoftAuthenticator(ISSUER, RP_ID)
    credential = passkey.make(offer, attest=maker.attest)
    assert await press(owner, "account/passkeys", credential=credential) == "added"
    browser, page = await asked(world, portal)
    credential = passkey.use(await offered(browser, page))
    answer = await browser.post(page, "passkey", credential=credential)
    claims = (await portal.finish(await follow(browser, answer))).id_token.claims
    assert claims["acr"] == f"{ISSUER}/acr/high"
    assert claims["amr"] == ["hwk", "mfa", "pop", "user"]


async def test_a_synced_passkey_never_reaches_high(world: World) -> None:
    maker = Maker()
    trusting = replace(world.services.passkeys, roots=(maker.pem,))
    object.__setattr__(world.services, "passkeys", trusting)
    portal = await world.portal()
    owner, _ = await signed_in(world, portal, level="high")
    passkey = SoftAuthenticator(ISSUER, RP_ID, is_synced=True)
    credential = passkey.make(await options(owner), attest=maker.attest)
    assert await press(owner, "account/passkeys", credential=credential) == "added"
    browser, page = await asked(world, portal)
    credential = passkey.use(await offered(browser, page))
    answer = await browser.post(page, "passkey", credential=credential)
    claims = (await portal.finish(await follow(browser, answer))).id_token.claims
    assert claims["acr"] == f"{ISSUER}/acr/substantial"
    assert claims["amr"] == ["mfa", "pop", "swk", "user"]


async def test_single_sign_on_asks_what_no_consent_covers(world: World) -> None:
    first, other = await world.portal(), await world.portal("other")
    browser, _ = await signed_in(world, first)
    before = browser.http.cookies.get("__Host-session")
    answer = await browser.http.get(await other.start())
    assert answer.headers["location"].startswith("/consent/")
    consent = f"{ISSUER}{answer.headers['location']}"
    shown = await browser.http.get(consent)
    answer = await browser.http.post(
        consent,
        data={"proposal": proposal_of(shown.text), "claim.offline_access": "1"},
        headers=ORIGIN,
    )
    assert "set-cookie" not in answer.headers  # no new login: the session goes on
    await other.finish(await follow(browser, answer))
    assert browser.http.cookies.get("__Host-session") == before
    assert other.tokens is not None
    assert other.tokens.refresh_token is not None
    # From now on a consent stands: nobody is asked.
    answer = await browser.http.get(await other.start())
    assert answer.headers["location"].startswith("https://portal.test/")


async def test_a_portal_that_asks_for_consent_gets_the_page(world: World) -> None:
    portal = await world.portal()
    owner, _ = await signed_in(world, portal)
    passkey = await added(owner)
    browser, page = await asked(world, portal, prompt="consent")
    credential = passkey.use(await offered(browser, page))
    answer = await browser.post(page, "passkey", credential=credential)
    assert answer.headers["location"].startswith("/consent/")
    assert "set-cookie" not in answer.headers
