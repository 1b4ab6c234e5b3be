"""The provider under test, and a browser that walks to it and back.

A headless browser cannot scan a code: it follows redirects with its own cookies
until a page of the provider is shown; there the provider's driver takes over and
lets a citizen approve.
"""

from typing import Protocol
from urllib.parse import urljoin

import httpx2

MAX_STEPS = 20


class Op(Protocol):
    """A running provider that a test may register relying parties with."""

    issuer: str

    def register(
        self,
        *,
        client_id: str,
        redirect_uris: list[str],
        post_logout_redirect_uris: list[str],
        secret: str | None,
    ) -> None:
        """Register a relying party; scopes openid, profile, phone, offline_access."""
        ...

    def approve(self, login_url: str, browser: httpx2.Client) -> str:
        """Let a citizen approve the login page that `browser` stands at.

        Returns the address where the browser goes on, within the provider or not.
        """
        ...


def walk(op: Op, url: str, browser: httpx2.Client) -> str:
    """Follow `url` through the provider; return the first address outside it."""
    for _ in range(MAX_STEPS):
        if not url.startswith(f"{op.issuer}/"):
            return url
        answer = browser.get(url, follow_redirects=False)
        if answer.has_redirect_location:
            url = urljoin(url, answer.headers["location"])
            continue
        assert answer.status_code == 200, answer.text
        url = op.approve(url, browser)
    raise AssertionError("the provider sends the browser in circles")
