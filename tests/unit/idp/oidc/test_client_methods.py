"""Each way for a client to prove itself, through the door; and nobody by another."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import pytest
from starlette.applications import Starlette

from idp.oidc import routes
from idp.storage.columns import new_id
from tests.certificates import Authority, certificate, header_of
from tests.party_keys import PartyKey
from tests.unit.idp.oidc.parties import party_with
from tests.unit.idp.oidc.signed_party import ASSERTION_TYPE
from tests.unit.idp.oidc.world import (
    ISSUER,
    PARTY,
    SECRET,
    MovableClock,
    World,
    basic,
)

pytestmark = pytest.mark.anyio
NOW = MovableClock().now()
PROXY = "192.0.2.7"
KEY, OTHER = PartyKey.make(), PartyKey.make()
ROOT = Authority.make(NOW)
LEAF = certificate(PartyKey.make().private, now=NOW, issuer=ROOT)
SELF = certificate(KEY.private, now=NOW)
STRANGE = certificate(OTHER.private, now=NOW)
FORM = {"grant_type": "refresh_token", "refresh_token": "x"}
EMPTY = {"unknown": "field"}
PARTIES = {
    "client_secret_basic": replace(PARTY, id="basic"),
    "client_secret_post": replace(PARTY, id="post", auth_method="client_secret_post"),
    "none": replace(PARTY, id="app", auth_method="none"),
    "private_key_jwt": party_with(KEY, id="keyed"),
    "tls_client_auth": party_with(
        id="pki",
        auth_method="tls_client_auth",
        tls_client_auth_subject_dn="CN=portal,O=Ministry,C=KH",
    ),
    "self_signed_tls_client_auth": party_with(
        KEY, id="self", auth_method="self_signed_tls_client_auth"
    ),
}


def assertion(client_id: str, key: PartyKey = KEY, **changes: Any) -> dict[str, str]:
    now = int(NOW.timestamp())
    claims = {
        "iss": client_id,
        "sub": client_id,
        "aud": ISSUER,
        "iat": now,
        "exp": now + 60,
        "jti": new_id(),
        **changes,
    }
    return {
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": key.sign(claims),
    }


Proof = tuple[dict[str, str], dict[str, str]]


def proofs(client_id: str) -> dict[str, Proof]:
    """Return (form, headers) of each method in this client's name."""
    named = {"client_id": client_id}
    return {
        "client_secret_basic": ({}, basic(client_id, SECRET)),
        "client_secret_post": ({**named, "client_secret": SECRET}, {}),
        "none": (named, {}),
        "private_key_jwt": (assertion(client_id), {}),
        "tls_client_auth": (named, {"Client-Cert": header_of(LEAF)}),
        "self_signed_tls_client_auth": (named, {"Client-Cert": header_of(SELF)}),
    }


@pytest.fixture
async def town(world: World, tmp_path: Path) -> AsyncIterator[World]:
    """The provider behind a proxy that hands certificates on."""
    authorities = tmp_path / "authorities.pem"
    authorities.write_bytes(ROOT.pem)
    changes = {
        "trusted_proxies": (PROXY,),
        "tls_client_ca_file": authorities,
        "mtls_origin": ISSUER,
    }
    settings = world.services.settings.model_copy(update=changes)
    services = replace(world.services, settings=settings)
    for party in PARTIES.values():
        await world.add_party(party, SECRET if party.has_secret else None)
    application = Starlette(routes=routes())

    async def behind(scope: Any, receive: Any, send: Any) -> None:
        state = {"services": services}
        await application({**scope, "state": state}, receive, send)

    transport = httpx2.ASGITransport(app=behind, client=(PROXY, 443))
    async with httpx2.AsyncClient(transport=transport, base_url=ISSUER) as browser:
        yield World(services, browser, world.account_id)


async def errors(world: World, proof: Proof) -> set[str]:
    """Return what each back-channel endpoint says to this proof."""
    form, headers = proof
    found = set()
    for path, own in (("/token", FORM), ("/revoke", EMPTY), ("/introspect", EMPTY)):
        fresh = dict(form)
        if "client_assertion" in form and path != "/token":
            continue  # an assertion is good for one request
        answer = await world.browser.post(path, data={**own, **fresh}, headers=headers)
        found.add(answer.json()["error"])
    return found


