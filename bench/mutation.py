"""Mutation testing of the security checks: break one at a time, and see a test fail.

python -m bench.mutation [--minutes 30] [--workers 2] [--most 40] [module …]

The tree is copied; a child process imports the broken module in the place of the true
one, so nothing on disk is changed, and runs the tests of TESTS that stand for it.
Exit 0 of those tests is a survivor: a line that nobody would miss.
"""

import argparse
import ast
import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_loader
from pathlib import Path
from shutil import copy2
from types import ModuleType
from typing import Any

OIDC, DOMAIN, WHOLE = (
    "tests/unit/idp/oidc",
    "tests/unit/idp/domain",
    "tests/integration",
)
TESTS: dict[str, tuple[str, ...]] = {
    "idp/domain/client_jwts.py": (
        f"{DOMAIN}/test_key_choice.py",
        f"{DOMAIN}/test_client_jwts.py",
    ),
    "idp/domain/assertions.py": (
        f"{DOMAIN}/test_assertion_vectors.py",
        f"{WHOLE}/test_pin_and_assertions.py",
    ),
    "idp/domain/jws.py": (
        f"{DOMAIN}/test_assertion_vectors.py",
        f"{DOMAIN}/test_client_jwts.py",
    ),
    "idp/domain/codes.py": (
        f"{DOMAIN}/test_grants.py",
        f"{OIDC}/test_refresh.py",
        f"{OIDC}/test_code_flow.py",
    ),
    "idp/domain/grants.py": (
        f"{DOMAIN}/test_grants.py",
        f"{OIDC}/test_refresh.py",
        f"{OIDC}/test_code_flow.py",
    ),
    "idp/oidc/dpop.py": (f"{OIDC}/test_dpop.py",),
    "idp/oidc/sender_constraint.py": (
        f"{OIDC}/test_sender_constraint.py",
        f"{OIDC}/test_bound_tokens.py",
    ),
    "idp/oidc/client_assertions.py": (f"{OIDC}/test_client_assertions.py",),
    "idp/oidc/client_certificates.py": (
        f"{OIDC}/test_client_certificates.py",
        f"{OIDC}/test_client_methods.py",
    ),
    "idp/oidc/client_authentication.py": (
        f"{OIDC}/test_client_methods.py",
        f"{OIDC}/test_token_refusals.py",
    ),
    "idp/oidc/request_objects.py": (
        f"{OIDC}/test_request_objects.py",
        f"{OIDC}/test_signed_requests.py",
    ),
    "idp/oidc/authorization_checks.py": (
        f"{OIDC}/test_resource_shape.py",
        f"{OIDC}/test_authorize_refusals.py",
        f"{OIDC}/test_pushed_authorization.py",
        f"{OIDC}/test_authorization_attacks.py",
        f"{OIDC}/test_prompts.py",
        f"{OIDC}/test_response_modes.py",
    ),
    "idp/oidc/authorization_request.py": (
        f"{OIDC}/test_signed_requests.py",
        f"{OIDC}/test_pushed_authorization.py",
    ),
    "idp/oidc/parameters.py": (
        f"{OIDC}/test_token_refusals.py",
        f"{OIDC}/test_authorize_refusals.py",
    ),
    "idp/oidc/code_grant.py": (
        f"{OIDC}/test_code_flow.py",
        f"{OIDC}/test_bound_tokens.py",
        f"{OIDC}/test_pushed_keys.py",
    ),
    "idp/oidc/refresh_grant.py": (
        f"{OIDC}/test_refresh.py",
        f"{OIDC}/test_bound_tokens.py",
    ),
    "idp/oidc/introspection.py": (
        f"{OIDC}/test_introspection.py",
        f"{WHOLE}/test_attacks_tokens.py",
    ),
    "idp/oidc/access_tokens.py": (
        f"{OIDC}/test_introspection.py",
        f"{OIDC}/test_token_exchange.py",
        f"{OIDC}/test_own_tokens.py",
        f"{OIDC}/test_userinfo_and_discovery.py",
        f"{WHOLE}/test_attacks_tokens.py",
    ),
    "idp/oidc/exchange_grant.py": (f"{OIDC}/test_token_exchange.py",),
    "idp/oidc/token_exchange.py": (f"{OIDC}/test_token_exchange.py",),
    "idp/oidc/revocation.py": (
        f"{OIDC}/test_refresh.py",
        f"{OIDC}/test_own_tokens.py",
        f"{WHOLE}/test_attacks_tokens.py",
    ),
    "idp/oidc/userinfo.py": (
        f"{OIDC}/test_userinfo_and_discovery.py",
        f"{OIDC}/test_bound_tokens.py",
        f"{WHOLE}/test_attacks_tokens.py",
    ),
    "idp/oidc/id_token_hint.py": (
        f"{OIDC}/test_logout.py",
        f"{WHOLE}/test_attacks_tokens.py",
    ),
    "idp/oidc/logout.py": (f"{OIDC}/test_logout.py",),
    "idp/web/guard.py": (f"{WHOLE}/test_attacks_forms.py",),
}
PRELOADED = (
    "anyio",
    "authlib.oauth2",
    "hypothesis",
    "httpx2",
    "joserfc.jwt",
    "pydantic_settings",
    "pytest",
    "sqlmodel",
    "starlette.testclient",
    "webauthn",
)
SWAPPED: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
}
PATIENCE = 6  # times what the unbroken module took


@dataclass(frozen=True)
class Mutant:
    """One module with one thing broken."""

    module: str
    line: int
    what: str
    source: str


