"""The front door of the library: what others may depend on."""

import ast
import asyncio
import inspect
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import camdx_bridge
from camdx_bridge import (
    documents,
    errors,
    fetching,
    signing,
    simulator,
    trust,
    trust_lab,
)
from tests.xroad import CONTAINERS

FOLDER = Path(camdx_bridge.__file__).parent
DOCUMENTS = {"asn1crypto", "cryptography", "lxml"}
SERVING = {"starlette", "uvicorn"}
ALLOWED = {
    "simulator": SERVING,
    "formats": DOCUMENTS,
    "trust": DOCUMENTS,
    "documents": DOCUMENTS,
    "fetching": DOCUMENTS | {"anyio", "httpx2"},
    "signing": DOCUMENTS,
    "trust_lab": DOCUMENTS | SERVING,
}


def test_the_public_names_are_sorted_and_there() -> None:
    assert camdx_bridge.__all__ == sorted(camdx_bridge.__all__)
    assert all(hasattr(simulator, name) for name in simulator.__all__)
    visible = {
        name
        for name, value in vars(camdx_bridge).items()
        if not name.startswith("_") and not inspect.ismodule(value)
    }
    assert visible == set(camdx_bridge.__all__)


@pytest.mark.parametrize("room", [documents, fetching, signing, trust, trust_lab])
def test_the_public_names_of_a_room_are_sorted_and_there(room: Any) -> None:
    assert room.__all__ == sorted(room.__all__)
    assert all(hasattr(room, name) for name in room.__all__)


def test_asking_a_service_needs_no_xml_and_no_certificates() -> None:
    program = (
        "import sys, camdx_bridge; "
        "print({'lxml', 'cryptography', 'asn1crypto'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "set()"


def test_every_error_is_public() -> None:
    classes = {
        name
        for name, value in vars(errors).items()
        if inspect.isclass(value) and issubclass(value, errors.BridgeError)
    }
    assert classes <= set(camdx_bridge.__all__)


def imported(path: Path) -> set[str]:
    """Top names that a file imports from outside the standard library."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add((node.module or "").split(".")[0])
    return found - sys.stdlib_module_names


def test_the_library_imports_nothing_of_ours_and_nothing_undeclared() -> None:
    for path in FOLDER.rglob("*.py"):
        room = path.relative_to(FOLDER).parts[0]
        allowed = {"camdx_bridge"} | ALLOWED.get(room, {"anyio", "httpx2"})
        assert imported(path) <= allowed, path


def test_the_library_does_not_need_its_simulator() -> None:
    for path in FOLDER.glob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert "import camdx_bridge.simulator" not in text
        assert "from camdx_bridge.simulator" not in text


def test_the_library_says_that_it_is_typed() -> None:
    assert (FOLDER / "py.typed").exists()


def test_the_example_of_the_readme_runs(capsys: pytest.CaptureFixture[str]) -> None:
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    example = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)[0]
    wanted = simulator.Simulator(
        registry=simulator.load_registry(),
        identity=simulator.IDENTITY,
        clients=[simulator.CLIENT],
    )

    async def scene() -> None:
        names: dict[str, Any] = {}
        exec(example, names)
        async with simulator.running(wanted) as address:
            await names["main"](address)

    asyncio.run(scene())
    assert capsys.readouterr().out == "1.0 []\n"


def test_the_second_example_of_the_readme_verifies_a_sample(
    capsys: pytest.CaptureFixture[str],
) -> None:
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    example = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)[1]
    names: dict[str, Any] = {}
    exec(example, names)
    names["verify"](
        CONTAINERS / "valid-signed-hashchain.asice",
        CONTAINERS / "trust-shared-params.xml",
    )
    said = capsys.readouterr().out
    assert said.startswith("valid None\nDEV/COM/4321 2024-12-05 12:37:50")
    assert said.endswith("not verified: ('attachment1',)\n")
