"""The tests of a mutation run, collected once: who reaches which line, who notices.

pytest collects in one process. To record, a child runs everything under coverage, one
context a test. To try a mutant, a child takes the mutant's code in the place of the
true one and runs the tests that reach the broken line, quickest first. Every child is
a fork of the process that has collected, so nothing is imported twice.
"""

import gc
import json
import os
import resource
import select
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import _lru_cache_wrapper
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_file_location
from inspect import CO_OPTIMIZED
from itertools import zip_longest
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

import coverage
import pytest
from hypothesis import Phase, settings

OPTIONS = (
    *("-q", "-p", "no:randomly", "-p", "no:cacheprovider", "--capture=sys"),
    *("-W", "ignore::pytest.PytestAssertRewriteWarning"),
    *("-m", "not postgresql and not redis and not browser and not foreign and not e2e"),
)
IN_MEMORY = Path("/dev/shm")
# Neither chance nor a search for the smallest example: the first one is enough.
settings.register_profile(
    "mutation",
    max_examples=40,
    deadline=None,
    database=None,
    derandomize=True,
    phases=(Phase.explicit, Phase.generate),
)


class NeedsImport(Exception):
    """What is broken runs when its module is imported."""


@dataclass(eq=False)
class Told:
    """What a child tells of its tests: who failed, and how long each took."""

    path: Path
    seconds: dict[str, float] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        spent = self.seconds.get(report.nodeid, 0.0)
        self.seconds[report.nodeid] = spent + report.duration
        if report.failed and report.nodeid not in self.failed:
            self.failed.append(report.nodeid)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.failed.append(f"collecting {report.nodeid}")

    def write(self) -> None:
        self.path.write_text(json.dumps([self.seconds, self.failed]))


def forked(work: Callable[[Told], None], *, patience: float) -> Told | None:
    """Do the work in a child; return what it told, None when it never ended.

    The patience is for seconds of its work, and ten times as many on a busy machine.
    """
    folder = Path(tempfile.mkdtemp(dir=IN_MEMORY if IN_MEMORY.is_dir() else None))
    told = Told(folder / "told.json")
    pid = os.fork()
    if not pid:
        os.setsid()
        _, most = resource.getrlimit(resource.RLIMIT_CPU)
        resource.setrlimit(resource.RLIMIT_CPU, (int(patience), most))
        os.environ["PYTEST_DEBUG_TEMPROOT"] = str(folder)  # noqa: TID251 - the child's
        quiet = os.open(os.devnull, os.O_WRONLY)
        os.dup2(quiet, 1)
        os.dup2(quiet, 2)
        try:
            work(told)
        except BaseException as error:  # noqa: BLE001 - a mutant may do anything
            told.failed.append(f"{type(error).__name__}: {error}"[:200])
        told.write()
        os._exit(0)
    watched = os.pidfd_open(pid)
    ended, _, _ = select.select([watched], [], [], patience * 10)
    os.close(watched)
    with suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    try:
        if not ended:
            return None
        if not told.path.exists():
            return Told(told.path, failed=["the process died"])
        return Told(told.path, *json.loads(told.path.read_text()))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class Collected:
    """The collected tests, waiting; children run some of them (a pytest plugin)."""

    def __init__(self, work: Callable[["Collected"], None]) -> None:
        self.work = work
        self.session: pytest.Session
        self.items: dict[str, pytest.Item] = {}
        self.functions: dict[str, list[FunctionType]] = {}

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        assert sys.modules["idp"].__path__[0].startswith(str(Path.cwd()))
        self.session = session
        self.items = {item.nodeid: item for item in session.items}
        self.warm()
        here = f"{Path.cwd()}/"
        for found in gc.get_objects():
            if isinstance(found, FunctionType):
                name = found.__code__.co_filename.removeprefix(here)
                self.functions.setdefault(name, []).append(found)
        gc.collect()
        gc.freeze()
        self.work(self)
        return True

    def warm(self) -> None:
        """Run a test of each file, for what is imported or made once a process.

        What the product remembers of them is forgotten: it may be what is broken.
        """
        one_each = {item.path: item for item in reversed(self.session.items)}
        hook = self.session.config.hook
        for item in one_each.values():
            hook.pytest_runtest_protocol(item=item, nextitem=None)
        product = f"{Path.cwd()}/idp/"
        for found in gc.get_objects():
            if isinstance(found, _lru_cache_wrapper):
                code = getattr(found.__wrapped__, "__code__", None)
                if code is not None and code.co_filename.startswith(product):
                    found.cache_clear()

    def run(self, told: Told, names: Sequence[str], *, all_of_them: bool) -> None:
        """Run tests in this child, to the first that fails unless all are wanted."""
        hook = self.session.config.hook
        self.session.config.pluginmanager.register(told)
        items = [self.items[name] for name in names]
        for item, following in zip_longest(items, items[1:]):
            hook.pytest_runtest_protocol(item=item, nextitem=following)
            if told.failed and not all_of_them:
                return

    def record(self, names: Sequence[str], modules: Sequence[str]) -> dict[str, Any]:
        """Return seconds, outcome and lines of tests, run unbroken."""
        here, lines_of = Path.cwd(), tempfile.mkdtemp()

        def watched(told: Told) -> None:
            cover = coverage.Coverage(
                data_file=f"{lines_of}/data",
                config_file=False,
                include=[str(here / module) for module in modules],
                concurrency=["thread", "greenlet"],
            )
            cover.set_option("run:disable_warnings", ["no-data-collected"])
            switch = cover.switch_context
            told.pytest_runtest_logstart = (  # type: ignore[attr-defined]
                lambda nodeid, location: switch(nodeid)  # noqa: ARG005
            )
            cover.start()
            try:
                self.run(told, names, all_of_them=True)
            finally:
                cover.stop()
                cover.save()

        told = forked(watched, patience=3600)
        broken = "no end" if told is None else set(told.failed) - set(names)
        if told is None or broken:
            raise RuntimeError(f"the tests could not be recorded: {broken}")
        found = {
            name: {"seconds": spent, "passed": name not in told.failed, "lines": {}}
            for name, spent in told.seconds.items()
        }
        data = coverage.CoverageData(f"{lines_of}/data")
        data.read()
        for module in modules:
            for line, tests in data.contexts_by_lineno(str(here / module)).items():
                for name in filter(found.__contains__, tests):
                    found[name]["lines"].setdefault(module, []).append(line)
        shutil.rmtree(lines_of)
        return found

    def attempt(
        self, module: str, true: str, broken: str, names: Sequence[str], patience: float
    ) -> Told | None:
        """Run tests against broken source; raises NeedsImport."""
        path = str(Path(module).absolute())
        swapped = list(
            swaps(compile(true, path, "exec"), compile(broken, path, "exec"))
        )
        living = [
            (function, new)
            for old, new in swapped
            for function in self.functions.get(module, [])
            if function.__code__ == old
        ]
        if not living:
            raise NeedsImport(path)

        def tried(told: Told) -> None:
            for function, new in living:
                function.__code__ = new
            self.run(told, names, all_of_them=False)

        return forked(tried, patience=patience)


