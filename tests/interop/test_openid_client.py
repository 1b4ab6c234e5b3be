"""openid-client 6 (JavaScript) logs in, refreshes and logs out."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.interop.op import Op, walk
from tests.node import node

FOLDER = Path(__file__).parent / "node"
BACK = "http://localhost:9/callback"
HOME = "http://localhost:9/"

pytestmark = pytest.mark.foreign


@pytest.fixture(scope="session")
def program() -> str:
    """Node 20 or newer; `make install` put the pinned packages beside the script."""
    assert (FOLDER / "node_modules" / "openid-client").exists(), "make install"
    return node()


@pytest.fixture
def script(program: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [program, "openid_client.mjs"],
        cwd=FOLDER,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        yield process
        process.kill()


def ask(script: subprocess.Popen[str], question: dict[str, Any]) -> Any:
    assert script.stdin is not None
    assert script.stdout is not None
    assert script.stderr is not None
    script.stdin.write(json.dumps(question) + "\n")
    script.stdin.flush()
    line = script.stdout.readline()
    assert line, script.stderr.read()
    return json.loads(line)


@pytest.mark.parametrize("secret", ["s3cret & söhne", None])
def test_openid_client_logs_in_refreshes_and_logs_out(
    op: Op,
    browser: httpx2.Client,
    script: subprocess.Popen[str],
    secret: str | None,
) -> None:
    op.register(
        client_id="openid-client",
        redirect_uris=[BACK],
        post_logout_redirect_uris=[HOME],
        secret=secret,
    )
    settings = {"issuer": op.issuer, "client_id": "openid-client", "secret": secret}
    addresses = {"redirect_uri": BACK, "home": HOME}
    started = ask(script, settings | addresses)
    callback = walk(op, started["authorize"], browser)
    finished = ask(script, {"callback": callback})
    assert finished["claims"]["iss"] == op.issuer
    assert finished["claims"]["acr"].startswith(f"{op.issuer}/acr/")
    assert finished["userinfo"]["sub"] == finished["claims"]["sub"]
    assert finished["userinfo"]["given_name#km"]
    assert finished["refreshed"]
    assert walk(op, finished["logout"], browser) == f"{HOME}?state=bye"
