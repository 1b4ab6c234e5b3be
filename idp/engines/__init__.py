"""Engines of the provider: named in settings as `module:factory`, loaded once."""

from idp.engines.loading import (
    DevelopmentModeWarning,
    DisabledSmsSender,
    EngineRefused,
    EngineUnusable,
    load_engine,
    load_key_custody,
    load_sms_sender,
)

__all__ = [
    "DevelopmentModeWarning",
    "DisabledSmsSender",
    "EngineRefused",
    "EngineUnusable",
    "load_engine",
    "load_key_custody",
    "load_sms_sender",
]
