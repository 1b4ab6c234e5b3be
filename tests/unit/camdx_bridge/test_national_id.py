"""The register client, through the shipped simulator over loopback HTTP."""

import asyncio
import json
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import pytest

from camdx_bridge import (
    AnswerForeign,
    AnswerMalformed,
    AnswerTooLarge,
    BridgeClient,
    BridgeError,
    CircuitOpen,
    MessageInvalid,
    NationalIdClient,
    Party,
    QuestionRefused,
    Request,
    RequestRefused,
    Response,
    ServiceFailed,
    ServiceId,
    TheirServerFailed,
    TimedOut,
    Unreachable,
)
from camdx_bridge.national_id import WIRE_NAMES
from camdx_bridge.simulator import CLIENT, SERVICE
from tests.unit.camdx_bridge.bridge_world import SREYPOV, World, in_world

ALL_FIELDS = frozenset(WIRE_NAMES)
OTHERS: dict[str, Any] = {
    "number": "999999999",
    "surname_khmer": "ចាន់",
    "given_name_khmer": "ណារី",
    "surname_latin": "CHAN",
    "given_name_latin": "NARY",
    "sex": "M",
    "birth_date": date(1999, 1, 2),
    "issue_date": date(2021, 1, 3),
    "expiry_date": date(2031, 1, 2),
}


@in_world()
async def test_right_details_agree_in_every_field(world: World) -> None:
    found = await world.verify()
    assert (found.score, found.incorrect_fields) == (1.0, frozenset())
    assert found.service == SERVICE
    assert found.message_id.startswith("CAMBODIA-")
    assert found.answered_at == datetime.fromtimestamp(1_700_000_000, UTC)


@in_world()
async def test_each_wrong_field_is_named_in_our_words(world: World) -> None:
    for name in ALL_FIELDS - {"number"}:
        found = await world.verify(**{name: OTHERS[name]})
        assert found.incorrect_fields == {name}
        assert found.score == pytest.approx(8 / 9, abs=0.001)


@in_world()
async def test_an_unknown_number_agrees_in_nothing(world: World) -> None:
    found = await world.verify(number=OTHERS["number"])
    assert (found.score, found.incorrect_fields) == (0.0, ALL_FIELDS)


@in_world()
async def test_a_look_alike_spelling_is_the_same_name(world: World) -> None:
    person: dict[str, Any] = {
        "number": "067890123",
        "surname_khmer": "ស៊ិន",
        "given_name_khmer": "ស្ដ្រី\u200bរ័ត្ន",
        "surname_latin": "sin",
        "given_name_latin": "STREYRATH",
        "sex": "F",
        "birth_date": date(1994, 7, 30),
        "issue_date": date(2024, 1, 15),
        "expiry_date": date(2034, 1, 14),
    }
    found = await world.verify(**person)
    assert found.incorrect_fields == frozenset()


FAULTS = [
    ("server-fault", TheirServerFailed, Party.THEIR_SERVER, True),
    ("system-error", ServiceFailed, Party.THEIR_SYSTEM, True),
    ("broken-json", AnswerMalformed, Party.UNKNOWN, True),
    ("foreign-id", AnswerForeign, Party.UNKNOWN, True),
    ("foreign-hash", AnswerForeign, Party.UNKNOWN, True),
    ("too-large", AnswerTooLarge, Party.UNKNOWN, True),
    ("redirect", ServiceFailed, Party.THEIR_SYSTEM, False),
]


@pytest.mark.parametrize(("kind", "error", "party", "is_temporary"), FAULTS)
def test_a_fault_gives_no_answer_and_names_who_failed(
    kind: str, error: type[BridgeError], party: Party, is_temporary: bool
) -> None:
    @in_world()
    async def scene(world: World) -> None:
        await world.play(kind)
        with pytest.raises(error) as failed:
            await world.verify()
        assert (failed.value.party, failed.value.is_temporary) == (party, is_temporary)
        assert (await world.verify()).score == 1
        assert (await world.counts())["received"] == 2

    scene()


@pytest.mark.parametrize("kind", ["time-out", "slow-drip"])
def test_silence_and_dripping_both_end_at_the_deadline(kind: str) -> None:
    @in_world(timeout_s=0.3)
    async def scene(world: World) -> None:
        await world.play(kind)
        with pytest.raises(TimedOut):
            await world.verify()
        assert (await world.counts())["received"] == 1

    scene()


@in_world()
async def test_a_broken_connection_is_tried_once_more(world: World) -> None:
    await world.play("reset")
    assert (await world.verify()).score == 1
    await world.play("reset", 2)
    with pytest.raises(Unreachable):
        await world.verify()
    assert (await world.counts())["received"] == 4


@in_world()
async def test_a_call_that_may_change_something_is_never_repeated(world: World) -> None:
    await world.play("reset")
    with pytest.raises(Unreachable):
        await world.client.call(SERVICE, method="POST", path="/info", body=b"{}")
    assert (await world.counts())["received"] == 1


