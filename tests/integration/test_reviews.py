"""Cases that a person decides: by whom, once, and with what following from it."""

import re
from collections.abc import AsyncIterator
from typing import Any, cast

import pytest

from camdigikey.phone import Phone
from idp.domain.assertions import Kind
from idp.domain.evidence import Engine, EvidenceKind
from idp.domain.messages import Notice
from idp.domain.operators import Role
from idp.domain.registration_decisions import Judged
from idp.domain.registration_rows import Registration
from mobile_api.reviews import lapse
from mobile_api.services import ImageWork, MobileServices
from tests.integration.test_recoveries import DETAILS, DOCUMENT
from tests.login import refused, wait
from tests.unit.mobile_api.mobile_world import OneFace, Register
from tests.world import World, open_world

pytestmark = pytest.mark.anyio
JUDGED = Judged(
    level="substantial", policy="test", policy_hash="00", reasons=("face-doubtful",)
)
PICTURE = b"\xff\xd8 a picture"
Printed = pytest.CaptureFixture[str]


@pytest.fixture
async def world(store_url: str) -> AsyncIterator[World]:
    mobile = MobileServices(cast("ImageWork", OneFace()), Register())
    async with open_world(store_url, mobile=mobile) as opened:
        yield opened


async def begin(world: World, capsys: Printed, path: str = "/registrations") -> Any:
    phone = world.unbound_phone(pin="802615")
    capsys.readouterr()
    view = await phone.post(path, {"phone": "012 345 678", "locale": "en"})
    printed = capsys.readouterr()
    code = re.findall(r"\b\d{6}\b", printed.out + printed.err)[-1]
    id_ = view["id"]
    return phone, await phone.post(f"/registrations/{id_}/phone-code", {"code": code})


async def to_review(world: World, registration_id: str, **changes: str) -> None:
    """Say that document and face were seen, and that a person must look."""
    services = world.services
    document = {**DOCUMENT, "number": "876543210", **changes}
    details = {**DETAILS, "number": "876543210", **changes}
    async with services.store.begin() as tx:
        found = await services.registrations.rows.find(tx, registration_id)
        read = await services.registrations.document_read(tx, found, document)
        for kind in (EvidenceKind.PORTRAIT, EvidenceKind.FACE):
            await services.evidence.keep(
                tx,
                found.id,
                kind,
                judged=PICTURE,
                engine=Engine("test", "1"),
                facts={},
                picture=PICTURE,
            )
        face = await services.registrations.details_given(
            tx, read, details, asks_register=False
        )
        desk = services.recoveries if face.told.recovery else services.registrations
        await desk.send_to_review(tx, face, JUDGED)


async def officer(world: World, role: Role, number: str = "111222333") -> Phone:
    phone = await world.phone(number=number, phone="+85512777888")
    async with world.services.store.begin() as tx:
        await world.services.operators.grant(tx, phone.account_id, role, by="test")
    await phone.unlock()
    return phone


async def cases(reviewer: Phone) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await reviewer.call("GET", "/reviews"))["reviews"]
    return found


async def answer(
    reviewer: Phone, case: str, said: str, *, level: str = "substantial", pin: str = ""
) -> Any:
    signed: dict[str, Any] = await reviewer.signed(
        Kind.REVIEW, pin=pin, action=said, target=case, level=level
    )
    body = {**signed, "answer": said, "level": level}
    return await reviewer.post(f"/reviews/{case}/decision", body)


async def taken(world: World, capsys: Printed) -> tuple[Phone, Phone, str]:
    """Return a person's phone, a reviewer's, and the case that he has taken."""
    phone, view = await begin(world, capsys)
    await to_review(world, view["id"])
    reviewer = await officer(world, Role.REVIEWER)
    (case,) = await cases(reviewer)
    await reviewer.post(f"/reviews/{case['id']}/taking")
    return phone, reviewer, case["id"]


async def state(phone: Phone) -> str:
    return str((await phone.call("GET", "/registrations/current"))["state"])


async def subject_of(world: World, phone: Phone) -> Registration:
    async with world.services.store.read() as tx:
        device_id = phone.keys.device_id
        return await world.services.registrations.current(tx, device_id)


