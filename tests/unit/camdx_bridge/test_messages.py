"""Canonical bytes and request hash against values that were made elsewhere."""

import base64
import hashlib
from typing import Any

import pytest

from camdx_bridge import (
    CanonicalRequest,
    CanonicalResponse,
    ClientId,
    MessageInvalid,
    Request,
    Response,
    ServiceId,
    request_hash,
)
from camdx_bridge.messages import NEVER_FORWARDED

# Header lines and signed digest of `message.xml` in valid-non-batch-rest.asice, from
# the X-Road test data (MIT, Nordic Institute for Interoperability Solutions). The
# digest is the ds:DigestValue that X-Road signed for /message.xml.
XROAD_RESPONSE = CanonicalResponse(
    200,
    "OK",
    (
        ("Content-Type", "application/json"),
        ("mock-response", "true"),
        ("Matched-Stub-Id", "ef2dae0e-5673-46f1-80f9-f07177c7ce6a"),
        ("x-road-id", "DEV-d75ea6fd-d24b-48ec-a320-53675c40fb86"),
        ("x-road-client", "DEV/COM/4422/TestClient"),
        ("x-road-service", "DEV/COM/1234/TestService/mock1"),
        ("x-road-request-id", "78b890f3-b1eb-45b2-a512-beec5d7ead23"),
        (
            "x-road-request-hash",
            (
                "7zmQ9CwnVrEWzWnCyXbXkQYGR+A7/i6e61JgWMLaEI8Bj1QWdrUVGijBBdyDdhcgOpfY8Sid"
                "1RhvRbs+aFbOhw=="
            ),
        ),
    ),
)
XROAD_DIGEST = (
    "LG5/BxMOygpKH6dx295o7Mq+4KqEuKcRJdHlx3TYFxGhMDbrFTQnNCNW7BSfNe2W/sb6qQK5Fe388WlZ"
    "4x93DA=="
)
# The hashes were made with `openssl dgst -sha512` over these very bytes.
OURS = (
    b"POST\r\n"
    b"/r1/CAMBODIA/GOV/MOI/CAMDIGIKEY_KYC/kyc/info?lang=km\r\n"
    b"Content-Type:application/json\r\n"
    b"X-Road-Client:CAMBODIA/GOV/CDK/APP\r\n"
    b"X-Road-Id:CAMBODIA-1\r\n"
    b"X-Road-Request-Id:r-1\r\n"
)
HASHES = {
    None: "ESyV0enXURvByn68ewox+VvdaY3S8EqxcdKsCQ55LKSwVHlfUrZgyBbdjDSADZrzvSlqEj3cQsZt"
    "yoGlr0+z8w==",
    b"": "q8L435fPDA6zp+EmuxqN7Hyu0r7Sk9/q4rnKGju6CwAu543s6Xn+UBKfkSv7eQYm1w9u3qmA4Orf"
    "kOqY5aW0lg==",
    b"{}": "4pO/A1ZlE39hSDLi4x+xlwy68PBucJFro3uk+OheB/kDHpWa3IT0PtskSplRH/shuhuHa5YN"
    "xkGXKIbsZGs3gw==",
}


def request(**changed: Any) -> Request:
    given: dict[str, Any] = {
        "client": ClientId("CAMBODIA", "GOV", "CDK", "APP"),
        "service": ServiceId("CAMBODIA", "GOV", "MOI", "CAMDIGIKEY_KYC", "kyc"),
        "message_id": "CAMBODIA-1",
        "method": "POST",
        "path": "/info",
        "query": "lang=km",
    }
    return Request(**{**given, **changed})


def test_the_bytes_of_a_response_are_those_that_x_road_signed() -> None:
    digest = hashlib.sha512(bytes(XROAD_RESPONSE)).digest()
    assert base64.b64encode(digest).decode() == XROAD_DIGEST
    assert CanonicalResponse.parse(bytes(XROAD_RESPONSE)) == XROAD_RESPONSE


@pytest.mark.parametrize("body", HASHES)
def test_the_request_hash_tells_no_body_from_an_empty_one(body: bytes | None) -> None:
    assert request_hash(OURS, body) == HASHES[body]


def test_a_canonical_request_is_read_and_written_alike() -> None:
    read = CanonicalRequest.parse(OURS)
    assert (read.method, read.headers[-1]) == ("POST", ("X-Road-Request-Id", "r-1"))
    assert bytes(read) == OURS


@pytest.mark.parametrize("name", sorted(NEVER_FORWARDED))
def test_a_header_of_the_hop_cannot_be_sent_or_read(name: str) -> None:
    with pytest.raises(MessageInvalid):
        request(headers=((name.title(), "x"),))
    with pytest.raises(MessageInvalid):
        CanonicalRequest.parse(OURS + name.encode() + b":x\r\n")


@pytest.mark.parametrize(
    "changed",
    [
        {"path": "/%2E%2e/x"},
        {"path": "/."},
        {"path": "/a?b"},
        {"query": "a\r\nb"},
        {"headers": (("x-road-client", "CAMBODIA/GOV/OTHER"),)},
        {"headers": (("X-ROAD-ID", "x"),)},
    ],
)
def test_a_request_cannot_speak_for_another_or_leave_its_service(
    changed: dict[str, Any],
) -> None:
    with pytest.raises(MessageInvalid):
        request(**changed)


def test_text_that_is_no_unicode_has_no_bytes() -> None:
    with pytest.raises(MessageInvalid):
        bytes(CanonicalRequest("GET", "/r1", (("A", "\ud800"),)))
    with pytest.raises(MessageInvalid):
        bytes(CanonicalRequest("GET", "/r1", (("A", "b\r\nC:d"),)))


def test_a_response_status_has_three_digits() -> None:
    with pytest.raises(MessageInvalid):
        CanonicalResponse.parse(b"20\r\nOK\r\n")


def test_the_last_of_a_repeated_header_counts() -> None:
    answer = Response(200, (("X-Road-Id", "1"), ("x-road-id", "2")), b"")
    assert answer.header("X-ROAD-ID") == "2"
    assert answer.header("X-Road-Error") is None
