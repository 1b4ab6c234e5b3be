from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from idp.domain.sessions import Session, Sessions, cookie_name
from idp.interfaces import SystemClock
from idp.settings import IdpSettings
from idp.storage.columns import new_id, to_millis
from idp.storage.encryption import MasterKey, Sealer
from tests.unit.idp.oidc.world import DEVICE, FACTS, World, open_world

pytestmark = pytest.mark.anyio


@pytest.fixture
async def world(store_url: str) -> AsyncIterator[World]:
    async with open_world(store_url) as opened:
        yield opened


async def start(world: World, device_id: str | None = DEVICE) -> Session:
    session = Session(
        id=new_id(),
        account_id=world.account_id,
        device_id=device_id,
        acr="substantial",
        amr=("pin", "pop"),
        auth_time=to_millis(world.clock.now()),
    )
    async with world.services.store.begin() as tx:
        await world.services.sessions.start(tx, session)
    return session


async def found(world: World, session: Session) -> Session | None:
    sessions = world.services.sessions
    async with world.services.store.read() as tx:
        return await sessions.live(tx, sessions.cookie_value(session.id))


async def test_a_session_is_found_by_its_cookie_until_it_ends(world: World) -> None:
    for device_id in (DEVICE, None):
        session = await start(world, device_id)
        assert await found(world, session) == session
        async with world.services.store.begin() as tx:
            ended = await world.services.sessions.end(tx, session.id)
            assert ended == (world.account_id, [session.id])
            assert await world.services.sessions.end(tx, session.id) == ("", [])
        assert await found(world, session) is None


async def test_a_cookie_whose_code_was_never_redeemed_signs_nobody_in(
    world: World,
) -> None:
    cookie = world.services.sessions.cookie_value(new_id())
    async with world.services.store.read() as tx:
        assert await world.services.sessions.live(tx, cookie) is None
        assert await world.services.sessions.live(tx, None) is None


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE account SET state = 'closed'",
        "UPDATE device SET revoked_at = 1",
        "UPDATE account SET logged_out_at = 99999999999999",
    ],
)
async def test_a_session_ends_with_what_it_rests_on(
    world: World, statement: str
) -> None:
    session = await start(world)
    await world.run(statement)
    assert await found(world, session) is None


async def test_a_session_lives_its_life_and_its_row_one_more(world: World) -> None:
    session = await start(world)
    world.clock.move(hours=7, minutes=59)
    assert await found(world, session) is not None
    world.clock.move(minutes=1)
    assert await found(world, session) is None
    for hours, dropped in ((7, 0), (2, 1)):
        world.clock.move(hours=hours)
        async with world.services.store.begin() as tx:
            assert await world.services.sessions.drop_expired(tx) == dropped


SESSIONS = Sessions(
    SystemClock(),
    Sealer([MasterKey.of(b"k" * 32)]),
    IdpSettings.model_fields["session_life"].default,
)


@given(st.text())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_text_is_a_session_cookie(text: str) -> None:
    assert SESSIONS.read_cookie(text) is None
    expected = None if text else "id"
    assert SESSIONS.read_cookie(SESSIONS.cookie_value("id") + text) == expected


def test_the_cookie_is_bound_to_the_host_where_that_is_possible() -> None:
    assert cookie_name(secure=True) == "__Host-session"
    assert cookie_name(secure=False) == "session"


async def test_a_planted_cookie_gives_its_owner_no_power_over_the_next_person(
    world: World,
) -> None:
    """Whoever ends his own session ends nobody else's, though the line is one."""
    sessions = world.services.sessions
    mine = await start(world)
    async with world.services.store.begin() as tx:
        facts = replace(FACTS, document_number="999999999")
        other = await world.services.accounts.open(tx, facts, level="substantial")
        victim = replace(
            mine,
            id=sessions.new_id(sessions.cookie_value(mine.id)),
            account_id=other.id,
            device_id=None,
        )
        await sessions.start(tx, victim)
        assert await sessions.end(tx, mine.id) == (world.account_id, [mine.id])
    assert await found(world, victim) == victim