async def test_a_reviewer_sees_a_case_once_and_the_person_goes_on(
    world: World, capsys: Printed
) -> None:
    phone, view = await begin(world, capsys)
    await to_review(world, view["id"])
    assert await state(phone) == "review"
    reviewer = await officer(world, Role.REVIEWER)
    (case,) = await cases(reviewer)
    assert case["reasons"] == ["face-doubtful"]
    assert "SOK" not in str(case)
    shown = await reviewer.post(f"/reviews/{case['id']}/taking")
    assert {one["kind"] for one in shown["pictures"]} == {"portrait", "face"}
    assert shown["details"]["surname_latin"] == "SOK"
    await refused(reviewer.post(f"/reviews/{case['id']}/taking"), "wrong-step")
    await answer(reviewer, case["id"], "accepted")
    assert await state(phone) == "device"
    done = await phone.bind(view["id"])
    assert done["level"] == "substantial"
    async with world.services.store.read() as tx:
        records = await world.services.evidence.of_registration(tx, view["id"])
    assert not any(one.has_picture for one in records)


@pytest.mark.parametrize(
    ("said", "follows"),
    [
        ("refused", "refused"),
        ("document-again", "document"),
        ("face-again", "face"),
    ],
)
async def test_every_answer_takes_the_person_where_it_says(
    world: World, capsys: Printed, said: str, follows: str
) -> None:
    phone, reviewer, case = await taken(world, capsys)
    await answer(reviewer, case, said)
    assert await state(phone) == follows


async def test_nobody_without_the_role_sees_a_case(
    world: World, capsys: Printed
) -> None:
    _, view = await begin(world, capsys)
    await to_review(world, view["id"])
    agent = await officer(world, Role.AGENT)
    await refused(agent.call("GET", "/reviews"), "role-missing")
    reviewer = await officer(world, Role.REVIEWER, "444555666")
    (case,) = await cases(reviewer)
    path = f"/reviews/{case['id']}/taking"
    await refused(agent.post(path), "role-missing")
    async with world.services.store.begin() as tx:
        await world.services.operators.revoke(
            tx, reviewer.account_id, Role.REVIEWER, by="test"
        )
    await refused(reviewer.post(path), "role-missing")


async def test_another_reviewer_cannot_answer_for_the_one_who_looked(
    world: World, capsys: Printed
) -> None:
    phone, _, case = await taken(world, capsys)
    other = await officer(world, Role.REVIEWER, "444555666")
    await refused(answer(other, case, "accepted"), "wrong-step")
    assert await state(phone) == "review"


async def test_an_answer_wants_the_reviewers_pin(world: World, capsys: Printed) -> None:
    phone, reviewer, case = await taken(world, capsys)
    await refused(answer(reviewer, case, "accepted", pin="111111"), "code-wrong")
    assert await state(phone) == "review"


async def test_an_answer_that_was_signed_otherwise_is_refused(
    world: World, capsys: Printed
) -> None:
    _, reviewer, case = await taken(world, capsys)
    signed: dict[str, Any] = await reviewer.signed(
        Kind.REVIEW, action="refused", target=case, level="substantial"
    )
    body = {**signed, "answer": "accepted", "level": "substantial"}
    await refused(reviewer.post(f"/reviews/{case}/decision", body), "assertion-invalid")


async def test_after_a_quarter_of_an_hour_the_pictures_are_gone_and_asked_again(
    world: World, capsys: Printed
) -> None:
    phone, reviewer, case = await taken(world, capsys)
    world.clock.pass_time(16 * 60)
    services = world.services
    async with services.store.begin() as tx:
        assert await lapse(services, tx) == 1
    async with services.store.begin() as tx:
        await services.registrations.sweep(tx)
    wait(world, reviewer, 0)
    await refused(answer(reviewer, case, "accepted"), "wrong-step")
    wait(world, phone, 0)
    assert await state(phone) == "document"


