import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from mobile_api.engines import Workers
from mobile_api.engines.development import development_picture
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


def test_a_person_registers_from_the_number_to_the_device(run: Run) -> None:
    async def walk(world: World, phone: Phone) -> None:
        started = await phone.start("០១២ ៣៤៥ ៦៧៨")
        assert started.status_code == 201
        view = started.json()
        assert view["state"] == "phone_code"
        assert view["phone_hint"] == "+855 •• ••• 678"
        assert view["code"]["attempts_left"] == 5
        assert view["code"]["resend_at"] < view["code"]["expires_at"]
        assert (await phone.prove_phone()).json()["state"] == "document"
        view = (await phone.show_card()).json()
        assert view["state"] == "details"
        assert view["document"]["surname_latin"] == "SOK"
        assert "number" in view["document"]["proved"]
        view = (await phone.confirm()).json()
        assert view["state"] == "face"
        assert view["face"] == {"attempts_left": 5}
        assert "document" not in view
        assert world.register.asked == [DETAILS]
        assert (await phone.show_face()).json()["state"] == "device"
        view = (await phone.enrol()).json()
        assert view["state"] == "done"
        assert view["result"]["device_id"] == phone.device_id
        assert len(view["result"]["camdigikey_id"]) == 12
        assert (await phone.get("/profile")).json()["code"] == "locked"

    run(walk)


def test_a_restarted_server_goes_on_with_nothing_retyped(
    tmp_path: Path, workers: Workers
) -> None:
    async def whole() -> None:
        async with open_world(tmp_path, workers) as world:
            phone = world.phone()
            left = await phone.reach("details")
            clock = world.clock
        async with open_world(tmp_path, workers, clock) as world:
            phone.world = world
            assert (await phone.get("/registrations/current")).json() == left
            assert (await phone.confirm()).json()["state"] == "face"

    asyncio.run(whole())


def test_each_step_waits_for_the_one_before(run: Run) -> None:
    async def walk(_: World, phone: Phone) -> None:
        await phone.reach("document")
        for attempt in (phone.confirm, phone.show_face, phone.enrol, phone.prove_phone):
            answer = await attempt()
            assert (answer.status_code, answer.json()["code"]) == (409, "wrong-step")

    run(walk)


def test_a_wrong_code_says_how_many_tries_are_left(run: Run) -> None:
    async def walk(world: World, phone: Phone) -> None:
        await phone.start()
        wrong = str((int(world.code) + 1) % 1_000_000).zfill(6)
        answer = await phone.step("phone-code", {"code": wrong})
        assert (answer.status_code, answer.json()["code"]) == (422, "code-wrong")
        assert answer.json()["attempts_left"] == 4
        for _ in range(4):
            await phone.step("phone-code", {"code": wrong})
        answer = await phone.prove_phone()
        assert (answer.status_code, answer.json()["code"]) == (422, "code-expired")

    run(walk)


def test_an_expired_code_is_sent_again(run: Run) -> None:
    async def walk(world: World, phone: Phone) -> None:
        await phone.start()
        early = await phone.step("phone-code/resend")
        assert (early.status_code, early.json()["code"]) == (429, "exhausted")
        assert early.headers["retry-after"] == "30"
        world.clock.pass_time(minutes=5)
        assert (await phone.prove_phone()).json()["code"] == "code-expired"
        assert (await phone.step("phone-code/resend")).status_code == 200
        assert len(world.sms.outbox) == 2
        assert (await phone.prove_phone()).json()["state"] == "document"

    run(walk)


def test_the_message_fits_one_khmer_text(run: Run) -> None:
    async def walk(world: World, phone: Phone) -> None:
        await phone.start()
        (message,) = world.sms.outbox
        assert message.to == "+85512345678"
        assert len(message.text) <= 70

    run(walk)


@pytest.mark.parametrize("number", ["12", "023 123 456", "hello", ""])
def test_a_number_without_text_messages_is_refused(run: Run, number: str) -> None:
    async def walk(world: World, phone: Phone) -> None:
        answer = await phone.start(number)
        assert (answer.status_code, answer.json()["code"]) == (422, "phone-invalid")
        assert not world.sms.outbox

    run(walk)


