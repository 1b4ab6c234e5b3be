"""The bytes that X-Road signs, and the hash over them."""

import base64
import hashlib

import pytest

from camdx_bridge import (
    CanonicalRequest,
    CanonicalResponse,
    ClientId,
    MessageInvalid,
    Request,
    SecurityServerId,
    ServiceId,
    request_hash,
)
from camdx_bridge.messages import forwarded_request

OUR = ClientId("DEV", "COM", "4422", "TestClient")
SERVICE = ServiceId("DEV", "COM", "1234", "TestService", "mock1")


def request(**changed: object) -> Request:
    facts: dict[str, object] = {
        "client": OUR,
        "service": SERVICE,
        "message_id": "DEV-1",
        "method": "POST",
        "path": "/a/b",
        "query": "c=d",
        "body": b"{}",
        "headers": (("Content-Type", "application/json"),),
    }
    return Request(**{**facts, **changed})  # type: ignore[arg-type]


def test_a_response_is_laid_out_as_in_the_public_sample_containers() -> None:
    # Lines as X-Road's own REST sample has them; identifiers of the sample.
    written = (
        b"200\r\nOK\r\nContent-Type:application/json\r\nmock-response:true\r\n"
        b"Matched-Stub-Id:ef2dae0e-5673-46f1-80f9-f07177c7ce6a\r\n"
        b"x-road-id:DEV-d75ea6fd-d24b-48ec-a320-53675c40fb86\r\n"
        b"x-road-client:DEV/COM/4422/TestClient\r\n"
        b"x-road-service:DEV/COM/1234/TestService/mock1\r\n"
        b"x-road-request-id:78b890f3-b1eb-45b2-a512-beec5d7ead23\r\n"
    )
    message = CanonicalResponse(
        200,
        "OK",
        (
            ("Content-Type", "application/json"),
            ("mock-response", "true"),
            ("Matched-Stub-Id", "ef2dae0e-5673-46f1-80f9-f07177c7ce6a"),
            ("x-road-id", "DEV-d75ea6fd-d24b-48ec-a320-53675c40fb86"),
            ("x-road-client", str(OUR)),
            ("x-road-service", str(SERVICE)),
            ("x-road-request-id", "78b890f3-b1eb-45b2-a512-beec5d7ead23"),
        ),
    )
    assert bytes(message) == written
    assert CanonicalResponse.parse(written) == message


def test_a_forwarded_request_ends_with_the_servers_request_id() -> None:
    assert bytes(forwarded_request(request(), "42")) == (
        b"POST\r\n/r1/DEV/COM/1234/TestService/mock1/a/b?c=d\r\n"
        b"X-Road-Client:DEV/COM/4422/TestClient\r\nX-Road-Id:DEV-1\r\n"
        b"Content-Type:application/json\r\nx-road-request-id:42\r\n"
    )


def test_optional_headers_come_after_the_mandatory_ones() -> None:
    asked = request(
        user_id="KH1", issue="7", security_server=SecurityServerId("D", "C", "1", "ss")
    )
    assert [name for name, _ in asked.all_headers] == [
        "X-Road-Client",
        "X-Road-Id",
        "X-Road-UserId",
        "X-Road-Issue",
        "X-Road-Security-Server",
        "Content-Type",
    ]


def test_the_hash_of_a_request_without_a_body_is_that_of_its_bytes() -> None:
    plain = base64.b64encode(hashlib.sha512(b"message").digest()).decode()
    assert request_hash(b"message", None) == plain


def test_the_hash_of_a_request_with_a_body_is_over_both_raw_digests() -> None:
    inner = hashlib.sha512(b"message").digest() + hashlib.sha512(b"body").digest()
    both = base64.b64encode(hashlib.sha512(inner).digest()).decode()
    assert request_hash(b"message", b"body") == both


def test_an_empty_body_is_hashed_otherwise_than_none() -> None:
    assert request_hash(b"message", b"") != request_hash(b"message", None)


@pytest.mark.parametrize(
    "changed",
    [
        {"method": "CONNECT"},
        {"path": "a"},
        {"path": "/a b"},
        {"path": "/../b"},
        {"query": "a#b"},
        {"body": b""},
        {"message_id": ""},
        {"message_id": "a\r\nX-Evil: 1"},
        {"user_id": "ស"},
        {"headers": (("Host", "a"),)},
        {"headers": (("connection", "close"),)},
        {"headers": (("X-Road-Request-Id", "1"),)},
        {"headers": (("X-Road-Error", "1"),)},
        {"headers": (("a b", "1"),)},
        {"headers": (("a", " 1"),)},
    ],
)
def test_what_x_road_cannot_carry_is_not_made(changed: dict[str, object]) -> None:
    with pytest.raises(MessageInvalid):
        request(**changed)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"GET\r\n/a",
        b"GET\r\n/a\r\nHost:a\r\n",
        b"GET\r\n/a\r\nno colon\r\n",
        b"GET\r\n/a\r\n\r\n",
        b"GET\r\n/a\r\nA:b\nC:d\r\n",
        b"FETCH\r\n/a\r\n",
        b"GET\r\nhttp://a\r\n",
        b"GET\r\n/\xff\r\n",
    ],
)
def test_bytes_that_x_road_would_refuse_are_not_read(data: bytes) -> None:
    with pytest.raises(MessageInvalid):
        CanonicalRequest.parse(data)
