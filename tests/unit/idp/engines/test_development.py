import asyncio

import pytest

from idp.engines import (
    DevelopmentModeWarning,
    DisabledSmsSender,
    EngineRefused,
    load_sms_sender,
)
from idp.engines.development import ConsoleSmsSender, SentMessage
from idp.settings import IdpSettings

ENTRY = "idp.engines.development:create"


def settings(environment: str, entry: str = ENTRY) -> IdpSettings:
    return IdpSettings.model_validate(
        {
            "environment": environment,
            "issuer": "https://id.example",
            "app_origin": "https://app.example",
            "sms_sender": entry,
        }
    )


def test_the_console_shows_the_text_and_hides_the_number(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.warns(DevelopmentModeWarning):
        sender = load_sms_sender(settings("development"))
    asyncio.run(sender.send(to="+85512345678", text="code 123456"))
    assert capsys.readouterr().out == "SMS to +855 •• ••• 678: code 123456\n"
    assert isinstance(sender, ConsoleSmsSender)
    assert list(sender.outbox) == [SentMessage("+85512345678", "code 123456")]


def test_production_refuses_the_console() -> None:
    with pytest.raises(EngineRefused):
        load_sms_sender(settings("production"))


@pytest.mark.parametrize(
    "entry",
    ["no.such.module:create", "idp.errors:nothing", "idp.errors", "builtins:str"],
)
def test_what_is_no_sender_is_disabled_with_its_reason(entry: str) -> None:
    sender = load_sms_sender(settings("production", entry))
    assert isinstance(sender, DisabledSmsSender)
    assert entry in sender.reason
