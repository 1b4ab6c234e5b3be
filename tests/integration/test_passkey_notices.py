"""Whoever binds a passkey to an account, its person is told."""

import pytest

from idp.domain.message_texts import ONE_PART, text_of_notice
from idp.domain.messages import Notice
from tests.integration.test_passkeys import added, press, signed_in
from tests.world import World

pytestmark = pytest.mark.anyio


async def told(world: World, account_id: str) -> list[Notice]:
    async with world.services.store.read() as tx:
        found = await world.services.messages.notices_of(tx, account_id)
    return [one.notice for one in found]


async def texted(world: World) -> list[str]:
    async with world.services.store.read() as tx:
        rows = await tx.all("SELECT notice FROM outbox_message ORDER BY notice")
    return [str(row[0]) for row in rows]


async def test_a_new_passkey_and_the_end_of_one_are_told_in_the_app_and_by_text(
    world: World,
) -> None:
    # A login that was relayed to a stranger may last five minutes, not for good unseen.
    browser, account_id = await signed_in(world, await world.portal())
    passkey = await added(browser)
    assert await told(world, account_id) == [Notice.PASSKEY_ADDED]
    said = await press(browser, "account/passkeys/remove", passkey=passkey.id)
    assert said == "removed"
    again = await press(browser, "account/passkeys/remove", passkey=passkey.id)
    assert again == "removed"  # told once
    assert sorted(await told(world, account_id)) == [
        Notice.PASSKEY_ADDED,
        Notice.PASSKEY_REMOVED,
    ]
    assert sorted(await texted(world)) == ["passkey-added", "passkey-removed"]


@pytest.mark.parametrize("notice", [Notice.PASSKEY_ADDED, Notice.PASSKEY_REMOVED])
@pytest.mark.parametrize("locale", ["km", "en"])
def test_a_text_about_a_passkey_is_one_message(notice: Notice, locale: str) -> None:
    assert len(text_of_notice(notice.value, locale)) <= ONE_PART
