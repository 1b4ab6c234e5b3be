"""mod_auth_openidc in a real Apache logs in, refreshes and logs out."""

from collections.abc import Iterator
from contextlib import contextmanager
from time import sleep
from urllib.parse import urlencode, urljoin

import httpx2
import pytest

from tests.interop.apache import apache, free_port
from tests.interop.op import Op, walk
from tests.interop.real_op import RealOp

pytestmark = pytest.mark.foreign


def follow(op: Op, url: str, browser: httpx2.Client) -> httpx2.Response:
    """Follow a page of Apache, through the provider and back, to its end."""
    answer = browser.get(url)
    while answer.has_redirect_location:
        url = walk(op, urljoin(url, answer.headers["location"]), browser)
        answer = browser.get(url)
    return answer


def test_mod_auth_openidc_logs_in_refreshes_and_logs_out(
    op: Op, browser: httpx2.Client
) -> None:
    port = free_port()
    base = f"http://localhost:{port}"
    hook = f"{base}/private/back"
    op.register(
        client_id="apache",
        redirect_uris=[hook],
        post_logout_redirect_uris=[f"{base}/bye"],
        secret="s3cret",
    )
    with apache(port=port, issuer=op.issuer, client_id="apache", secret="s3cret"):
        page = follow(op, f"{base}/private/index.html", browser)
        assert page.text == "only for you", page.text
        before = browser.get(f"{hook}?info=json").json()
        assert before["id_token"]["iss"] == op.issuer
        assert before["userinfo"]["given_name#km"]
        asked = {"refresh": f"{base}/private/", "access_token": before["access_token"]}
        answer = browser.get(f"{hook}?{urlencode(asked)}")
        assert "error_code" not in answer.headers["location"]
        after = browser.get(f"{hook}?info=json").json()
        assert after["access_token"] != before["access_token"]
        assert after["id_token"]["sub"] == before["id_token"]["sub"]
        leaving = browser.get(f"{hook}?{urlencode({'logout': f'{base}/bye'})}")
        assert leaving.headers["location"].startswith(f"{op.issuer}/")
        away = walk(op, leaving.headers["location"], browser)
        assert away.split("?")[0] == f"{base}/bye"
        again = browser.get(f"{base}/private/index.html")
        assert again.headers["location"].startswith(f"{op.issuer}/")


def test_mod_auth_openidc_ends_its_session_when_it_is_told(
    real_op: RealOp, browser: httpx2.Client
) -> None:
    with signed_in_apache(real_op, browser) as base:
        real_op.log_out_everywhere()
        for _ in range(100):  # until the news has come
            answer = browser.get(f"{base}/private/index.html")
            if answer.has_redirect_location:
                break
            sleep(0.1)
        assert answer.headers["location"].startswith(f"{real_op.issuer}/")


def test_mod_auth_openidc_follows_rotating_keys(
    real_op: RealOp, browser: httpx2.Client
) -> None:
    with signed_in_apache(real_op, browser) as base:
        for _ in range(3):
            real_op.rotate_keys()
            with httpx2.Client(timeout=30) as another:
                page = follow(real_op, f"{base}/private/index.html", another)
            assert page.text == "only for you", page.text


@contextmanager
def signed_in_apache(op: RealOp, browser: httpx2.Client) -> Iterator[str]:
    """Run Apache with a person signed in; yields its address."""
    port = free_port()
    base = f"http://localhost:{port}"
    op.register(
        client_id="apache",
        redirect_uris=[f"{base}/private/back"],
        post_logout_redirect_uris=[],
        secret="s3cret",
        backchannel_logout_uri=f"{base}/private/back?logout=backchannel",
        backchannel_logout_session_required=True,
    )
    with apache(port=port, issuer=op.issuer, client_id="apache", secret="s3cret"):
        page = follow(op, f"{base}/private/index.html", browser)
        assert page.text == "only for you", page.text
        yield base
