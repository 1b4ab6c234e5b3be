"""The client reads only the answer to its own question."""

import pytest

from camdx_bridge import (
    AnswerForeign,
    Fault,
    Party,
    Request,
    Response,
    ServiceFailed,
    request_hash,
)
from camdx_bridge.client import new_message_id, read_answer
from camdx_bridge.simulator import CLIENT, SERVICE

ASKED = Request(client=CLIENT, service=SERVICE, message_id="CAMBODIA-1")
OURS = ("X-Road-Id", "CAMBODIA-1")


def answer(*headers: tuple[str, str], status: int = 200, body: bytes = b"") -> Response:
    return Response(status, headers, body)


def test_a_message_id_is_new_each_time() -> None:
    made = {new_message_id("CAMBODIA") for _ in range(20)}
    assert len(made) == 20
    assert all(one.startswith("CAMBODIA-") for one in made)


@pytest.mark.parametrize(
    "headers",
    [
        (),
        (("X-Road-Id", "CAMBODIA-2"),),
        (OURS, ("X-Road-Id", "CAMBODIA-2")),
        (OURS, ("X-Road-Client", "CAMBODIA/GOV/OTHER/X")),
        (OURS, ("X-Road-Client", "%")),
        (OURS, ("X-Road-Service", f"{SERVICE}2")),
        (OURS, ("X-Road-Request-Id", "r"), ("X-Road-Request-Hash", "AAAA")),
    ],
)
def test_an_answer_to_another_question_is_not_read(
    headers: tuple[tuple[str, str], ...],
) -> None:
    for status in (200, 500):
        with pytest.raises(AnswerForeign):
            read_answer(ASKED, answer(*headers, status=status))


def test_identifiers_may_come_back_in_another_encoding() -> None:
    read = read_answer(ASKED, answer(OURS, ("X-Road-Client", str(CLIENT) + " ")))
    assert not read.is_hash_checked


@pytest.mark.parametrize(
    ("status", "is_temporary"),
    [(302, False), (400, False), (404, False), (429, True), (500, True), (503, True)],
)
def test_an_error_of_their_system_is_told_by_its_status(
    status: int, is_temporary: bool
) -> None:
    with pytest.raises(ServiceFailed) as failed:
        read_answer(ASKED, answer(OURS, status=status))
    assert (failed.value.status, failed.value.party) == (status, Party.THEIR_SYSTEM)
    assert failed.value.is_temporary is is_temporary


@pytest.mark.parametrize(
    "body", [b"", b"<error/>", b"[]", b"[" * 100_000, b'{"detail": "d\\n-1"}']
)
def test_a_fault_is_read_whatever_its_body(body: bytes) -> None:
    with pytest.raises(Fault) as failed:
        read_answer(
            ASKED,
            answer(("X-Road-Error", "Client.BadRequest"), status=400, body=body),
        )
    assert failed.value.code == "Client.BadRequest"
    assert failed.value.detail in {"", "d-1"}
    assert failed.value.message_id == "CAMBODIA-1"


def test_a_fault_counts_even_beside_a_status_of_success() -> None:
    with pytest.raises(Fault):
        read_answer(ASKED, answer(OURS, ("X-Road-Error", "Server.ClientProxy.X")))


def test_the_request_hash_counts_in_the_spelling_of_the_headers_or_in_lower_case() -> (
    None
):
    lines = (
        f"GET\r\n/r1/{SERVICE}\r\nX-Road-Client:{CLIENT}\r\nX-Road-Id:CAMBODIA-1\r\n"
    )
    lower = lines.replace("X-Road-Client", "x-road-client").replace(
        "X-Road-Id", "x-road-id"
    )
    for text in (
        f"{lines}x-road-request-id:r\r\n",
        f"{lower}x-road-request-id:r\r\n",
    ):
        numbered = ("X-Road-Request-Id", "r")
        hashed = ("X-Road-Request-Hash", request_hash(text.encode(), None))
        assert read_answer(ASKED, answer(OURS, numbered, hashed)).is_hash_checked
