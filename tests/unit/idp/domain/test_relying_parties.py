from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.domain.relying_parties import (
    RelyingParty,
    is_acceptable_uri,
    new_client_id,
    sector_of,
)
from idp.errors import (
    AlreadyRegistered,
    FieldsInvalid,
    NotFound,
    RelyingPartyUnknown,
)
from tests.unit.idp.oidc.world import PARTY, SECRET, World, open_world

pytestmark = pytest.mark.anyio

FRESH = replace(PARTY, id="fresh")


@pytest.fixture
async def world(store_url: str) -> AsyncIterator[World]:
    async with open_world(store_url) as opened:
        yield opened


async def test_a_party_comes_back_as_it_was_registered(world: World) -> None:
    parties = world.services.relying_parties
    async with world.services.store.begin() as tx:
        added, secret = await parties.add(tx, FRESH)
        found = await parties.find(tx, "fresh")
        every = [party.id for party in await parties.all(tx)]
    assert found == added
    assert replace(found, secret_hashes=(), sector="") == FRESH
    assert found.sector == "localhost"
    assert every == ["fresh", PARTY.id]
    assert secret is not None
    parties.check_secret(found, secret)
    assert secret not in repr(found)


async def test_a_secret_belongs_to_one_party(world: World) -> None:
    parties = world.services.relying_parties
    async with world.services.store.begin() as tx:
        fresh, _ = await parties.add(tx, FRESH)
        portal = await parties.find(tx, PARTY.id)
    parties.check_secret(portal, SECRET)
    for party, secret in ((fresh, SECRET), (portal, ""), (portal, SECRET + " ")):
        with pytest.raises(RelyingPartyUnknown):
            parties.check_secret(party, secret)


async def test_an_id_is_given_once(world: World) -> None:
    with pytest.raises(AlreadyRegistered):
        await world.add_party(PARTY)


async def test_a_disabled_party_is_unknown_and_stays_listed(world: World) -> None:
    parties = world.services.relying_parties
    async with world.services.store.begin() as tx:
        await parties.disable(tx, PARTY.id)
        with pytest.raises(RelyingPartyUnknown):
            await parties.find(tx, PARTY.id)
        assert (await parties.all(tx))[0].disabled_at is not None
        with pytest.raises(NotFound):
            await parties.disable(tx, PARTY.id)


async def test_another_node_sees_a_change_within_a_second(world: World) -> None:
    parties = world.services.relying_parties
    async with world.services.store.read() as tx:
        await parties.find(tx, PARTY.id)
    await world.run("UPDATE relying_party SET disabled_at = 1")
    world.clock.move(milliseconds=999)
    async with world.services.store.read() as tx:
        await parties.find(tx, PARTY.id)
        world.clock.move(milliseconds=1)
        with pytest.raises(RelyingPartyUnknown):
            await parties.find(tx, PARTY.id)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        (replace(FRESH, id=""), "id"),
        (replace(FRESH, id="a:b"), "id"),
        (replace(FRESH, id="ខ្មែរ"), "id"),
        (replace(FRESH, redirect_uris=()), "redirect_uris"),
        (replace(FRESH, redirect_uris=("http://portal.example/",)), "redirect_uris"),
        (
            replace(FRESH, post_logout_redirect_uris=("app://x",)),
            "post_logout_redirect_uris",
        ),
        (replace(FRESH, scopes=("profile",)), "scopes"),
        (replace(FRESH, scopes=("openid", "everything")), "scopes"),
        (replace(FRESH, auth_method="tls"), "auth_method"),
        (replace(FRESH, acr="extreme"), "acr"),
        (
            replace(FRESH, redirect_uris=("https://a.example/", "https://b.example/")),
            "sector",
        ),
    ],
)
async def test_a_party_that_cannot_be_served_safely_is_not_registered(
    world: World, wrong: RelyingParty, field: str
) -> None:
    with pytest.raises(FieldsInvalid) as refused:
        await world.add_party(wrong)
    assert set(refused.value.fields) == {field}


@pytest.mark.parametrize(
    ("uri", "in_development", "in_production"),
    [
        ("https://portal.example/callback?x=1", True, True),
        ("http://localhost:8002/callback", True, False),
        ("http://127.0.0.1/callback", True, False),
        ("http://[::1]:1/callback", True, False),
        ("http://portal.example/", False, False),
        ("http://localhost.evil.example/", False, False),
        ("https://portal.example/#x", False, False),
        ("https://user@portal.example/", False, False),
        ("https://portal.example\\@evil.example/", False, False),
        ("https://portal.example/ x", False, False),
        ("https:///callback", False, False),
        ("https://[::1", False, False),
        ("https://portal.example:x/", False, False),
        ("javascript:alert(1)", False, False),
        ("myapp://callback", False, False),
        ("https://" + "a" * 2000, False, False),
    ],
)
def test_redirect_uris_are_https_or_loopback_in_development(
    uri: str, in_development: bool, in_production: bool
) -> None:
    assert is_acceptable_uri(uri, is_development=True) is in_development
    assert is_acceptable_uri(uri, is_development=False) is in_production


@given(st.text())
def test_any_text_is_judged(uri: str) -> None:
    if is_acceptable_uri(uri, is_development=False):
        assert uri.lower().startswith("https://")
        assert uri.isascii()


def test_the_sector_is_the_host_that_all_uris_share() -> None:
    assert sector_of(("https://a.example/1", "https://a.example:8443/2")) == "a.example"
    assert new_client_id() != new_client_id()
