"""What stands around every answer: services, security headers, a fresh nonce. ASGI."""

from dataclasses import dataclass
from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from idp.services import Services
from mobile_api.services import MobileServices

CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self';"
    " img-src 'self' blob: data:; font-src 'self'; connect-src 'self';"
    " media-src 'self' blob:; worker-src 'self'; manifest-src 'self';"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS: Final = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Permissions-Policy": (
        "camera=(self), publickey-credentials-get=(self),"
        " publickey-credentials-create=(self), microphone=(), geolocation=()"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
STRICT_TRANSPORT: Final = "max-age=63072000; includeSubDomains"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Wraps the application; answers of the API also get a nonce and `no-store`."""

    app: ASGIApp
    services: Services
    mobile: MobileServices

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        state = {"services": self.services, "mobile": self.mobile}
        scope["state"] = {**scope.get("state", {}), **state}

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                await self._add(MutableHeaders(scope=message))
            await send(message)

        await self.app(scope, receive, send_with_headers)

    async def _add(self, headers: MutableHeaders) -> None:
        for name, value in HEADERS.items():
            headers.setdefault(name, value)
        if self.services.settings.app_origin.startswith("https://"):
            headers.setdefault("Strict-Transport-Security", STRICT_TRANSPORT)
        if "etag" not in headers:  # only the app's own files have one
            headers.setdefault("Cache-Control", "no-store")
            headers["Proof-Nonce"] = await self.services.request_proofs.new_nonce()
