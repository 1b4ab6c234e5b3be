"""A day of key rotations, one every ten minutes, with five clients that stay up.

    python -m bench.key_rotations [--rotations 144]

Provider, Apache, Node and the Python portals run under Debian's `faketime`, whose one
file moves them ten minutes on at each step; Chromium follows by its clock API. The
provider rotates by its own schedule. After each rotation every client logs in, and
every ID token of the last hour is checked against the keys published now. Needs
`apt-get install faketime` beside what `make install` brings, and about ten minutes.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from playwright.sync_api import sync_playwright

from bench.rotations.clients import (
    SECRET,
    Apache,
    Authlib,
    Django,
    Drilled,
    OidcClientTs,
    OpenidClient,
    process,
)
from bench.rotations.provider import EVERY, OVERLAP, SLOWEST_CACHE
from tests.interop.apache import apache, free_port
from tests.interop.node_program import running
from tests.interop.test_oidc_client_ts import CHROMIUM, portal

LIBRARIES = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
PATIENCE = 20.0
STEP = EVERY.total_seconds()


@dataclass
class FakeTime:
    """One clock for every child of this process, ahead of the machine's."""

    file: Path
    ahead: float = 0.0

    def start(self) -> None:
        """Let every process that is started from now on read this clock."""
        assert LIBRARIES, "faketime is not installed: apt-get install faketime"
        self._write()
        os.environ.update(  # noqa: TID251 - for the children
            LD_PRELOAD=str(LIBRARIES[0]),
            FAKETIME_TIMESTAMP_FILE=str(self.file),
            FAKETIME_NO_CACHE="1",
            FAKETIME_DONT_FAKE_MONOTONIC="1",
            DONT_FAKE_MONOTONIC="1",
        )

    def move(self, seconds: float) -> None:
        """Move the clock on."""
        self.ahead += seconds
        self._write()

    def now(self) -> float:
        """Return the children's time, in seconds."""
        return time.time() + self.ahead

    def _write(self) -> None:
        fresh = self.file.with_suffix(".new")
        fresh.write_text(f"+{self.ahead:.0f}\n")
        fresh.chmod(0o644)
        fresh.rename(self.file)


@dataclass
class Drill:
    """What was done and what failed."""

    issuer: str
    clock: FakeTime
    logins: int = 0
    checked: int = 0
    kids: list[str] = field(default_factory=list)
    tokens: list[tuple[float, str]] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def keys(self) -> list[dict[str, Any]]:
        """Return what is published."""
        answer = httpx2.get(f"{self.issuer}/jwks", timeout=30)
        found: list[dict[str, Any]] = answer.json()["keys"]
        return found

    def wait_for_rotation(self) -> None:
        """Wait until the provider has published another next key."""
        before = {key["kid"] for key in self.keys()}
        self.clock.move(STEP)
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            fresh = {key["kid"] for key in self.keys()} - before
            if fresh:
                return
            time.sleep(0.1)
        self.failures.append("no rotation")

    def attempt(self, name: str, login: Callable[[], str | None]) -> None:
        """Log in once and keep the ID token."""
        self.logins += 1
        try:
            token = login()
        except Exception as fault:  # noqa: BLE001 - counted, whatever it is
            at = f"rotation {len(self.kids)}"
            self.failures.append(f"{at}, {name}: {type(fault).__name__} {fault}"[:500])
            return
        if token is not None:
            self.tokens.append((self.clock.now(), token))

    def check_tokens(self) -> None:
        """Every ID token of the last hour verifies with what is published now."""
        published = KeySet.import_key_set({"keys": self.keys()})
        oldest = self.clock.now() - SLOWEST_CACHE.total_seconds()
        self.tokens = [(at, token) for at, token in self.tokens if at >= oldest]
        for at, token in self.tokens:
            self.checked += 1
            try:
                jws.deserialize_compact(token, published, algorithms=["ES256"])
            except (JoseError, ValueError) as fault:
                age = self.clock.now() - at
                self.failures.append(f"a token of {age:.0f} s: {fault!r}")
        if self.tokens:
            header = jws.extract_compact(self.tokens[-1][1].encode()).headers()
            if header["kid"] not in self.kids:
                self.kids.append(header["kid"])