def mutants(module: str, text: str) -> Iterator[Mutant]:
    """Yield every way in which this module is broken."""
    tree = ast.parse(text)
    octets = [line.encode() for line in text.splitlines(keepends=True)]
    starts = [sum(map(len, octets[:n])) for n in range(len(octets))]
    whole = text.encode()
    for node in ast.walk(tree):
        for new, old in changes(node):
            first = starts[old.lineno - 1] + old.col_offset
            last = starts[old.end_lineno - 1] + old.end_col_offset
            said = whole[first:last].decode().split("\n")[0][:50]
            source = (whole[:first] + new.encode() + whole[last:]).decode()
            yield Mutant(module, old.lineno, f"{said}  →  {new[:50]}", source)


def changes(  # noqa: C901 - a table
    node: ast.AST,
) -> Iterator[tuple[str, Any]]:
    """Yield what takes the place of a node, and that node."""
    match node:
        case ast.Raise():
            yield "pass", node
        case ast.Expr(value=ast.Call() | ast.Await()):
            yield "pass", node
        case ast.If(test=test) | ast.IfExp(test=test):
            yield f"(not ({ast.unparse(test)}))", test
        case ast.comprehension(ifs=[test, *_]):
            yield "True", test
        case ast.BoolOp(op=op, values=values):
            word = " and " if isinstance(op, ast.And) else " or "
            for left_out in values:
                kept = [ast.unparse(one) for one in values if one is not left_out]
                yield f"({word.join(f'({one})' for one in kept)})", node
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield f"({ast.unparse(operand)})", node
        case ast.Compare(left=left, ops=[op], comparators=[right]):
            for other in SWAPPED[type(op)]:
                yield ast.unparse(ast.Compare(left, [other()], [right])), node
        case ast.Return(value=ast.Constant(value=bool(value))):
            yield f"return {not value}", node
        case ast.Constant(value=value) if type(value) is int:
            yield str(value + 1), node
        case _:
            return


class Instead(MetaPathFinder, Loader):
    """Gives one module another source."""

    def __init__(self, name: str, source: str) -> None:
        self.name, self.source = name, source

    def find_spec(self, name: str, *_rest: Any) -> ModuleSpec | None:
        return spec_from_loader(name, self) if name == self.name else None

    def exec_module(self, module: ModuleType) -> None:
        exec(compile(self.source, self.name, "exec"), module.__dict__)


def child(mutant: Mutant) -> None:
    """Run the tests of a mutant; the exit status says whether one failed."""
    os.setsid()
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)
    os.dup2(quiet, 2)
    name = mutant.module.removesuffix(".py").replace("/", ".")
    sys.meta_path.insert(0, Instead(name, mutant.source))
    import pytest  # noqa: PLC0415 - loaded before

    options = ["-x", "-q", "-p", "no:randomly", "-p", "no:cacheprovider"]
    options += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]
    os._exit(int(pytest.main([*options, *TESTS[mutant.module]])))


def run(mutant: Mutant, patience: float) -> tuple[int | None, float]:
    """Return the exit status, None for a test that never ended, and the seconds."""
    began = time.monotonic()
    fork = multiprocessing.get_context("fork")
    process = fork.Process(target=child, args=(mutant,))
    process.start()
    process.join(patience)
    if process.is_alive() and process.pid is not None:
        os.killpg(process.pid, signal.SIGKILL)
        process.join()
        return None, time.monotonic() - began
    return process.exitcode, time.monotonic() - began


def copy_tree(target: Path) -> None:
    """Copy what git knows or would know; the packages stay where they are."""
    command = ["git", "ls-files", "-co", "--exclude-standard"]
    listed = subprocess.run(command, capture_output=True, text=True, check=True)
    for name in filter(os.path.isfile, listed.stdout.splitlines()):
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        copy2(name, target / name)
    (target / ".venv").symlink_to(Path(".venv").absolute())


def measure(module: str, options: argparse.Namespace, deadline: float) -> list[int]:
    """Break one module in every way that time allows; print what survives."""
    text = Path(module).read_text()
    status, seconds = run(Mutant(module, 0, "unbroken", text), 600)
    assert status == 0, f"{module}: its tests fail before anything is broken"
    every = list(mutants(module, text))
    step = max(1, -(-len(every) // options.most))
    chosen = every[::step]
    patience = max(60.0, seconds * PATIENCE)

    def tried(mutant: Mutant) -> int | None:
        if time.monotonic() > deadline:
            return None
        status, _ = run(mutant, patience)
        if status == 0:
            print(f"SURVIVED {module}:{mutant.line}  {mutant.what}", flush=True)
        return int(status != 0)

    with ThreadPoolExecutor(options.workers) as pool:
        done = [one for one in pool.map(tried, chosen) if one is not None]
    print(
        f"{module}: {sum(done)} of {len(done)} killed, {len(every)} known", flush=True
    )
    return done


def main() -> None:
    """Copy the tree and measure the modules that are named, or all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--most", type=int, default=40, help="mutants of a module")
    parser.add_argument("modules", nargs="*", default=list(TESTS))
    options = parser.parse_args()
    deadline = time.monotonic() + options.minutes * 60
    with tempfile.TemporaryDirectory() as folder:
        copy_tree(Path(folder))
        os.chdir(folder)
        sys.path.insert(0, folder)
        for name in PRELOADED:
            __import__(name)
        done: list[int] = []
        for module in options.modules:
            if time.monotonic() < deadline:
                done += measure(module, options, deadline)
    print(f"all: {sum(done)} of {len(done)} killed ({sum(done) / len(done):.1%})")


if __name__ == "__main__":
    main()
