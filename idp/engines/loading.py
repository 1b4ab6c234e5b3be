"""Find an engine by its entry name; what must not run here is refused at the start."""

import importlib
from dataclasses import dataclass
from typing import TypeVar

from idp.errors import Unavailable
from idp.interfaces import EmailSender, KeyCustody, Sent, SmsSender
from idp.settings import IdpSettings
from idp.translations import translate

T = TypeVar("T")


class EngineRefused(Exception):
    """The engine must not run with these settings."""


class EngineUnusable(Exception):
    """The engine could not be loaded."""


class DevelopmentModeWarning(UserWarning):
    """Something that only a developer may use is in use."""


@dataclass(frozen=True, slots=True)
class DisabledSmsSender:
    """Stands where no sender could be loaded; `/health` names it."""

    reason: str

    async def send(self, *, to: str, text: str) -> Sent:
        """Raise Unavailable."""
        del to, text
        raise Unavailable("sms", retry_after=60)


@dataclass(frozen=True, slots=True)
class DisabledEmailSender:
    """Stands where no sender could be loaded."""

    reason: str

    async def send(self, *, to: str, subject: str, text: str, html: str) -> Sent:
        """Raise Unavailable."""
        del to, subject, text, html
        raise Unavailable("email", retry_after=60)


def code_text(code: str, locale: str) -> str:
    """Return the text message that brings a code: both languages, one part."""
    return translate("sms.code", locale, code=code)


def reports_address(settings: IdpSettings, provider: str) -> str:
    """Return where a provider reports deliveries, or nothing: it must be https."""
    if not (settings.message_reports and settings.is_secure):
        return ""
    return f"{settings.issuer}/messages/reports/{provider}"


def load_engine(entry: str, protocol: type[T], settings: IdpSettings) -> T:
    """Import `module:factory`, call it with the settings, check the Protocol.

    Raises EngineRefused (the engine says no) or EngineUnusable (it does not work).
    """
    module, _, factory = entry.partition(":")
    try:
        engine = getattr(importlib.import_module(module), factory)(settings)
    except EngineRefused:
        raise
    except Exception as reason:
        raise EngineUnusable(f"{entry}: {type(reason).__name__}: {reason}") from reason
    if not isinstance(engine, protocol):
        raise EngineUnusable(f"{entry} is not a {protocol.__name__}")
    return engine


def load_sms_sender(settings: IdpSettings) -> SmsSender:
    """Return the sender that the settings name, or one that says why not.

    Raises EngineRefused when it must not run here.
    """
    try:
        return load_engine(settings.sms_sender, SmsSender, settings)  # type: ignore[type-abstract]  # a Protocol, checked at run time
    except EngineUnusable as reason:
        return DisabledSmsSender(str(reason))


def load_email_sender(settings: IdpSettings) -> EmailSender:
    """Return the sender that the settings name, or one that says why not.

    Raises EngineRefused when it must not run here.
    """
    try:
        return load_engine(settings.email_sender, EmailSender, settings)  # type: ignore[type-abstract]  # a Protocol, checked at run time
    except EngineUnusable as reason:
        return DisabledEmailSender(str(reason))


def load_key_custody(settings: IdpSettings) -> KeyCustody | None:
    """Return who keeps new signing keys; None when that is the database.

    Raises EngineRefused or EngineUnusable: without its keys no provider starts.
    """
    if settings.key_custody == "sealed":
        return None
    return load_engine(settings.key_custody, KeyCustody, settings)  # type: ignore[type-abstract]  # a Protocol, checked at run time
