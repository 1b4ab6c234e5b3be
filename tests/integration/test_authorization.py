"""The authorization endpoint behind the provider's own pages and headers."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from hashlib import sha256
from html import unescape
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx2
import pytest

from idp.storage.columns import b64encode
from tests.login import follow
from tests.world import ISSUER, PORTAL, SECRET, Browser, World, open_world

VERIFIER = "v" * 64
CHALLENGE = b64encode(sha256(VERIFIER.encode()).digest())
CALLBACK = f"{PORTAL}/callback"
FIELD = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)">')


def run(store_url: str, work: Callable[[World], Awaitable[Any]]) -> None:
    async def main() -> None:
        async with open_world(store_url, sandbox=True) as world:
            await world.portal()
            await work(world)

    asyncio.run(main())


def asked(**changes: str) -> dict[str, str]:
    return {
        "client_id": "portal",
        "redirect_uri": CALLBACK,
        "response_type": "code",
        "scope": "openid profile",
        "state": "st",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
        **changes,
    }


async def ask(browser: Browser, **changes: str) -> httpx2.Response:
    return await browser.http.get(f"{ISSUER}/authorize", params=asked(**changes))


async def log_in(browser: Browser, answer: httpx2.Response) -> httpx2.Response:
    """Log in as a test citizen; return the answer that leaves for the portal."""
    page = str(answer.url.join(answer.headers["location"]))
    answer = await browser.post(page, "sandbox", citizen="citizen")
    while answer.is_redirect:
        target = str(answer.url.join(answer.headers["location"]))
        if target.startswith(PORTAL):
            break
        answer = await browser.http.get(target)
    return answer


async def redeem(browser: Browser, code: str) -> httpx2.Response:
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": CALLBACK,
        "code_verifier": VERIFIER,
    }
    return await browser.http.post(
        f"{ISSUER}/token", data=form, auth=("portal", SECRET)
    )


def fields_of(page: httpx2.Response) -> dict[str, str]:
    return {name: unescape(value) for name, value in FIELD.findall(page.text)}


def query_of(answer: httpx2.Response) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(answer.headers["location"]).query))


def test_form_post_is_a_page_that_works_with_and_without_a_script(
    store_url: str,
) -> None:
    async def work(world: World) -> None:
        browser = world.browser()
        page = await log_in(
            browser, await ask(browser, response_mode="form_post", ui_locales="en")
        )
        assert page.status_code == 200
        policy = page.headers["content-security-policy"]
        assert f"form-action 'self' {PORTAL};" in policy
        assert "frame-ancestors 'none'" in policy
        assert page.headers["x-frame-options"] == "DENY"
        assert page.headers["cache-control"] == "no-store"
        assert "access-control-allow-origin" not in page.headers
        assert '<script src="/static/form_post.js" defer></script>' in page.text
        assert "unsafe" not in policy
        assert f'<form id="answer" method="post" action="{CALLBACK}">' in page.text
        assert "<button" in page.text
        assert 'lang="en"' in page.text
        script = await browser.http.get(f"{ISSUER}/static/form_post.js")
        assert script.status_code == 200
        said = fields_of(page)
        assert (said["state"], said["iss"]) == ("st", ISSUER)
        assert (await redeem(browser, said["code"])).status_code == 200

    run(store_url, work)


def test_form_post_speaks_khmer_unless_asked_otherwise(store_url: str) -> None:
    async def work(world: World) -> None:
        page = await ask(world.browser(), response_mode="form_post", scope="x")
        assert 'lang="km"' in page.text
        assert fields_of(page)["error"] == "invalid_scope"

    run(store_url, work)


def test_going_back_after_a_form_post_posts_no_code_a_second_time(
    store_url: str,
) -> None:
    async def work(world: World) -> None:
        browser = world.browser()
        page = await log_in(browser, await ask(browser, response_mode="form_post"))
        again = await browser.http.get(str(page.url))
        assert again.status_code == 400
        assert "code" not in fields_of(again)

    run(store_url, work)


def test_a_pushed_login_of_a_citizen_ends_at_the_portal_once(store_url: str) -> None:
    async def work(world: World) -> None:
        browser = world.browser()
        pushed = await browser.http.post(
            f"{ISSUER}/par", data=asked(), auth=("portal", SECRET)
        )
        assert pushed.status_code == 201
        params = {
            "client_id": "portal",
            "request_uri": pushed.json()["request_uri"],
        }
        address = f"{ISSUER}/authorize"
        reloaded = await browser.http.get(address, params=params)
        assert reloaded.status_code == 303
        login = await browser.http.get(address, params=params)
        said = query_of(await log_in(browser, login))
        assert (await redeem(browser, said["code"])).status_code == 200
        again = await browser.http.get(address, params=params)
        assert again.status_code == 400
        assert "invalid_request_uri" in again.text

    run(store_url, work)


@pytest.mark.parametrize(
    "changes", [{"prompt": "consent"}, {"scope": "openid profile phone"}]
)
def test_a_signed_in_citizen_consents_without_a_phone(
    store_url: str, changes: dict[str, str]
) -> None:
    async def work(world: World) -> None:
        browser = world.browser()
        said = query_of(await log_in(browser, await ask(browser)))
        assert (await redeem(browser, said["code"])).status_code == 200
        answer = await ask(browser, **changes)
        page = str(answer.url.join(answer.headers["location"]))
        assert "/consent/" in page
        shown = await browser.http.get(page)
        assert shown.status_code == 200
        proposal = fields_of(shown)["proposal"]
        done = await browser.http.post(
            page, headers={"Origin": ISSUER}, data={"proposal": proposal}
        )
        back = await follow(browser, done)
        code = dict(parse_qsl(urlsplit(back).query))["code"]
        assert (await redeem(browser, code)).status_code == 200

    run(store_url, work)


def test_another_account_is_chosen_by_a_new_login(store_url: str) -> None:
    async def work(world: World) -> None:
        browser = world.browser()
        said = query_of(await log_in(browser, await ask(browser)))
        first = (await redeem(browser, said["code"])).json()
        answer = await ask(browser, prompt="select_account")
        page = str(answer.url.join(answer.headers["location"]))
        proposal = fields_of(await browser.http.get(page))["proposal"]
        other = await browser.http.post(
            f"{page}/another", headers={"Origin": ISSUER}, data={"proposal": proposal}
        )
        login = str(other.url.join(other.headers["location"])).partition("?")[0]
        done = await browser.post(login, "sandbox", citizen="minor")
        back = await follow(browser, done)
        code = dict(parse_qsl(urlsplit(back).query))["code"]
        second = (await redeem(browser, code)).json()
        assert first["id_token"] != second["id_token"]
        verify = world.services.keys.verify
        one = await verify(first["id_token"], typ="JWT")
        two = await verify(second["id_token"], typ="JWT")
        assert one["sub"] != two["sub"]

    run(store_url, work)


def test_a_refusal_before_the_way_back_is_known_is_a_page_of_ours(
    store_url: str,
) -> None:
    async def work(world: World) -> None:
        for changes in (
            {"redirect_uri": "https://evil.example/"},
            {"client_id": "nobody"},
            {"request_uri": "urn:ietf:params:oauth:request_uri:x", "redirect_uri": ""},
        ):
            page = await ask(world.browser(), **changes)
            assert page.status_code == 400
            assert "location" not in page.headers
            assert page.headers["x-frame-options"] == "DENY"
            assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
            assert "evil.example" not in page.text

    run(store_url, work)
