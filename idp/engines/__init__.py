"""Engines of the provider: named in settings as `module:factory`, loaded once."""

from idp.engines.loading import (
    DevelopmentModeWarning,
    DisabledEmailSender,
    DisabledSmsSender,
    EngineRefused,
    EngineUnusable,
    code_text,
    load_email_sender,
    load_engine,
    load_key_custody,
    load_sms_sender,
)

__all__ = [
    "DevelopmentModeWarning",
    "DisabledEmailSender",
    "DisabledSmsSender",
    "EngineRefused",
    "EngineUnusable",
    "code_text",
    "load_email_sender",
    "load_engine",
    "load_key_custody",
    "load_sms_sender",
]
