"""E-mail against a real SMTP server on loopback: TLS, refusals, faults, headers."""

import asyncio
import email
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.header import decode_header, make_header
from email.message import Message
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.handlers import AsyncMessage
from aiosmtpd.smtp import SMTP, Envelope, Session
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import ExtendedKeyUsageOID
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from idp.engines import DisabledEmailSender, email_smtp, load_email_sender
from idp.engines.development import ConsoleEmailSender
from idp.engines.loading import DevelopmentModeWarning, EngineRefused
from idp.errors import EmailInvalid, Unavailable
from idp.settings import IdpSettings
from tests.certificates import Authority, certificate
from tests.messages import everything_logged

pytestmark = pytest.mark.anyio
TO = "sreypov@example.org"
LETTER = {
    "to": TO,
    "subject": "CamDigiKey — លេខកូដ",
    "text": "លេខកូដ 493028",
    "html": "<p>លេខកូដ 493028</p>",
}


@dataclass
class Box(AsyncMessage):
    """Keeps what it is given; refuses as it is told."""

    recipient_answer: str = "250 OK"
    data_answer: str = ""
    pause: float = 0.0
    letters: list[Message] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _: SMTP, __: Session, envelope: Envelope, address: str, ___: list[str]
    ) -> str:
        await asyncio.sleep(self.pause)
        if self.recipient_answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.recipient_answer

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        if self.data_answer:
            return self.data_answer
        return await super().handle_DATA(server, session, envelope)

    async def handle_message(self, message: Message) -> None:
        self.letters.append(message)


@dataclass
class Server:
    port: int
    ca_file: Path
    box: Box


def write_certificate(folder: Path, host: str) -> tuple[Path, Path, Path]:
    """Return the files of the authority, the server's certificate and its key."""
    now = datetime.now(UTC)
    authority, key = Authority.make(now), ec.generate_private_key(ec.SECP256R1())
    made = certificate(
        key,
        now=now,
        subject="CN=relay",
        san=[x509.IPAddress(ip_address(host))],
        issuer=authority,
        usage=ExtendedKeyUsageOID.SERVER_AUTH,
    )
    files = [folder / name for name in ("ca.pem", "relay.pem", "relay.key")]
    files[0].write_bytes(authority.pem)
    files[1].write_bytes(made.public_bytes(Encoding.PEM))
    files[2].write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    return files[0], files[1], files[2]


@asynccontextmanager
async def relay(
    folder: Path, *, mode: str = "starttls", host: str = "127.0.0.1", **answers: Any
) -> AsyncIterator[Server]:
    """Run a relay that offers STARTTLS, speaks TLS, or neither."""
    ca_file, chain, key = write_certificate(folder, host)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(chain, key)
    box = Box(**answers)

    def protocol() -> SMTP:
        tls = context if mode == "starttls" else None
        return SMTP(box, tls_context=tls, require_starttls=tls is not None)

    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        protocol, "127.0.0.1", 0, ssl=context if mode == "tls" else None
    )
    async with server:
        yield Server(server.sockets[0].getsockname()[1], ca_file, box)


def settings(**changes: Any) -> IdpSettings:
    given: dict[str, Any] = {
        "environment": "development",
        "issuer": "https://id.test",
        "app_origin": "https://app.id.test",
        "smtp_host": "127.0.0.1",
        "smtp_from": "no-reply@id.test",
    }
    return IdpSettings(**{**given, **changes})


def sender_to(server: Server, mode: str = "starttls") -> email_smtp.SmtpSender:
    return email_smtp.create(
        settings(
            environment="development" if mode == "none" else "production",
            smtp_port=server.port,
            smtp_tls=mode,
            outbound_ca_file=server.ca_file,
        )
    )


@pytest.mark.parametrize("mode", ["starttls", "tls", "none"])
async def test_a_letter_arrives_in_both_forms(tmp_path: Path, mode: str) -> None:
    async with relay(tmp_path, mode=mode) as server:
        sent = await sender_to(server, mode).send(**LETTER)
        (letter,) = server.box.letters
    assert letter["To"] == TO
    assert letter["From"] == "CamDigiKey <no-reply@id.test>"
    assert str(make_header(decode_header(letter["Subject"]))) == LETTER["subject"]
    assert letter["Auto-Submitted"] == "auto-generated"
    assert letter["Message-ID"] == f"<{sent.reference}>"
    plain, html = email.message_from_bytes(letter.as_bytes()).get_payload()  # type: ignore[misc]
    assert plain.get_payload(decode=True).decode().strip() == LETTER["text"]  # type: ignore[union-attr]
    assert html.get_content_type() == "text/html"  # type: ignore[union-attr]
    assert sent.provider == "smtp"


