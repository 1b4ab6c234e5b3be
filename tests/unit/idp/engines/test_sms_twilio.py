"""The Twilio engine against a server that speaks the documented Messages wire."""

import asyncio
import base64
import json
import logging
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

import pytest
from pydantic import SecretStr

from idp.engines import DisabledSmsSender, load_sms_sender
from idp.engines.sms_twilio import TwilioSmsSender, create
from idp.errors import PhoneInvalid, Unavailable
from idp.interfaces import Sent
from idp.settings import IdpSettings

SID, TOKEN = "AC" + "0" * 32, "specimen-token"
TO, TEXT = "+85512345678", "លេខកូដ CamDigiKey៖ 123456"


@dataclass
class Twilio:
    """What the server answers next, and what it was asked."""

    url: str = ""
    status: int = 201
    body: bytes = b""
    hold: threading.Event | None = None
    asked: list[dict[str, Any]] = field(default_factory=list)


def created() -> bytes:
    return json.dumps(
        {"sid": "SM" + "1" * 32, "status": "queued", "to": TO, "body": TEXT,
         "error_code": None, "error_message": None, "num_segments": "1",
         "uri": f"/2010-04-01/Accounts/{SID}/Messages/SM{'1' * 32}.json"}
    ).encode()  # fmt: skip


def refused(status: int, code: int, message: str) -> bytes:
    more = f"https://www.twilio.com/docs/errors/{code}"
    return json.dumps(
        {"code": code, "message": message, "more_info": more, "status": status}
    ).encode()


@pytest.fixture
def twilio() -> Iterator[Twilio]:
    state = Twilio(body=created())

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            form = self.rfile.read(int(self.headers["Content-Length"])).decode()
            state.asked.append(
                {"path": self.path, "form": parse_qs(form),
                 "authorization": self.headers["Authorization"]}
            )  # fmt: skip
            if state.hold is not None:
                state.hold.wait(20)
                self.close_connection = True
                return
            self.send_response(state.status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(state.body)))
            self.end_headers()
            self.wfile.write(state.body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield state
    if state.hold is not None:
        state.hold.set()
    server.shutdown()
    server.server_close()
    thread.join()


def settings(
    url: str, sender: str = "CamDigiKey", issuer: str = "http://localhost:8000"
) -> IdpSettings:
    return IdpSettings(
        environment="development",
        issuer=issuer,
        app_origin="http://localhost:8001",
        twilio_account_sid=SID,
        twilio_auth_token=SecretStr(TOKEN),
        twilio_sender=sender,
        twilio_base_url=url,
    )


def send(engine: TwilioSmsSender) -> None:
    async def walk() -> None:
        await engine.send(to=TO, text=TEXT)

    asyncio.run(walk())
    engine.client.http_client.session.close()


def test_a_message_is_posted_as_twilio_documents_it(twilio: Twilio) -> None:
    send(create(settings(twilio.url)))
    (asked,) = twilio.asked
    assert asked["path"] == f"/2010-04-01/Accounts/{SID}/Messages.json"
    assert asked["form"] == {"To": [TO], "Body": [TEXT], "From": ["CamDigiKey"]}
    expected = base64.b64encode(f"{SID}:{TOKEN}".encode()).decode()
    assert asked["authorization"] == f"Basic {expected}"


def test_a_messaging_service_sends_in_its_own_name(twilio: Twilio) -> None:
    send(create(settings(twilio.url, "MG" + "2" * 32)))
    assert twilio.asked[0]["form"]["MessagingServiceSid"] == ["MG" + "2" * 32]
    assert "From" not in twilio.asked[0]["form"]


def test_an_issuer_with_tls_is_told_what_became_of_a_message(twilio: Twilio) -> None:
    send(create(settings(twilio.url, issuer="https://id.test")))
    address = "https://id.test/messages/reports/twilio"
    assert twilio.asked[0]["form"]["StatusCallback"] == [address]


def test_a_code_is_one_part_and_its_reference_is_twilios(twilio: Twilio) -> None:
    async def walk() -> Sent:
        engine = create(settings(twilio.url))
        try:
            return await engine.send_code(to=TO, code="12345678", locale="km")
        finally:
            engine.client.http_client.session.close()

    assert asyncio.run(walk()) == Sent("twilio", "SM" + "1" * 32)
    (body,) = twilio.asked[0]["form"]["Body"]
    assert "12345678" in body
    assert len(body) <= 70


@pytest.mark.parametrize("code", [21211, 21614, 21408, 21610])
def test_a_number_that_twilio_refuses_is_invalid(twilio: Twilio, code: int) -> None:
    twilio.status, twilio.body = 400, refused(400, code, f"The 'To' number {TO} …")
    with pytest.raises(PhoneInvalid) as refusal:
        send(create(settings(twilio.url)))
    assert TO not in str(refusal.value)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (429, refused(429, 20429, "Too Many Requests")),
        (401, refused(401, 20003, "Authenticate")),
        (400, refused(400, 21606, "The From phone number is not valid")),
        (500, b"oops"),
        (503, refused(503, 20503, "Service Unavailable")),
        (201, b"not json"),
    ],
)
def test_every_other_failure_is_unavailable(
    twilio: Twilio, status: int, body: bytes
) -> None:
    twilio.status, twilio.body = status, body
    with pytest.raises(Unavailable) as refusal:
        send(create(settings(twilio.url)))
    assert refusal.value.dependency == "sms"
    assert len(twilio.asked) == 1, "a message is never sent twice"


def test_a_slow_answer_is_given_up(twilio: Twilio) -> None:
    twilio.hold = threading.Event()
    engine = create(settings(twilio.url))
    engine.client.http_client.timeout = 0.2
    with pytest.raises(Unavailable):
        send(engine)


def test_a_closed_port_is_unavailable() -> None:
    with pytest.raises(Unavailable):
        send(create(settings("http://127.0.0.1:9")))


def test_neither_number_nor_text_nor_token_is_logged(
    twilio: Twilio, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    send(create(settings(twilio.url)))
    twilio.status, twilio.body = 400, refused(400, 21211, f"number {TO} is bad")
    with pytest.raises(PhoneInvalid):
        send(create(settings(twilio.url)))
    for secret in (TO, "5678", "123456", TOKEN):
        assert secret not in caplog.text


def test_without_an_account_the_sender_is_disabled_and_says_why() -> None:
    sender = load_sms_sender(settings("http://127.0.0.1:9", sender=""))
    assert isinstance(sender, DisabledSmsSender)
    assert "IDP_TWILIO" in sender.reason
    with pytest.raises(Unavailable):
        asyncio.run(sender.send(to=TO, text=TEXT))