@in_world(failures=2)
async def test_a_failing_register_is_left_alone(world: World) -> None:
    await world.play("server-fault", 5)
    for _ in range(2):
        with pytest.raises(TheirServerFailed):
            await world.verify()
    with pytest.raises(CircuitOpen):
        await world.verify()
    assert (await world.counts())["received"] == 2


@in_world(client=type(CLIENT)("CAMBODIA", "COM", "STRANGER", "X"))
async def test_an_unlisted_subsystem_is_denied_for_good(world: World) -> None:
    with pytest.raises(RequestRefused) as refused:
        await world.verify()
    assert refused.value.leaf == "accessdenied"
    assert not refused.value.is_temporary
    assert (await world.counts())["refused"] == 1


@in_world()
async def test_the_request_hash_is_checked_with_every_header(world: World) -> None:
    answer = await world.client.call(
        SERVICE,
        method="POST",
        path="/v1/info",
        query="lang=km",
        headers=(("Content-Type", "application/json"), ("Foo", "a b")),
        body=b"{}",
        user_id="KH012",
        issue="registration-7",
    )
    assert answer.is_hash_checked


@in_world()
async def test_a_service_of_nobody_is_unknown(world: World) -> None:
    nobody = ServiceId("CAMBODIA", "GOV", "NOBODY", "X", "kyc")
    with pytest.raises(RequestRefused) as refused:
        await world.client.call(nobody, method="POST", path="/info", body=b"{}")
    assert refused.value.leaf == "unknownmember"


@pytest.mark.parametrize(
    "changed",
    [
        {"number": "០១២៣៤៥៦៧៨"},
        {"number": ""},
        {"number": "012 345"},
        {"surname_khmer": ""},
        {"given_name_latin": "A\nB"},
        {"given_name_latin": "A" * 101},
        {"sex": "X"},
    ],
)
def test_an_impossible_question_never_leaves(changed: dict[str, str]) -> None:
    @in_world()
    async def scene(world: World) -> None:
        with pytest.raises(MessageInvalid):
            await world.verify(**changed)
        assert (await world.counts())["received"] == 0

    scene()


@dataclass(frozen=True, slots=True)
class Answering:
    """A security server in one line: it answers any question with these bytes."""

    body: bytes
    kind: str = "application/json; charset=utf-8"

    async def send(self, request: Request) -> Response:
        headers = (("X-Road-Id", request.message_id), ("Content-Type", self.kind))
        return Response(200, headers, self.body)


def ask(transport: Answering) -> Any:
    client = BridgeClient(transport=transport, client=CLIENT)
    return asyncio.run(NationalIdClient(client, SERVICE).verify(**SREYPOV))


def envelope(**changed: Any) -> bytes:
    data = {"idNumber": "012345678", "score": 1, "incorrectFields": []}
    return json.dumps(
        {"error": 0, "message": "OK", "data": {**data, **changed}}
    ).encode()


def test_a_plain_answer_without_a_hash_is_read() -> None:
    assert ask(Answering(envelope())).score == 1.0


@pytest.mark.parametrize(
    "body",
    [
        envelope(idNumber="012345679"),
        envelope(idNumber=12345678),
        envelope(score=None),
        envelope(score=True),
        envelope(score="1"),
        envelope(score=1.01),
        envelope(score=-0.1),
        envelope(score=float("nan")),
        envelope(score=float("inf")),
        envelope(incorrectFields=None),
        envelope(incorrectFields="gender"),
        envelope(incorrectFields=[1], score=0.5),
        envelope(incorrectFields=["shoeSize"], score=0.5),
        envelope(incorrectFields=["gender", "gender"], score=0.5),
        envelope(incorrectFields=["gender"], score=1),
        envelope(incorrectFields=[], score=0),
        b"",
        b"\xff",
        b"[]",
        b"{}",
        b"[" * 100_000,
        b'{"error": 0, "message": "OK"}',
        b'{"error": 0, "message": "OK", "data": []}',
        b'{"error": false, "message": "OK", "data": {}}',
        b'{"error": "0", "message": "OK", "data": {}}',
        b'{"error": 0, "data": {}}',
        envelope()[:-1] + b', "error": 0}',
    ],
)
def test_an_answer_of_another_shape_says_nothing(body: bytes) -> None:
    with pytest.raises(AnswerMalformed):
        ask(Answering(body))


def test_an_answer_that_is_not_declared_json_says_nothing() -> None:
    with pytest.raises(AnswerMalformed):
        ask(Answering(envelope(), kind="text/html"))


def test_a_refusal_in_the_envelope_is_for_good() -> None:
    with pytest.raises(QuestionRefused) as refused:
        ask(Answering(b'{"error": 101, "message": "no"}'))
    assert (refused.value.error, refused.value.is_temporary) == (101, False)
