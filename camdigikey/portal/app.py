"""The demo portal: one page, four login routes, two languages.

GET /               who is logged in, or the button
GET /language/km    chooses a language (km, en)
GET /health         ok
GET /static/…       styles and pictures; nothing comes from elsewhere
"""

import ssl
from pathlib import Path

import httpx2
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import (
    HTMLResponse,
    PlainTextResponse,
    RedirectResponse,
    Response,
)
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

import sdk_web
from camdigikey.portal.texts import LANGUAGES, TEXTS
from camdigikey.portal.view import person_of
from sdk_web import (
    CamDigiKeyClient,
    ClientAuthentication,
    ClientSecretBasic,
    LoginDenied,
    LoginError,
    ProviderUnavailable,
    PublicClient,
    RelyingParty,
)
from sdk_web.starlette import CamDigiKeyLogin

HERE = Path(__file__).parent
BUTTON = Path(sdk_web.__file__).parent / "static"
SCOPES = ("openid", "profile", "phone", "offline_access")
LANGUAGE_COOKIE = "portal-language"
YEAR_SECONDS = 365 * 24 * 3600


def create_portal(
    *,
    issuer: str,
    client_id: str,
    client_secret: str | None,
    base_url: str,
    cookie_key: bytes,
    transport: httpx2.AsyncBaseTransport | None = None,
    ca_file: Path | None = None,
) -> Starlette:
    """Return the portal as an ASGI application.

    Register it with the redirect URI `<base_url>/callback` and the post-logout
    redirect URI `<base_url>/`. `cookie_key` is 32 random bytes or more;
    `transport` replaces the network; `ca_file` names a development CA to trust.
    """
    base_url = base_url.rstrip("/")
    relying_party = RelyingParty(
        issuer=issuer,
        client_id=client_id,
        redirect_uri=f"{base_url}/callback",
        authentication=_authentication(client_secret),
        scopes=SCOPES,
        post_logout_redirect_uri=f"{base_url}/",
    )
    if transport is None and ca_file is not None:
        trusted = ssl.create_default_context(cafile=str(ca_file))
        transport = httpx2.AsyncHTTPTransport(verify=trusted)
    client = CamDigiKeyClient(relying_party, transport=transport)
    pages = Pages()
    pages.login = CamDigiKeyLogin(
        client,
        base_url=base_url,
        cookie_keys=[cookie_key],
        level="substantial",
        locale=language_of,
        error_page=pages.failed,
    )
    routes = [
        Route("/", pages.home),
        Route("/language/{language}", choose_language),
        Route("/health", health),
        *pages.login.routes,
        Mount("/static", StaticFiles(directory=HERE / "static")),
        Mount("/button", StaticFiles(directory=BUTTON)),
    ]
    guard = Middleware(SecurityHeaders, issuer=issuer)
    return Starlette(routes=routes, middleware=[guard], lifespan=pages.login.lifespan)


def _authentication(client_secret: str | None) -> ClientAuthentication:
    if client_secret is None:
        return PublicClient()
    return ClientSecretBasic(client_secret)


class Pages:
    """The two pages of the portal."""

    login: CamDigiKeyLogin

    def __init__(self) -> None:
        self._templates = Environment(
            loader=FileSystemLoader(HERE / "templates"),
            autoescape=select_autoescape(),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    async def home(self, request: Request) -> Response:
        """Show who is logged in, or the button."""
        session = self.login.session(request)
        language = language_of(request)
        person = None if session is None else person_of(session, language=language)
        return self._page(request, "home.html", person=person)

    async def failed(self, request: Request, error: LoginError) -> Response:
        """Say why a login failed, in words that help, and offer another try."""
        reason, status = "failed", 400
        if isinstance(error, LoginDenied) and error.error == "access_denied":
            reason = "denied"
        elif isinstance(error, ProviderUnavailable):
            reason, status = "away", 503
        return self._page(request, "failed.html", status=status, reason=reason)

    def _page(
        self, request: Request, name: str, *, status: int = 200, **values: object
    ) -> Response:
        language = language_of(request)
        template = self._templates.get_template(name)
        html = template.render(language=language, text=TEXTS[language], **values)
        headers = {"Cache-Control": "no-store", "Content-Language": language}
        return HTMLResponse(html, status_code=status, headers=headers)


def language_of(request: Request) -> str:
    """Return the language chosen in this browser; Khmer when none was."""
    chosen = request.cookies.get(LANGUAGE_COOKIE)
    return chosen if chosen in LANGUAGES else "km"


async def choose_language(request: Request) -> Response:
    """Remember the language and go back to the page."""
    language = request.path_params["language"]
    response = RedirectResponse("/", status_code=303)
    if language in LANGUAGES:
        response.set_cookie(
            LANGUAGE_COOKIE,
            language,
            max_age=YEAR_SECONDS,
            httponly=True,
            samesite="lax",
            secure=request.url.scheme == "https",
        )
    return response


async def health(request: Request) -> Response:
    """Say that the portal is there."""
    del request
    return PlainTextResponse("ok")


class SecurityHeaders:
    """Puts the same strict headers on every answer (pure ASGI)."""

    def __init__(self, app: ASGIApp, *, issuer: str) -> None:
        self.app = app
        # A browser applies form-action to redirects too, and logging out leads
        # from a form of ours to the provider.
        self.headers = {
            "Content-Security-Policy": "default-src 'none'; style-src 'self'; "
            "img-src 'self'; base-uri 'none'; frame-ancestors 'none'; "
            f"form-action 'self' {issuer}",
            "Cross-Origin-Opener-Policy": "same-origin",
            "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
            "Referrer-Policy": "same-origin",
            "X-Content-Type-Options": "nosniff",
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Add the headers when the answer starts."""

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self.headers.items():
                    headers.setdefault(name, value)
            await send(message)

        await self.app(scope, receive, guarded)
