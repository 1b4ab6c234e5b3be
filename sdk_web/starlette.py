"""CamDigiKey login for a Starlette portal: four routes and a sealed session.

login = CamDigiKeyLogin(client, base_url="https://portal.example", cookie_keys=[…])
app = Starlette(routes=[*login.routes, …])
session = login.session(request)      # None, or who is logged in

GET  /login      starts a login            GET  /callback   finishes it
POST /refresh    asks for fresh claims     POST /logout     ends it everywhere
"""

import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from sdk_web.client import CamDigiKeyClient, read_callback
from sdk_web.errors import LoginError, StateMismatch, TokenRefused
from sdk_web.fetching import require_secure
from sdk_web.sealing import CookieSealer
from sdk_web.session import MAX_PARTS, PortalSession
from sdk_web.tokens import LEVELS, Tokens
from sdk_web.transaction import LIFETIME_SECONDS, LoginTransaction

SESSION_SECONDS = 8 * 3600
STATE_PREFIX = 8
SAFE_STATE = re.compile(r"[A-Za-z0-9_-]{8,128}")
# One path on this site: no scheme, no host, no backslash, nothing to split on.
LOCAL_PATH = re.compile(r"/(?![/\\])[!-\[\]-~]{0,512}")
SEE_OTHER = 303

ErrorPage = Callable[[Request, LoginError], Awaitable[Response]]
Locale = Callable[[Request], str | None]


async def plain_error_page(request: Request, error: LoginError) -> Response:
    """Say that the login failed, and how to go on; details belong in the log."""
    del request, error
    text = "Login with CamDigiKey failed. Please start again.\n"
    return PlainTextResponse(text, status_code=400)


