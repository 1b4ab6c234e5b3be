"""The front door of the library: what ministries may depend on."""

import ast
import inspect
import sys
from pathlib import Path

import sdk_web
from sdk_web import errors

FOLDER = Path(sdk_web.__file__).parent


def test_the_public_names_are_sorted_and_there() -> None:
    assert sdk_web.__all__ == sorted(sdk_web.__all__)
    visible = {
        name
        for name, value in vars(sdk_web).items()
        if not name.startswith("_") and not inspect.ismodule(value)
    }
    assert visible == set(sdk_web.__all__)


def test_every_error_is_public_and_drawn_in_the_tree() -> None:
    classes = [name for name, value in vars(errors).items() if inspect.isclass(value)]
    assert set(classes) <= set(sdk_web.__all__)
    drawn = {line.split()[-1] if " " not in line else line for line in classes}
    assert errors.__doc__ is not None
    assert all(name in errors.__doc__ for name in drawn)


def test_the_library_imports_nothing_of_ours_and_nothing_undeclared() -> None:
    allowed = {"sdk_web", "anyio", "cryptography", "httpx2", "joserfc", "starlette"}
    for path in FOLDER.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            tops = {name.split(".")[0] for name in names} - sys.stdlib_module_names
            assert tops <= allowed, path.name
            assert "starlette" not in tops or path.name == "starlette.py"


def test_the_library_says_that_it_is_typed() -> None:
    assert (FOLDER / "py.typed").exists()
