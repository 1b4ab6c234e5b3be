"""The files of the app: vendored ones as locked, texts in both languages."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

from idp.domain.audit import EventTag
from mobile_api.errors import INTERNAL, STATUS, TooLarge

ROOT = Path(__file__).resolve().parents[3]
APP = ROOT / "mobile_api/citizen_app"
VENDORED = ("mobile_api/citizen_app/vendor", "idp/web/static/vendor")


def check(root: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(root / "tools/vendor.py"), "--check"]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_vendored_files_are_the_locked_ones() -> None:
    assert check(ROOT).stdout.strip() == ""


def test_a_changed_or_added_vendored_file_is_noticed(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "tools", tmp_path / "tools")
    for name in VENDORED:
        shutil.copytree(ROOT / name, tmp_path / name)
    app, web = (tmp_path / name for name in VENDORED)
    (app / "preact.js").write_text("tampered")
    (app / "extra.js").write_text("added")
    (web / "qr.js").unlink()
    result = check(tmp_path)
    assert result.returncode == 1
    for line in ("changed: ", "not in the lock: ", "missing: "):
        assert line in result.stdout


def test_both_languages_say_the_same_things() -> None:
    km, en = (json.loads((APP / f"locales/{x}.json").read_text()) for x in ("km", "en"))
    assert list(km) == list(en)
    for key, text in en.items():
        holes = re.compile(r"\{\w+\}")
        assert sorted(holes.findall(text)) == sorted(holes.findall(km[key])), key


def test_khmer_texts_are_khmer() -> None:
    km = json.loads((APP / "locales/km.json").read_text())
    khmer = re.compile("[\u1780-\u17ff]")
    latin = {key for key, text in km.items() if not khmer.search(text)}
    assert latin == {"app.name", "language.en"}


def test_every_text_that_the_code_names_exists() -> None:
    known = set(json.loads((APP / "locales/en.json").read_text()))
    used = {
        key
        for path in APP.glob("*.js")
        for key in re.findall(r'\bt\("([a-z0-9_.-]+)"', path.read_text())
    }
    assert used - known == set()


def advice_codes() -> set[str]:
    """Return every code of docs/proofing.md: of the table, and of liveness."""
    text = (ROOT / "docs/proofing.md").read_text()
    table = text.partition("## Advice")[2].partition("## Judgement")[0]
    first_columns = [row.split("|")[1] for row in table.splitlines() if row[:1] == "|"]
    living = text.partition("Advice (at most two")[2].partition("\n\n")[0]
    found = re.findall(r"`([a-z-]+)`", " ".join([*first_columns, living]))
    return set(found)


def test_every_piece_of_advice_has_words() -> None:
    codes = advice_codes()
    assert {"glare", "under-age", "turn-more", "liveness-over"} <= codes
    codes |= {"no-account", "recover"}  # of 409 and of recoveries
    for language in ("km", "en"):
        known = json.loads((APP / f"locales/{language}.json").read_text())
        assert {code for code in codes if f"advice.{code}" not in known} == set()


def test_every_refusal_of_the_api_has_words() -> None:
    codes = {kind.code for kind in STATUS} | {TooLarge.code, INTERNAL}
    known = set(json.loads((APP / "locales/en.json").read_text()))
    assert {code for code in codes if f"problem.{code}" not in known} == set()


def test_everything_that_is_recorded_of_an_account_has_words() -> None:
    ours = ("relying-party:", "keys:")  # of the provider, of no account
    tags = {tag.value for tag in EventTag if not tag.value.startswith(ours)}
    known = set(json.loads((APP / "locales/en.json").read_text()))
    assert {tag for tag in tags if f"event.{tag}" not in known} == set()


def test_the_shell_lists_every_module() -> None:
    shell = (APP / "sw.js").read_text()
    modules = {path.name for path in APP.glob("*.js")} - {"sw.js"}
    assert {name for name in modules if f'"/{name}"' not in shell} == set()


def test_no_page_has_inline_code_or_style() -> None:
    page = (APP / "index.html").read_text()
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=", page)
    for path in APP.glob("*.js"):
        assert not re.search(
            r"\sstyle=|dangerouslySetInnerHTML|innerHTML", path.read_text()
        )