class CamDigiKeyLogin:
    """Logs browsers in and out, and says who is there.

    `base_url` is the portal's own address; cookies are Secure and carry the
    `__Host-` prefix when it is https. `cookie_keys` are secrets of 32 bytes or
    more, the newest first. `locale` picks the language of the login page.
    """

    def __init__(
        self,
        client: CamDigiKeyClient,
        *,
        base_url: str,
        cookie_keys: Sequence[bytes],
        cookie_name: str = "portal",
        level: str | None = None,
        locale: Locale | None = None,
        error_page: ErrorPage = plain_error_page,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._client = client
        self._base_url = require_secure(base_url, what="base_url").rstrip("/")
        self._sealer = CookieSealer(cookie_keys)
        self._is_secure = base_url.startswith("https:")
        self._name = f"__Host-{cookie_name}" if self._is_secure else cookie_name
        self._level = level
        self._locale = locale
        self._error_page = error_page
        self._clock = clock

    @property
    def routes(self) -> list[Route]:
        """The four routes, to be put into the portal's own."""
        return [
            Route("/login", self.start, methods=["GET"]),
            Route("/callback", self.finish, methods=["GET"]),
            Route("/refresh", self.refresh, methods=["POST"]),
            Route("/logout", self.logout, methods=["POST"]),
        ]

    @asynccontextmanager
    async def lifespan(self, app: object) -> AsyncIterator[None]:
        """Close the client when the application ends (a Starlette lifespan)."""
        del app
        async with self._client:
            yield

    def session(self, request: Request) -> PortalSession | None:
        """Return who is logged in in this browser, if anybody."""
        parts: list[str] = []
        while (part := request.cookies.get(self._part(len(parts)))) is not None:
            parts.append(part)
        if not parts or len(parts) > MAX_PARTS:
            return None
        return PortalSession.from_parts(parts, sealer=self._sealer, now=self._clock())

    async def start(self, request: Request) -> Response:
        """Start a login; `level` and `return_to` (a path) may be given."""
        asked = request.query_params.get("level", self._level)
        return_to = request.query_params.get("return_to", "/")
        locale = self._locale(request) if self._locale else None
        try:
            started = await self._client.start_login(
                level=asked if asked in LEVELS else self._level,
                ui_locales=[locale] if locale else [],
                return_to=return_to if LOCAL_PATH.fullmatch(return_to) else "/",
            )
        except LoginError as error:
            return await self._error_page(request, error)
        response = _redirect(started.url)
        transaction = started.transaction
        name = self._login_cookie(transaction.state)
        sealed = self._sealer.seal(transaction.to_json(), context=name)
        self._set(response, name, sealed, seconds=LIFETIME_SECONDS)
        return response

    async def finish(self, request: Request) -> Response:
        """Finish the login this browser started; the cookie goes in any case."""
        name = None
        try:
            state = read_callback(str(request.url)).get("state", "")
            if not SAFE_STATE.fullmatch(state):
                raise StateMismatch("the callback carries no state of ours")
            name = self._login_cookie(state)
            response = await self._finish(request, name)
        except LoginError as error:
            response = await self._error_page(request, error)
        if name is not None:
            self._delete(response, name)
        return response

    async def refresh(self, request: Request) -> Response:
        """Ask the provider again who this is; log out here when it says no more."""
        session = self.session(request)
        if not self._is_ours(request) or session is None:
            return _redirect("/")
        response = _redirect("/")
        try:
            tokens = await self._client.refresh(
                session.refresh_token or "", previous=session.id_token
            )
            claims = await self._claims(tokens)
            self._save(response, request, session.refreshed(tokens, claims=claims))
        except TokenRefused:
            self._forget(response, request)
        except LoginError as error:
            return await self._error_page(request, error)
        return response

    async def logout(self, request: Request) -> Response:
        """Log out here, and send the browser to log out at the provider."""
        if not self._is_ours(request):
            return _redirect("/")
        session = self.session(request)
        target = None
        if session is not None:
            target = await self._end(session)
        response = _redirect(target or "/")
        self._forget(response, request)
        return response

    async def _finish(self, request: Request, name: str) -> Response:
        sealed = request.cookies.get(name)
        if sealed is None:
            raise StateMismatch("this browser started no such login")
        opened = self._sealer.open(sealed, context=name)
        transaction = LoginTransaction.from_json(opened)
        tokens = await self._client.finish_login(transaction, str(request.url))
        claims = {**tokens.id_token.claims, **await self._claims(tokens)}
        session = PortalSession(
            id_token=tokens.id_token,
            claims=claims,
            refresh_token=tokens.refresh_token,
            ends_at=self._clock() + SESSION_SECONDS,
        )
        response = _redirect(transaction.return_to)
        self._save(response, request, session)
        return response

    async def _claims(self, tokens: Tokens) -> dict[str, object]:
        subject = tokens.id_token.subject
        if (await self._client.metadata()).userinfo_endpoint is None:
            return {}
        found = await self._client.userinfo(tokens.access_token, subject=subject)
        return dict(found.claims)

    async def _end(self, session: PortalSession) -> str | None:
        """End the grant and say where to go on."""
        # Logging out here must work even when the provider does not answer.
        try:
            if session.refresh_token is not None:
                await self._client.revoke(session.refresh_token)
            return await self._client.logout_url(session.id_token)
        except LoginError:
            return None

    def _is_ours(self, request: Request) -> bool:
        """Tell whether a form of this portal was sent (Origin, Fetch Metadata)."""
        origin = request.headers.get("origin", "null")
        # A page under `Referrer-Policy: no-referrer` says null even to itself.
        if origin == "null":
            return request.headers.get("sec-fetch-site") == "same-origin"
        return origin == self._base_url

    def _login_cookie(self, state: str) -> str:
        return f"{self._name}-login-{state[:STATE_PREFIX]}"

    def _part(self, number: int) -> str:
        return f"{self._name}-session-{number}"

    def _save(
        self, response: Response, request: Request, session: PortalSession
    ) -> None:
        seconds = max(int(session.ends_at - self._clock()), 0)
        parts = session.to_parts(self._sealer)
        for number, part in enumerate(parts):
            self._set(response, self._part(number), part, seconds=seconds)
        for number in range(len(parts), MAX_PARTS):
            if self._part(number) in request.cookies:
                self._delete(response, self._part(number))

    def _forget(self, response: Response, request: Request) -> None:
        for name in request.cookies:
            if name.startswith(f"{self._name}-session-"):
                self._delete(response, name)

    def _set(self, response: Response, name: str, value: str, *, seconds: int) -> None:
        response.set_cookie(
            name,
            value,
            max_age=seconds,
            secure=self._is_secure,
            httponly=True,
            samesite="lax",
        )

    def _delete(self, response: Response, name: str) -> None:
        response.delete_cookie(
            name, secure=self._is_secure, httponly=True, samesite="lax"
        )


def _redirect(url: str) -> Response:
    headers = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
    return RedirectResponse(url, status_code=SEE_OTHER, headers=headers)
