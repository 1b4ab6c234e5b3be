"""A portal built on sdk_web, without pages: what a relying party does headless."""

import time
from collections.abc import Callable, Mapping

import httpx2

from sdk_web import (
    CamDigiKeyClient,
    ClientAuthentication,
    ClientSecretBasic,
    LoginTransaction,
    PublicClient,
    RelyingParty,
    Tokens,
)

SCOPES = ("openid", "profile", "phone", "offline_access")


class HeadlessPortal:
    """Starts logins and finishes them; holds the tokens of the last one.

    `transport` may be an `httpx2.ASGITransport` over a provider in this process;
    without it the portal speaks to a real server.
    """

    def __init__(
        self,
        *,
        issuer: str,
        client_id: str,
        client_secret: str | None = None,
        authentication: ClientAuthentication | None = None,
        redirect_uri: str = "http://localhost:8002/callback",
        post_logout_redirect_uri: str = "http://localhost:8002/",
        scopes: tuple[str, ...] = SCOPES,
        transport: httpx2.AsyncBaseTransport | None = None,
        clock: Callable[[], float] = time.time,
        deadline: float = 10.0,
    ) -> None:
        if authentication is None:
            known = client_secret is not None
            authentication = (
                ClientSecretBasic(client_secret or "") if known else PublicClient()
            )
        relying_party = RelyingParty(
            issuer=issuer,
            client_id=client_id,
            redirect_uri=redirect_uri,
            authentication=authentication,
            scopes=scopes,
            post_logout_redirect_uri=post_logout_redirect_uri,
        )
        self.client = CamDigiKeyClient(
            relying_party, transport=transport, clock=clock, deadline=deadline
        )
        self.transaction: LoginTransaction | None = None
        self.tokens: Tokens | None = None

    async def start(
        self,
        *,
        level: str | None = None,
        max_age: int | None = None,
        prompt: str | None = None,
    ) -> str:
        """Begin a login; return the authorization URL for the browser."""
        started = await self.client.start_login(
            level=level, max_age=max_age, prompt=prompt
        )
        self.transaction = started.transaction
        return started.url

    async def finish(self, callback_url: str) -> Tokens:
        """Finish the login with the address the browser came back to."""
        assert self.transaction is not None
        self.tokens = await self.client.finish_login(self.transaction, callback_url)
        return self.tokens

    async def refresh(self) -> Tokens:
        """Spend the refresh token for fresh tokens."""
        assert self.tokens is not None
        assert self.tokens.refresh_token is not None
        self.tokens = await self.client.refresh(
            self.tokens.refresh_token, previous=self.tokens.id_token
        )
        return self.tokens

    async def userinfo(self) -> Mapping[str, object]:
        """Ask for the claims about the person who logged in."""
        assert self.tokens is not None
        subject = self.tokens.id_token.subject
        found = await self.client.userinfo(self.tokens.access_token, subject=subject)
        return found.claims

    async def logout(self, *, state: str | None = None) -> str:
        """Forget the login; return where the browser logs out at the provider."""
        assert self.tokens is not None
        url = await self.client.logout_url(self.tokens.id_token, state=state)
        assert url is not None
        self.tokens = self.transaction = None
        return url

    async def aclose(self) -> None:
        await self.client.aclose()
