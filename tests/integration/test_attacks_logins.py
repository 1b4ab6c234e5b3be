"""Logins that somebody else began, answers for somebody else, and ways out."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx2
import orjson
import pytest

from idp.domain.interactions import cookie_name
from idp.domain.sessions import cookie_name as session_cookie
from idp.storage.columns import b64decode
from sdk_web import LoginError, TransactionSpent
from tests.integration.test_authorization import (
    CALLBACK,
    ask,
    fields_of,
    log_in,
    query_of,
    redeem,
)
from tests.login import follow
from tests.portal import HeadlessPortal
from tests.world import ISSUER, PORTAL, Browser, World, open_world

EVIL = "https://evil.example"
SESSION = session_cookie(secure=True)


def run(url: str, work: Callable[[World], Awaitable[Any]]) -> None:
    async def main() -> None:
        async with open_world(url, sandbox=True) as world:
            await world.portal()
            await work(world)

    asyncio.run(main())


async def came_back(world: World, portal: HeadlessPortal, citizen: str) -> str:
    """Let a citizen log in in a browser of his own; return the callback."""
    browser = world.browser()
    page = await browser.open_login(await portal.start())
    answer = await browser.post(page, "sandbox", citizen=citizen)
    return await follow(browser, answer)


def with_query(url: str, **changes: str) -> str:
    return str(httpx2.URL(url).copy_merge_params(changes))


def test_a_code_that_is_injected_into_another_login_is_worth_nothing(
    sqlite_url: str,
) -> None:
    """RFC 9700, 4.5: the victim's code, the thief's browser and transaction."""

    async def work(world: World) -> None:
        victim, thief = world.portal_process(), world.portal_process()
        stolen = await came_back(world, victim, "citizen")
        own = await came_back(world, thief, "minor")
        code = dict(parse_qsl(urlsplit(stolen).query))["code"]
        with pytest.raises(LoginError):
            await thief.finish(with_query(own, code=code))
        # It was tried with another verifier: it is burnt for everybody.
        with pytest.raises(LoginError):
            await victim.finish(stolen)

    run(sqlite_url, work)


def test_an_answer_of_another_login_or_issuer_is_refused_by_the_portal(
    sqlite_url: str,
) -> None:
    """Login CSRF and mix-up (RFC 9207, 2.4): state and iss are the portal's."""

    async def work(world: World) -> None:
        victim, thief = world.portal_process(), world.portal_process()
        await victim.start()
        own = await came_back(world, thief, "minor")
        with pytest.raises(LoginError):
            await victim.finish(own)
        for issuer in (EVIL, f"{ISSUER}/", f"{ISSUER}.evil.example"):
            portal = world.portal_process()
            back = await came_back(world, portal, "minor")
            with pytest.raises(LoginError) as refusal:
                await portal.finish(with_query(back, iss=issuer))
            assert not isinstance(refusal.value, TransactionSpent)
        assert (await thief.finish(own)).id_token.subject

    run(sqlite_url, work)


def test_every_kind_of_answer_names_its_issuer(sqlite_url: str) -> None:
    """RFC 9207, 2: codes, errors and refusals; query, form_post and JARM."""

    async def work(world: World) -> None:
        for mode in ("query", "form_post", "query.jwt", "form_post.jwt", "jwt"):
            browser = world.browser()
            asked = {"response_mode": mode}
            done = await log_in(browser, await ask(browser, **asked))
            silent = world.browser()
            failed = await ask(silent, prompt="none", **asked)
            wrong = await ask(silent, scope="nothing", **asked)
            for answer, name in ((done, "code"), (failed, "error"), (wrong, "error")):
                said = told(answer)
                assert said["iss"] == ISSUER, (mode, name)
                assert name in said, (mode, said)
                if "response" in fields(answer):
                    assert said["aud"] == "portal"

    run(sqlite_url, work)


def fields(answer: httpx2.Response) -> dict[str, str]:
    return query_of(answer) if answer.status_code == 303 else fields_of(answer)


def told(answer: httpx2.Response) -> dict[str, Any]:
    said: dict[str, Any] = dict(fields(answer))
    if "response" not in said:
        return said
    assert set(said) == {"response"}
    payload: dict[str, Any] = orjson.loads(b64decode(said["response"].split(".")[1]))
    return payload


def test_a_session_cookie_that_was_planted_is_not_the_one_after_the_login(
    sqlite_url: str,
) -> None:
    """Session fixation: the thief's own live session, in the victim's browser."""

    async def work(world: World) -> None:
        thief, victim = world.browser(), world.browser()
        answer = await log_in(thief, await ask(thief))
        assert (await redeem(thief, query_of(answer)["code"])).status_code == 200
        planted = thief.http.cookies[SESSION]
        victim.http.cookies.set(SESSION, planted, domain="idp.test", path="/")
        asked = await ask(victim, prompt="login")
        page = str(asked.url.join(asked.headers["location"]))
        done = await victim.post(page, "sandbox", citizen="minor")
        fresh = cookies_of(done)[SESSION]
        assert fresh != planted
        code = dict(parse_qsl(urlsplit(await follow(victim, done)).query))["code"]
        assert (await redeem(victim, code)).status_code == 200
        seen = (await thief.http.get(f"{ISSUER}/account")).text
        assert fresh.partition(".")[0] not in seen
        # The planted cookie signs in whom it always did, and never the victim.
        silent = await ask(thief, prompt="none", id_token_hint=await hint(victim))
        assert "code" not in query_of(silent)

    run(sqlite_url, work)