@pytest.mark.parametrize(
    ("picture", "advice"),
    [
        (development_picture(faces=("sreypov",)), "not-a-document"),
        (b"not a picture", "picture-format"),
        (
            development_picture(
                mrz=(MRZ[0].replace("4<", "5<", 1), *MRZ[1:]), faces=("a",)
            ),
            "check-digit-wrong",
        ),
        (development_picture(mrz=MRZ, faces=()), "no-portrait"),
    ],
)
def test_a_picture_that_is_not_enough_comes_with_advice(
    run: Run, picture: bytes, advice: str
) -> None:
    async def walk(_: World, phone: Phone) -> None:
        await phone.reach("document")
        answer = await phone.show_card(picture)
        assert answer.status_code == 422
        assert answer.json()["code"] == "evidence-insufficient"
        assert advice in answer.json()["advice"]
        assert (await phone.show_card()).json()["state"] == "details"

    run(walk)


def test_the_view_counts_pictures_whose_lines_are_kept_and_none_twice(run: Run) -> None:
    wrong = (MRZ[0].replace("4<", "5<", 1), *MRZ[1:])
    unsure = development_picture(mrz=wrong, faces=("sreypov",))
    another = development_picture(mrz=wrong, faces=("dara",))
    nothing = development_picture(faces=("sreypov",))

    async def counted(phone: Phone) -> object:
        return (await phone.get("/registrations/current")).json().get("pictures")

    async def walk(_: World, phone: Phone) -> None:
        await phone.reach("document")
        assert await counted(phone) is None
        shown = ((nothing, None), (unsure, 1), (unsure, 1), (another, 2))
        for picture, count in shown:
            answer = await phone.show_card(picture)
            assert answer.status_code == 422, answer.text
            assert await counted(phone) == count
        view = (await phone.show_card()).json()
        assert view["document"]["pictures"] == 3
        assert "pictures" not in view

    run(walk)


def test_fields_that_cannot_be_right_are_named(run: Run) -> None:
    async def walk(_: World, phone: Phone) -> None:
        await phone.reach("details")
        answer = await phone.confirm(
            number="999999999", surname_khmer="Sok", issue_date="2999-01-01"
        )
        assert (answer.status_code, answer.json()["code"]) == (422, "fields-invalid")
        assert answer.json()["fields"] == [
            {"name": "issue_date", "code": "in-the-future"},
            {"name": "number", "code": "proved"},
            {"name": "surname_khmer", "code": "khmer-letters-only"},
        ]

    run(walk)


def test_digits_in_khmer_script_are_the_same_digits(run: Run) -> None:
    async def walk(world: World, phone: Phone) -> None:
        await phone.reach("details")
        khmer = {48 + i: chr(0x17E0 + i) for i in range(10)}
        typed = {k: DETAILS[k].translate(khmer) for k in ("number", "birth_date")}
        assert (await phone.confirm(**typed)).json()["state"] == "face"
        assert world.register.asked == [DETAILS]

    run(walk)


def test_the_register_names_what_differs_and_the_person_corrects_it(run: Run) -> None:
    async def walk(world: World, phone: Phone) -> None:
        world.register.answers = [("given_name_khmer",)]
        await phone.reach("details")
        view = (await phone.confirm(given_name_khmer="ស្រី")).json()
        assert view["state"] == "details"
        assert view["incorrect_fields"] == ["given_name_khmer"]
        assert view["details"]["surname_khmer"] == DETAILS["surname_khmer"]
        assert (await phone.confirm()).json()["state"] == "face"

    run(walk)


def test_a_person_waits_while_the_register_is_away(run: Run) -> None:
    async def walk(world: World, phone: Phone) -> None:
        world.register.answers = [away()]
        await phone.reach("details")
        view = (await phone.confirm()).json()
        assert view["state"] == "register"
        now = world.clock.now().timestamp()
        assert now <= view["register"]["next_attempt_at"] <= now + 3
        assert view["details"] == DETAILS

    run(walk)


