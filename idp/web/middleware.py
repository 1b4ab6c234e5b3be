"""What every answer of the provider carries, and what is refused at the door.

Plain ASGI, so that streams stay streams. Three of them, outermost first:

    SecurityHeaders    the strictest answer headers, where the endpoint set none
    HostCheck          only our own name is answered (no cache or link poisoning)
    BodyLimit          nothing here needs a large body
"""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from idp.settings import IdpSettings

LARGEST_BODY = 64 * 1024
NOTHING = "default-src 'none'; base-uri 'none'; frame-ancestors 'none'"
YEAR = 31_536_000

DEFAULTS = {
    "content-security-policy": NOTHING,
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=(), payment=()",
}


@dataclass(frozen=True, slots=True)
class SecurityHeaders:
    """Add the defaults to every answer that did not choose for itself."""

    app: ASGIApp
    secure: bool

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and complete the answer's headers."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def complete(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._complete(MutableHeaders(scope=message))
            await send(message)

        await self.app(scope, receive, complete)

    def _complete(self, headers: MutableHeaders) -> None:
        for name, value in DEFAULTS.items():
            headers.setdefault(name, value)
        if self.secure:
            age = f"max-age={YEAR}; includeSubDomains"
            headers.setdefault("strict-transport-security", age)


@dataclass(frozen=True, slots=True)
class HostCheck:
    """Refuse a request that was addressed to another name."""

    app: ASGIApp
    hosts: frozenset[str]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on when its Host is one of ours (RFC 9110, 7.4)."""
        if scope["type"] == "http" and not self._is_ours(Headers(scope=scope)):
            refusal = PlainTextResponse("misdirected request\n", 421)
            await refusal(scope, receive, send)
            return
        await self.app(scope, receive, send)

    def _is_ours(self, headers: Headers) -> bool:
        named = headers.getlist("host")
        return len(named) == 1 and named[0].lower() in self.hosts


@dataclass(frozen=True, slots=True)
class BodyLimit:
    """Refuse a body that is larger than anything we ask for."""

    app: ASGIApp
    octets: int = LARGEST_BODY

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on while its body stays small."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        said = Headers(scope=scope).get("content-length", "0")
        if not (said.isascii() and said.isdigit()) or int(said[:12]) > self.octets:
            await PlainTextResponse("too large\n", 413)(scope, receive, send)
            return
        await self.app(scope, _Meter(receive, self.octets), send)


class _Meter:
    """Counts a body as it arrives; a chunked one may not say its length."""

    def __init__(self, receive: Receive, octets: int) -> None:
        self._receive = receive
        self._left = octets

    async def __call__(self) -> Message:
        message = await self._receive()
        self._left -= len(message.get("body", b""))
        # The rest of an oversized body is never read: the client is gone for us.
        return message if self._left >= 0 else {"type": "http.disconnect"}


def web_middleware(settings: IdpSettings) -> Sequence[Middleware]:
    """Return the middleware of the provider's origin, outermost first."""
    origins = (settings.issuer, settings.mtls_origin)
    hosts = frozenset(urlsplit(each).netloc.lower() for each in origins if each)
    return (
        Middleware(SecurityHeaders, secure=settings.is_secure),
        Middleware(HostCheck, hosts=hosts),
        Middleware(BodyLimit),
    )
