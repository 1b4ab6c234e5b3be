"""Every address of the provider, read from its own routes, under attack.

A new form without its checks fails here: it is not in any table, so it is held to all.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from itertools import product

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from idp.app import create_app
from idp.engines import sms_twilio
from idp.translations import translate
from idp.web.middleware import LARGEST_BODY
from tests.integration.test_authorization import ask
from tests.integration.test_message_reports import SETTINGS as MESSAGES
from tests.integration.test_message_reports import use
from tests.login import follow
from tests.world import ISSUER, SECRET, Browser, World, open_world, settings_for

EVIL = "https://evil.example"
FOREIGN = [
    None,
    "null",
    "",
    EVIL,
    "http://idp.test",
    "https://idp.test:444",
    "https://idp.test.",
    "https://idp.test/",
    "https://idp.test.evil.example",
    "https://evil-idp.test",
    "https://user@idp.test",
    f"{ISSUER} {EVIL}",
    f"{ISSUER}, {EVIL}",
]
# Forms whose authority is not a cookie: what they are told is a secret of its own.
NO_COOKIE_COUNTS = {
    "/par",
    "/token",
    "/introspect",
    "/backchannel-authentication",
    "/revoke",
    "/userinfo",
    "/register",
    "/sandbox/backchannel",
    "/messages/reports/{provider}",
}
# Relying parties post here from their own origin; what stands instead of the Origin:
OTHER_ORIGINS_WELCOME = {
    "/authorize": "nothing but a login begins; a code goes to the party alone",
    "/logout": "test_a_form_from_another_site_cannot_sign_anybody_out",
}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
WRONG_ORIGIN = translate("error.wrong-origin.title", "km")


def every_route() -> list[Route]:
    app = create_app(settings_for("sqlite:///unused", sandbox=True))
    return [route for route in app.routes if isinstance(route, Route)]


def addresses() -> dict[str, set[str]]:
    """Every path with all methods that any of its routes takes."""
    found: dict[str, set[str]] = {}
    for route in every_route():
        taken = route.methods or {"GET", "HEAD"}
        found.setdefault(route.path, set()).update(taken)
    return found


def paths(method: str) -> list[str]:
    return sorted(path for path, taken in addresses().items() if method in taken)


FORMS = paths("POST")
PAGES_FORMS = [
    path
    for path in FORMS
    if path not in NO_COOKIE_COUNTS and path not in OTHER_ORIGINS_WELCOME
]


@dataclass(frozen=True)
class Target:
    """A signed-in browser with a login of its own parked."""

    world: World
    browser: Browser
    interaction: str

    def url(self, path: str) -> str:
        names = {"interaction": self.interaction, "client_id": "portal"}
        names["challenge"] = "none"
        names["provider"] = "twilio"
        for name, value in names.items():
            path = path.replace(f"{{{name}}}", value)
        return ISSUER + path

    async def send(
        self, method: str, path: str, *, body: bytes = b"", **headers: str
    ) -> httpx2.Response:
        return await self.browser.http.request(
            method, self.url(path), content=body, headers={**FORM, **headers}
        )

    async def is_signed_in(self) -> bool:
        answer = await self.browser.http.get(f"{ISSUER}/account")
        return answer.status_code == 200

    async def is_parked(self) -> bool:
        answer = await self.send("GET", "/login/{interaction}/status")
        told = answer.json()
        return told["event"] == "codes"


def attack(store_url: str, work: Callable[[Target], Awaitable[None]]) -> None:
    async def main() -> None:
        async with open_world(store_url, sandbox=True) as world:
            use(world, twilio=sms_twilio.create(MESSAGES))
            portal, browser = await world.portal(), world.browser()
            page = await browser.open_login(await portal.start())
            answer = await browser.post(page, "sandbox", citizen="citizen")
            await portal.finish(await follow(browser, answer))
            page = await browser.open_login(await portal.start(prompt="login"))
            target = Target(world, browser, page.rpartition("/")[2])
            assert await target.is_signed_in()
            assert await target.is_parked()
            await work(target)

    asyncio.run(main())


def test_every_exemption_is_a_form() -> None:
    assert set(FORMS) >= NO_COOKIE_COUNTS
    assert set(FORMS) >= set(OTHER_ORIGINS_WELCOME)
    assert len(PAGES_FORMS) > 10


def test_no_form_of_a_page_is_taken_from_another_origin(sqlite_url: str) -> None:
    """CSRF: refused before anything is read, and nothing is changed."""

    async def work(target: Target) -> None:
        for path in PAGES_FORMS:
            for origin in FOREIGN:
                headers = {} if origin is None else {"Origin": origin}
                answer = await target.send("POST", path, **headers)
                assert answer.status_code == 403, (path, origin)
                assert WRONG_ORIGIN in answer.text, (path, origin)
                assert "set-cookie" not in answer.headers
        assert await target.is_signed_in()
        assert await target.is_parked()

    attack(sqlite_url, work)


def test_our_own_page_is_not_refused_for_its_origin(sqlite_url: str) -> None:
    async def work(target: Target) -> None:
        for path in PAGES_FORMS:
            answer = await target.send("POST", path, Origin=ISSUER)
            assert WRONG_ORIGIN not in answer.text, path
            assert answer.status_code < 500, path

    attack(sqlite_url, work)


def test_no_cookie_is_worth_anything_where_no_origin_is_asked(
    sqlite_url: str,
) -> None:
    async def work(target: Target) -> None:
        stranger = Target(target.world, target.world.browser(), target.interaction)
        for path in sorted(NO_COOKIE_COUNTS):
            signed_in = await target.send("POST", path, Origin=EVIL)
            nobody = await stranger.send("POST", path, Origin=EVIL)
            assert 400 <= nobody.status_code < 500, path
            assert signed_in.status_code == nobody.status_code, path
            assert signed_in.content == nobody.content, path
            assert "set-cookie" not in signed_in.headers

    attack(sqlite_url, work)


def test_a_request_that_another_site_posts_gives_a_code_to_nobody_else(
    sqlite_url: str,
) -> None:
    """The one form that anybody may post: its answer leaves for the party alone."""

    async def work(target: Target) -> None:
        answer = await target.send("POST", "/authorize", Origin=EVIL)
        assert answer.status_code == 400
        assert "location" not in answer.headers
        answer = await ask(target.browser, redirect_uri=f"{EVIL}/callback")
        assert answer.status_code == 400
        assert EVIL not in answer.text

    attack(sqlite_url, work)


def test_no_answer_at_any_address_can_be_framed_sniffed_or_kept_by_referrer(
    sqlite_url: str,
) -> None:
    """Clickjacking: pages, refusals, redirects, JSON and what is not there."""

    async def work(target: Target) -> None:
        asked = [
            (method, path)
            for path, taken in addresses().items()
            for method in sorted(taken - {"HEAD"})
            if not path.endswith("/events")
        ]
        for method, path in [*asked, ("GET", "/nothing"), ("PUT", "/token")]:
            for origin in (ISSUER, EVIL):
                answer = await target.send(method, path, Origin=origin)
                policy = answer.headers["content-security-policy"]
                assert "frame-ancestors 'none'" in policy, (method, path)
                assert "unsafe" not in policy or "style" in policy, (method, path)
                assert answer.headers["x-frame-options"] == "DENY"
                assert answer.headers["x-content-type-options"] == "nosniff"
                told = answer.headers["referrer-policy"]
                assert told in {"no-referrer", "same-origin"}, path
                assert answer.status_code < 500, (method, path)

    attack(sqlite_url, work)


def soups(path: str) -> list[bytes]:
    twice = [b"client_id=portal&client_id=twin", b"token=a&token=b", b"a=1&a=1"]
    return [
        *twice,
        b"decision=deny&decision=approve&citizen=citizen&citizen=minor",
        b"&".join(b"a%d=x" % n for n in range(5_000)),
        b"scope=" + b"s" * 30_000,
        b"=" * 9_000,
        b"a=%ff%fe&b=%00",
        b"\xff\xfe\x00" + path.encode(),
    ]


def test_a_form_that_is_too_large_is_refused_at_the_door(sqlite_url: str) -> None:
    async def work(target: Target) -> None:
        large = b"a=" + b"x" * LARGEST_BODY
        for path in FORMS:
            answer = await target.send("POST", path, body=large, Origin=ISSUER)
            assert answer.status_code == 413, path
        assert await target.is_signed_in()

    attack(sqlite_url, work)


def test_repeated_and_oversized_parameters_do_nothing_at_any_form(
    sqlite_url: str,
) -> None:
    async def work(target: Target) -> None:
        callers = (None, httpx2.BasicAuth("portal", SECRET))
        for path in FORMS:
            for body, auth in product(soups(path), callers):
                answer = await target.browser.http.post(
                    target.url(path),
                    content=body,
                    headers={**FORM, "Origin": ISSUER},
                    auth=auth,
                )
                assert answer.status_code < 500, (path, body[:40])
                if path in NO_COOKIE_COUNTS:
                    assert answer.status_code >= 400, (path, body[:40])
                location = answer.headers.get("location", "/")
                assert location.startswith(("/", ISSUER)), location

    attack(sqlite_url, work)


DECISIVE = {
    "/login/{interaction}/sandbox": "citizen=citizen&citizen=minor",
    "/account/passkeys/remove": "passkey=a&passkey=b",
    "/account/consents/withdraw": "party=nobody&party=portal",
}


@pytest.mark.parametrize(("path", "body"), DECISIVE.items())
def test_a_field_that_is_repeated_on_a_page_counts_as_absent(
    sqlite_url: str, path: str, body: str
) -> None:
    """Whoever checks one value and whoever acts on the other never differ."""

    async def work(target: Target) -> None:
        world = target.world
        before = await consents(world)
        answer = await target.send("POST", path, body=body.encode(), Origin=ISSUER)
        assert answer.status_code < 500
        assert await consents(world) == before == 1
        resumed = await target.browser.http.get(
            f"{ISSUER}/authorize/resume?interaction={target.interaction}"
        )
        assert "code=" not in resumed.headers.get("location", "")

    attack(sqlite_url, work)


async def consents(world: World) -> int:
    query = "SELECT COUNT(*) FROM consent WHERE withdrawn_at IS NULL"
    async with world.services.store.read() as tx:
        row = await tx.one(query)
    assert row is not None
    return int(row[0])


METHODS = {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"}


def test_no_other_method_reaches_an_address(sqlite_url: str) -> None:
    """Method confusion: 405, whatever a header or a field says it should be."""

    async def work(target: Target) -> None:
        for path, taken in addresses().items():
            for method in sorted(METHODS - taken):
                answer = await target.send(
                    method,
                    path,
                    body=b"_method=POST",
                    **{"X-HTTP-Method-Override": "POST", "Origin": ISSUER},
                )
                assert answer.status_code in {404, 405}, (method, path)
                assert "set-cookie" not in answer.headers, (method, path)
        assert await target.is_signed_in()
        assert await target.is_parked()

    attack(sqlite_url, work)


def test_what_changes_something_is_never_a_get(sqlite_url: str) -> None:
    async def work(target: Target) -> None:
        reads = set(paths("GET"))
        for path in sorted(set(PAGES_FORMS) - reads):
            answer = await target.send("GET", f"{path}?citizen=citizen&party=portal")
            assert answer.status_code in {404, 405}, path

    attack(sqlite_url, work)


def test_the_same_address_under_another_name_is_not_answered(sqlite_url: str) -> None:
    """Host confusion: no link and no cache of ours names another host."""

    async def work(target: Target) -> None:
        for host in ("evil.example", "idp.test.evil.example", "idp.test:444", ""):
            for path in ("/authorize", "/token", "/logout", "/"):
                answer = await target.send("GET", path, Host=host)
                assert answer.status_code == 421, host
                assert host not in answer.text or not host

    attack(sqlite_url, work)


def test_the_application_under_test_is_the_one_that_is_served() -> None:
    app = create_app(settings_for("sqlite:///unused"))
    assert isinstance(app, Starlette)
    served = {route.path for route in app.routes if isinstance(route, Route)}
    assert served == set(addresses())
