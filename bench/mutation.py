"""Mutation testing of the security checks: break one at a time, and see a test fail.

python -m bench.mutation [--minutes 60] [--unit] [--tests FILE] [--most 400]
    [--fresh] [--report] [module …]

Every module of `idp/oidc` is broken, and those of the domain that read tokens. The
tree is copied, so that work may go on; nothing on disk is broken. The tests are run
whole before anything is broken: one that fails then stands for nothing, and no module
is broken that no test reaches. A test that reaches the broken line and passes shows a
survivor: a check that nobody would miss, unless `equivalent_mutants.toml` says why
there is nothing to miss. A tenth of every module is tried before the next tenth of
any, so that a run without the time for all leaves a fair sample of each.

What is known (which test reaches which line, which mutant was killed by whom) is kept
in `data/mutation` and asked again only for what changed; survivors are tried again.
For figures to be believed, begin with `--fresh`.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import tomllib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import chain, groupby, zip_longest
from pathlib import Path
from shutil import copy2

from bench.mutants import Mutant, mutants
from bench.mutation_kept import Kept, key
from bench.mutation_tests import (
    Collected,
    NeedsImport,
    Told,
    attempt_imported,
    collect,
)

FIRST = ("idp/domain/assertions.py", "idp/domain/jws.py")
ALSO = (
    "idp/domain/client_jwts.py",
    "idp/domain/codes.py",
    "idp/domain/grants.py",
    "idp/web/guard.py",
)
TESTS = (
    "tests/unit/idp/domain",
    "tests/unit/idp/oidc",
    "tests/unit/idp/web",
    *(
        f"tests/integration/test_{about}.py"
        for about in (
            "attacks_forms",
            "attacks_logins",
            "attacks_tokens",
            "authorization",
            "backchannel",
            "backchannel_delivery",
            "backchannel_logout",
            "backchannel_requests",
            "devices",
            "discovery_truth",
            "identity_assurance",
            "logout_races",
            "party_commands",
            "party_domains",
            "party_registration",
            "passkeys",
            "pin_and_assertions",
            "pkce_exemption",
            "sandbox",
            "verified_tokens",
            "withdrawn_consents",
        )
    ),
    "tests/fuzz/test_authorization_requests.py",
    "tests/fuzz/test_registration_requests.py",
    "tests/fuzz/test_signed_requests.py",
    "tests/fuzz/test_token_endpoint.py",
)
PRELOADED = (
    "anyio",
    "authlib.oauth2",
    "httpx2",
    "joserfc.jwt",
    "pydantic_settings",
    "sqlmodel",
    "starlette.testclient",
    "webauthn",
)
KEPT = Path("data/mutation")
EQUIVALENT = Path("bench/equivalent_mutants.toml")
SLOWEST = 8.0  # seconds of a test that may stand for a check
LONGEST = 60.0  # seconds of tests that one mutant is worth, as they take unbroken
TIMES, BESIDES = 8, 40.0  # what a mutant may work: times the unbroken, and seconds
TURNS = 10  # in how many parts a module is tried, the others between them


def checked_modules() -> list[str]:
    """Return every module that is broken, the most telling first."""
    oidc = map(str, sorted(Path("idp/oidc").glob("*.py")))
    return [*FIRST, *ALSO, *oidc]


@dataclass
class Run:
    """One run over some modules."""

    modules: Sequence[str]
    deadline: float
    kept: Kept
    most: int
    here: set[str] = field(default_factory=set)
    killers: Counter[str] = field(default_factory=Counter)
    imported: list[tuple[Mutant, list[str]]] = field(default_factory=list)

    def with_tests(self, collected: Collected) -> None:
        """Record what is not known, then break every module (in the child)."""
        new = [name for name in collected.items if name not in self.kept.tests]
        if new:
            say(f"recording {len(new)} of {len(collected.items)} tests")
        by_file = groupby(new, key=lambda name: name.partition("::")[0])
        for _, names in by_file:
            if time.monotonic() < self.deadline:
                self.kept.remember(collected.record(list(names), checked_modules()))
                self.kept.write()
        self.here = set(collected.items)
        for name, test in self.kept.tests.items():
            if not test["passed"] and name in self.here:
                say(f"stands for nothing, it fails unbroken: {name}")
        killers = filter(self.kept.tests.__contains__, self.kept.verdicts.values())
        self.killers.update(killers)
        plan = {module: self.plan(module) for module in self.modules}
        for turn in range(TURNS):
            say(f"turn {turn + 1} of {TURNS}")
            for module, waiting in plan.items():
                self.break_module(collected, module, waiting[turn::TURNS])
        self.break_imported()

    def plan(self, module: str) -> list[Mutant]:
        """Return what is to be tried: known survivors, then the rest as if by lot."""
        verdicts = self.kept.verdicts
        return sorted(
            self.untried(module),
            key=lambda mutant: (key(mutant) not in verdicts, key(mutant)),
        )

    def break_module(
        self, collected: Collected, module: str, waiting: Sequence[Mutant]
    ) -> None:
        text, tried = Path(module).read_text(), 0
        began = time.monotonic()
        for mutant in waiting:
            if time.monotonic() > self.deadline:
                return
            names = self.reaching(mutant)
            try:
                told = collected.attempt(
                    module, text, mutant.source, names, self.patience(names)
                )
            except NeedsImport:
                self.imported.append((mutant, self.reaching_module(module)))
                continue
            self.judge(mutant, told, len(names))
            tried += 1
            if tried % 20 == 0:
                self.kept.write()
        self.kept.write()
        if tried:
            say(f"{module}: {tried} tried in {time.monotonic() - began:.0f} s")

    def break_imported(self) -> None:
        """Try what runs at import, in processes that import it."""
        (self.kept.folder / "imported.json").write_text(
            json.dumps([(key(mutant), names) for mutant, names in self.imported])
        )

    def untried(self, module: str) -> Iterator[Mutant]:
        for mutant in mutants(module, Path(module).read_text()):
            if not self.kept.verdicts.get(key(mutant)):
                yield mutant

    def reaching(self, mutant: Mutant) -> list[str]:
        module, lines = mutant.module, set(range(mutant.line, mutant.last + 1))
        tests = self.kept.tests.items()
        reaching = (
            name
            for name, test in tests
            if not lines.isdisjoint(test["lines"].get(module, ()))
        )
        return self.chosen(module, reaching)

    def reaching_module(self, module: str) -> list[str]:
        tests = self.kept.tests.items()
        reaching = (name for name, test in tests if module in test["lines"])
        return self.chosen(module, reaching)

    def chosen(self, module: str, names: Iterator[str]) -> list[str]:
        """Sort tests: who killed before, then one of each way through the module.

        Of those that go the same way, who reaches least comes first: it was refused.
        """
        tests, ways = self.kept.tests, {}
        for name in names:
            test = tests[name]
            if name in self.here and test["passed"] and test["seconds"] <= SLOWEST:
                ways.setdefault(tuple(test["lines"][module]), []).append(name)
        for way in ways.values():
            way.sort(key=lambda name: sum(map(len, tests[name]["lines"].values())))
        quick = sorted(ways.values(), key=lambda way: tests[way[0]]["seconds"])
        spread = [name for name in chain(*zip_longest(*quick)) if name is not None]
        spread.sort(key=lambda name: -self.killers[name])
        found, seconds = [], 0.0
        for name in spread[: self.most]:
            seconds += tests[name]["seconds"]
            if seconds > LONGEST:
                break
            found.append(name)
        return found

    def patience(self, names: Sequence[str]) -> float:
        spent = sum(self.kept.tests[name]["seconds"] for name in names)
        return BESIDES + TIMES * spent

    def judge(self, mutant: Mutant, told: Told | None, count: int) -> None:
        verdict = "it never ended" if told is None else "".join(told.failed[:1])
        self.kept.verdicts[key(mutant)] = verdict
        if verdict in self.kept.tests:
            self.killers[verdict] += 1
        elif verdict:
            say(f"killed by no test, {verdict}: {mutant.module}  {mutant.name}")
        if not verdict and not is_equivalent(mutant):
            say(f"SURVIVED {count} tests  {mutant.module}:{mutant.line}  {mutant.name}")


def say(text: str) -> None:
    print(text, file=sys.__stdout__, flush=True)


@cache
def equivalents() -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = tomllib.loads(EQUIVALENT.read_text())
    return found


def is_equivalent(mutant: Mutant) -> bool:
    return mutant.name in equivalents().get(mutant.module, {})


def break_imported(run: Run) -> None:
    """Try what decides at import: in a process that imports the broken module."""
    waiting = dict(json.loads((run.kept.folder / "imported.json").read_text()))
    for module in run.modules:
        for mutant in run.untried(module):
            names = waiting.get(key(mutant))
            if names is None or time.monotonic() > run.deadline:
                continue
            patience = 120 + run.patience(names)
            told = attempt_imported(module, mutant.source, names, patience)
            run.judge(mutant, told, len(names))
        run.kept.write()


def report(modules: Sequence[str], kept: Kept) -> None:
    """Print the table of docs/figures.md, and what survives."""
    totals, survivors = Counter[str](), list[str]()
    print("| module | killed | of | equivalent | not tried |\n|---|---|---|---|---|")
    for module in modules:
        found = Counter[str]()
        for mutant in mutants(module, Path(module).read_text()):
            verdict = kept.verdicts.get(key(mutant))
            if not verdict and is_equivalent(mutant):
                found["equivalent"] += 1
            elif verdict is None:
                found["not tried"] += 1
            else:
                found["of"] += 1
                found["killed"] += bool(verdict)
            if verdict == "" and not is_equivalent(mutant):
                survivors.append(f"{module}:{mutant.line}  {mutant.name}")
        totals += found
        if found:
            print(row(f"`{module}`", found))
    print(row("together", totals))
    print("\nSurvivors:", *survivors or ["none"], sep="\n")


def row(name: str, found: Counter[str]) -> str:
    counts = (found[each] for each in ("killed", "of", "equivalent", "not tried"))
    return f"| {name} | {' | '.join(map(str, counts))} |"


def copy_tree(target: Path) -> None:
    """Copy what git knows or would know; the packages stay where they are."""
    command = ["git", "ls-files", "-co", "--exclude-standard"]
    listed = subprocess.run(command, capture_output=True, text=True, check=True)
    for name in filter(os.path.isfile, listed.stdout.splitlines()):
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        copy2(name, target / name)
    (target / ".venv").symlink_to(Path(".venv").absolute())


def main() -> None:
    """Copy the tree and break the modules that are named, or all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--fresh", action="store_true", help="forget earlier runs")
    parser.add_argument("--unit", action="store_true", help="unit tests alone")
    parser.add_argument("--tests", action="append", help="these beside the unit tests")
    parser.add_argument("--most", type=int, default=400, help="tests for a mutant")
    parser.add_argument("--report", action="store_true", help="say what is known")
    parser.add_argument("modules", nargs="*", default=checked_modules())
    options = parser.parse_args()
    folder = KEPT.absolute()
    kept = Kept(folder) if options.fresh else Kept.read(folder)
    if options.report:
        return report(options.modules, kept)
    deadline = time.monotonic() + options.minutes * 60
    with tempfile.TemporaryDirectory() as copied:
        copy_tree(Path(copied))
        os.chdir(copied)
        sys.path.insert(0, copied)
        for name in PRELOADED:
            __import__(name)
        kept.follow_changes(checked_modules())
        kept.write()
        chosen = (*TESTS[:3], *(options.tests or ()))
        folders = chosen if options.unit or options.tests else TESTS
        collect(folders, Run(options.modules, deadline, kept, options.most).with_tests)
        run = Run(options.modules, deadline, Kept.read(folder), options.most)
        break_imported(run)
        report(options.modules, run.kept)
    return None


if __name__ == "__main__":
    main()
