"""Passkeys in a real Chromium with its virtual authenticator, and the pages around."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import CDPSession, Page, expect

from idp.domain.interactions import Login
from idp.domain.sessions import Session, cookie_name
from idp.storage.columns import new_id, to_millis
from tests.unit.idp.web.browsing import Site, open_site

pytestmark = [pytest.mark.anyio, pytest.mark.browser]
AUTHENTICATOR = {
    "protocol": "ctap2",
    "ctap2Version": "ctap2_1",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with open_site(tmp_path) as opened:
        yield opened


async def by_button_only(page: Page) -> None:
    """The virtual authenticator answers a waiting request at once: have none wait."""
    await page.add_init_script(
        "PublicKeyCredential.isConditionalMediationAvailable = async () => false;"
    )


async def authenticator(page: Page) -> tuple[CDPSession, str]:
    session = await page.context.new_cdp_session(page)
    await session.send("WebAuthn.enable", {"enableUI": False})
    made = await session.send(
        "WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR}
    )
    return session, str(made["authenticatorId"])


async def sign_in(site: Site, page: Page) -> None:
    """Stand where a redeemed code leaves a browser: with a live session."""
    services = site.services
    session = Session(
        id=new_id(),
        account_id=site.account_id,
        device_id=None,
        acr="substantial",
        amr=("mfa", "pop"),
        auth_time=to_millis(services.clock.now()),
    )
    async with services.store.begin() as tx:
        await services.sessions.start(tx, session)
    value = services.sessions.cookie_value(session.id)
    cookie = {"name": cookie_name(secure=False), "value": value, "url": site.issuer}
    await page.context.add_cookies([cookie])  # type: ignore[list-item]


async def add_passkey(site: Site, page: Page, *, name: str = "My laptop") -> None:
    await page.goto(f"{site.issuer}/account?lang=en", wait_until="domcontentloaded")
    await page.get_by_label("Name of the passkey").last.fill(name)
    await page.get_by_test_id("add-passkey").click()
    await expect(page.get_by_test_id("said-added")).to_be_visible()


@asynccontextmanager
async def with_passkey(site: Site) -> AsyncIterator[tuple[Page, CDPSession, str, str]]:
    """A login page in a browser whose authenticator holds a passkey."""
    async with site.visit() as (page, _):
        login = page.url
        await by_button_only(page)
        session, device = await authenticator(page)
        await sign_in(site, page)
        await add_passkey(site, page)
        yield page, session, device, login


async def axe(page: Page) -> list[str]:
    found = await Axe().run(page)
    return [one["id"] for one in found.response["violations"]]


async def test_a_passkey_is_added_and_logs_in_to_a_new_service(site: Site) -> None:
    async with with_passkey(site) as (page, session, device, login):
        held = await session.send(
            "WebAuthn.getCredentials", {"authenticatorId": device}
        )
        (credential,) = held["credentials"]
        assert credential["isResidentCredential"]
        assert credential["rpId"] == "localhost"
        assert credential["userName"] == "ស. ដ."
        assert await axe(page) == []
        await page.goto(login, wait_until="domcontentloaded")
        await page.get_by_test_id("passkey").click()
        await page.wait_for_url("**/consent/**")
        await expect(page.locator(".who")).to_contain_text("ស. ដ.")
        await expect(page.locator(".domain")).to_have_text("registration.gov.example")
        assert await axe(page) == []
        await page.get_by_test_id("claim-phone_number").uncheck()
        await page.get_by_test_id("release").click()
        await page.wait_for_url(f"{site.portal}/callback**")
        names = {one["name"] for one in await page.context.cookies()}
        assert "session" in names


async def test_a_passkey_that_the_browser_offers_logs_in(site: Site) -> None:
    """Conditional mediation itself: the virtual person chooses at once."""
    async with site.visit() as (page, _):
        login = page.url
        await authenticator(page)
        await sign_in(site, page)
        await add_passkey(site, page)
        await page.goto(login, wait_until="commit")
        await page.wait_for_url("**/consent/**")
        await expect(page.locator(".who")).to_contain_text("ស. ដ.")


async def test_the_browser_offers_passkeys_by_itself(site: Site) -> None:
    """Conditional mediation: one request waits in the field; the button ends it."""
    async with site.visit() as (page, _):
        await page.add_init_script(
            """
            window.asked = [];
            PublicKeyCredential.isConditionalMediationAvailable = async () => true;
            navigator.credentials.get = (wanted) => new Promise((_, refuse) => {
              const { challenge, userVerification, rpId } = wanted.publicKey;
              window.asked.push({ mediation: wanted.mediation, userVerification, rpId,
                challenge: new Uint8Array(challenge).join() });
              wanted.signal.addEventListener("abort",
                () => { window.ended = true; refuse(wanted.signal.reason); });
            });
            """
        )
        await page.reload(wait_until="domcontentloaded")
        field = page.locator("#passkey-name")
        await expect(field).to_be_visible()
        assert await field.get_attribute("autocomplete") == "username webauthn"
        assert await field.get_attribute("name") is None  # nothing typed is sent
        await page.wait_for_function("() => window.asked.length === 1")
        await page.get_by_test_id("passkey").click()
        await page.wait_for_function("() => window.asked.length === 2")
        asked = await page.evaluate("window.asked")
        assert [one.get("mediation") for one in asked] == ["conditional", None]
        assert {one["userVerification"] for one in asked} == {"required"}
        assert {one["rpId"] for one in asked} == {"localhost"}
        assert asked[0]["challenge"] != asked[1]["challenge"]
        assert await page.evaluate("window.ended")


async def test_a_person_who_is_not_verified_makes_no_login(site: Site) -> None:
    async with with_passkey(site) as (page, session, device, login):
        await page.goto(login, wait_until="domcontentloaded")
        lie = {"authenticatorId": device, "isBadUV": True}
        await session.send("WebAuthn.setResponseOverrideBits", lie)
        await page.get_by_test_id("passkey").click()
        await expect(page.get_by_test_id("said-refused")).to_be_visible()
        await expect(page.locator("#qr")).to_be_visible()
        honest = {"authenticatorId": device, "isBadUV": False}
        await session.send("WebAuthn.setResponseOverrideBits", honest)
        await session.send(
            "WebAuthn.setUserVerified",
            {"authenticatorId": device, "isUserVerified": False},
        )
        await page.get_by_test_id("passkey").click()
        await expect(page.locator("#passkey-failed")).to_be_visible()


async def test_a_copied_passkey_is_suspended(site: Site) -> None:
    async with with_passkey(site) as (page, session, device, login):
        held = await session.send(
            "WebAuthn.getCredentials", {"authenticatorId": device}
        )
        (credential,) = held["credentials"]
        await page.goto(login, wait_until="domcontentloaded")
        await session.send("WebAuthn.clearCredentials", {"authenticatorId": device})
        copied = {**credential, "signCount": 0}
        await session.send(
            "WebAuthn.addCredential", {"authenticatorId": device, "credential": copied}
        )
        async with site.services.store.begin() as tx:
            await tx.run("UPDATE passkey SET sign_count = 7")
        await page.get_by_test_id("passkey").click()
        await expect(page.get_by_test_id("said-refused")).to_be_visible()
        await page.goto(f"{site.issuer}/account?lang=en", wait_until="domcontentloaded")
        await expect(page.locator(".things .alert")).to_contain_text("Suspended")


SIGN = """async ({ challenge, rpId }) => {
  const bytes = (text) => Uint8Array.from(
    atob(text.replaceAll("-", "+").replaceAll("_", "/")), (one) => one.charCodeAt(0));
  const publicKey = { challenge: bytes(challenge), rpId, userVerification: "required" };
  return JSON.stringify((await navigator.credentials.get({ publicKey })).toJSON());
}"""


async def test_an_answer_that_another_origin_asked_for_is_refused(site: Site) -> None:
    """The portal is another origin of the same host: the browser lets it ask."""
    async with with_passkey(site) as (page, session, device, login):
        held = await session.send(
            "WebAuthn.getCredentials", {"authenticatorId": device}
        )
        (credential,) = held["credentials"]
        await page.goto(login, wait_until="domcontentloaded")
        path = login.removeprefix(site.issuer).partition("?")[0]
        options = await page.evaluate(
            "path => fetch(`${path}/passkey`).then((one) => one.json())", path
        )
        elsewhere = await page.context.new_page()
        there, other = await authenticator(elsewhere)
        moved = {**credential, "signCount": credential["signCount"] + 10}
        await there.send(
            "WebAuthn.addCredential", {"authenticatorId": other, "credential": moved}
        )
        await elsewhere.goto(f"{site.portal}/callback?code=0")
        asked = {"challenge": options["challenge"], "rpId": options["rpId"]}
        signed = await elsewhere.evaluate(SIGN, asked)
        await elsewhere.close()
        await page.evaluate(
            """signed => {
              const form = document.getElementById("passkey-form");
              form.elements.credential.value = signed;
              form.submit();
            }""",
            signed,
        )
        await expect(page.get_by_test_id("said-refused")).to_be_visible()


async def test_another_rp_id_is_refused_by_browser_and_provider(site: Site) -> None:
    async with with_passkey(site) as (page, _, _, login):
        await page.goto(login, wait_until="domcontentloaded")
        with pytest.raises(Exception, match="SecurityError"):
            await page.evaluate(SIGN, {"challenge": "AAAA", "rpId": "evil.example"})
        party = site.services.passkeys.party
        strict = replace(site.services.passkeys, party=replace(party, rp_id="other"))
        object.__setattr__(site.services, "passkeys", strict)
        await page.route("**/passkey", _as_localhost)
        await page.get_by_test_id("passkey").click()
        await expect(page.get_by_test_id("said-refused")).to_be_visible()


async def _as_localhost(route: Any) -> None:
    if route.request.method == "POST":
        await route.continue_()
        return
    answer = await route.fetch()
    told = await answer.json()
    await route.fulfill(response=answer, json={**told, "rpId": "localhost"})


async def test_without_javascript_no_passkey_is_offered_and_consent_works(
    site: Site,
) -> None:
    async with site.visit(java_script_enabled=False) as (page, interaction):
        await expect(page.locator("#passkey")).to_be_hidden()
        await sign_in(site, page)
        await page.goto(f"{site.issuer}/account", wait_until="domcontentloaded")
        await expect(page.locator("#add-passkey")).to_be_hidden()
        await expect(page.locator("#no-passkeys")).to_be_visible()
        cookies = {one["name"]: one["value"] for one in await page.context.cookies()}
        mine = cookies[f"login-{interaction.id[:8]}"]
        services = site.services
        found = await services.interactions.find(interaction.id, cookie=mine)
        login = proposed_login(site)
        await services.interactions.propose(found, login)
        await page.goto(
            f"{site.issuer}/login/{interaction.id}", wait_until="domcontentloaded"
        )
        await page.get_by_test_id("release").click()
        await page.wait_for_url(f"{site.portal}/callback**")


def proposed_login(site: Site) -> Login:
    return Login(
        grant_id=new_id(),
        account_id=site.account_id,
        session_id=new_id(),
        acr="substantial",
        amr=("mfa", "pop"),
        auth_time=to_millis(site.services.clock.now()),
        claims=("name",),
    )


SIZES = {"phone": {"width": 360, "height": 740}, "desk": {"width": 1280, "height": 900}}


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("language", ["km", "en"])
async def test_the_pages_fit_and_are_accessible(
    site: Site, size: str, language: str, tmp_path: Path
) -> None:
    async with site.visit(viewport=SIZES[size], params={"locale": language}) as (
        page,
        _,
    ):
        login = page.url
        await by_button_only(page)
        await authenticator(page)
        await sign_in(site, page)
        await add_passkey(site, page)
        for name, address in (
            ("account", f"{site.issuer}/account?lang={language}"),
            ("login", login),
        ):
            await page.goto(address, wait_until="domcontentloaded")
            await looks_right(page, tmp_path / f"{name}-{size}-{language}.png")
        await page.get_by_test_id("passkey").click()
        await page.wait_for_url("**/consent/**")
        await looks_right(page, tmp_path / f"consent-{size}-{language}.png")


async def looks_right(page: Page, picture: Path) -> None:
    assert await axe(page) == []
    wide = "document.documentElement.scrollWidth > innerWidth"
    assert not await page.evaluate(wide), "scrolls sideways"
    await page.screenshot(path=picture, full_page=True)