@pytest.mark.parametrize("method", PARTIES)
async def test_the_registered_method_is_taken(town: World, method: str) -> None:
    said = await errors(town, proofs(PARTIES[method].id)[method])
    # Past authentication it is the form that is wrong; apps may not introspect.
    expected = {"invalid_grant"}
    if method != "private_key_jwt":
        expected |= {"invalid_request"}
    if method == "none":
        expected |= {"invalid_client"}
    assert said == expected


@pytest.mark.parametrize("used", PARTIES)
@pytest.mark.parametrize("registered", PARTIES)
async def test_row_4_no_other_method_is_taken(
    town: World, registered: str, used: str
) -> None:
    if used == registered:
        return
    said = await errors(town, proofs(PARTIES[registered].id)[used])
    is_still_an_app = registered == "none" and used.endswith("tls_client_auth")
    if is_still_an_app:  # a certificate beside client_id proves nothing for an app
        assert said == {"invalid_grant", "invalid_request", "invalid_client"}
    else:
        assert said == {"invalid_client"}


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("client_secret_basic", "client_secret_post"),
        ("client_secret_basic", "private_key_jwt"),
        ("client_secret_post", "private_key_jwt"),
    ],
)
@pytest.mark.parametrize("registered", ["client_secret_basic", "private_key_jwt"])
async def test_two_methods_at_once_are_refused(
    town: World, registered: str, first: str, second: str
) -> None:
    both = proofs(PARTIES[registered].id)
    form = {**both[first][0], **both[second][0]}
    headers = {**both[first][1], **both[second][1]}
    answer = await town.browser.post("/token", data={**FORM, **form}, headers=headers)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


async def test_half_an_assertion_is_none(town: World) -> None:
    whole = assertion("keyed")
    for name in whole:
        half = {key: value for key, value in whole.items() if key != name}
        answer = await town.browser.post("/token", data={**FORM, **half})
        assert answer.json()["error"] == "invalid_request"


async def test_the_header_and_the_form_name_one_client(town: World) -> None:
    answer = await town.browser.post(
        "/token", data={**FORM, "client_id": "post"}, headers=basic("basic", SECRET)
    )
    assert answer.json()["error"] == "invalid_request"
    answer = await town.browser.post(
        "/token", data={**FORM, **assertion("keyed"), "client_id": "basic"}
    )
    assert answer.json()["error"] == "invalid_client"


async def test_an_assertion_is_good_for_one_request(town: World) -> None:
    form = {**FORM, **assertion("keyed")}
    said = [
        (await town.browser.post("/token", data=form)).json()["error"] for _ in range(2)
    ]
    assert said == ["invalid_grant", "invalid_client"]


async def test_an_assertion_by_another_key_is_none(town: World) -> None:
    form = {**FORM, **assertion("keyed", OTHER)}
    answer = await town.browser.post("/token", data=form)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


async def test_an_assertion_for_the_called_endpoint_will_do_for_basic_parties(
    town: World,
) -> None:
    form = {"token": "x", **assertion("keyed", aud=f"{ISSUER}/revoke")}
    assert (await town.browser.post("/revoke", data=form)).status_code == 200
    form = {"token": "x", **assertion("keyed", aud=f"{ISSUER}/elsewhere")}
    assert (await town.browser.post("/revoke", data=form)).status_code == 401


async def test_a_secret_beside_a_certificate_is_another_method(town: World) -> None:
    for client_id, own in (("pki", LEAF), ("self", SELF)):
        answer = await town.browser.post(
            "/token",
            data={**FORM, "client_id": client_id, "client_secret": "x"},
            headers={"Client-Cert": header_of(own)},
        )
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


async def test_another_certificate_is_none(town: World) -> None:
    for client_id in ("pki", "self"):
        answer = await town.browser.post(
            "/token",
            data={**FORM, "client_id": client_id},
            headers={"Client-Cert": header_of(STRANGE)},
        )
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
