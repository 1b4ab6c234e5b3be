import json
from pathlib import Path

import pytest

from idp.domain.qr_codes import check_code, parse_code, qr_text
from idp.errors import QrStale
from tests.node import run_node
from tests.vectors import make

FOLDER = make.FOLDER
QR = FOLDER / "qr" / "codes.json"
VECTOR = json.loads(QR.read_text())
SECRET = bytes.fromhex(VECTOR["secret"])


def verdict(text: str, age: float) -> str:
    try:
        check_code(
            challenge_id=VECTOR["challenge"],
            secret=SECRET,
            scanned=parse_code(text),
            age=age,
        )
    except QrStale:
        return "stale"
    return "accepted"


def test_the_codes_are_the_published_ones() -> None:
    for code in VECTOR["codes"]:
        assert code["text"] == qr_text(
            app_origin=VECTOR["app_origin"],
            challenge_id=VECTOR["challenge"],
            secret=SECRET,
            t=code["t"],
        )


def test_a_code_is_good_from_a_second_early_to_five_seconds_late() -> None:
    for scan in VECTOR["scans"]:
        assert verdict(scan["text"], scan["age"]) == scan["expect"], scan
    for scan in VECTOR["refused"]:
        assert verdict(scan["text"], 59) == "stale", scan


def test_a_second_implementation_in_javascript_agrees() -> None:
    said = run_node(FOLDER / "verify_qr.mjs", QR)
    assert said["codes"] == [code["text"] for code in VECTOR["codes"]]
    assert said["scans"] == [scan["expect"] for scan in VECTOR["scans"]]
    assert said["refused"] == [scan["expect"] for scan in VECTOR["refused"]]


@pytest.mark.parametrize("path", sorted(make.files()), ids=lambda path: path.name)
def test_the_vectors_are_what_their_generator_writes(path: Path) -> None:
    assert path.read_text() == make.files()[path]
