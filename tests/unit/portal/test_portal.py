"""The demo portal: both languages, every state of the page, nothing from elsewhere."""

import re
from pathlib import Path

import httpx2
import pytest
from starlette.testclient import TestClient

from camdigikey.portal import create_portal
from camdigikey.portal.__main__ import read_secrets
from camdigikey.portal.texts import ENGLISH, KHMER
from tests.unit.sdk_web.provider import DROP, Client, Provider

BASE = "http://localhost:8002"


@pytest.fixture
def provider() -> Provider:
    portal = Client((f"{BASE}/callback",), (f"{BASE}/",), "s")
    return Provider(clients={"portal": portal})


@pytest.fixture
def browser(provider: Provider) -> TestClient:
    app = create_portal(
        issuer=provider.issuer,
        client_id="portal",
        client_secret="s",
        base_url=BASE,
        cookie_key=b"k" * 32,
        transport=provider.transport,
    )
    return TestClient(app, base_url=BASE, follow_redirects=False)


def log_in(provider: Provider, browser: TestClient) -> httpx2.Response:
    with TestClient(provider.app, follow_redirects=False) as phone:
        page = phone.get(browser.get("/login").headers["location"])
        back = phone.post(page.headers["location"]).headers["location"]
    return browser.get(back)


def test_the_portal_speaks_khmer_first_and_english_when_asked(
    browser: TestClient,
) -> None:
    page = browser.get("/").text
    assert '<html lang="km">' in page
    assert "ចូលដោយ CamDigiKey" in page
    assert browser.get("/language/en").status_code == 303
    assert "Log in with CamDigiKey" in browser.get("/").text
    browser.get("/language/xx")
    assert "Log in with CamDigiKey" in browser.get("/").text


def test_a_person_sees_the_verified_claims_in_both_scripts(
    provider: Provider, browser: TestClient
) -> None:
    assert log_in(provider, browser).headers["location"] == "/"
    page = browser.get("/").text
    for shown in ("សុខ ដារ៉ា", "Sok Dara", "ថ្ងៃទី៣១ ខែមករា ឆ្នាំ១៩៩០", "+85510000000"):
        assert shown in page
    assert KHMER["level_substantial"] in page
    assert f"{provider.issuer}/acr/substantial" in page
    browser.get("/language/en")
    page = browser.get("/").text
    assert "31 January 1990" in page
    assert "pop mfa pin swk" in page


def test_refresh_and_logout_are_buttons(
    provider: Provider, browser: TestClient
) -> None:
    log_in(provider, browser)
    provider.userinfo = {"given_name": "Dary"}
    browser.post("/refresh", headers={"Origin": BASE})
    assert "Sok Dary" in browser.get("/").text
    away = browser.post("/logout", headers={"Origin": BASE})
    assert away.headers["location"].startswith(f"{provider.issuer}/end_session?")
    assert "camdigikey-button" in browser.get("/").text


def test_missing_claims_leave_their_lines_out(
    provider: Provider, browser: TestClient
) -> None:
    names = ("phone_number", "birthdate", "family_name#km", "given_name#km")
    provider.userinfo = dict.fromkeys(names, DROP) | {"birthdate": "unknown"}
    log_in(provider, browser)
    page = browser.get("/").text
    assert KHMER["phone"] not in page
    assert "Sok Dara" in page


def test_claims_are_shown_as_text_never_as_markup(
    provider: Provider, browser: TestClient
) -> None:
    provider.userinfo = {"given_name": "<script>alert(1)</script>"}
    log_in(provider, browser)
    browser.get("/language/en")
    assert "<script>" not in browser.get("/").text


def test_a_refused_login_says_so_and_offers_another_try(
    provider: Provider, browser: TestClient
) -> None:
    started = browser.get("/login").headers["location"]
    state = httpx2.URL(started).params["state"]
    back = {"error": "access_denied", "state": state, "iss": provider.issuer}
    page = browser.get("/callback", params=back)
    assert page.status_code == 400
    assert KHMER["denied"] in page.text
    assert KHMER["failed"] in browser.get("/callback").text


def test_every_page_has_the_strict_headers(
    provider: Provider, browser: TestClient
) -> None:
    for path in ("/", "/login", "/callback", "/static/portal.css", "/nowhere"):
        headers = browser.get(path).headers
        policy = headers["content-security-policy"]
        assert policy.startswith("default-src 'none'")
        assert "unsafe" not in policy
        assert headers["x-content-type-options"] == "nosniff"
    log_in(provider, browser)
    assert browser.get("/").headers["cache-control"] == "no-store"


def test_pages_load_nothing_from_elsewhere_and_nothing_inline(
    provider: Provider, browser: TestClient
) -> None:
    log_in(provider, browser)
    page = browser.get("/").text
    assert not re.search(r"<script|<style|style=|\son[a-z]+=", page)
    for address in re.findall(r'(?:src|href)="([^"]+)"', page):
        assert address.startswith(("/", "#"))
        if address.startswith(("/static/", "/button/")):
            assert browser.get(address).status_code == 200


def test_both_languages_have_every_text() -> None:
    assert KHMER.keys() == ENGLISH.keys()
    assert all(KHMER.values())


def test_secrets_come_from_a_file_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "secrets"
    path.write_text("# portal\nCLIENT_SECRET=a=b\n\nCOOKIE_KEY=00\n")
    path.chmod(0o640)
    with pytest.raises(SystemExit):
        read_secrets(path)
    path.chmod(0o600)
    assert read_secrets(path) == {"CLIENT_SECRET": "a=b", "COOKIE_KEY": "00"}
    path.write_text("OTHER=1")
    with pytest.raises(SystemExit):
        read_secrets(path)


def test_the_portal_is_healthy(browser: TestClient) -> None:
    assert browser.get("/health").text == "ok"