async def test_a_reviewer_never_sees_the_case_of_his_own_account(
    world: World, capsys: Printed
) -> None:
    """An insider recovers an account and would accept it himself."""
    reviewer = await officer(world, Role.REVIEWER)
    _, view = await begin(world, capsys, "/recoveries")
    await to_review(world, view["id"], number="111222333")
    (case,) = await cases(reviewer)
    await refused(reviewer.post(f"/reviews/{case['id']}/taking"), "role-missing")


async def test_a_reviewed_recovery_waits_like_any_other_and_may_be_stopped(
    world: World, capsys: Printed
) -> None:
    """An insider's yes gives no account away: its owner hears of it, and says no."""
    owner = await world.phone()
    thief, view = await begin(world, capsys, "/recoveries")
    await to_review(world, view["id"], number="012345678")
    reviewer = await officer(world, Role.REVIEWER)
    (case,) = await cases(reviewer)
    await reviewer.post(f"/reviews/{case['id']}/taking")
    await answer(reviewer, case["id"], "accepted")
    assert await state(thief) == "waiting"
    await refused(thief.bind(view["id"]), "wrong-step")
    async with world.services.store.read() as tx:
        told = await world.services.messages.notices_of(tx, owner.account_id)
    assert [one.notice for one in told] == [Notice.RECOVERY_STARTED]
    signed = await owner.signed(Kind.RECOVERY, action="object", target=view["id"])
    await owner.post(f"/recoveries/{view['id']}/objection", signed)
    assert await state(thief) == "stopped"


async def assisted(world: World, capsys: Printed) -> tuple[Phone, Phone, str]:
    """Return a citizen's phone, an agent's, and the registration he helps with."""
    phone, view = await begin(world, capsys)
    offered = await phone.post(f"/registrations/{view['id']}/assistance")
    agent = await officer(world, Role.AGENT)
    await agent.post("/assistance", {"code": offered["code"]})
    return phone, agent, view["id"]


async def test_an_agent_helps_with_consent_and_another_officer_decides(
    world: World, capsys: Printed
) -> None:
    phone, agent, registration = await assisted(world, capsys)
    path = f"/assistance/{registration}"
    await agent.picture(f"{path}/document", PICTURE)
    details = {**DETAILS, "number": "876543210"}
    await agent.post(f"{path}/details", {**details, "kind": "id_card", "issuer": "KHM"})
    assert await state(phone) == "face"
    await agent.picture(f"{path}/face", PICTURE)
    assert await state(phone) == "review"
    async with world.services.store.begin() as tx:
        await world.services.operators.grant(
            tx, agent.account_id, Role.REVIEWER, by="test"
        )
    (case,) = await cases(agent)
    assert case["reasons"] == ["assisted"]
    await refused(agent.post(f"/reviews/{case['id']}/taking"), "role-missing")
    reviewer = await officer(world, Role.REVIEWER, "444555666")
    shown = await reviewer.post(f"/reviews/{case['id']}/taking")
    assert {one["kind"] for one in shown["pictures"]} == {"document", "face"}
    await answer(reviewer, case["id"], "accepted")
    assert (await phone.bind(registration))["level"] == "substantial"


async def test_a_code_of_consent_serves_once_and_for_ten_minutes(
    world: World, capsys: Printed
) -> None:
    phone, view = await begin(world, capsys)
    offered = await phone.post(f"/registrations/{view['id']}/assistance")
    agent = await officer(world, Role.AGENT)
    wrong = f"{(int(offered['code']) + 1) % 10**8:08}"
    await refused(agent.post("/assistance", {"code": wrong}), "code-expired")
    await agent.post("/assistance", {"code": offered["code"]})
    again = agent.post("/assistance", {"code": offered["code"]})
    await refused(again, "code-expired")


async def test_nobody_helps_without_the_code_or_the_role(
    world: World, capsys: Printed
) -> None:
    phone, view = await begin(world, capsys)
    offered = await phone.post(f"/registrations/{view['id']}/assistance")
    plain = await world.phone(number="999888777")
    await plain.unlock()
    asked = plain.post("/assistance", {"code": offered["code"]})
    await refused(asked, "role-missing")
    agent = await officer(world, Role.AGENT)
    picture = agent.picture(f"/assistance/{view['id']}/document", PICTURE)
    await refused(picture, "not-found")
