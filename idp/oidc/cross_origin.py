"""Apps in a browser: which pages of other origins may read our answers (CORS).

The origins are those of the redirect URIs that public parties registered, exactly:
whoever receives the codes of an origin may also exchange them from there. Cookies
never count at these endpoints, so credentials are not allowed. There is none of this
at /authorize (FAPI 2.0 Security Profile, 5.3.2.2).
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from idp.domain.relying_parties import FRESH_MILLIS
from idp.oidc.context import services_of
from idp.services import Services
from idp.storage.columns import to_millis

Endpoint = Callable[[Request], Awaitable[Response]]
NO_CONTENT = 204
VARY = {"Vary": "Origin"}
EXPOSED = {"Access-Control-Expose-Headers": "DPoP-Nonce, WWW-Authenticate"}
PREFLIGHT: Mapping[str, str] = {
    "Access-Control-Allow-Methods": "GET, POST",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, DPoP",
    "Access-Control-Max-Age": "600",
}


@dataclass(slots=True)
class CrossOrigin:
    """Wraps the endpoints that apps in a browser call."""

    _known: frozenset[str] = frozenset()
    _read_at: int | None = field(default=None)

    def opened(self, endpoint: Endpoint) -> Endpoint:
        """Return the endpoint, readable from registered origins."""

        async def answer(request: Request) -> Response:
            origin = request.headers.get("origin")
            if request.method == "OPTIONS":
                response = Response(status_code=NO_CONTENT, headers=PREFLIGHT)
            else:
                response = await endpoint(request)
            if origin is not None:
                services = services_of(request)
                await self._allow(services, origin, response)
            return response

        return answer

    async def _allow(self, services: Services, origin: str, response: Response) -> None:
        response.headers.update(VARY)
        if origin in await self._origins(services):
            response.headers["Access-Control-Allow-Origin"] = origin
            response.headers.update(EXPOSED)

    async def _origins(self, services: Services) -> frozenset[str]:
        """Return the allowed origins, at most a second old."""
        now = to_millis(services.clock.now())
        if self._read_at is None or not 0 <= now - self._read_at < FRESH_MILLIS:
            async with services.store.read() as tx:
                parties = await services.relying_parties.all(tx)
            self._known = frozenset(
                origin_of(uri)
                for party in parties
                if party.is_public and party.disabled_at is None
                for uri in party.redirect_uris
            )
            self._read_at = now
        return self._known


def origin_of(uri: str) -> str:
    """Return the origin of a registered address (RFC 6454, 6.2). Pure."""
    parts = urlsplit(uri)
    return f"{parts.scheme}://{parts.netloc}".lower()
