"""docs/house.md against the files that are there, and the measures they keep."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from statistics import median, quantiles

ROOT = Path(__file__).parent.parent.parent
PACKAGES = ("camdigikey", "idp", "mobile_api", "camdx_bridge", "sdk_web", "sdk_app")
HOUSE = (ROOT / "docs" / "house.md").read_text()
LONGEST_FILE = 400
LONGEST_TYPICAL_FILE = 150
LONGEST_TYPICAL_FUNCTION = 8
LONGEST_COMMON_FUNCTION = 30
SHORT = 20


def product_files() -> set[str]:
    """Every Python and JavaScript file that we wrote and ship."""
    return {
        str(path.relative_to(ROOT))
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.suffix in {".py", ".js"} and "vendor" not in path.parts
    }


def listed_files() -> list[str]:
    folder, found = "", []
    for line in HOUSE.splitlines():
        if heading := re.fullmatch(r"### `(.+)/`", line):
            folder = heading[1]
        elif item := re.match(r"- `([^`/]+\.(?:py|js))`: \S", line):
            found.append(f"{folder}/{item[1]}")
    return found


def hand_written() -> Iterator[Path]:
    for name in product_files():
        if "migrations/versions" not in name:  # written by Alembic
            yield ROOT / name


def function_lengths() -> list[int]:
    """Physical lines of every function of the product, docstrings not counted."""
    found = []
    for path in hand_written():
        if path.suffix != ".py":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            assert node.end_lineno is not None
            lines = node.end_lineno - node.lineno + 1
            if ast.get_docstring(node) is not None:
                said = node.body[0]
                assert said.end_lineno is not None
                lines -= said.end_lineno - said.lineno + 1
            found.append(lines)
    return found


def test_every_file_is_listed_once_with_what_it_is_for() -> None:
    listed = listed_files()
    assert len(listed) == len(set(listed))
    assert product_files() - set(listed) == set(), "add these to docs/house.md"


def test_every_listed_file_is_there() -> None:
    assert set(listed_files()) - product_files() == set(), "gone from docs/house.md?"


def test_no_file_is_longer_than_400_lines_and_a_typical_one_fits_150() -> None:
    lines = {
        str(path.relative_to(ROOT)): len(path.read_text().splitlines())
        for path in hand_written()
    }
    assert {n: length for n, length in lines.items() if length > LONGEST_FILE} == {}
    assert median(lines.values()) <= LONGEST_TYPICAL_FILE


def test_functions_fit_in_a_breath() -> None:
    lengths = function_lengths()
    assert median(lengths) <= LONGEST_TYPICAL_FUNCTION
    assert quantiles(lengths, n=10)[-1] <= LONGEST_COMMON_FUNCTION
    assert sum(n <= SHORT for n in lengths) >= 0.9 * len(lengths)


def test_every_function_says_what_it_returns() -> None:
    silent = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in hand_written()
        if path.suffix == ".py"
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.returns is None
        and node.name != "__init__"
    ]
    assert silent == []


def test_every_python_file_opens_with_one_sentence() -> None:
    silent = [
        str(path.relative_to(ROOT))
        for path in hand_written()
        if path.suffix == ".py" and not ast.get_docstring(ast.parse(path.read_text()))
    ]
    assert silent == []
