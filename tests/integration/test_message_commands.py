"""What an operator sees of messages."""

import asyncio
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from camdigikey.cli import app
from idp.domain.message_watch import FEW
from idp.domain.sent_messages import SentKind, SentMessages
from idp.interfaces import Sent, SystemClock
from idp.storage.opening import open_store

SETTLED = 11 * 60 * 1000


def operator(folder: Path) -> dict[str, str]:
    return {
        "IDP_ENVIRONMENT": "development",
        "IDP_ISSUER": "http://localhost:8000",
        "IDP_APP_ORIGIN": "http://localhost:8001",
        "IDP_STORE": f"sqlite:///{folder / 'store.sqlite3'}",
        "IDP_MASTER_KEY_FILE": str(folder / "master.key"),
        "IDP_MESSAGE_BUDGETS": '{"plasgate": 500}',
        "COLUMNS": "200",
    }


def types(environment: dict[str, str], *words: str) -> Result:
    return CliRunner().invoke(app, list(words), env=environment)


def send_codes(url: str, owners: range) -> None:
    """Note codes of a quarter of an hour ago that nobody typed."""

    async def work() -> None:
        store = await open_store(url)
        sent = SentMessages(SystemClock())
        async with store.begin() as tx:
            for number in owners:
                await sent.note(
                    tx,
                    Sent("plasgate", f"r{number}"),
                    kind=SentKind.CODE,
                    owner=f"o{number}",
                    prefix="+85512",
                )
            await tx.run("UPDATE sent_message SET sent_at = changed_at - $1", SETTLED)
        await store.close()

    asyncio.run(work())


def test_messages_status_shows_the_day_and_ends_badly_while_an_alarm_stands(
    tmp_path: Path,
) -> None:
    environment = operator(tmp_path)
    assert types(environment, "migrate").exit_code == 0
    quiet = types(environment, "messages", "status")
    assert quiet.exit_code == 0
    assert "plasgate: 0 spent today of 500" in quiet.output
    send_codes(environment["IDP_STORE"], range(FEW - 1))
    assert types(environment, "messages", "status").exit_code == 0
    send_codes(environment["IDP_STORE"], range(FEW - 1, FEW))
    alarmed = types(environment, "messages", "status")
    assert alarmed.exit_code == 1
    assert "+85512" in alarmed.output


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "e-mail: none is sent"),
        ({"IDP_SMTP_HOST": "relay.test"}, "IDP_SMTP_HOST and IDP_SMTP_FROM"),
        (
            {"IDP_SMTP_HOST": "relay.test", "IDP_SMTP_FROM": "a@id.test"},
            "e-mail: idp.engines.email_smtp:create",
        ),
    ],
    ids=["none", "half", "set"],
)
def test_doctor_looks_at_e_mail(
    tmp_path: Path, changes: dict[str, str], said: str
) -> None:
    found = types({**operator(tmp_path), **changes}, "doctor")
    assert said in found.output
