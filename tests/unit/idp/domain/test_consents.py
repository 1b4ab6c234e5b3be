from collections.abc import AsyncIterator

import pytest

from idp.domain.consents import Consent, claims_of
from tests.unit.idp.oidc.world import PARTY, World, open_world

pytestmark = pytest.mark.anyio


@pytest.fixture
async def world(store_url: str) -> AsyncIterator[World]:
    async with open_world(store_url) as opened:
        yield opened


def test_claims_are_asked_once_in_the_order_of_the_scopes() -> None:
    asked = claims_of(("openid", "document", "profile", "unheard"))
    assert asked[0] == "document_number"
    assert asked.count("camdigikey_level") == 1


def test_a_consent_covers_what_was_decided_and_no_more() -> None:
    asked = ("name", "gender", "offline_access")
    consent = Consent(PARTY.id, asked, claims=("name", "gender"), given_at=0)
    assert consent.covers(("name",))
    assert consent.covers(())
    assert consent.covers(asked)  # the voluntary one was withheld, and that is decided
    assert not consent.covers(("name", "phone_number"))
    partial = Consent(PARTY.id, asked, claims=("name",), given_at=0)
    assert not partial.covers(("name", "gender"))


async def test_the_latest_decision_stands_until_it_is_withdrawn(world: World) -> None:
    consents = world.services.consents
    who = {"account_id": world.account_id, "relying_party_id": PARTY.id}
    async with world.services.store.begin() as tx:
        assert await consents.find(tx, **who) is None
        await consents.record(tx, **who, asked=("name", "gender"), claims=("name",))
        await consents.record(tx, **who, asked=("gender",), claims=("gender",))
        assert (await consents.of_account(tx, world.account_id))[0].claims == (
            "gender",
        )
        await consents.withdraw(tx, **who)
        assert await consents.find(tx, **who) is None
        assert await consents.of_account(tx, world.account_id) == []
        await consents.record(tx, **who, asked=("name",), claims=("name",))
        found = await consents.find(tx, **who)
    assert found is not None
    assert found.claims == ("name",)
