"""Two readings of the format, ours and tests/vectors/xroad/check.py: one verdict."""

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest

from camdx_bridge.documents import Verdict, judge_container
from camdx_bridge.trust import read_shared_parameters
from tests.unit.camdx_bridge.test_batches import batch
from tests.xroad import (
    CONTAINERS,
    REQUEST,
    SAMPLES,
    changed,
    lab,
    request_alone,
    request_with_body,
)


@pytest.fixture(scope="module")
def checker() -> ModuleType:
    spec = spec_from_file_location("xroad_check", SAMPLES / "check.py")
    assert spec
    assert spec.loader
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    "path", sorted(CONTAINERS.glob("*.asice")), ids=lambda p: p.stem
)
def test_both_readings_agree_on_every_sample(path: Path, checker: ModuleType) -> None:
    trust = CONTAINERS / "trust-shared-params.xml"
    ours = judge_container(
        path.read_bytes(), trust=read_shared_parameters(trust.read_bytes())
    )
    expected = ours.code.xroad if ours.code else "valid"
    assert checker.verdict(path, trust) == expected


OTHER = REQUEST.replace(b"/check", b"/erase")
OURS = {
    "alone": request_alone,
    "with a body": request_with_body,
    "in a batch": lambda: batch(3)[2],
    "tampered head": lambda: changed(request_alone(), message_xml=OTHER),
    "tampered body": lambda: changed(request_with_body(), attachment1=b"{}"),
    "tampered head in a batch": lambda: changed(batch(3)[1], message_xml=OTHER),
}


@pytest.mark.parametrize("name", OURS)
def test_both_readings_agree_on_what_we_write(
    name: str, checker: ModuleType, tmp_path: Path
) -> None:
    path, trust = tmp_path / "one.asice", tmp_path / "trust.xml"
    path.write_bytes(OURS[name]())
    trust.write_bytes(lab().shared_params())
    ours = judge_container(path.read_bytes(), trust=lab().trust)
    assert (ours.verdict is Verdict.VALID) == (not name.startswith("tampered"))
    expected = ours.code.xroad if ours.code else "valid"
    assert checker.verdict(path, trust) == expected


def test_the_second_reading_imports_nothing_of_ours() -> None:
    text = (SAMPLES / "check.py").read_text()
    for name in ("camdx_bridge", "lxml", "cryptography", "asn1crypto"):
        assert f"import {name}" not in text
        assert f"from {name}" not in text
