"""Integrators log in as test citizens; nobody can where there is no sandbox."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import quote_plus

import httpx2
import pytest
from pydantic import ValidationError

from idp.domain.party_metadata import CIBA, PartyMetadata
from idp.domain.sandbox import CITIZENS
from idp.settings import IdpSettings
from tests.login import follow
from tests.portal import HeadlessPortal
from tests.world import SECRET, Browser, World, open_world


def run(store_url: str, work: Callable[[World], Awaitable[Any]], **changes: Any) -> Any:
    async def main() -> Any:
        async with open_world(store_url, **{"sandbox": True, **changes}) as world:
            return await work(world)

    return asyncio.run(main())


async def at_login(world: World, **changes: Any) -> tuple[HeadlessPortal, Browser, str]:
    portal, browser = await world.portal(**changes), world.browser()
    return portal, browser, await browser.open_login(await portal.start())


@pytest.mark.parametrize("slug", [citizen.slug for citizen in CITIZENS])
def test_a_browser_without_javascript_logs_in_as_every_test_citizen(
    store_url: str, slug: str
) -> None:
    async def work(world: World) -> None:
        portal, browser, page = await at_login(world)
        shown = (await browser.http.get(page)).text
        assert f'value="{slug}"' in shown
        answer = await browser.post(page, "sandbox", citizen=slug)
        signed_in = await portal.finish(await follow(browser, answer))
        assert signed_in.id_token.subject
        expected = next(one for one in CITIZENS if one.slug == slug)
        level = str(signed_in.id_token.acr).rpartition("/")[2]
        # An expired document proves nothing any more: the login goes on at `low`.
        assert level == ("low" if slug == "expired-card" else expected.level)

    run(store_url, work)


def test_a_test_citizen_is_the_same_person_at_every_login(store_url: str) -> None:
    async def work(world: World) -> None:
        subjects = set()
        portal = await world.portal()
        for _ in range(2):
            browser = world.browser()
            page = await browser.open_login(await portal.start())
            answer = await browser.post(page, "sandbox", citizen="minor")
            signed_in = await portal.finish(await follow(browser, answer))
            subjects.add(signed_in.id_token.subject)
        assert len(subjects) == 1

    run(store_url, work)


def test_a_refusal_comes_back_as_access_denied(store_url: str) -> None:
    async def work(world: World) -> None:
        _, browser, page = await at_login(world)
        answer = await browser.post(page, "sandbox", decision="deny")
        assert "error=access_denied" in await follow(browser, answer)

    run(store_url, work)


def test_without_the_setting_there_is_no_sandbox(store_url: str) -> None:
    async def work(world: World) -> None:
        _, browser, page = await at_login(world)
        assert "sandbox" not in (await browser.http.get(page)).text
        answer = await browser.post(page, "sandbox", citizen="citizen")
        assert answer.status_code == 404
        about = await browser.http.get("https://idp.test/sandbox")
        assert about.status_code == 404
        status = await browser.status(page)
        assert status["event"] == "codes"

    run(store_url, work, sandbox=False)


def test_another_browser_and_another_site_cannot_approve(store_url: str) -> None:
    async def work(world: World) -> None:
        _, browser, page = await at_login(world)
        stranger = await world.browser().post(page, "sandbox", citizen="citizen")
        assert stranger.status_code == 404
        forged = await browser.http.post(
            f"{page}/sandbox",
            headers={"Origin": "https://evil.test"},
            data={"citizen": "citizen"},
        )
        assert forged.status_code == 403
        unknown = await browser.post(page, "sandbox", citizen="nobody")
        assert unknown.status_code == 404

    run(store_url, work)


CIBA_PARTY = PartyMetadata(
    grant_types=("authorization_code", "refresh_token", CIBA),
    backchannel_token_delivery_mode="poll",
)


@pytest.mark.parametrize("decision", ["approve", "allow", "deny"])
def test_a_backchannel_request_is_answered_for_a_test_citizen_once(
    store_url: str, decision: str
) -> None:
    async def work(world: World) -> None:
        portal, browser, page = await at_login(world, metadata=CIBA_PARTY)
        answer = await browser.post(page, "sandbox", citizen="citizen")
        subject = (await portal.finish(await follow(browser, answer))).id_token.subject
        http, auth = browser.http, httpx2.BasicAuth("portal", quote_plus(SECRET))
        asked = await http.post(
            "https://idp.test/backchannel-authentication",
            data={"scope": "openid profile", "login_hint": subject},
            auth=auth,
        )
        auth_req_id = asked.json()["auth_req_id"]
        said = {"auth_req_id": auth_req_id, "decision": decision}
        door = "https://idp.test/sandbox/backchannel"
        wrong = {**said, "auth_req_id": auth_req_id[:-1] + "!"}
        assert (await http.post(door, data=wrong)).status_code == 404
        assert (await http.post(door, data=said)).status_code == 200
        assert (await http.post(door, data=said)).status_code == 404
        grant = {"grant_type": CIBA, "auth_req_id": auth_req_id}
        tokens = await http.post("https://idp.test/token", data=grant, auth=auth)
        if decision == "deny":
            assert tokens.json()["error"] == "access_denied"
        else:
            assert tokens.json()["id_token"]

    run(store_url, work)


def test_production_refuses_the_sandbox() -> None:
    with pytest.raises(ValidationError, match="never in production"):
        IdpSettings(
            environment="production",
            issuer="https://idp.test",
            app_origin="https://app.test",
            sandbox=True,
        )
