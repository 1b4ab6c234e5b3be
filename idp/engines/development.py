"""Senders for developers: messages go to the console and an outbox."""

import warnings
from collections import deque
from dataclasses import dataclass, field

import phonenumbers

from idp.engines.loading import (
    DevelopmentModeWarning,
    EngineRefused,
    code_text,
)
from idp.interfaces import Sent
from idp.settings import IdpSettings

REMEMBERED = 100


@dataclass(frozen=True, slots=True)
class SentMessage:
    """What would have been sent."""

    to: str
    text: str


@dataclass(frozen=True, slots=True)
class ConsoleSmsSender:
    """Prints each message, the number hidden; keeps the last hundred."""

    outbox: deque[SentMessage] = field(default_factory=lambda: deque(maxlen=REMEMBERED))

    async def send(self, *, to: str, text: str) -> Sent:
        """Print the message and keep it."""
        self.outbox.append(SentMessage(to, text))
        print(f"SMS to {_hint(to)}: {text}", flush=True)  # noqa: T201 - its purpose
        return Sent("console")

    async def send_code(self, *, to: str, code: str, locale: str) -> Sent:
        """Print the message that brings a code."""
        return await self.send(to=to, text=code_text(code, locale))


@dataclass(frozen=True, slots=True)
class SentEmail:
    """What would have been sent."""

    to: str
    subject: str
    text: str
    html: str


@dataclass(frozen=True, slots=True)
class ConsoleEmailSender:
    """Prints each e-mail, most of the address hidden; keeps the last hundred."""

    outbox: deque[SentEmail] = field(default_factory=lambda: deque(maxlen=REMEMBERED))

    async def send(self, *, to: str, subject: str, text: str, html: str) -> Sent:
        """Print the e-mail and keep it."""
        self.outbox.append(SentEmail(to, subject, text, html))
        hidden = f"{to[:1]}•••{to[to.rfind('@') :]}"
        print(f"E-mail to {hidden}: {subject}\n{text}", flush=True)  # noqa: T201 - its purpose
        return Sent("console")


def create(settings: IdpSettings) -> ConsoleSmsSender:
    """Return the console sender; raises EngineRefused in production."""
    _only_for_developers(settings, "text messages")
    return ConsoleSmsSender()


def create_email(settings: IdpSettings) -> ConsoleEmailSender:
    """Return the console sender; raises EngineRefused in production."""
    _only_for_developers(settings, "e-mails")
    return ConsoleEmailSender()


def _only_for_developers(settings: IdpSettings, what: str) -> None:
    if settings.environment != "development":
        raise EngineRefused("the console sender is for development only")
    warnings.warn(
        f"{what} are printed on the console, codes included",
        DevelopmentModeWarning,
        stacklevel=3,
    )


def _hint(e164: str) -> str:
    return f"+{phonenumbers.parse(e164).country_code} •• ••• {e164[-3:]}"
