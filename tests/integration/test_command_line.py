"""The command line, as an operator types it, on a real database."""

import sqlite3
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from camdigikey.cli import app


class Operator:
    """Types commands with the settings of one installation."""

    def __init__(self, folder: Path) -> None:
        self.database = folder / "data" / "store.sqlite3"
        self.environment = {
            "IDP_ENVIRONMENT": "development",
            "IDP_ISSUER": "http://localhost:8000",
            "IDP_APP_ORIGIN": "http://localhost:8001",
            "IDP_STORE": f"sqlite:///{self.database}",
            "IDP_MASTER_KEY_FILE": str(folder / "data" / "master.key"),
            "IDP_SMS_SENDER": "idp.engines.sms_twilio:create",
            "COLUMNS": "200",
        }

    def types(self, *words: str) -> Result:
        return CliRunner().invoke(app, list(words), env=self.environment)


@pytest.fixture
def operator(tmp_path: Path) -> Operator:
    return Operator(tmp_path)


@pytest.fixture
def migrated(operator: Operator) -> Operator:
    assert operator.types("migrate").exit_code == 0
    return operator


PARTY = (
    "relying-parties", "add", "tax", "--name-km", "ពន្ធដារ", "--name-en", "Tax",
    "--domain", "tax.example", "--redirect-uri", "https://tax.example/callback",
)  # fmt: skip


def test_help_names_every_command(operator: Operator) -> None:
    text = operator.types("--help").output
    for name in (
        "demo", "serve", "doctor", "migrate", "keys", "relying-parties", "audit"
    ):  # fmt: skip
        assert name in text


def test_a_command_before_the_migration_says_what_to_do(operator: Operator) -> None:
    (operator.database.parent).mkdir(parents=True)
    found = operator.types("keys", "list")
    assert found.exit_code == 1
    assert "camdigikey migrate" in found.output


def test_keys_are_listed_and_rotated(migrated: Operator) -> None:
    before = migrated.types("keys", "list").output
    assert "current" in before
    assert "next" in before
    early = migrated.types("keys", "rotate")
    assert early.exit_code == 1
    assert "--now" in early.output
    assert migrated.types("keys", "rotate", "--now").exit_code == 0
    assert "retired" in migrated.types("keys", "list").output


def test_a_lost_key_is_revoked_by_its_name(migrated: Operator) -> None:
    lost = next(
        line.split()[1]
        for line in migrated.types("keys", "list").output.splitlines()
        if "ES256" in line and "current" in line
    )
    done = migrated.types("keys", "revoke", lost)
    assert done.exit_code == 0, done.output
    assert "docs/keys.md" in done.output
    assert "revoked" in migrated.types("keys", "list").output
    again = migrated.types("keys", "revoke", lost)
    assert again.exit_code == 1
    assert "not-found" in again.output


def test_a_relying_party_is_added_once_listed_and_disabled(migrated: Operator) -> None:
    added = migrated.types(*PARTY)
    assert added.exit_code == 0, added.output
    assert "shown only now" in added.output
    assert migrated.types(*PARTY).exit_code == 1
    assert (
        "https://tax.example/callback"
        in migrated.types("relying-parties", "list").output
    )
    assert migrated.types("relying-parties", "disable", "tax").exit_code == 0
    assert "disabled" in migrated.types("relying-parties", "list").output


def test_an_unsafe_redirect_uri_is_named(migrated: Operator) -> None:
    found = migrated.types(*PARTY[:-1], "https://tax.example/callback#here")
    assert found.exit_code == 1
    assert "redirect_uris" in found.output


def test_audit_verify_finds_an_altered_row(migrated: Operator) -> None:
    assert migrated.types(*PARTY).exit_code == 0
    found = migrated.types("audit", "verify")
    assert found.exit_code == 0, found.output
    assert "1 wait for the next seal" in found.output
    with sqlite3.connect(migrated.database) as connection:
        connection.execute("INSERT INTO audit_link VALUES (1, 'gone', x'00')")
    connection.close()
    found = migrated.types("audit", "verify")
    assert found.exit_code == 1
    assert "First bad row" in found.output


def test_doctor_says_what_needs_the_operator(migrated: Operator) -> None:
    found = migrated.types("doctor")
    assert found.exit_code == 1
    assert "newest revision" in found.output
    assert "text messages" in found.output


def test_a_wrong_setting_is_told_without_a_traceback(operator: Operator) -> None:
    operator.environment["IDP_ISSUER"] = "not an origin"
    found = operator.types("migrate")
    assert found.exit_code == 1
    assert "IDP_ISSUER" in found.output
    assert "Traceback" not in found.output