async def test_a_relay_without_starttls_gets_nothing(tmp_path: Path) -> None:
    async with relay(tmp_path, mode="none") as server:
        with pytest.raises(Unavailable):
            await sender_to(server).send(**LETTER)
        assert server.box.letters == []


async def test_a_relay_whose_certificate_is_not_its_own_gets_nothing(
    tmp_path: Path,
) -> None:
    async with relay(tmp_path, host="192.0.2.1") as server:
        with pytest.raises(Unavailable):
            await sender_to(server).send(**LETTER)
    other = tmp_path / "other"
    other.mkdir()
    async with relay(tmp_path) as server:
        server.ca_file = write_certificate(other, "127.0.0.1")[0]
        with pytest.raises(Unavailable):
            await sender_to(server).send(**LETTER)
        assert server.box.letters == []


@pytest.mark.parametrize(
    ("answers", "refusal"),
    [
        ({"recipient_answer": "550 5.1.1 no such user"}, EmailInvalid),
        ({"recipient_answer": "553 5.1.3 bad address"}, EmailInvalid),
        ({"recipient_answer": "450 4.2.1 try later"}, Unavailable),
        ({"data_answer": "451 4.3.0 busy"}, Unavailable),
        ({"data_answer": "554 5.7.1 looks like spam"}, Unavailable),
    ],
    ids=str,
)
async def test_only_a_lasting_refusal_of_the_recipient_is_final_and_nothing_is_logged(
    tmp_path: Path, answers: dict[str, str], refusal: type[Exception]
) -> None:
    with everything_logged() as said:
        async with relay(tmp_path, **answers) as server:
            with pytest.raises(refusal) as raised:
                await sender_to(server).send(**LETTER)
    own = [line for line in said if line.startswith("idp.")]
    assert own
    assert not [line for line in own if "sreypov" in line or "493028" in line]
    assert TO not in str(raised.value)


async def test_a_relay_that_is_gone_or_says_nothing_is_unavailable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(email_smtp, "TIMEOUT", 0.5)
    async with relay(tmp_path, pause=5) as server:
        with pytest.raises(Unavailable):
            await sender_to(server).send(**LETTER)
    with pytest.raises(Unavailable):
        await sender_to(server).send(**LETTER)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "nobody",
        "a@b@c",
        "a b@example.org",
        "a@example.org\r\nBcc: x@example.org",
        "a@example.org, b@example.org",
        "<a@example.org>",
        "a@-example",
        "a" * 65 + "@example.org",
        "a@" + "b" * 253,
    ],
    ids=repr,
)
async def test_what_is_not_one_plain_address_is_refused(address: str) -> None:
    with pytest.raises(EmailInvalid):
        await email_smtp.create(settings()).send(**{**LETTER, "to": address})


@given(st.text(max_size=40))
def test_no_subject_adds_a_header(subject: str) -> None:
    sender = email_smtp.create(settings())
    made = sender._message(TO, subject, "x", "<p>x</p>", "r@id.test")  # noqa: SLF001
    read = email.message_from_bytes(made.as_bytes())
    assert set(read.keys()) == {
        "From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted",
        "Content-Language", "MIME-Version", "Content-Type",
    }  # fmt: skip


def test_production_refuses_a_relay_without_tls_and_the_console() -> None:
    with pytest.raises(EngineRefused):
        load_email_sender(settings(environment="production", smtp_tls="none"))
    console = "idp.engines.development:create_email"
    with pytest.raises(EngineRefused):
        load_email_sender(settings(environment="production", email_sender=console))
    with pytest.warns(DevelopmentModeWarning):
        loud = load_email_sender(settings(email_sender=console))
    assert isinstance(loud, ConsoleEmailSender)


async def test_without_a_relay_there_is_a_sender_that_says_why_not() -> None:
    for wrong in ({"smtp_host": ""}, {"smtp_from": ""}, {"smtp_from": "x"}):
        found = load_email_sender(settings(**wrong))
        assert isinstance(found, DisabledEmailSender)
        assert "IDP_SMTP" in found.reason
        with pytest.raises(Unavailable):
            await found.send(**LETTER)


async def test_a_password_is_given_over_tls(tmp_path: Path) -> None:
    async with relay(tmp_path) as server:
        sender = email_smtp.create(
            settings(
                smtp_port=server.port,
                outbound_ca_file=server.ca_file,
                smtp_user="camdigikey",
                smtp_password=SecretStr("specimen"),
            )
        )
        with pytest.raises(Unavailable):
            await sender.send(**LETTER)  # this relay offers no login: nothing is sent
        assert server.box.letters == []
