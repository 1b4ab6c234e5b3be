"""camdigikey camdx verify, as somebody types it who was handed a container."""

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from camdigikey.cli import app
from camdigikey.commands.camdx_texts import REASONS, WARNINGS, WORDS
from camdx_bridge import Refusal
from camdx_bridge.documents import Link, Warned
from camdx_bridge.documents.container_writing import write_archive
from tests.xroad import (
    CONTAINERS,
    REQUEST,
    changed,
    lab,
    request_alone,
    request_with_body,
)

TRUST = CONTAINERS / "trust-shared-params.xml"


def verify(path: Path, *words: str, trust: Path = TRUST, lang: str = "C") -> Result:
    command = ["camdx", "verify", str(path), "--trust", str(trust), *words]
    return CliRunner().invoke(app, command, env={"LANG": lang})


@pytest.fixture
def ours(tmp_path: Path) -> Path:
    (tmp_path / "trust.xml").write_bytes(lab().shared_params())
    return tmp_path


def test_a_valid_container_ends_in_zero_and_says_who_when_and_what() -> None:
    found = verify(CONTAINERS / "valid-non-batch-rest.asice")
    assert found.exit_code == 0
    for said in (
        "✓ VALID",
        "Signed by: DEV/COM/1234 (security server SS0)",
        "answer DEV-d75ea6fd-d24b-48ec-a320-53675c40fb86",
        "Existed at: 2024-07-11 12:51:12 UTC, says Test TSA",
        "Verified whole: attachment1, message.xml",
    ):
        assert said in found.output
    assert "NOT VERIFIED" not in found.output


def test_what_is_unverified_is_said_plainly() -> None:
    found = verify(CONTAINERS / "valid-signed-hashchain.asice")
    assert found.exit_code == 0
    assert "NOT VERIFIED: attachment1" in found.output
    found = verify(CONTAINERS / "invalid-not-signed-hashchain.asice")
    assert found.exit_code == 0
    assert "NOT SIGNED: hashchain.xml, hashchainresult.xml" in found.output
    assert "Warning: the file holds a hash chain" in found.output


def test_an_invalid_container_ends_in_one_and_says_why() -> None:
    found = verify(CONTAINERS / "wrong-message.asice")
    assert found.exit_code == 1
    assert "✗ INVALID" in found.output
    assert "[digest_mismatch message.xml]" in found.output
    assert "--message-withheld" in found.output


@pytest.mark.parametrize("path", [TRUST, CONTAINERS / "absent.asice"])
def test_what_cannot_be_read_ends_in_two(path: Path) -> None:
    found = verify(path)
    assert found.exit_code == 2
    assert "? UNUSABLE" in found.output


def test_trust_that_cannot_be_read_ends_in_two(tmp_path: Path) -> None:
    container = CONTAINERS / "valid-batch-ts.asice"
    (tmp_path / "no.xml").write_text("<conf/>")
    for trust in (tmp_path / "no.xml", tmp_path / "absent.xml"):
        found = verify(container, trust=trust)
        assert found.exit_code == 2
        assert "The file of trust cannot be used" in found.output


def test_trust_may_be_the_folder_in_which_it_lies(tmp_path: Path) -> None:
    (tmp_path / "shared-params.xml").write_bytes(TRUST.read_bytes())
    found = verify(CONTAINERS / "valid-batch-ts.asice", trust=tmp_path)
    assert found.exit_code == 0


def test_a_folder_is_judged_file_by_file_and_one_invalid_is_enough() -> None:
    found = verify(CONTAINERS)
    assert found.exit_code == 1
    assert "6 valid, 6 invalid, 0 unusable" in found.output


def test_an_archive_is_judged_container_by_container(ours: Path) -> None:
    containers = {"a.asice": request_alone(), "b.asice": request_with_body()}
    data, _ = write_archive(containers, Link("-", "-"))
    (ours / "mlog-1.zip").write_bytes(data)
    found = verify(ours / "mlog-1.zip", trust=ours / "trust.xml")
    assert found.exit_code == 0
    assert "mlog-1.zip/b.asice" in found.output
    assert "2 valid, 0 invalid, 0 unusable" in found.output


def test_a_log_without_bodies_is_judged_when_asked(ours: Path) -> None:
    head = REQUEST.replace(b"Content-Type:application/json\r\n", b"")
    path = ours / "one.asice"
    path.write_bytes(changed(request_with_body(), message_xml=head, attachment1=None))
    assert verify(path, trust=ours / "trust.xml").exit_code == 1
    found = verify(path, "--message-withheld", trust=ours / "trust.xml")
    assert found.exit_code == 0
    assert "Verified whole: nothing" in found.output
    assert "NOT VERIFIED: attachment1, message.xml" in found.output
    assert "Warning: the message itself was not verified" in found.output
    # What such a message says of itself is not repeated as if it were proved.
    assert "request" not in found.output


def test_it_speaks_khmer_when_asked_or_by_lang() -> None:
    path = CONTAINERS / "valid-signed-hashchain.asice"
    asked = verify(path, "--language", "km")
    by_lang = verify(path, lang="km_KH.UTF-8")
    assert asked.output == by_lang.output
    assert "✓ ត្រឹមត្រូវ" in asked.output
    assert "២០២៤-១២-០៥ ១២:៣៧:៥០ UTC" in asked.output
    assert "មិនបានផ្ទៀងផ្ទាត់៖ attachment1" in asked.output


def is_khmer(text: str) -> bool:
    return any("\u1780" <= letter <= "\u17ff" for letter in text)


def test_every_verdict_and_code_has_words_in_both_languages() -> None:
    assert WORDS["en"].keys() == WORDS["km"].keys()
    assert REASONS.keys() == set(Refusal)
    assert WARNINGS.keys() == set(Warned)
    pairs = [*REASONS.values(), *WARNINGS.values()]
    pairs += [(WORDS["en"][key], WORDS["km"][key]) for key in WORDS["en"]]
    for english, khmer in pairs:
        assert english.isascii()
        assert is_khmer(khmer)
    assert len({english for english, _ in REASONS.values()}) == len(REASONS)
