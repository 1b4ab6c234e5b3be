"""A registration as it is judged: who is accepted, at which level, and who is not."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from idp.domain.registration_rows import State
from idp.storage.store import Transaction
from mobile_api.authentication import set_unlocked
from mobile_api.engines import Workers
from mobile_api.engines.development import development_picture
from mobile_api.mrz import check_digit
from tests.unit.idp.domain.registration_world import DETAILS
from tests.unit.mobile_api.mobile_world import (
    CARD,
    DARA,
    MRZ,
    SREYPOV,
    Phone,
    World,
    away,
    clip_of,
    open_workers,
    open_world,
)

Walk = Callable[[World, Phone], Awaitable[None]]
Run = Callable[[Walk], None]


def passport_lines(*, birth: str = "740812", state: str = "UTO") -> tuple[str, str]:
    """Return a TD3 zone of Anna Maria Eriksson with right check digits."""
    number, expiry = "L898902C3", "340415"
    parts = [f"{part}{check_digit(part)}" for part in (number, birth, expiry)]
    optional = "<" * 14 + "<"
    covered = parts[0] + parts[1] + parts[2] + optional
    second = f"{parts[0]}{state}{parts[1]}F{parts[2]}{optional}{check_digit(covered)}"
    return f"P<{state}ERIKSSON<<ANNA<MARIA".ljust(44, "<"), second


PASSPORT = development_picture(mrz=passport_lines(), faces=("anna",))
FOREIGN = {
    "number": "L898902C3",
    "surname_latin": "ERIKSSON",
    "given_name_latin": "ANNA MARIA",
    "surname_khmer": "",
    "given_name_khmer": "",
    "birth_date": "1974-08-12",
    "sex": "F",
    "expiry_date": "2034-04-15",
    "issue_date": "",
}


def card(number: str, *, surname: str = "SOK") -> bytes:
    """Return a card with this number whose check digits are all right."""
    first = f"IDKHM{number}{check_digit(number)}".ljust(30, "<")
    covered = first[5:30] + MRZ[1][:7] + MRZ[1][8:15] + MRZ[1][18:29]
    second = MRZ[1][:29] + str(check_digit(covered))
    third = f"{surname}<<SREYPOV".ljust(30, "<")
    return development_picture(mrz=(first, second, third), faces=(SREYPOV,))


@dataclass
class Desk:
    opened: list[tuple[str, str, tuple[str, ...]]] = field(default_factory=list)

    async def open(
        self, tx: Transaction, *, kind: str, subject_id: str, reasons: tuple[str, ...]
    ) -> str:
        del tx
        self.opened.append((kind, subject_id, reasons))
        return "review"

    async def withdraw(self, tx: Transaction, subject_id: str) -> None:
        del tx, subject_id


@pytest.fixture(scope="module")
def workers() -> Iterator[Workers]:
    opened = open_workers()
    yield opened
    opened.close()


@pytest.fixture
def run(tmp_path: Path, workers: Workers) -> Run:
    def run_walk(walk: Walk) -> None:
        async def whole() -> None:
            async with open_world(tmp_path, workers) as world:
                await walk(world, world.phone())

        asyncio.run(whole())

    return run_walk


async def level_of(world: World, view: dict[str, Any]) -> str:
    async with world.services.store.read() as tx:
        accounts = world.services.accounts
        found = await accounts.find(tx, view["result"]["account_id"])
    assert found.level == view["level"]
    return found.level


def test_a_photograph_of_the_right_person_is_nobody(run: Run) -> None:
    async def walk(_: World, phone: Phone) -> None:
        await phone.reach("face")
        answer = await phone.show_face(flat=True)
        assert (answer.status_code, answer.json()["attempts_left"]) == (422, 4)
        assert answer.json()["code"] == "evidence-insufficient"
        assert (await phone.show_face()).json()["state"] == "device"

    run(walk)


def test_a_clip_is_good_for_one_session_and_one_look(run: Run) -> None:
    async def walk(world: World, phone: Phone) -> None:
        await phone.reach("face")
        told = (await phone.step("liveness")).json()
        world.clock.pass_time(seconds=20)
        other = clip_of(told, DARA)
        assert (await phone.send_clip(other)).json()["advice"] == ["different-person"]
        for clip in (other, clip_of(told, SREYPOV)):
            answer = await phone.send_clip(clip)
            assert answer.json()["advice"] == ["liveness-over"]
        view = (await phone.get("/registrations/current")).json()
        assert view["face"]["attempts_left"] == 4, "what was not judged costs nothing"

    run(walk)


def test_another_phone_cannot_use_the_session(run: Run) -> None:
    async def walk(world: World, phone: Phone) -> None:
        await phone.reach("face")
        told = (await phone.step("liveness")).json()
        thief = world.phone()
        thief.id = phone.id
        answer = await thief.send_clip(clip_of(told, SREYPOV))
        assert (answer.status_code, answer.json()["code"]) == (404, "not-found")

    run(walk)


@pytest.mark.parametrize(
    ("score", "level"),
    [(0.95, "high"), (0.80, "high"), (0.79, "substantial"), (None, "substantial")],
)
def test_high_needs_the_registers_own_look_at_the_face(
    run: Run, score: float | None, level: str
) -> None:
    async def walk(world: World, phone: Phone) -> None:
        world.register.face_score = score
        view = await phone.reach("done")
        assert await level_of(world, view) == level
        first, second = world.register.faces
        assert first is None
        assert second is not None
        assert second[:2] == b"\xff\xd8", "the frame that the server chose, as JPEG"

    run(walk)


def test_a_register_that_is_away_at_the_face_keeps_nobody_waiting(run: Run) -> None:
    async def walk(world: World, phone: Phone) -> None:
        await phone.reach("face")
        world.register.answers = [away()]
        assert (await phone.show_face()).json()["level"] == "substantial"

    run(walk)


def test_another_face_in_the_register_goes_to_a_person(run: Run) -> None:
    async def walk(world: World, phone: Phone) -> None:
        desk = Desk()
        registrations = replace(world.services.registrations, reviews=desk)
        world.use(replace(world.services, registrations=registrations))
        await phone.reach("face")
        world.register.face_score = 0.1
        view = (await phone.show_face()).json()
        assert view["state"] == "review"
        assert desk.opened == [("registration", phone.id, ("register-face-differs",))]
        assert (await phone.enrol()).json()["code"] == "wrong-step"
        async with world.services.store.begin() as tx:
            found = await registrations.current(tx, phone.device_id)
            await registrations.review_accepted(tx, found, "substantial")
        assert (await phone.enrol()).json()["level"] == "substantial"

    run(walk)


def test_edited_fields_with_right_check_digits_meet_the_register(run: Run) -> None:
    async def walk(world: World, phone: Phone) -> None:
        await phone.reach("document")
        forged = card("012345679", surname="KEO")
        view = (await phone.show_card(forged)).json()
        assert "number" in view["document"]["proved"], "the digits say it is right"
        world.register.answers = [("number", "surname_latin")] * 5
        for _ in range(5):
            answer = await phone.confirm(number="012345679", surname_latin="KEO")
        assert answer.json()["state"] == "stopped"
        assert (await phone.show_face()).json()["code"] == "wrong-step"

    run(walk)


def test_an_answer_about_another_person_is_no_answer(run: Run) -> None:
    async def walk(world: World, phone: Phone) -> None:
        await phone.reach("details")
        world.register.about = {**DETAILS, "surname_latin": "KEO"}
        assert (await phone.confirm()).json()["state"] == "register"
        async with world.services.store.read() as tx:
            found = await world.services.registrations.current(tx, phone.device_id)
            kept = await world.services.evidence.of_registration(tx, found.id)
        assert found.state is State.REGISTER
        assert "register" not in {one.kind for one in kept}

    run(walk)


def test_an_answer_about_another_person_raises_no_level(run: Run) -> None:
    async def walk(world: World, phone: Phone) -> None:
        await phone.reach("face")
        world.register.face_score = 0.99
        world.register.about = {**DETAILS, "surname_latin": "KEO"}
        assert (await phone.show_face()).json()["level"] == "substantial"

    run(walk)


def test_a_passport_of_any_state_registers_without_the_register(run: Run) -> None:
    async def walk(world: World, phone: Phone) -> None:
        await phone.start("+66 81 234 5678")
        await phone.prove_phone()
        view = (await phone.show_card(PASSPORT)).json()
        assert view["document"]["kind"] == "passport"
        assert view["document"]["optional"] == [
            "given_name_khmer",
            "issue_date",
            "surname_khmer",
        ]
        assert (await phone.step("details", FOREIGN)).json()["state"] == "face"
        assert world.register.asked == []
        assert (await phone.show_face("anna")).json()["level"] == "low"
        view = (await phone.enrol()).json()
        assert await level_of(world, view) == "low"

    run(walk)


def test_a_child_is_refused_and_told_why(run: Run) -> None:
    async def walk(world: World, phone: Phone) -> None:
        await phone.start()
        await phone.prove_phone()
        zone = passport_lines(birth="150101")
        picture = development_picture(mrz=zone, faces=("anna",))
        assert (await phone.show_card(picture)).json()["state"] == "details"
        young = {**FOREIGN, "birth_date": "2015-01-01"}
        view = (await phone.step("details", young)).json()
        assert (view["state"], view["advice"]) == ("refused", ["under-age"])
        assert "details" not in view
        assert world.register.asked == []
        assert (await phone.start()).status_code == 201, "a new start is possible"

    run(walk)


def test_twenty_registrations_of_one_card_at_once_open_one_account(run: Run) -> None:
    async def walk(world: World, _: Phone) -> None:
        phones = [world.phone() for _ in range(20)]
        for n, phone in enumerate(phones):
            world.clock.pass_time(hours=1)  # a network may ask for so many codes
            answer = await phone.start(f"0123456{n:02}")
            assert answer.status_code == 201, answer.text
            await phone.prove_phone()
            assert (await phone.show_card(CARD)).json()["state"] == "details"
            assert (await phone.confirm()).json()["state"] == "face"
            assert (await phone.show_face()).json()["state"] == "device"
        answers = await asyncio.gather(*(phone.enrol() for phone in phones))
        assert Counter(a.status_code for a in answers) == {200: 1, 409: 19}
        async with world.services.store.read() as tx:
            assert await tx.one("SELECT COUNT(*) FROM account") == (1,)

    run(walk)


async def unlocked(world: World, phone: Phone) -> dict[str, Any]:
    view = await phone.reach("done")
    async with world.services.store.read() as tx:
        device = await world.services.devices.find(tx, phone.device_id)
    await set_unlocked(world.services, device)
    return view


def test_a_card_is_renewed_on_the_bound_phone(run: Run) -> None:
    async def walk(world: World, phone: Phone) -> None:
        before = await unlocked(world, phone)
        answer = await phone.post("/documents/renewals", {"locale": "km"})
        assert answer.status_code == 201, answer.text
        view = answer.json()
        assert (view["state"], view["purpose"]) == ("document", "renewal")
        phone.id = view["id"]
        await phone.show_card(card("076543210"))
        await phone.confirm(number="076543210")
        view = (await phone.show_face()).json()
        assert view["state"] == "done"
        for name in ("account_id", "camdigikey_id", "device_id"):
            assert view["result"][name] == before["result"][name]
        shown = (await phone.get("/documents")).json()["documents"]
        assert [one["number"] for one in shown] == ["076543210", "012345678"]
        assert [one["is_valid"] for one in shown] == [True, False]
        profile = (await phone.get("/profile")).json()["profile"]
        assert profile["document_number"] == "076543210"
        assert [one["number"] for one in profile["documents"]] == ["076543210"]
        assert profile["level_until"] == 1_925_053_200  # 2031-01-01 ends in Cambodia

    run(walk)


def test_somebody_elses_documents_do_not_become_the_accounts(run: Run) -> None:
    async def walk(world: World, phone: Phone) -> None:
        await unlocked(world, phone)
        phone.id = (await phone.post("/documents/renewals")).json()["id"]
        await phone.show_card(PASSPORT)
        await phone.step("details", FOREIGN)
        answer = await phone.show_face("anna")
        assert answer.json()["advice"] == ["different-person"]
        profile = (await phone.get("/profile")).json()["profile"]
        assert profile["surname_latin"] == "SOK"

    run(walk)


def test_a_locked_phone_renews_nothing(run: Run) -> None:
    async def walk(_: World, phone: Phone) -> None:
        await phone.reach("done")
        answer = await phone.post("/documents/renewals")
        assert (answer.status_code, answer.json()["code"]) == (403, "locked")

    run(walk)


async def another_card(phone: Phone, number: str, *, surname: str) -> dict[str, Any]:
    """Walk a second phone, with another card of the same face, up to the face."""
    await phone.start("096 111 2233")
    await phone.prove_phone()
    await phone.show_card(card(number, surname=surname))
    view: dict[str, Any] = (
        await phone.confirm(number=number, surname_latin=surname)
    ).json()
    assert view["state"] == "face", view
    return view


def test_a_face_that_is_known_under_another_name_goes_to_a_person(run: Run) -> None:
    async def walk(world: World, phone: Phone) -> None:
        await phone.reach("done")
        second = world.phone()
        await another_card(second, "076543210", surname="KEO")
        assert (await second.show_face()).json()["state"] == "review"
        async with world.services.store.read() as tx:
            row = await tx.one("SELECT reasons FROM review")
            assert await tx.one("SELECT COUNT(*) FROM account") == (1,)
        assert row is not None
        assert "face-known" in str(row[0])

    run(walk)


def test_a_person_with_an_account_and_a_new_card_is_led_to_it(run: Run) -> None:
    async def walk(world: World, phone: Phone) -> None:
        await phone.reach("done")
        second = world.phone()
        await another_card(second, "076543210", surname="SOK")
        answer = await second.show_face()
        assert (answer.status_code, answer.json()["code"]) == (
            409,
            "already-registered",
        )
        assert answer.json()["advice"] == ["recover"]

    run(walk)


async def recovering(phone: Phone) -> None:
    """Walk a recovery by document up to the face."""
    body = {"phone": "012 345 678", "locale": "km"}
    answer = await phone.post("/recoveries", body)
    assert answer.status_code == 201, answer.text
    phone.id = answer.json()["id"]
    await phone.prove_phone()
    await phone.show_card()
    assert (await phone.confirm()).json()["state"] == "face"


def test_a_recovery_by_document_begins_its_wait_with_a_living_face(run: Run) -> None:
    async def walk(world: World, phone: Phone) -> None:
        await phone.reach("done")
        found = world.phone()
        await recovering(found)
        view = (await found.show_face()).json()
        assert (view["state"], view["purpose"]) == ("waiting", "recovery")
        assert view["waiting"]["ready_at"] > world.clock.now().timestamp()
        assert (await found.enrol()).json()["code"] == "wrong-step"

    run(walk)


def test_a_thief_with_card_and_number_recovers_nothing(run: Run) -> None:
    async def walk(world: World, phone: Phone) -> None:
        await phone.reach("done")
        thief = world.phone()
        await recovering(thief)
        for face, film in ((DARA, {}), (SREYPOV, {"flat": True})):
            answer = await thief.show_face(face, **film)
            assert answer.json()["code"] == "evidence-insufficient"
        async with world.services.store.read() as tx:
            device = await world.services.devices.find(tx, phone.device_id)
        assert device.account_id, "the owner's phone is as it was"

    run(walk)


def test_a_recovery_without_an_account_is_told_to_the_face_alone(run: Run) -> None:
    async def walk(_: World, phone: Phone) -> None:
        await recovering(phone)
        answer = await phone.show_face()
        assert answer.json()["advice"] == ["no-account"]

    run(walk)
