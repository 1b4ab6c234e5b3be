"""The register over the bridge and the shipped simulator, in words of ours."""

import asyncio

import pytest

from camdx_bridge.simulator import FaultKind
from mobile_api.national_register import BridgeRegister
from mobile_api.services import RegisterAnswer, RegisterAway, question_digest
from tests.unit.camdx_bridge.bridge_world import world
from tests.unit.idp.domain.registration_world import DETAILS


async def ask(fault: str = "", **changed: str) -> RegisterAnswer:
    async with world(timeout_s=0.5) as found:
        if fault:
            await found.play(fault, count=20)
        register = BridgeRegister(found.national_id)
        return await register.verify({**DETAILS, **changed})


def test_right_details_are_agreed_and_leave_evidence() -> None:
    answer = asyncio.run(ask())
    assert answer.incorrect_fields == ()
    assert answer.judged["score"] == 1.0
    assert answer.judged["message_id"]
    assert not set(DETAILS.values()) & {str(v) for v in answer.judged.values()}


def test_look_alike_spellings_are_the_same_name() -> None:
    assert asyncio.run(ask(given_name_khmer="ស្រី\u200bពៅ")).incorrect_fields == ()


@pytest.mark.parametrize("field", sorted(set(DETAILS) - {"number"}))
def test_a_field_that_differs_is_named_as_the_app_names_it(field: str) -> None:
    other = {
        "sex": "M",
        "birth_date": "1999-01-02",
        "issue_date": "2021-01-03",
        "expiry_date": "2031-01-02",
        "surname_khmer": "ចាន់",
        "given_name_khmer": "ដារ៉ា",
        "surname_latin": "CHAN",
        "given_name_latin": "DARA",
    }
    answer = asyncio.run(ask(**{field: other[field]}))
    assert answer.incorrect_fields == (field,)


@pytest.mark.parametrize("fault", sorted(set(FaultKind) - {FaultKind.NONE}))
def test_whatever_goes_wrong_is_no_answer(fault: FaultKind) -> None:
    with pytest.raises(RegisterAway) as refused:
        asyncio.run(ask(fault.value))
    assert refused.value.reason
    assert DETAILS["number"] not in refused.value.reason


async def ask_with_face(
    details: dict[str, str], face: bytes = b"\xff\xd8jpeg", *, score: float | None
) -> RegisterAnswer:
    async with world() as found:
        await found.add({**DETAILS, "face_score": score})
        register = BridgeRegister(found.national_id)
        return await register.verify(details, face=face)


@pytest.mark.parametrize("score", [0.0, 0.93, None])
def test_the_register_says_how_alike_the_living_face_is(score: float | None) -> None:
    answer = asyncio.run(ask_with_face(DETAILS, score=score))
    assert answer.incorrect_fields == ()
    assert answer.face_score == score
    assert answer.judged.get("face_score") == score


def test_a_face_that_is_too_large_is_not_asked_about() -> None:
    with pytest.raises(RegisterAway):
        asyncio.run(ask_with_face(DETAILS, bytes(513 * 1024), score=0.9))


def test_an_answer_names_the_details_that_it_is_about() -> None:
    one, same = asyncio.run(ask()), asyncio.run(ask())
    other = asyncio.run(ask(sex="M"))
    assert one.asked == same.asked == question_digest(DETAILS)
    assert other.asked != one.asked
