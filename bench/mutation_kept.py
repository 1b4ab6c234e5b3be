"""What mutation runs have found so far: who reaches what, and who killed whom."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from hashlib import sha256
from pathlib import Path
from typing import Any

from bench.mutants import Mutant


@dataclass
class Kept:
    """What earlier runs found, in two files."""

    folder: Path
    tests: dict[str, dict[str, Any]] = field(default_factory=dict)
    hashes: dict[str, str] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)
    verdicts: dict[str, str] = field(default_factory=dict)  # "" survived, else by whom

    @classmethod
    def read(cls, folder: Path) -> "Kept":
        try:
            return cls(folder, **json.loads((folder / "kept.json").read_text()))
        except FileNotFoundError:
            return cls(folder)

    def write(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        known = {
            "tests": self.tests,
            "hashes": self.hashes,
            "sources": self.sources,
            "verdicts": self.verdicts,
        }
        (self.folder / "kept.new").write_text(json.dumps(known))
        (self.folder / "kept.new").replace(self.folder / "kept.json")

    def follow_changes(self, modules: Sequence[str]) -> None:
        """Drop the tests whose file changed; move lines of modules that changed.

        A line that is new is thought to be reached by whoever reached what stood
        there: more tests than need be, never fewer.
        """
        for path, old in self.hashes.items():
            if not Path(path).exists() or digest(Path(path).read_text()) != old:
                self.tests = {
                    name: test
                    for name, test in self.tests.items()
                    if name.partition("::")[0] != path
                }
        for module in modules:
            text = Path(module).read_text()
            places = moved(self.sources.get(module, text), text)
            for test in self.tests.values() if places else ():
                lines = test["lines"].get(module, ())
                if lines:
                    found = {new for line in lines for new in places.get(line, ())}
                    test["lines"][module] = sorted(found)
            self.sources[module] = text

    def remember(self, tests: dict[str, dict[str, Any]]) -> None:
        self.tests |= tests
        for name in tests:
            path = name.partition("::")[0]
            self.hashes[path] = digest(Path(path).read_text())


def moved(old: str, new: str) -> dict[int, range]:
    """Return where each line of a module went; nothing when it did not change."""
    if old == new:
        return {}
    matched = SequenceMatcher(None, old.splitlines(), new.splitlines(), autojunk=False)
    found: dict[int, range] = {}
    for tag, start, end, first, last in matched.get_opcodes():
        for line in range(start, end):
            same = range(first + line - start, first + line - start + 1)
            place = same if tag == "equal" else range(first, last)
            found[line + 1] = range(place.start + 1, place.stop + 1)
        if tag == "insert" and start:
            before = found[start]
            found[start] = range(before.start, last + 1)
    return found


def digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:20]


def key(mutant: Mutant) -> str:
    return f"{mutant.module} {digest(mutant.source)}"
