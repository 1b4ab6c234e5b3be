"""Documents over time: the level of today, the history, and no second account."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.domain.accounts import Account, AccountFacts
from idp.domain.documents import (
    NEVER,
    RANKS,
    Document,
    DocumentFacts,
    Documents,
    best_level,
    expires_at,
    level_until,
    next_notice,
)
from idp.errors import AlreadyRegistered
from idp.storage.columns import to_millis
from tests.unit.idp.domain.registration_world import DETAILS, PHONE, World, open_world

Walk = Callable[[World], Awaitable[None]]
DAY = 86_400_000
CARD = DocumentFacts(
    kind="id_card", issuer="KHM", number="012345678", expires="2027-03-01"
)
PASSPORT = DocumentFacts(
    kind="passport", issuer="UTO", number="L898902C", expires="2034-04-15"
)
FACTS = AccountFacts(
    surname_khmer=DETAILS["surname_khmer"],
    given_name_khmer=DETAILS["given_name_khmer"],
    surname_latin="SOK",
    given_name_latin="SREYPOV",
    birth_date="1999-01-01",
    sex="F",
    document_number=CARD.number,
    document_expires=CARD.expires,
    phone=PHONE,
)


def run(path: Path, walk: Walk) -> None:
    async def whole() -> None:
        world = open_world(path / "db")
        await walk(world)
        await world.store.close()

    asyncio.run(whole())


def documents_of(world: World) -> Documents:
    return Documents(world.clock, world.sealer)


async def opened(world: World, *, level: str = "substantial") -> Account:
    async with world.store.begin() as tx:
        account = await world.services.accounts.open(tx, FACTS, level=level)
        await documents_of(world).add(
            tx, account.id, CARD, level=level, proved_by="registration"
        )
    return account


async def level_now(world: World, account: Account) -> str:
    async with world.store.read() as tx:
        return (await world.services.accounts.active(tx, account.id)).level


def test_a_document_is_valid_through_its_last_day_in_cambodia() -> None:
    ends = expires_at("2027-03-01")
    assert ends == to_millis(datetime(2027, 3, 1, 17, tzinfo=UTC))
    assert expires_at("") == NEVER


def test_expiry_lowers_the_level_and_locks_nobody_out(tmp_path: Path) -> None:
    async def walk(world: World) -> None:
        account = await opened(world)
        world.clock.instant = datetime(2027, 3, 1, 16, 59, 59, tzinfo=UTC)
        assert await level_now(world, account) == "substantial"
        world.clock.pass_time(seconds=1)
        assert await level_now(world, account) == "low"

    run(tmp_path, walk)


def test_an_account_without_documents_on_record_is_lowered_too(tmp_path: Path) -> None:
    async def walk(world: World) -> None:
        async with world.store.begin() as tx:
            account = await world.services.accounts.open(tx, FACTS, level="substantial")
        assert await level_now(world, account) == "substantial"
        world.clock.instant = datetime(2027, 3, 2, tzinfo=UTC)
        assert await level_now(world, account) == "low"

    run(tmp_path, walk)


def test_another_valid_document_carries_its_own_level(tmp_path: Path) -> None:
    async def walk(world: World) -> None:
        account = await opened(world, level="high")
        async with world.store.begin() as tx:
            await documents_of(world).add(
                tx, account.id, PASSPORT, level="substantial", proved_by="review"
            )
        assert await level_now(world, account) == "high"
        world.clock.instant = datetime(2028, 1, 1, tzinfo=UTC)
        assert await level_now(world, account) == "substantial"

    run(tmp_path, walk)


def test_a_document_never_lifts_an_account_above_what_was_proved(
    tmp_path: Path,
) -> None:
    async def walk(world: World) -> None:
        account = await opened(world, level="low")
        async with world.store.begin() as tx:
            await documents_of(world).add(
                tx, account.id, PASSPORT, level="high", proved_by="nothing"
            )
        assert await level_now(world, account) == "low"

    run(tmp_path, walk)


def test_a_replaced_document_stays_in_the_history_and_names_its_person(
    tmp_path: Path,
) -> None:
    async def walk(world: World) -> None:
        account = await opened(world)
        renewed = replace(CARD, number="076543210", expires="2037-03-01")
        documents = documents_of(world)
        async with world.store.begin() as tx:
            await documents.add(
                tx, account.id, renewed, level="substantial", proved_by="renewal"
            )
        async with world.store.read() as tx:
            old, new = await documents.of_account(tx, account.id)
            assert await documents.holder(tx, CARD) == account.id
            assert await world.services.accounts.by_document(tx, renewed) == account.id
        assert old.replaced_at == to_millis(world.clock.now())
        assert (new.replaced_at, new.facts) == (None, renewed)

    run(tmp_path, walk)


def test_a_card_renewed_under_its_old_number_is_one_live_document(
    tmp_path: Path,
) -> None:
    async def walk(world: World) -> None:
        account = await opened(world)
        renewed = replace(CARD, expires="2037-03-01")
        documents = documents_of(world)
        async with world.store.begin() as tx:
            await documents.add(
                tx, account.id, renewed, level="substantial", proved_by="renewal"
            )
        async with world.store.read() as tx:
            found = await documents.of_account(tx, account.id)
        assert [one.replaced_at is None for one in found] == [False, True]

    run(tmp_path, walk)


def test_anothers_document_is_refused_also_when_it_was_replaced(tmp_path: Path) -> None:
    async def walk(world: World) -> None:
        account = await opened(world)
        documents = documents_of(world)
        other = replace(FACTS, document_number="055555555")
        renewed = replace(CARD, number="076543210", expires="2037-03-01")
        async with world.store.begin() as tx:
            await documents.add(
                tx, account.id, renewed, level="substantial", proved_by="renewal"
            )
            stranger = await world.services.accounts.open(tx, other, level="low")
        for taken in (CARD, renewed):
            with pytest.raises(AlreadyRegistered):
                async with world.store.begin() as tx:
                    await documents.add(
                        tx, stranger.id, taken, level="high", proved_by="x"
                    )
        async with world.store.read() as tx:
            assert await documents.of_account(tx, stranger.id) == []

    run(tmp_path, walk)


def test_numbers_of_different_states_and_kinds_are_different_documents(
    tmp_path: Path,
) -> None:
    async def walk(world: World) -> None:
        await opened(world)
        async with world.store.read() as tx:
            for other in (
                replace(CARD, kind="passport"),
                replace(CARD, kind="passport", issuer="UTO"),
            ):
                assert await documents_of(world).holder(tx, other) is None
                assert await world.services.accounts.by_document(tx, other) is None

    run(tmp_path, walk)


def test_an_amended_account_keeps_its_identifiers(tmp_path: Path) -> None:
    async def walk(world: World) -> None:
        account = await opened(world)
        world.clock.instant = datetime(2027, 3, 2, tzinfo=UTC)

        def renew(facts: AccountFacts) -> AccountFacts:
            return replace(facts, document_expires="2037-03-01", surname_latin="KEO")

        async with world.store.begin() as tx:
            found = await world.services.accounts.amend(tx, account.id, renew)
        assert found.level == "low", "the document on record is still the old one"
        assert (found.id, found.camdigikey_id) == (account.id, account.camdigikey_id)
        assert found.facts.surname_latin == "KEO"
        async with world.store.begin() as tx:
            again = replace(CARD, expires="2037-03-01")
            await documents_of(world).add(
                tx, account.id, again, level="substantial", proved_by="renewal"
            )
        assert await level_now(world, account) == "substantial"

    run(tmp_path, walk)


def test_a_notice_is_taken_once_and_the_next_follows(tmp_path: Path) -> None:
    async def walk(world: World) -> None:
        await opened(world)
        documents = documents_of(world)
        last = expires_at(CARD.expires)
        seen = []
        for days in (91, 90, 30, 7, 0):
            world.clock.instant = datetime.fromtimestamp(last / 1000, UTC)
            world.clock.pass_time(days=-days)
            async with world.store.begin() as tx:
                due = await documents.due(tx)
                taken = [await documents.take_notice(tx, one) for one in due]
                again = [await documents.take_notice(tx, one) for one in due]
            seen.append((days, taken, again))
        assert seen == [(91, [], [])] + [
            (days, [True], [False]) for days in (90, 30, 7, 0)
        ]

    run(tmp_path, walk)


def test_a_server_that_slept_speaks_once_for_what_it_missed() -> None:
    ends = expires_at("2027-03-01")
    assert next_notice(ends, after=ends - 20 * DAY) == ends - 7 * DAY
    assert next_notice(ends, after=ends) is None
    assert next_notice(NEVER, after=0) is None


def document(level: str, ends: int, *, replaced: bool) -> Document:
    gone = 0 if replaced else None
    return Document("d", "a", CARD, level, "r", 0, ends, gone, None)


DOCUMENTS = st.lists(
    st.builds(
        document,
        st.sampled_from(RANKS),
        st.integers(0, 50) | st.just(NEVER),
        replaced=st.booleans(),
    )
)


@given(DOCUMENTS, st.integers(0, 60))
def test_the_level_holds_until_the_instant_that_is_told(
    documents: list[Document], at: int
) -> None:
    level, until = best_level(documents, at=at), level_until(documents, at=at)
    if level == "low":
        assert until is None
    elif until is None:
        assert best_level(documents, at=NEVER - 1) == level
    else:
        assert best_level(documents, at=until - 1) == level
        assert RANKS.index(best_level(documents, at=until)) < RANKS.index(level)


@given(st.dates(date(2020, 1, 1), date(2090, 1, 1)), st.integers(0, 120))
def test_reminders_come_in_order_and_end_with_the_document(
    day: date, before: int
) -> None:
    ends = expires_at(day.isoformat())
    at: int | None = ends - int(timedelta(days=before).total_seconds() * 1000)
    said = []
    while at is not None and (at := next_notice(ends, after=at)) is not None:
        said.append((ends - at) // DAY)
    assert said == [one for one in (90, 30, 7, 0) if one < before]
