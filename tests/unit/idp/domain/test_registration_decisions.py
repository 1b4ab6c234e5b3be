"""What follows from a judgement, and what a person may decide, on a real database."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from idp.domain.accounts import Account
from idp.domain.document_renewals import changes_between
from idp.domain.documents import expires_at
from idp.domain.evidence import Engine, EvidenceKind
from idp.domain.messages import Notice
from idp.domain.registration_decisions import Judged, LiveFace
from idp.domain.registration_rows import Registration, State
from idp.errors import AlreadyRegistered, DeviceRevoked, Exhausted, WrongStep
from idp.storage.store import Transaction
from tests.unit.idp.domain.registration_world import (
    DETAILS,
    DOCUMENT,
    JUDGED,
    World,
    open_world,
)
from tests.unit.idp.domain.test_documents import FACTS
from tests.unit.idp.domain.test_registrations import DEVICE, reach, step

DOUBTFUL = replace(JUDGED, reasons=("face-doubtful",))
FACE = LiveFace(engine="sface", embedding=bytes(512))


@dataclass
class Desk:
    """Where cases go; tests look at what came."""

    opened: list[tuple[str, str, tuple[str, ...]]] = field(default_factory=list)

    async def open(
        self, tx: Transaction, *, kind: str, subject_id: str, reasons: tuple[str, ...]
    ) -> str:
        del tx
        self.opened.append((kind, subject_id, reasons))
        return "review"

    async def withdraw(self, tx: Transaction, subject_id: str) -> None:
        del tx, subject_id


@dataclass
class Faces:
    kept: list[tuple[str, str, bytes]] = field(default_factory=list)

    async def keep(
        self, tx: Transaction, account_id: str, *, engine: str, embedding: bytes
    ) -> None:
        del tx
        self.kept.append((account_id, engine, embedding))


@dataclass
class Reviewed:
    world: World
    desk: Desk
    faces: Faces

    async def at_review(self) -> Registration:
        found = await reach(self.world, State.FACE)
        async with self.world.store.begin() as tx:
            await self.world.services.evidence.keep(
                tx, found.id, EvidenceKind.FACE, judged=b"f", engine=Engine("e", "1"),
                facts={}, picture=b"face",
            )  # fmt: skip
            return await self.world.registrations.send_to_review(
                tx, found, DOUBTFUL, face=FACE
            )

    async def level_of(self, done: Registration) -> str:
        return (await self.account_of(done)).level

    async def account_of(self, done: Registration) -> Account:
        async with self.world.store.read() as tx:
            accounts = self.world.services.accounts
            return await accounts.find(tx, done.told.result["account_id"])

    async def pictures(self, registration: Registration) -> int:
        async with self.world.store.read() as tx:
            records = await self.world.services.evidence.of_registration(
                tx, registration.id
            )
        return sum(record.has_picture for record in records)


Walk = Callable[[Reviewed], Awaitable[None]]


def run(path: Path, walk: Walk) -> None:
    async def whole() -> None:
        opened, desk, faces = open_world(path / "db"), Desk(), Faces()
        services = replace(
            opened.services,
            registrations=replace(opened.registrations, reviews=desk, faces=faces),
        )
        await walk(Reviewed(World(services), desk, faces))
        await opened.store.close()

    asyncio.run(whole())


def test_a_doubtful_case_waits_for_a_person_with_its_pictures(tmp_path: Path) -> None:
    async def walk(at: Reviewed) -> None:
        waiting = await at.at_review()
        assert waiting.state is State.REVIEW
        assert at.desk.opened == [("registration", waiting.id, ("face-doubtful",))]
        assert await at.pictures(waiting) == 1

    run(tmp_path, walk)


def test_without_a_desk_a_doubtful_case_goes_to_assistance(tmp_path: Path) -> None:
    async def walk(at: Reviewed) -> None:
        found = await reach(at.world, State.FACE)
        alone = replace(at.world.registrations, reviews=None)
        async with at.world.store.begin() as tx:
            ended = await alone.send_to_review(tx, found, DOUBTFUL)
        assert ended.state is State.STOPPED

    run(tmp_path, walk)


@pytest.mark.parametrize(("asked", "given"), [("low", "low"), ("high", "substantial")])
def test_a_review_never_gives_more_than_was_judged(
    tmp_path: Path, asked: str, given: str
) -> None:
    async def walk(at: Reviewed) -> None:
        waiting = await at.at_review()
        async with at.world.store.begin() as tx:
            moved = await at.world.registrations.review_accepted(tx, waiting, asked)
        assert await at.pictures(moved) == 0
        done = await step(at.world, moved)
        assert await at.level_of(done) == given
        account = done.told.result["account_id"]
        assert at.faces.kept == [(account, "sface", bytes(512))]

    run(tmp_path, walk)


def test_a_refused_review_ends_it_and_wipes_everything(tmp_path: Path) -> None:
    async def walk(at: Reviewed) -> None:
        waiting = await at.at_review()
        async with at.world.store.begin() as tx:
            ended = await at.world.registrations.review_refused(tx, waiting)
        assert ended.state is State.REFUSED
        assert (ended.told.phone, ended.told.details) == ("", {})
        assert await at.pictures(ended) == 0
        with pytest.raises(WrongStep):
            await step(at.world, ended)

    run(tmp_path, walk)


@pytest.mark.parametrize("asked", [State.DOCUMENT, State.FACE])
def test_a_review_may_ask_again_with_fresh_tries(tmp_path: Path, asked: State) -> None:
    async def walk(at: Reviewed) -> None:
        waiting = await at.at_review()
        async with at.world.store.begin() as tx:
            again = await at.world.registrations.review_again(
                tx, waiting, asked, tries=5
            )
        async with at.world.store.read() as tx:
            found = await at.world.registrations.current(tx, DEVICE)
        assert found == again
        assert (again.state, again.face_left) == (asked, 5)
        assert again.told.judged == {}

    run(tmp_path, walk)


def test_a_review_is_decided_once(tmp_path: Path) -> None:
    async def walk(at: Reviewed) -> None:
        waiting = await at.at_review()
        service = at.world.registrations
        async with at.world.store.begin() as tx:
            await service.review_accepted(tx, waiting, "substantial")
        for late in (
            lambda tx: service.review_accepted(tx, waiting, "substantial"),
            lambda tx: service.review_refused(tx, waiting),
            lambda tx: service.review_again(tx, waiting, State.FACE, tries=5),
        ):
            with pytest.raises(WrongStep):
                async with at.world.store.begin() as tx:
                    await late(tx)

    run(tmp_path, walk)


def test_pictures_that_are_gone_before_a_decision_are_asked_for_again(
    tmp_path: Path,
) -> None:
    async def walk(at: Reviewed) -> None:
        waiting = await at.at_review()
        service = at.world.registrations
        async with at.world.store.begin() as tx:
            await service.sweep(tx)
            assert (await service.current(tx, DEVICE)).state is State.REVIEW
        at.world.clock.pass_time(hours=24, seconds=1)
        async with at.world.store.begin() as tx:
            await at.world.services.evidence.sweep(tx)
            await service.sweep(tx)
        async with at.world.store.read() as tx:
            found = await service.current(tx, DEVICE)
        assert (found.id, found.state) == (waiting.id, State.DOCUMENT)

    run(tmp_path, walk)


def test_a_passport_starts_low_and_a_person_may_raise_it(tmp_path: Path) -> None:
    async def walk(at: Reviewed) -> None:
        found = await reach(at.world, State.FACE)
        judged = Judged(
            level="low", reviewed="substantial", policy="p", policy_hash="0"
        )
        async with at.world.store.begin() as tx:
            moved = await at.world.registrations.accepted(tx, found, judged)
        done = await step(at.world, moved)
        assert await at.level_of(done) == "low"
        reasons = ("document-without-register",)
        assert at.desk.opened == [("registration", done.id, reasons)]
        async with at.world.store.begin() as tx:
            await at.world.registrations.review_accepted(tx, done, "high")
        assert await at.level_of(done) == "substantial"

    run(tmp_path, walk)


def test_a_review_raises_nothing_that_no_rule_offered(tmp_path: Path) -> None:
    async def walk(at: Reviewed) -> None:
        low = replace(JUDGED, level="low")
        found = await reach(at.world, State.FACE)
        async with at.world.store.begin() as tx:
            moved = await at.world.registrations.accepted(tx, found, low)
        done = await step(at.world, moved)
        async with at.world.store.begin() as tx:
            await at.world.registrations.review_accepted(tx, done, "substantial")
        assert await at.level_of(done) == "low"

    run(tmp_path, walk)


def test_every_decision_is_kept_with_its_policy(tmp_path: Path) -> None:
    async def walk(at: Reviewed) -> None:
        waiting = await at.at_review()
        async with at.world.store.read() as tx:
            records = await at.world.services.evidence.of_registration(tx, waiting.id)
            events = await tx.all(
                "SELECT detail FROM audit_event WHERE tag = 'registration:judged'"
            )
        (kept,) = [one for one in records if one.kind == EvidenceKind.DECISION]
        assert kept.engine == "policy test"
        assert kept.facts["outcome"] == "review"
        assert kept.facts["reasons"] == ["face-doubtful"]
        assert '"policy_hash":"00"' in str(events[0][0])

    run(tmp_path, walk)


async def registered(at: Reviewed) -> Registration:
    return await reach(at.world, State.DONE)


async def renewing(at: Reviewed, done: Registration, **changes: str) -> Registration:
    """Walk a renewal of the account's card up to the face."""
    service = at.world.registrations
    account = await at.account_of(done)
    details = {**DETAILS, **changes}
    document = {**DOCUMENT, **{k: v for k, v in changes.items() if k in DOCUMENT}}
    async with at.world.store.begin() as tx:
        found = await service.renew(tx, device_id=DEVICE, account=account, locale="km")
        assert found.state is State.DOCUMENT
        found = await service.document_read(tx, found, document)
        found = await service.details_given(tx, found, details)
        return await service.register_agreed(tx, found)


