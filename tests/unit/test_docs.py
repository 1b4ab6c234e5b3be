"""The documentation against the repository: links, commands, settings, tests."""

import re
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
import typer.main
from pydantic_settings import BaseSettings

from camdigikey.camdx import CamdxSettings
from camdigikey.cli import app
from idp.settings import IdpSettings
from mobile_api.settings import MobileSettings

ROOT = Path(__file__).parent.parent.parent
PAGES = sorted(
    [
        *ROOT.glob("*.md"),
        *ROOT.glob("docs/**/*.md"),
        *ROOT.glob("sdk_*/*.md"),
        *ROOT.glob("camdx_bridge/*.md"),
    ]
)
LINK = re.compile(r"\]\(([^)\s]+)\)|src=\"([^\"]+)\"")
CODE = re.compile(r"```.*?```|`[^`\n]*`", re.DOTALL)
MAKE = re.compile(r"\bmake ([a-z0-9-]+)")
COMMAND = re.compile(r"(?:^|[\s`/])camdigikey((?: [a-z][a-z-]*)+)")
TEST = re.compile(r"`(test_\w+)`")
FILE = re.compile(
    r"`((?:idp|mobile_api|camdx_bridge|camdigikey|sdk_\w+|tests|tools|docs)/[\w./-]+\.\w+)`"
)
SETTINGS: list[tuple[str, type[BaseSettings]]] = [
    ("IDP_", IdpSettings),
    ("MOBILE_", MobileSettings),
    ("CAMDX_", CamdxSettings),
]
each_page = pytest.mark.parametrize(
    "page", PAGES, ids=lambda page: str(page.relative_to(ROOT))
)


def anchors(page: Path) -> set[str]:
    """The anchors that a reader's browser will find in a page."""
    titles = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    plain = [re.sub(r"[^\w\- ]", "", title.lower()) for title in titles]
    return {title.strip().replace(" ", "-") for title in plain}


def code_of(page: Path) -> str:
    """Everything that stands in code, and indented lines."""
    text = page.read_text()
    indented = re.findall(r"^    .+$", text, re.MULTILINE)
    return "\n".join([*CODE.findall(text), *indented])


def make_targets() -> set[str]:
    return set(
        re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    )


def command_words() -> dict[str, set[str]]:
    """Each command of the command line with its subcommands."""
    root: Any = typer.main.get_command(app)
    return {
        name: set(getattr(command, "commands", ()))
        for name, command in root.commands.items()
    }


@each_page
def test_every_link_leads_somewhere(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    for target in map("".join, LINK.findall(text)):
        parts = urlsplit(target)
        if parts.scheme:
            assert parts.scheme in {"https", "mailto"}, target
            continue
        found = (page.parent / unquote(parts.path)).resolve() if parts.path else page
        assert found.exists(), target
        if parts.fragment:
            assert parts.fragment in anchors(found), target


@each_page
def test_every_make_target_exists(page: Path) -> None:
    assert set(MAKE.findall(code_of(page))) <= make_targets()


@each_page
def test_every_command_exists(page: Path) -> None:
    known = command_words()
    for said in COMMAND.findall(code_of(page)):
        first, *rest = said.split()
        assert first in known, f"camdigikey {first}"
        if known[first] and rest:
            assert rest[0] in known[first], f"camdigikey {first} {rest[0]}"


@each_page
def test_every_test_that_is_named_exists(page: Path) -> None:
    named = set(TEST.findall(page.read_text()))
    written = {
        name
        for path in ROOT.glob("tests/**/*.py")
        for name in re.findall(r"def (test_\w+)", path.read_text())
    }
    assert named - written == set()


@each_page
def test_every_file_that_is_named_exists(page: Path) -> None:
    for name in FILE.findall(page.read_text()):
        assert (ROOT / name).exists(), name


@pytest.mark.parametrize(("prefix", "model"), SETTINGS, ids=str)
def test_every_setting_is_documented(prefix: str, model: type[BaseSettings]) -> None:
    text = (ROOT / "docs" / "operations.md").read_text()
    documented = re.findall(rf"^\| `({prefix}[A-Z_]+)` \|", text, re.MULTILINE)
    assert documented == [prefix + name.upper() for name in model.model_fields]


@pytest.mark.parametrize(("prefix", "model"), SETTINGS, ids=str)
def test_every_plain_default_is_the_real_one(
    prefix: str, model: type[BaseSettings]
) -> None:
    text = (ROOT / "docs" / "operations.md").read_text()
    for name, field in model.model_fields.items():
        if isinstance(field.default, int | float | str) and field.default != "":
            row = re.search(
                rf"^\| `{prefix}{name.upper()}` \| (.+?) \|", text, re.MULTILINE
            )
            assert row is not None
            assert row[1].strip("`") == str(field.default), name


def test_no_page_names_an_environment_variable_that_is_refused() -> None:
    known = {prefix + n.upper() for prefix, m in SETTINGS for n in m.model_fields}
    for page in PAGES:
        named = re.findall(
            r"\b(?:IDP|MOBILE|CAMDX)_[A-Z]+(?:_[A-Z]+)*\b", page.read_text()
        )
        assert set(named) <= known, page


def test_the_words_are_spelled_right() -> None:
    program = ROOT / ".venv" / "bin" / "codespell"
    command = [str(program if program.exists() else "codespell"), *map(str, PAGES)]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.stdout == ""
