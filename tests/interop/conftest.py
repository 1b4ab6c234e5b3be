"""A running provider for clients that nobody here wrote.

The fixture `op` yields an `Op` (see op.py): `issuer`, `register(...)` and
`approve(login_url, browser)`.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import httpx2
import pytest

from tests.interop.op import Op
from tests.interop.real_op import RealOp, open_real_op
from tests.unit.sdk_web.provider import Client, Provider
from tests.unit.sdk_web.serving import address, listen, serving


@dataclass
class SmallOp:
    """The small provider of the SDK's own tests, over real HTTP."""

    provider: Provider

    @property
    def issuer(self) -> str:
        return self.provider.issuer

    def register(
        self,
        *,
        client_id: str,
        redirect_uris: list[str],
        post_logout_redirect_uris: list[str],
        secret: str | None,
    ) -> None:
        self.provider.clients[client_id] = Client(
            tuple(redirect_uris), tuple(post_logout_redirect_uris), secret
        )

    def approve(self, login_url: str, browser: httpx2.Client) -> str:
        return str(browser.post(login_url).headers["location"])


@pytest.fixture(params=["small", "real"])
def op(request: pytest.FixtureRequest, sqlite_url: str) -> Iterator[Op]:
    """Our provider, and a small one that shows whose fault a failure is."""
    listener = listen()
    if request.param == "real":
        with open_real_op(listener, sqlite_url) as provider_itself:
            yield provider_itself
        return
    provider = Provider(issuer=address(listener))
    with serving(provider.app, listener):
        yield SmallOp(provider)


@pytest.fixture
def real_op(sqlite_url: str) -> Iterator[RealOp]:
    """Our provider, for what the small one does not know."""
    with open_real_op(listen(), sqlite_url) as provider_itself:
        yield provider_itself


@pytest.fixture
def browser() -> Iterator[httpx2.Client]:
    with httpx2.Client(timeout=30) as browser:
        yield browser
