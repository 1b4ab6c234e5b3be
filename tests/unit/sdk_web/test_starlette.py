"""A Starlette portal through its real door: a browser with a cookie jar."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

import sdk_web
from sdk_web import (
    CamDigiKeyClient,
    ClientSecretBasic,
    CookieSealer,
    Misconfigured,
    RelyingParty,
    SealBroken,
)
from sdk_web.starlette import CamDigiKeyLogin
from tests.unit.sdk_web.conftest import Watch
from tests.unit.sdk_web.provider import DROP, Client, Provider
from tests.unit.sdk_web.serving import address, listen, serving

BASE = "https://portal.example"
KEY = b"k" * 32


class Portal:
    def __init__(self, provider: Provider, watch: Watch, keys: list[bytes]) -> None:
        provider.clients["web"] = Client((f"{BASE}/callback",), (f"{BASE}/",), "s")
        client = CamDigiKeyClient(
            RelyingParty(
                issuer=provider.issuer,
                client_id="web",
                redirect_uri=f"{BASE}/callback",
                authentication=ClientSecretBasic("s"),
                scopes=("openid", "profile", "offline_access"),
                post_logout_redirect_uri=f"{BASE}/",
            ),
            transport=provider.transport,
            clock=watch,
        )
        self.login = CamDigiKeyLogin(
            client,
            base_url=BASE,
            cookie_keys=keys,
            level="substantial",
            locale=lambda _: "km",
            clock=watch,
        )
        routes = [Route("/", self.home), *self.login.routes]
        self.app = Starlette(routes=routes)
        self.provider = provider

    async def home(self, request: Request) -> Response:
        session = self.login.session(request)
        return JSONResponse(None if session is None else dict(session.claims))

    def browser(self) -> TestClient:
        return TestClient(self.app, base_url=BASE, follow_redirects=False)

    def log_in(self, browser: TestClient, path: str = "/login") -> httpx2.Response:
        return browser.get(self.callback(browser.get(path)))

    def callback(self, started: httpx2.Response) -> str:
        with TestClient(self.provider.app, follow_redirects=False) as phone:
            page = phone.get(started.headers["location"])
            return str(phone.post(page.headers["location"]).headers["location"])


@pytest.fixture
def portal(provider: Provider, watch: Watch) -> Portal:
    return Portal(provider, watch, [KEY])


def post(browser: TestClient, path: str, **headers: str) -> httpx2.Response:
    return browser.post(path, headers={"Origin": BASE} | headers)


def test_a_browser_logs_in_sees_its_claims_refreshes_and_logs_out(
    portal: Portal,
) -> None:
    browser = portal.browser()
    assert browser.get("/").json() is None
    answer = portal.log_in(browser, "/login?return_to=/forms/7")
    assert (answer.status_code, answer.headers["location"]) == (303, "/forms/7")
    assert browser.get("/").json()["given_name#km"] == "ដារ៉ា"
    portal.provider.userinfo = {"given_name": "Dary"}
    assert post(browser, "/refresh").headers["location"] == "/"
    assert browser.get("/").json()["given_name"] == "Dary"
    away = post(browser, "/logout")
    assert away.headers["location"].startswith("http://localhost:8000/end_session?")
    assert browser.get("/").json() is None
    assert portal.provider.refreshes == {}


def test_the_login_asks_for_the_level_and_language_of_the_portal(
    portal: Portal,
) -> None:
    browser = portal.browser()
    for path, level in (
        ("", "substantial"),
        ("?level=high", "high"),
        ("?level=x", "substantial"),
    ):
        location = browser.get(f"/login{path}").headers["location"]
        asked = parse_qs(urlsplit(location).query)
        assert asked["acr_values"] == [f"{portal.provider.issuer}/acr/{level}"]
        assert asked["ui_locales"] == ["km"]


def test_cookies_are_for_this_host_secure_and_out_of_reach_of_scripts(
    portal: Portal,
) -> None:
    browser = portal.browser()
    started = browser.get("/login")
    finished = browser.get(portal.callback(started))
    cookies = started.headers.get_list("set-cookie")
    cookies += finished.headers.get_list("set-cookie")
    assert len(cookies) >= 3
    for cookie in cookies:
        assert cookie.startswith("__Host-portal-")
        for word in ("Secure", "HttpOnly", "SameSite=lax", "Path=/"):
            assert word in cookie
        assert "Domain" not in cookie


def test_what_a_cookie_holds_cannot_be_read(portal: Portal) -> None:
    browser = portal.browser()
    portal.log_in(browser)
    everything = "".join(browser.cookies.values())
    assert "pairwise-1" not in everything
    assert all(value.startswith("v1.") for value in browser.cookies.values())


def test_a_callback_in_another_browser_is_refused(portal: Portal) -> None:
    callback = portal.callback(portal.browser().get("/login"))
    other = portal.browser()
    assert other.get(callback).status_code == 400
    assert other.get("/").json() is None


def test_a_callback_is_used_once_even_with_its_cookie_kept(portal: Portal) -> None:
    browser = portal.browser()
    started = browser.get("/login")
    name, kept = next(iter(browser.cookies.items()))
    callback = portal.callback(started)
    assert browser.get(callback).status_code == 303
    assert name not in browser.cookies
    browser.cookies.set(name, kept, domain="portal.example")
    assert browser.get(callback).status_code == 400


def test_two_tabs_may_log_in_side_by_side(portal: Portal) -> None:
    browser = portal.browser()
    first, second = browser.get("/login"), browser.get("/login")
    assert browser.get(portal.callback(first)).status_code == 303
    assert browser.get(portal.callback(second)).status_code == 303


@pytest.mark.parametrize(
    "callback",
    [
        "/callback",
        "/callback?state=",
        "/callback?state=..%2F..%2Fx",
        "/callback?state=a&state=a",
        "/callback?state=unknown-unknown&code=1",
    ],
)
def test_a_strange_callback_gets_an_error_page(portal: Portal, callback: str) -> None:
    assert portal.browser().get(callback).status_code == 400


@pytest.mark.parametrize(
    "target",
    ["//evil.example", "https://evil.example", "/\\evil.example", "/a\r\nb", "", "/é"],
)
def test_a_login_never_leads_to_another_site(portal: Portal, target: str) -> None:
    browser = portal.browser()
    started = browser.get("/login", params={"return_to": target})
    assert browser.get(portal.callback(started)).headers["location"] == "/"


@pytest.mark.parametrize("path", ["/logout", "/refresh"])
@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "null", "Sec-Fetch-Site": "cross-site"},
    ],
)
def test_another_site_cannot_press_the_buttons(
    portal: Portal, path: str, headers: dict[str, str]
) -> None:
    browser = portal.browser()
    portal.log_in(browser)
    asked = len(portal.provider.asked)
    assert browser.post(path, headers=headers).headers["location"] == "/"
    assert browser.get("/").json() is not None
    assert len(portal.provider.asked) == asked


def test_a_page_that_hides_its_origin_may_press_its_own_buttons(
    portal: Portal,
) -> None:
    browser = portal.browser()
    portal.log_in(browser)
    headers = {"Origin": "null", "Sec-Fetch-Site": "same-origin"}
    assert browser.post("/logout", headers=headers).headers["location"] != "/"


def test_a_grant_that_ended_logs_out_on_refresh(portal: Portal) -> None:
    browser = portal.browser()
    portal.log_in(browser)
    portal.provider.refreshes.clear()
    post(browser, "/refresh")
    assert browser.get("/").json() is None


def test_a_refresh_that_lies_keeps_the_session_and_shows_an_error(
    portal: Portal,
) -> None:
    browser = portal.browser()
    portal.log_in(browser)
    portal.provider.claims = {"sub": "pairwise-2"}
    assert post(browser, "/refresh").status_code == 400
    assert browser.get("/").json()["sub"] == "pairwise-1"


def test_logging_out_works_while_the_provider_is_away(portal: Portal) -> None:
    async def away(_: Request) -> Response:
        return Response(status_code=503)

    browser = portal.browser()
    portal.log_in(browser)
    portal.provider.answers["/revoke"] = away
    assert post(browser, "/logout").headers["location"] == "/"
    assert browser.get("/").json() is None


def test_a_session_ends_after_eight_hours(portal: Portal, watch: Watch) -> None:
    browser = portal.browser()
    portal.log_in(browser)
    watch.now += 8 * 3600 - 1
    assert browser.get("/").json() is not None
    watch.now += 1
    assert browser.get("/").json() is None


def test_a_large_session_is_cut_into_cookies_and_put_together_again(
    portal: Portal,
) -> None:
    browser = portal.browser()
    portal.provider.userinfo = {"address": "ភ្នំពេញ" * 200}
    portal.log_in(browser)
    assert "__Host-portal-session-1" in browser.cookies
    assert browser.get("/").json()["address"] == "ភ្នំពេញ" * 200
    portal.provider.userinfo = {}
    post(browser, "/refresh")
    assert browser.get("/").json()["name"] == "Sok Dara"
    portal.provider.userinfo = {"address": "x" * 20_000}
    assert portal.log_in(browser).status_code == 400


def test_an_altered_session_is_no_session(portal: Portal) -> None:
    browser = portal.browser()
    portal.log_in(browser)
    name = "__Host-portal-session-0"
    value = browser.cookies[name]
    for other in ("", "v1.", "v1.AAAA", value[:-4], value[:-2] + "AA", "v1.é"):
        cookie = {"Cookie": f"{name}={other}".encode()}
        assert portal.browser().get("/", headers=cookie).json() is None
    whole = {"Cookie": "; ".join(f"{k}={v}" for k, v in browser.cookies.items())}
    assert portal.browser().get("/", headers=whole).json() is not None


def test_cookie_keys_can_be_changed_without_logging_anybody_out(
    provider: Provider, watch: Watch, portal: Portal
) -> None:
    browser = portal.browser()
    portal.log_in(browser)
    cookie = {"Cookie": "; ".join(f"{k}={v}" for k, v in browser.cookies.items())}
    rotated = Portal(provider, watch, [b"n" * 32, KEY])
    assert rotated.browser().get("/", headers=cookie).json() is not None
    dropped = Portal(provider, watch, [b"n" * 32])
    assert dropped.browser().get("/", headers=cookie).json() is None


def test_a_seal_opens_only_in_its_context() -> None:
    sealer = CookieSealer([KEY])
    sealed = sealer.seal(b"content", context="session")
    assert sealer.open(sealed, context="session") == b"content"
    with pytest.raises(SealBroken):
        sealer.open(sealed, context="login")


@pytest.mark.parametrize("keys", [[], [b"short"]])
def test_a_weak_cookie_key_is_refused(keys: list[bytes]) -> None:
    with pytest.raises(Misconfigured):
        CookieSealer(keys)


def test_a_provider_without_userinfo_and_logout_page_will_do(portal: Portal) -> None:
    changes = {"userinfo_endpoint": DROP, "end_session_endpoint": DROP}
    portal.provider.discovery = changes | {"revocation_endpoint": DROP}
    browser = portal.browser()
    portal.log_in(browser)
    assert browser.get("/").json()["sub"] == "pairwise-1"
    assert post(browser, "/logout").headers["location"] == "/"


def test_a_provider_that_is_away_gets_an_error_page(portal: Portal) -> None:
    portal.provider.discovery = {"issuer": "https://evil.example"}
    assert portal.browser().get("/login").status_code == 400


@contextmanager
def real_provider() -> Iterator[Provider]:
    listener = listen()
    provider = Provider(issuer=address(listener))
    with serving(provider.app, listener):
        yield provider


def example(path: Path, issuer: str) -> CodeType:
    text = path.read_text().split("```python\n")[1].split("```")[0]
    text = text.replace('"http://localhost:8000"', repr(issuer))
    return compile(text, path.name, "exec")


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("sdk_web/README.md", "level substantial"),
        ("docs/relying-parties.md", "សួស្តី ដារ៉ា (substantial)"),
        ("docs/relying-parties.km.md", "សួស្តី ដារ៉ា (substantial)"),
    ],
)
def test_the_portal_of_the_documentation_runs_over_a_real_network(
    path: str, shown: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = "the secret from your registration"
    (tmp_path / "client-secret").write_text(secret)
    monkeypatch.chdir(tmp_path)
    root = Path(sdk_web.__file__).parent.parent
    with real_provider() as provider:
        there: dict[str, Starlette] = {}
        exec(example(root / path, provider.issuer), there)
        provider.clients["my-portal"] = Client(
            ("http://localhost:8002/callback",), ("http://localhost:8002/",), secret
        )
        with TestClient(there["app"], base_url="http://localhost:8002") as browser:
            browser.follow_redirects = False
            with httpx2.Client() as phone:
                page = phone.get(browser.get("/login").headers["location"])
                back = phone.post(page.headers["location"]).headers["location"]
            assert browser.get(back).headers["location"] == "/"
            assert shown in browser.get("/").text