def swaps(old: CodeType, new: CodeType) -> Iterator[tuple[CodeType, CodeType]]:
    """Yield the functions that differ, outer ones too; raises NeedsImport."""
    inner_old, inner_new = nested(old), nested(new)
    is_function = bool(old.co_flags & CO_OPTIMIZED)
    if own(old) != own(new) or len(inner_old) != len(inner_new):
        if not is_function or old.co_freevars != new.co_freevars:
            raise NeedsImport(old.co_qualname)
        yield old, new
        return
    below = [
        swap
        for one, other in zip(inner_old, inner_new, strict=True)
        for swap in swaps(one, other)
    ]
    if below and is_function:
        yield old, new
    yield from below


def nested(code: CodeType) -> list[CodeType]:
    return [one for one in code.co_consts if isinstance(one, CodeType)]


def own(code: CodeType) -> tuple[Any, ...]:
    """Return what a code object does, without what stands inside it, and where."""
    plain = [(type(one), one) for one in code.co_consts if not is_code(one)]
    names = (code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars)
    return code.co_code, str(plain), names, code.co_exceptiontable


def is_code(value: object) -> bool:
    return isinstance(value, CodeType)


def collect(folders: Sequence[str], work: Callable[[Collected], None]) -> None:
    """Collect in a child and let it work; nothing of it stays in this process."""
    pid = os.fork()
    if not pid:
        status = 1
        try:
            os.environ["HYPOTHESIS_PROFILE"] = "mutation"  # noqa: TID251 - the child's
            plugin = Collected(work)
            status = int(pytest.main([*OPTIONS, *folders], plugins=[plugin]))
        finally:
            sys.stdout.flush()
            os._exit(status)
    _, status = os.waitpid(pid, 0)
    if status:
        raise SystemExit("the tests could not be collected, or the run broke")


class Instead(MetaPathFinder, Loader):
    """Gives one module another source, before anybody imported it."""

    def __init__(self, module: str, source: str) -> None:
        self.name = module.removesuffix(".py").replace("/", ".")
        self.path, self.source = Path(module).absolute(), source

    def find_spec(self, name: str, *_rest: Any) -> ModuleSpec | None:
        if name != self.name:
            return None
        return spec_from_file_location(name, self.path, loader=self)

    def exec_module(self, module: ModuleType) -> None:
        exec(compile(self.source, str(self.path), "exec"), module.__dict__)


def attempt_imported(
    module: str, broken: str, names: Sequence[str], patience: float
) -> Told | None:
    """Run tests in a child that imports the broken source itself."""

    def tried(told: Told) -> None:
        os.environ["HYPOTHESIS_PROFILE"] = "mutation"  # noqa: TID251 - the child's
        sys.meta_path.insert(0, Instead(module, broken))
        status = pytest.main([*OPTIONS, "-x", *names], plugins=[told])
        if status and not told.failed:
            told.failed.append(f"pytest ended with {status}")

    began = time.monotonic()
    told = forked(tried, patience=patience)
    if told is not None:
        told.seconds["all"] = time.monotonic() - began
    return told