def test_another_persons_face_is_refused_five_times_and_no_more(run: Run) -> None:
    async def walk(_: World, phone: Phone) -> None:
        await phone.reach("face")
        for left in (4, 3, 2, 1, 0):
            answer = await phone.show_face(DARA)
            assert answer.status_code == 422
            assert answer.json()["attempts_left"] == left
            assert answer.json()["advice"] == ["different-person"]
        assert (await phone.get("/registrations/current")).json()["state"] == "stopped"
        assert (await phone.show_face()).json()["code"] == "wrong-step"

    run(walk)


def test_a_clip_sent_three_times_at_once_is_looked_at_once(run: Run) -> None:
    async def walk(world: World, phone: Phone) -> None:
        await phone.reach("face")
        told = (await phone.step("liveness")).json()
        world.clock.pass_time(seconds=20)
        clip = clip_of(told, SREYPOV)
        answers = await asyncio.gather(*(phone.send_clip(clip) for _ in range(3)))
        codes = sorted(answer.status_code for answer in answers)
        assert codes[0] == 200
        assert set(codes[1:]) <= {409, 422}
        view = (await phone.get("/registrations/current")).json()
        assert view["state"] == "device"

    run(walk)


def test_a_portrait_that_is_no_longer_kept_is_asked_for_again(run: Run) -> None:
    async def walk(world: World, phone: Phone) -> None:
        await phone.reach("face")
        world.clock.pass_time(hours=25)
        async with world.services.store.begin() as tx:
            assert await world.services.evidence.sweep(tx) == 2  # portrait, zone
        answer = await phone.show_face()
        assert answer.json()["code"] == "evidence-insufficient"
        view = (await phone.get("/registrations/current")).json()
        assert view["state"] == "document"
        assert (await phone.show_card()).json()["details"] == DETAILS

    run(walk)


def test_both_keys_must_sign_for_this_registration(run: Run) -> None:
    async def walk(_: World, phone: Phone) -> None:
        await phone.reach("device")
        for wrong in (
            {"registration": "another"},
            {"aud": "https://other.example"},
            {"pin_key": phone.device_id},
            {"exp": 1},
        ):
            answer = await phone.enrol(**wrong)
            assert answer.status_code == 401
            assert answer.json()["code"] == "assertion-invalid"
        assert (await phone.enrol()).json()["state"] == "done"

    run(walk)


def test_a_document_with_an_account_leads_to_recovery(run: Run) -> None:
    async def walk(world: World, phone: Phone) -> None:
        await phone.reach("done")
        again = await phone.start()
        assert (again.status_code, again.json()["advice"]) == (409, ["recover"])
        other = world.phone()
        await other.reach("face")
        answer = await other.show_face()
        assert answer.json()["code"] == "already-registered"
        assert answer.json()["advice"] == ["recover"]

    run(walk)


def test_a_registration_is_seen_by_its_own_device_only(run: Run) -> None:
    async def walk(world: World, phone: Phone) -> None:
        await phone.reach("document")
        thief = world.phone()
        assert (await thief.get("/registrations/current")).status_code == 404
        thief.id = phone.id
        for attempt in (thief.show_card, thief.prove_phone):
            assert (await attempt()).json()["code"] == "not-found"
        assert (await thief.step("cancellation")).status_code == 404

    run(walk)


def test_cancelling_leaves_nothing(run: Run) -> None:
    async def walk(_: World, phone: Phone) -> None:
        await phone.reach("details")
        assert (await phone.step("cancellation")).status_code == 204
        assert (await phone.get("/registrations/current")).status_code == 404

    run(walk)


def test_nothing_personal_stands_in_the_files_or_the_logs(
    run: Run, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def walk(world: World, phone: Phone) -> None:
        world.register.answers = [("surname_khmer",), away()]
        await phone.reach("details")
        await phone.confirm()
        await phone.confirm()

    caplog.set_level("DEBUG", logger="mobile_api")
    caplog.set_level("DEBUG", logger="idp")
    run(walk)
    everything = b"".join(p.read_bytes() for p in tmp_path.iterdir())
    for personal in ("12345678", *DETAILS.values()):
        if len(personal) > 1:
            assert personal.encode() not in everything
            assert personal not in caplog.text
    assert CARD not in everything
