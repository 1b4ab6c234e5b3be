"""E-mail by SMTP (RFC 5321), over TLS: STARTTLS (RFC 3207) or from the first byte.

One connection a message, short timeouts, the server's certificate always checked. In
production no letter leaves without TLS. A message is built by the standard library;
a subject is one line of printable text, the recipient one plain address or none.
Neither address nor text is logged; of a refusal only its status is.
"""

import logging
import re
import secrets
import ssl
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, formataddr
from typing import Final

import aiosmtplib

from idp.engines.loading import EngineRefused
from idp.errors import EmailInvalid, Unavailable
from idp.interfaces import Clock, Sent, SystemClock
from idp.settings import IdpSettings

logger = logging.getLogger(__name__)

PROVIDER: Final = "smtp"
TIMEOUT: Final = 15.0  # seconds for each step
PERMANENT: Final = range(500, 600)
LONGEST: Final = 254  # RFC 5321, 4.5.3.1.3 less the brackets
ADDRESS: Final = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@"
    r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?"
)


@dataclass(frozen=True, slots=True)
class SmtpSender:
    """Hands letters to one relay. `tls` is None only in development."""

    host: str
    port: int
    mode: str
    tls: ssl.SSLContext | None
    user: str
    password: str
    sender: str
    clock: Clock

    async def send(self, *, to: str, subject: str, text: str, html: str) -> Sent:
        """Send to one address; raises EmailInvalid or Unavailable."""
        reference = f"{secrets.token_urlsafe(18)}@{self.sender.rpartition('@')[2]}"
        message = self._message(to, subject, text, html, reference)
        try:
            await self._hand_over(message)
        except aiosmtplib.SMTPRecipientsRefused as refusal:
            raise _refused([one.code for one in refusal.recipients]) from None
        except aiosmtplib.SMTPResponseException as refusal:
            logger.warning("smtp: status %s", refusal.code)
            raise Unavailable("email") from None
        except (aiosmtplib.SMTPException, OSError, ValueError) as failure:
            logger.warning("smtp: %s", type(failure).__name__)
            raise Unavailable("email") from None
        return Sent(PROVIDER, reference)

    def _message(
        self, to: str, subject: str, text: str, html: str, reference: str
    ) -> EmailMessage:
        """Return the message; raises EmailInvalid for what is not one address."""
        if len(to) > LONGEST or not ADDRESS.fullmatch(to):
            raise EmailInvalid("not an address")
        message = EmailMessage(policy=SMTP)
        message["From"] = formataddr(("CamDigiKey", self.sender))
        message["To"] = to
        message["Subject"] = _one_line(subject)
        message["Date"] = format_datetime(self.clock.now())
        message["Message-ID"] = f"<{reference}>"
        message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no replies to it
        message.set_content(text)
        message.add_alternative(html, subtype="html")
        message["Content-Language"] = "km, en"
        return message

    async def _hand_over(self, message: EmailMessage) -> None:
        await aiosmtplib.send(
            message,
            hostname=self.host,
            port=self.port,
            username=self.user or None,
            password=self.password or None,
            use_tls=self.mode == "tls",
            start_tls=self.mode == "starttls",
            tls_context=self.tls,
            timeout=TIMEOUT,
        )


def _one_line(text: str) -> str:
    """Return the text with a space for everything that could end a header."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def create(settings: IdpSettings) -> SmtpSender:
    """Return a sender; raises ValueError while it is not set, EngineRefused."""
    if not (settings.smtp_host and settings.smtp_from):
        raise ValueError("IDP_SMTP_HOST and IDP_SMTP_FROM are needed")
    if not ADDRESS.fullmatch(settings.smtp_from):
        raise ValueError("IDP_SMTP_FROM is not an address")
    is_plain = settings.smtp_tls == "none"
    if is_plain and settings.environment != "development":
        raise EngineRefused("production sends no e-mail without TLS")
    return SmtpSender(
        host=settings.smtp_host,
        port=settings.smtp_port,
        mode=settings.smtp_tls,
        tls=None if is_plain else _trust(settings),
        user=settings.smtp_user,
        password=settings.smtp_password.get_secret_value(),
        sender=settings.smtp_from,
        clock=SystemClock(),
    )


def _trust(settings: IdpSettings) -> ssl.SSLContext:
    trust = ssl.create_default_context()
    trust.minimum_version = ssl.TLSVersion.TLSv1_2
    if settings.outbound_ca_file is not None:
        trust.load_verify_locations(settings.outbound_ca_file)
    return trust


def _refused(codes: list[int]) -> EmailInvalid | Unavailable:
    logger.warning("smtp: recipient refused, status %s", codes[:1])
    if codes and all(code in PERMANENT for code in codes):
        return EmailInvalid("refused")
    return Unavailable("email", retry_after=60)