RENEWED = {"number": "076543210", "expiry_date": "2036-01-01", "surname_latin": "KEO"}


def test_a_renewal_keeps_the_identifiers_and_brings_the_rest(tmp_path: Path) -> None:
    async def walk(at: Reviewed) -> None:
        done = await registered(at)
        before = await at.account_of(done)
        at.world.clock.instant = datetime(2031, 1, 2, tzinfo=UTC)
        assert await at.level_of(done) == "low"
        found = await renewing(at, done, **RENEWED)
        async with at.world.store.begin() as tx:
            ended = await at.world.registrations.accepted(tx, found, JUDGED, face=FACE)
        assert ended.state is State.DONE
        after = await at.account_of(ended)
        assert (after.id, after.camdigikey_id) == (before.id, before.camdigikey_id)
        assert after.level == "substantial"
        assert after.facts.document_number == RENEWED["number"]
        assert after.facts.surname_latin == "KEO"
        assert after.facts.phone == before.facts.phone
        async with at.world.store.read() as tx:
            told = await at.world.services.messages.notices_of(tx, after.id)
            old = await at.world.services.accounts.by_document(tx, DETAILS["number"])
        assert [one.notice for one in told] == [Notice.DOCUMENT_RENEWED]
        assert old == after.id, "the old number still leads to its person"

    run(tmp_path, walk)


