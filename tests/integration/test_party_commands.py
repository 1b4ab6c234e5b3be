"""The operator's commands about parties, their secrets, tokens and logouts."""

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from camdigikey.cli import app


class Operator:
    """Types commands with the settings of one installation."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {
            "IDP_ENVIRONMENT": "development",
            "IDP_ISSUER": "http://localhost:8000",
            "IDP_APP_ORIGIN": "http://localhost:8001",
            "IDP_STORE": f"sqlite:///{folder / 'store.sqlite3'}",
            "IDP_MASTER_KEY_FILE": str(folder / "master.key"),
            "IDP_SMS_SENDER": "idp.engines.development:create",
            "IDP_SIGNING_ALGORITHMS": '["ES256"]',
            "COLUMNS": "200",
        }

    def types(self, *words: str) -> Result:
        told = ["relying-parties", *words]
        return CliRunner().invoke(app, told, env=self.environment)

    def file(self, **members: object) -> str:
        path = self.folder / "metadata.json"
        path.write_text(json.dumps(members))
        return str(path)


@pytest.fixture
def operator(tmp_path: Path) -> Operator:
    made = Operator(tmp_path)
    assert CliRunner().invoke(app, ["migrate"], env=made.environment).exit_code == 0
    return made


PARTY = (
    "add", "tax", "--name-km", "ពន្ធដារ", "--name-en", "Tax", "--domain",
    "tax.example", "--redirect-uri", "https://tax.example/cb",
)  # fmt: skip


def test_metadata_comes_from_a_file_is_shown_and_replaced(operator: Operator) -> None:
    uri = "https://tax.example/bye"
    path = operator.file(backchannel_logout_uri=uri, legal_basis="Tax law")
    added = operator.types(*PARTY, "--metadata", path)
    assert added.exit_code == 0, added.output
    shown = json.loads(operator.types("show", "tax").output)
    assert shown == {"backchannel_logout_uri": uri, "legal_basis": "Tax law"}
    path = operator.file(legal_basis="Another law")
    assert operator.types("update", "tax", "--metadata", path).exit_code == 0
    shown = json.loads(operator.types("show", "tax").output)
    assert shown == {"legal_basis": "Another law"}


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ({"made_up": 1}, "unknown members: made_up"),
        ({"contacts": [1]}, "not acceptable: contacts"),
        ({"backchannel_logout_uri": "http://x.example/"}, "backchannel_logout_uri"),
    ],
)
def test_a_file_that_cannot_be_right_is_refused(
    operator: Operator, members: dict[str, object], said: str
) -> None:
    found = operator.types(*PARTY, "--metadata", operator.file(**members))
    assert found.exit_code == 1
    assert said in found.output
    assert operator.types("show", "tax").exit_code == 1


def test_a_file_that_is_no_object_is_refused(operator: Operator) -> None:
    path = operator.folder / "x.json"
    for text in ("[1]", "{", "5"):
        path.write_text(text)
        assert operator.types(*PARTY, "--metadata", str(path)).exit_code == 1


def test_secrets_are_renewed_and_the_old_one_dropped(operator: Operator) -> None:
    operator.types(*PARTY)
    renewed = operator.types("secrets", "renew", "tax")
    assert "shown only now" in renewed.output
    assert operator.types("secrets", "drop", "tax").exit_code == 0
    assert operator.types("secrets", "renew", "nobody").exit_code == 1


def test_tokens_are_issued_listed_and_revoked(operator: Operator) -> None:
    issued = operator.types(
        "tokens", "issue", "--legal-basis", "Law", "--profile", "fapi2", "--uses", "2"
    )
    assert issued.exit_code == 0, issued.output
    token_id = issued.output.split()[2].rstrip(".")
    token = issued.output.split()[-1]
    assert re.fullmatch("[0-9a-f]{16}", token_id)  # never looks like an option
    listed = operator.types("tokens", "list").output
    assert token_id in listed
    assert "fapi2" in listed
    assert token not in listed
    assert operator.types("tokens", "revoke", token_id).exit_code == 0
    assert "revoked" in operator.types("tokens", "list").output
    assert operator.types("tokens", "revoke", token_id).exit_code == 1
    late = operator.types("tokens", "issue", "--legal-basis", "Law", "--days", "91")
    assert late.exit_code == 1


def test_logouts_are_listed(operator: Operator) -> None:
    for words in (("logouts",), ("logouts", "--party", "tax")):
        found = operator.types(*words)
        assert found.exit_code == 0
        assert "last answer" in found.output
