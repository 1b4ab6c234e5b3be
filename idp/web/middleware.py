"""What every answer of the provider carries, and what is refused at the door.

Plain ASGI, so that streams stay streams, and one step of it for every request:

    only our own name is answered (no cache or link poisoning)
    nothing here needs a large body
    the strictest answer headers, where the endpoint set none
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from idp.settings import IdpSettings

RawHeaders = Sequence[tuple[bytes, bytes]]
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


def default_headers(*, secure: bool) -> RawHeaders:
    """Return what an answer carries that did not choose for itself."""
    strict = {"strict-transport-security": f"max-age={YEAR}; includeSubDomains"}
    chosen = {**DEFAULTS, **(strict if secure else {})}
    return tuple((name.encode(), value.encode()) for name, value in chosen.items())


@dataclass(frozen=True, slots=True)
class Door:
    """Stands before the application: what may come in, and what goes out with it.

    `hosts` are the names that are ours, in lower case.
    """

    app: ASGIApp
    hosts: frozenset[bytes]
    headers: RawHeaders = field(default=default_headers(secure=True))
    largest_body: int = LARGEST_BODY

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on or refuse it, and complete the answer's headers."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def complete(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = self._completed(message.get("headers", ()))
            await send(message)

        refusal = self._refusal(scope["headers"])
        app, meter = refusal or self.app, _Meter(receive, self.largest_body)
        await app(scope, meter, complete)

    def _refusal(self, headers: Iterable[tuple[bytes, bytes]]) -> Response | None:
        """Return why the request stays outside, if it does (RFC 9110, 7.4)."""
        named = []
        for name, value in headers:
            if name == b"host":
                named.append(value.lower())
            elif name == b"content-length" and not self._is_small(value):
                return PlainTextResponse("too large\n", 413)
        if len(named) == 1 and named[0] in self.hosts:
            return None
        return PlainTextResponse("misdirected request\n", 421)

    def _is_small(self, said: bytes) -> bool:
        return said.isdigit() and int(said[:12]) <= self.largest_body

    def _completed(self, headers: RawHeaders) -> RawHeaders:
        chosen = {name for name, _ in headers}
        return [*headers, *(each for each in self.headers if each[0] not in chosen)]


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
    """Return the middleware of the provider's origin."""
    origins = (settings.issuer, settings.mtls_origin)
    names = (urlsplit(each).netloc.lower() for each in origins if each)
    return (
        Middleware(
            Door,
            hosts=frozenset(name.encode() for name in names),
            headers=default_headers(secure=settings.is_secure),
        ),
    )