def test_a_renewal_with_anothers_document_is_refused(tmp_path: Path) -> None:
    async def walk(at: Reviewed) -> None:
        done = await registered(at)
        async with at.world.store.begin() as tx:
            other = replace(FACTS, document_number="076543210")
            await at.world.services.accounts.open(tx, other, level="substantial")
        found = await renewing(at, done, **RENEWED)
        with pytest.raises(AlreadyRegistered):
            async with at.world.store.begin() as tx:
                await at.world.registrations.accepted(tx, found, JUDGED)
        assert (await at.account_of(done)).facts.document_number == DETAILS["number"]

    run(tmp_path, walk)


def test_a_weaker_document_changes_nothing_of_the_person(tmp_path: Path) -> None:
    async def walk(at: Reviewed) -> None:
        done = await registered(at)
        found = await renewing(at, done, **RENEWED, kind="passport")
        async with at.world.store.begin() as tx:
            low = replace(JUDGED, level="low")
            await at.world.registrations.accepted(tx, found, low)
        account = await at.account_of(done)
        assert account.level == "substantial"
        assert account.facts.document_number == DETAILS["number"]
        async with at.world.store.read() as tx:
            kept = await at.world.services.documents.of_account(tx, account.id)
        assert sorted(one.facts.kind for one in kept) == ["id_card", "passport"]
        assert all(one.replaced_at is None for one in kept)

    run(tmp_path, walk)