def parties(ports: dict[str, int], page: str) -> list[dict[str, Any]]:
    """Return what the provider registers."""
    back = {
        "apache": f"http://localhost:{ports['apache']}/private/back",
        "authlib": f"http://localhost:{ports['authlib']}/callback",
        "django": f"http://localhost:{ports['django']}/oidc/callback/",
        "node": "http://localhost:9/callback",
    }
    found: list[dict[str, Any]] = [
        {
            "id": name,
            "redirect_uris": [uri],
            "secret": SECRET,
            "alg": "RS256" if name == "django" else "ES256",
        }
        for name, uri in back.items()
    ]
    pages = [f"{page}/callback", f"{page}/silent"]
    found.append({"id": "page", "redirect_uris": pages, "secret": None, "alg": "ES256"})
    return found


@contextmanager
def opened(folder: Path) -> Iterator[tuple[Drill, list[Any], OidcClientTs]]:
    """Start everything; end it all again."""
    with ExitStack() as stack:
        # Chromium and this process keep the machine's time.
        playwright = stack.enter_context(sync_playwright())
        chromium = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        stack.callback(chromium.close)
        page = stack.enter_context(portal())
        folder.chmod(0o755)  # Apache's own user reads the clock
        clock = FakeTime(folder / "clock")
        clock.start()
        names = ("provider", "apache", "authlib", "django")
        ports = {name: free_port() for name in names}
        op = Drilled(f"http://localhost:{ports['provider']}")
        wanted = {
            "issuer": op.issuer,
            "port": ports["provider"],
            "store": f"sqlite:///{folder / 'store.sqlite3'}",
            "master_key_file": str(folder / "master.key"),
            "parties": parties(ports, page),
        }
        stack.enter_context(process("bench.rotations.provider", wanted))
        about = {"issuer": op.issuer, "secret": SECRET}
        for name, module in (
            ("authlib", "bench.rotations.authlib_portal"),
            ("django", "tests.interop.django_portal"),
        ):
            told = {**about, "port": ports[name], "client_id": name, "alg": "RS256"}
            stack.enter_context(process(module, told))
        program = stack.enter_context(running("rotations.mjs"))
        back = "http://localhost:9/callback"
        program.ask({**about, "client_id": "node", "redirect_uri": back})
        in_apache = apache(
            port=ports["apache"], issuer=op.issuer, client_id="apache", secret=SECRET
        )
        clients = [
            Apache(op, stack.enter_context(in_apache)),
            OpenidClient(op, program),
            Authlib(op, f"http://localhost:{ports['authlib']}"),
            Django(op, f"http://localhost:{ports['django']}"),
        ]
        yield Drill(op.issuer, clock), clients, OidcClientTs(op, page, chromium)


def drill(rotations: int) -> Drill:
    """Walk the day."""
    with (
        tempfile.TemporaryDirectory(prefix="camdigikey-rotations.") as name,
        opened(Path(name)) as (done, clients, chromium),
    ):
        for step in range(rotations + 1):
            if step:
                done.wait_for_rotation()
            for client in clients:
                done.attempt(client.name, client.login)
            now = done.clock.now()
            done.attempt(chromium.name, lambda now=now: chromium.login_at(now))
            done.check_tokens()
            if step % 12 == 0 or done.failures:
                told = f"{len(done.kids)} keys, {done.logins} logins"
                print(f"{step}: {told}, {len(done.failures)} failures", flush=True)
        return done


def main() -> None:
    """Run the drill and say what came of it; status 1 for any failure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rotations", type=int, default=144)
    rotations = parser.parse_args().rotations
    started = time.monotonic()
    done = drill(rotations)
    if len(done.kids) != rotations + 1:
        done.failures.append(f"{len(done.kids)} keys signed, not {rotations + 1}")
    for failure in done.failures:
        print(failure, file=sys.stderr)
    print(
        json.dumps(
            {
                "rotations": len(done.kids) - 1,
                "simulated_hours": done.clock.ahead / 3600,
                "logins": done.logins,
                "tokens_checked": done.checked,
                "published_after_retirement_minutes": OVERLAP.total_seconds() / 60,
                "failures": len(done.failures),
                "seconds": round(time.monotonic() - started),
            },
            indent=1,
        )
    )
    sys.exit(1 if done.failures else 0)


if __name__ == "__main__":
    main()