def cookies_of(answer: httpx2.Response) -> dict[str, str]:
    names = [header.partition("=") for header in answer.headers.get_list("set-cookie")]
    return {name: rest.partition(";")[0] for name, _, rest in names}


async def hint(browser: Browser) -> str:
    answer = await ask(browser, prompt="none")
    redeemed = await redeem(browser, query_of(answer)["code"])
    return str(redeemed.json()["id_token"])


def test_a_login_that_was_begun_elsewhere_is_finished_by_nobody(
    sqlite_url: str,
) -> None:
    """The interaction's cookie stays where the login began (RFC 9700, 4.7)."""

    async def work(world: World) -> None:
        thief, victim = world.browser(), world.browser()
        asked = await ask(thief)
        page = str(asked.url.join(asked.headers["location"]))
        interaction = page.rpartition("/")[2]
        sent = await victim.http.get(page)
        assert sent.status_code == 404
        answer = await victim.post(page, "sandbox", citizen="citizen")
        assert "location" not in answer.headers
        name = cookie_name(interaction, secure=True)
        for value in ("", "x", interaction, thief.http.cookies[name][:-1]):
            victim.http.cookies.set(name, value, domain="idp.test", path="/")
            answer = await victim.post(page, "sandbox", citizen="citizen")
            assert "location" not in answer.headers
        resumed = await thief.http.get(
            f"{ISSUER}/authorize/resume?interaction={interaction}"
        )
        assert "code=" not in resumed.headers.get("location", "")

    run(sqlite_url, work)


def test_every_cookie_is_bound_to_its_host_and_out_of_reach_of_scripts(
    sqlite_url: str,
) -> None:
    async def work(world: World) -> None:
        browser = world.browser()
        asked = await ask(browser)
        page = str(asked.url.join(asked.headers["location"]))
        done = await browser.post(page, "sandbox", citizen="citizen")
        headers = [
            *asked.headers.get_list("set-cookie"),
            *done.headers.get_list("set-cookie"),
        ]
        assert len(headers) >= 2
        for header in headers:
            parts = [part.strip().lower() for part in header.split(";")]
            assert parts[0].startswith("__host-")
            assert {"secure", "httponly", "path=/", "samesite=lax"} <= set(parts)
            assert not any(part.startswith("domain") for part in parts)

    run(sqlite_url, work)


NEARLY = [
    f"{EVIL}/",
    f"{PORTAL}",
    f"{PORTAL}/?next={EVIL}",
    f"{PORTAL}/#x",
    f"{PORTAL}//",
    f"{PORTAL}/..",
    f"{PORTAL}/%2e%2e",
    f"{PORTAL}%2f",
    f"{PORTAL}:443/",
    f"{PORTAL}:8443/",
    f"{PORTAL}.evil.example/",
    "https://user@portal.test/",
    "https://portal.test@evil.example/",
    "https://portal.test\\@evil.example/",
    "https://*.test/",
    "https://PORTAL.test/",
    "http://portal.test/",
    "//portal.test/",
    "/",
    "javascript:alert(1)",
    "data:text/html,x",
    f" {PORTAL}/",
    f"{PORTAL}/\t",
    f"{PORTAL}/\r\nSet-Cookie: a=b",
]


@pytest.mark.parametrize("path", ["/logout", "/authorize"])
def test_no_address_that_is_only_nearly_registered_is_ever_left_for(
    sqlite_url: str, path: str
) -> None:
    """Open redirects: equal to the character, or a page of ours."""

    async def work(world: World) -> None:
        browser = world.browser()
        answer = await log_in(browser, await ask(browser))
        token = (await redeem(browser, query_of(answer)["code"])).json()["id_token"]
        for uri in [*NEARLY, *(f"{uri}callback" for uri in NEARLY[1:6])]:
            if path == "/authorize":
                answer = await ask(browser, redirect_uri=uri)
            else:
                asked = {"id_token_hint": token, "post_logout_redirect_uri": uri}
                answer = await browser.http.get(f"{ISSUER}/logout", params=asked)
            if uri == CALLBACK:
                continue
            assert answer.status_code == 400, uri
            assert "location" not in answer.headers, uri
            assert EVIL not in answer.text, uri
        assert (await browser.http.get(f"{ISSUER}/account")).status_code == 200

    run(sqlite_url, work)