def test_a_removed_device_renews_nothing(tmp_path: Path) -> None:
    async def walk(at: Reviewed) -> None:
        done = await registered(at)
        found = await renewing(at, done, **RENEWED)
        async with at.world.store.begin() as tx:
            await tx.run("UPDATE device SET revoked_at = 1 WHERE id = $1", DEVICE)
        with pytest.raises(DeviceRevoked):
            async with at.world.store.read() as tx:
                await at.world.registrations.at(tx, found.id, DEVICE)

    run(tmp_path, walk)


def test_renewals_of_an_account_are_limited(tmp_path: Path) -> None:
    async def walk(at: Reviewed) -> None:
        done = await registered(at)
        account, service = await at.account_of(done), at.world.registrations
        for _ in range(5):
            async with at.world.store.begin() as tx:
                found = await service.renew(
                    tx, device_id=DEVICE, account=account, locale="km"
                )
                await service.cancel(tx, found)
        with pytest.raises(Exhausted):
            async with at.world.store.begin() as tx:
                await service.renew(tx, device_id=DEVICE, account=account, locale="km")

    run(tmp_path, walk)


def test_a_replaced_number_opens_no_second_account(tmp_path: Path) -> None:
    async def walk(at: Reviewed) -> None:
        done = await registered(at)
        found = await renewing(at, done, **RENEWED)
        async with at.world.store.begin() as tx:
            await at.world.registrations.accepted(tx, found, JUDGED)
        second = await reach(at.world, State.FACE, "another")
        with pytest.raises(AlreadyRegistered):
            await step(at.world, second)

    run(tmp_path, walk)


def test_reminders_come_once_each_and_the_fall_is_told(tmp_path: Path) -> None:
    async def walk(at: Reviewed) -> None:
        done = await registered(at)
        account = done.told.result["account_id"]
        reminders = at.world.services.document_reminders
        ends = datetime.fromtimestamp(expires_at(DETAILS["expiry_date"]) / 1000, UTC)
        for days in (100, 90, 60, 30, 7, 1, 0, -10):
            at.world.clock.instant = ends
            at.world.clock.pass_time(days=-days)
            for _ in range(2):
                async with at.world.store.begin() as tx:
                    await reminders.sweep(tx)
        async with at.world.store.read() as tx:
            told = await at.world.services.messages.notices_of(tx, account)
        assert sorted(one.notice for one in told) == [
            *[Notice.DOCUMENT_EXPIRES] * 3,
            Notice.LEVEL_LOWERED,
        ]

    run(tmp_path, walk)


def test_what_changed_of_a_person_is_named() -> None:
    assert changes_between(FACTS, FACTS) == ()
    same = replace(FACTS, surname_latin="sok", given_name_khmer="ស្រី\u200bពៅ")
    assert changes_between(FACTS, same) == ()
    other = replace(FACTS, birth_date="1999-01-02", surname_latin="KEO")
    assert changes_between(FACTS, other) == ("birth_date", "surname_latin")
    foreign = replace(FACTS, surname_khmer="", given_name_khmer="")
    assert changes_between(FACTS, foreign) == ()
