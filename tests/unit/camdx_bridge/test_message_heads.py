"""Who speaks in a message: read from its beginning, however large the rest is."""

import pytest

from camdx_bridge import ClientId, DocumentRefused, Refusal
from camdx_bridge.documents import Verdict
from camdx_bridge.documents.message_heads import MessageHead, read_head
from tests.xroad import NOW, REQUEST, bank, judged, lab

SOAP = """<?xml version="1.0" encoding="UTF-8"?>
<S:Envelope xmlns:S="http://schemas.xmlsoap.org/soap/envelope/"
  xmlns:x="http://x-road.eu/xsd/xroad.xsd" xmlns:i="http://x-road.eu/xsd/identifiers">
<S:Header>{header}
<x:client><i:xRoadInstance>CAMBODIA</i:xRoadInstance><i:memberClass>GOV</i:memberClass>
<i:memberCode>BANK</i:memberCode><i:subsystemCode>SUB</i:subsystemCode></x:client>
<x:service><i:xRoadInstance>CAMBODIA</i:xRoadInstance><i:memberClass>GOV</i:memberClass>
<i:memberCode>REGISTER</i:memberCode><i:serviceCode>check</i:serviceCode></x:service>
<x:id>one<!-- and only --></x:id></S:Header><S:Body>{body}</S:Body></S:Envelope>"""


def soap(*, body: str = "<check/>", header: str = "") -> bytes:
    return SOAP.format(body=body, header=header).encode()


def refusal_of(message: bytes) -> Refusal:
    with pytest.raises(DocumentRefused) as refusal:
        read_head(message)
    return refusal.value.code


def test_a_soap_request_is_spoken_by_its_client_and_an_answer_by_its_service() -> None:
    client = ClientId("CAMBODIA", "GOV", "BANK")
    provider = ClientId("CAMBODIA", "GOV", "REGISTER")
    fault = '<S:Fault xmlns:S="http://schemas.xmlsoap.org/soap/envelope/"/>'
    for body, is_request, speakers in (
        ("<check/>", True, {client}),
        ("<checkResponse/>", False, {provider}),
        (fault, False, {provider}),
        ("", None, {client, provider}),
    ):
        found = read_head(soap(body=body))
        assert found == MessageHead(
            message_id="one",
            client=ClientId("CAMBODIA", "GOV", "BANK", "SUB"),
            provider=provider,
            service="check",
            is_request=is_request,
        )
        assert found.speakers == speakers


def test_a_body_for_another_service_is_refused() -> None:
    assert refusal_of(soap(body="<erase/>")) is Refusal.MESSAGE_MALFORMED


def test_a_large_and_deep_message_is_read_by_its_header() -> None:
    text = "A" * (11 * 1024 * 1024)
    deep = "<a>" * 150 + "</a>" * 150
    message = soap(body=f"<check><file>{text}</file>{deep}</check>")
    assert read_head(message).message_id == "one"
    found = judged(lab().container(message, by=bank().holder, at=NOW))
    assert found.verdict is Verdict.VALID


@pytest.mark.parametrize(
    "header", ["<a/>" * 5000, "<a>" + "x" * 70_000 + "</a>", "<a>" * 300 + "</a>" * 300]
)
def test_a_header_beyond_the_limits_allows_no_conclusion(header: str) -> None:
    message = soap(header=header)
    found = judged(lab().container(message, by=bank().holder, at=NOW))
    assert found.verdict is Verdict.UNUSABLE
    assert found.code in {Refusal.XML_TOO_LARGE, Refusal.XML_TOO_DEEP}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("<x:id>", "<x:id>two</x:id><x:id>"),
        ("<i:memberCode>BANK</i:memberCode>", ""),
        ("S:Header", "S:Head"),
        ("soap/envelope", "soap/other"),
        ("<S:Envelope", "<!DOCTYPE a><S:Envelope"),
    ],
)
def test_a_message_that_does_not_say_who_speaks_is_refused(
    before: str, after: str
) -> None:
    message = SOAP.replace(before, after).format(body="<check/>", header="").encode()
    assert refusal_of(message) in {Refusal.MESSAGE_MALFORMED, Refusal.XML_DOCTYPE}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"/r1/CAMBODIA/GOV/REGISTER/SUB/check", b"//[x"),
        (b"/r1/CAMBODIA/GOV/REGISTER/SUB/check", b"/r1/CAMBODIA/GOV/REGISTER/SUB"),
        (b"x-road-client", b"x-road-other"),
        (b"CAMBODIA/GOV/BANK/SUB", b"CAMBODIA/GOV"),
        (b"x-road-id:CAMBODIA-1", b"x-road-id:"),
        (b"POST\r\n", b"SEND\r\n"),
    ],
)
def test_a_rest_message_that_does_not_say_who_speaks_is_refused(
    before: bytes, after: bytes
) -> None:
    assert before in REQUEST
    assert refusal_of(REQUEST.replace(before, after)) is Refusal.MESSAGE_MALFORMED


def test_a_query_and_a_longer_path_change_nothing() -> None:
    message = REQUEST.replace(b"/check", b"/check/a/b?c=//[d")
    assert read_head(message).service == "check"
