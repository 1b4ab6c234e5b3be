"""PKCE is demanded of everybody; only in a sandbox may a party be registered without.

Automated conformance suites of OpenID Connect send none. What they were registered
for there is worth nothing anywhere else.
"""

from collections.abc import AsyncIterator
from dataclasses import replace
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

from idp.domain.party_metadata import PartyMetadata
from idp.domain.party_registration import Terms
from idp.errors import FieldsInvalid
from idp.storage.columns import b64encode
from tests.integration.test_party_registration import ASKED, ask, issue
from tests.login import follow
from tests.party_keys import PartyKey
from tests.world import ISSUER, PORTAL, SECRET, Browser, World, open_world

pytestmark = pytest.mark.anyio
EXEMPT = PartyMetadata(is_pkce_exempt=True)
VERIFIER = "v" * 64
S256 = {
    "code_challenge": b64encode(sha256(VERIFIER.encode()).digest()),
    "code_challenge_method": "S256",
}
BACK = f"{PORTAL}/callback"


@pytest.fixture
async def sandbox(store_url: str) -> AsyncIterator[World]:
    async with open_world(store_url, sandbox=True) as opened:
        yield opened


def asking(client_id: str = "suite", **more: str) -> dict[str, str]:
    return {
        "client_id": client_id,
        "redirect_uri": BACK,
        "response_type": "code",
        "scope": "openid profile",
        **more,
    }


async def code_of(browser: Browser, **more: str) -> str:
    """Log in as a test citizen; return the code."""
    url = httpx2.URL(f"{ISSUER}/authorize", params=asking(**more))
    page = await browser.open_login(str(url))
    answer = await browser.post(page, "sandbox", citizen="citizen")
    return parse_qs(urlsplit(await follow(browser, answer)).query)["code"][0]


async def redeem(world: World, code: str, **more: str) -> httpx2.Response:
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": BACK}
    auth = httpx2.BasicAuth("suite", "a+portal%27s+secret")
    http = world.browser().http
    return await http.post(f"{ISSUER}/token", data={**form, **more}, auth=auth)


async def refusal_of(world: World, client_id: str = "suite", **more: str) -> str:
    """Return the error that /authorize sends the browser back with."""
    answer = await world.browser().http.get(
        f"{ISSUER}/authorize", params=asking(client_id, **more)
    )
    assert answer.status_code == 303, answer.text
    location = urlsplit(answer.headers["location"])
    assert location.netloc == "portal.test", location
    return parse_qs(location.query)["error"][0]


async def test_an_exempt_party_of_a_sandbox_logs_in_without_pkce(
    sandbox: World,
) -> None:
    await sandbox.portal("suite", metadata=EXEMPT)
    answer = await redeem(sandbox, await code_of(sandbox.browser()))
    assert answer.status_code == 200, answer.text
    assert answer.json()["id_token"]


async def test_what_an_exempt_party_sends_of_pkce_is_enforced(sandbox: World) -> None:
    await sandbox.portal("suite", metadata=EXEMPT)
    browser = sandbox.browser()
    for wrong in ({}, {"code_verifier": "w" * 64}, {"code_verifier": "short"}):
        answer = await redeem(sandbox, await code_of(browser, **S256), **wrong)
        assert answer.status_code == 400, answer.text
    right = await redeem(
        sandbox, await code_of(browser, **S256), code_verifier=VERIFIER
    )
    assert right.status_code == 200, right.text
    for half in (
        {"code_challenge": S256["code_challenge"]},
        {"code_challenge_method": "S256"},
        {**S256, "code_challenge_method": "plain"},
        {**S256, "code_challenge": "short"},
    ):
        assert await refusal_of(sandbox, **half) == "invalid_request"


async def test_rfc9700_2_1_1_a_verifier_without_a_challenge_is_a_downgrade(
    sandbox: World,
) -> None:
    await sandbox.portal("suite", metadata=EXEMPT)
    code = await code_of(sandbox.browser())  # the challenge was taken out on the way
    answer = await redeem(sandbox, code, code_verifier=VERIFIER)
    assert answer.status_code == 400, answer.text
    again = await redeem(sandbox, code)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")


async def test_everybody_else_in_a_sandbox_sends_pkce(sandbox: World) -> None:
    await sandbox.portal("suite")
    assert await refusal_of(sandbox) == "invalid_request"
    pushed = await sandbox.browser().http.post(
        f"{ISSUER}/par",
        data=asking(),
        auth=httpx2.BasicAuth("suite", "a+portal%27s+secret"),
    )
    assert pushed.json()["error"] == "invalid_request"


@pytest.mark.parametrize(
    "changes",
    [
        {"auth_method": "none", "metadata": EXEMPT},
        {
            "profile": "fapi2",
            "auth_method": "private_key_jwt",
            "metadata": replace(
                EXEMPT, jwks=PartyKey.make().jwks, dpop_bound_access_tokens=True
            ),
        },
    ],
    ids=["public", "fapi2"],
)
async def test_who_must_always_send_pkce_cannot_be_exempt(
    sandbox: World, changes: dict[str, Any]
) -> None:
    with pytest.raises(FieldsInvalid) as caught:
        await sandbox.portal("suite", **changes)
    assert set(caught.value.fields) == {"is_pkce_exempt"}


async def test_outside_a_sandbox_nobody_is_registered_as_exempt(world: World) -> None:
    with pytest.raises(FieldsInvalid) as caught:
        await world.portal("suite", metadata=EXEMPT)
    assert set(caught.value.fields) == {"is_pkce_exempt"}


async def test_no_party_exempts_itself(sandbox: World) -> None:
    assert "is_pkce_exempt" not in Terms.__dataclass_fields__
    token = await issue(sandbox)
    answer = await ask(sandbox, token=token, body={**ASKED, "is_pkce_exempt": True})
    told = answer.json()
    assert answer.status_code == 201
    assert "is_pkce_exempt" not in told or told["is_pkce_exempt"] is False
    assert await refusal_of(sandbox, told["client_id"]) == "invalid_request"


async def test_an_exemption_that_is_carried_out_of_a_sandbox_is_worth_nothing(
    store_url: str,
) -> None:
    async with open_world(store_url, sandbox=True) as sandbox:
        await sandbox.portal("suite", metadata=EXEMPT)
        code = await code_of(sandbox.browser())
    async with open_world(store_url) as elsewhere:
        answer = await redeem(elsewhere, code)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
        answer = await redeem(elsewhere, code, code_verifier=VERIFIER)
        assert answer.status_code == 400, answer.text
        assert await refusal_of(elsewhere) == "invalid_request"
        pushed = await elsewhere.browser().http.post(
            f"{ISSUER}/par",
            data={**asking(), "client_secret": SECRET, "client_id": "suite"},
        )
        assert pushed.status_code >= 400
        page = await elsewhere.browser().open_login(
            str(httpx2.URL(f"{ISSUER}/authorize", params=asking(**S256)))
        )
        assert page.startswith(f"{ISSUER}/login/")
