"""mozilla-django-oidc in a Django 5.2 portal logs in."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urljoin

import httpx2
import pytest

from tests.interop.apache import free_port
from tests.interop.op import walk
from tests.interop.real_op import RealOp

ROOT = Path(__file__).parent.parent.parent

pytestmark = pytest.mark.foreign


@contextmanager
def portal(**wanted: object) -> Iterator[None]:
    command = [
        sys.executable,
        "-m",
        "tests.interop.django_portal",
        json.dumps(wanted),
    ]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        if process.stdout.readline() != "ready\n":
            raise AssertionError(process.stderr.read())
        try:
            yield
        finally:
            process.kill()


def follow(op: RealOp, url: str, browser: httpx2.Client) -> httpx2.Response:
    answer = browser.get(url)
    while answer.has_redirect_location:
        url = walk(op, urljoin(url, answer.headers["location"]), browser)
        answer = browser.get(url)
    return answer


@pytest.mark.parametrize("alg", ["ES256", "RS256"])
def test_mozilla_django_oidc_logs_in_and_keeps_one_user_a_person(
    real_op: RealOp, browser: httpx2.Client, alg: str
) -> None:
    port = free_port()
    base = f"http://localhost:{port}"
    real_op.register(
        client_id="django",
        redirect_uris=[f"{base}/oidc/callback/"],
        post_logout_redirect_uris=[],
        secret="s3cret",
        id_token_signed_response_alg=alg,
    )
    with portal(
        port=port, issuer=real_op.issuer, client_id="django", secret="s3cret", alg=alg
    ):
        assert browser.get(f"{base}/me").status_code == 401
        answer = follow(real_op, f"{base}/oidc/authenticate/", browser)
        assert answer.status_code == 200, answer.text
        first = answer.json()
        assert first["first"] == "CITIZEN"
        with httpx2.Client(timeout=30) as another:
            again = follow(real_op, f"{base}/oidc/authenticate/", another).json()
        assert again == first
