"""A text-message sender for developers: messages go to the console and an outbox."""

import warnings
from collections import deque
from dataclasses import dataclass, field

import phonenumbers

from idp.engines.loading import DevelopmentModeWarning, EngineRefused
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

    async def send(self, *, to: str, text: str) -> None:
        """Print the message and keep it."""
        self.outbox.append(SentMessage(to, text))
        print(f"SMS to {_hint(to)}: {text}", flush=True)  # noqa: T201 - its purpose


def create(settings: IdpSettings) -> ConsoleSmsSender:
    """Return the console sender; raises EngineRefused in production."""
    if settings.environment != "development":
        raise EngineRefused("the console sender is for development only")
    warnings.warn(
        "text messages are printed on the console, codes included",
        DevelopmentModeWarning,
        stacklevel=2,
    )
    return ConsoleSmsSender()


def _hint(e164: str) -> str:
    return f"+{phonenumbers.parse(e164).country_code} •• ••• {e164[-3:]}"
