"""What people are shown of a party that registered itself: its own, or marked so."""

from typing import Any

import httpx2
import orjson
import pytest

from idp.domain.party_metadata import CIBA
from idp.domain.party_registration import Terms
from idp.oidc.registration_request import wanted_party
from tests.integration.test_party_registration import ASKED, ask, refused, registered
from tests.receiver import receiver
from tests.world import ISSUER, PORTAL, World

pytestmark = pytest.mark.anyio


async def test_nobody_looks_like_a_stranger_by_naming_his_host_first(
    quick: World,
) -> None:
    uris = ["https://bank.test/", "https://evil.test/cb"]
    async with receiver() as server:
        server.body = orjson.dumps(uris)
        asked = {"sector_identifier_uri": server.url("/sector.json")}
        terms = {"is_development": True}
        told = await registered(quick, terms, redirect_uris=uris, **asked)
        assert await domain_of(quick, told) == "127.0.0.1"
        again = {**ASKED, **asked, "redirect_uris": [*uris], **kept(told)}
        again["redirect_uris"].reverse()
        token, url = told["registration_access_token"], told["registration_client_uri"]
        answer = await ask(quick, "PUT", url, token=token, body=again)
        assert answer.status_code == 200, answer.text
        assert await domain_of(quick, told) == "127.0.0.1"


async def test_the_answers_stay_at_the_domain_that_the_operator_named(
    quick: World,
) -> None:
    terms = {"domain": "land.test"}
    home = "https://sso.land.test/cb"
    for host in ("evil.test", "land.test.evil.test", "evilland.test", "test"):
        for uris in ([f"https://{host}/cb"], [home, f"https://{host}/cb"]):
            said = await refused(
                quick, "invalid_client_metadata", terms=terms, redirect_uris=uris
            )
            assert "your domain" in said
    told = await registered(quick, terms, redirect_uris=[home])
    assert await domain_of(quick, told) == "land.test"


async def test_the_address_of_a_strangers_keys_gives_neither_domain_nor_sector(
    quick: World,
) -> None:
    terms = {"grant_types": (CIBA,)}
    asked = {
        "grant_types": [CIBA],
        "redirect_uris": [],
        "jwks_uri": "https://bank.test/jwks",
        "backchannel_token_delivery_mode": "poll",
    }
    said = await refused(quick, "invalid_client_metadata", terms=terms, **asked)
    assert "your domain" in said
    by_key = {**asked, "token_endpoint_auth_method": "private_key_jwt"}
    told = await registered(quick, terms, **by_key)
    assert await domain_of(quick, told) == "bank.test"
    token, url = told["registration_access_token"], told["registration_client_uri"]
    by_secret = {**ASKED, **asked, **kept(told)}
    answer = await ask(quick, "PUT", url, token=token, body=by_secret)
    assert answer.status_code == 400, answer.text
    named = {"domain": "land.test", "grant_types": (CIBA,)}
    told = await registered(quick, named, **asked)
    async with quick.services.store.read() as tx:
        party = await quick.services.relying_parties.find(tx, told["client_id"])
    assert (party.domain, party.sector) == ("land.test", "land.test")


SAID = 'data-testid="names-itself"'


async def shown_to(world: World, client_id: str) -> tuple[str, dict[str, Any]]:
    """Return the login page, and what the phone that scans it is told of the party."""
    params = {
        "client_id": client_id,
        "redirect_uri": f"{PORTAL}/callback",
        "response_type": "code",
        "scope": "openid",
        "code_challenge": "A" * 43,
        "code_challenge_method": "S256",
    }
    browser, phone = world.browser(), await world.phone()
    url = httpx2.URL(f"{ISSUER}/authorize", params=params)
    page = await browser.open_login(str(url))
    text = (await browser.http.get(page)).text
    claimed = await phone.scan(await browser.qr(page))
    return text, orjson.loads(claimed["display"])["relying_party"]


async def test_a_name_that_nobody_vouched_for_is_marked_wherever_it_is_shown(
    world: World,
) -> None:
    told = await registered(world, client_name="Ministry of Interior")
    page, party = await shown_to(world, told["client_id"])
    assert SAID in page
    assert party["names_itself"] is True
    assert party["domain"] == "portal.test"


async def test_the_name_of_the_operators_terms_is_shown_whatever_is_asked(
    world: World,
) -> None:
    terms = {"name_km": "សុរិយោដី", "name_en": "Land registry"}
    mine = {"client_name": "Bank", "client_name#km": "ធនាគារ", "names_itself": False}
    told = await registered(world, terms, **mine)
    assert (told["client_name"], told["client_name#km"]) == (
        terms["name_en"],
        terms["name_km"],
    )
    page, party = await shown_to(world, told["client_id"])
    assert SAID not in page
    assert party["names_itself"] is False
    assert party["name"] == {"km": terms["name_km"], "en": terms["name_en"]}


def test_a_signed_name_is_not_joined_by_the_requests_own_in_another_language() -> None:
    signed = {"client_name": "Land registry", "purpose#km": "ដើម្បីដី"}
    wanted = wanted_party(
        "x", ASKED, Terms(), is_development=False, statement=signed
    ).party
    assert (wanted.name_en, wanted.name_km) == ("Land registry", "Land registry")
    assert (wanted.purpose_en, wanted.purpose_km) == ("ដើម្បីដី", "ដើម្បីដី")
    assert not wanted.metadata.names_itself
    alone = wanted_party("x", ASKED, Terms(), is_development=False).party
    assert alone.metadata.names_itself


async def domain_of(world: World, told: dict[str, Any]) -> str:
    async with world.services.store.read() as tx:
        party = await world.services.relying_parties.find(tx, told["client_id"])
    return party.domain


def kept(told: dict[str, Any]) -> dict[str, Any]:
    names = ("client_id", "client_secret")
    return {name: told[name] for name in names if name in told}
