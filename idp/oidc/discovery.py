"""The metadata and the public keys, as prebuilt answers with an ETag.

`/.well-known/oauth-authorization-server` (RFC 8414) says the same as
`/.well-known/openid-configuration` (Discovery 1.0, 4): one truth, two doors. Everyone
asks for them all the time, so `Shortcut` answers before any route is looked for.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from idp.oidc.context import services_of
from idp.oidc.provider_metadata import metadata
from idp.services import Services

MAX_AGE = 300
METADATA_PATHS = (
    "/.well-known/openid-configuration",
    "/.well-known/oauth-authorization-server",
)
JWKS_PATH = "/jwks"


class Document(Response):
    """JSON that was built once; 304 for whoever has it."""

    def __init__(self, value: Mapping[str, Any]) -> None:
        """Build it."""
        body = orjson.dumps(value)
        etag = f'"{sha256(body).hexdigest()[:32]}"'
        headers = {
            "ETag": etag,
            "Cache-Control": f"public, max-age={MAX_AGE}",
            "Access-Control-Allow-Origin": "*",
        }
        super().__init__(body, media_type="application/json", headers=headers)
        self._known = Response(status_code=304, headers=headers)
        self._condition = (b"if-none-match", etag.encode())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer."""
        if self._condition in scope["headers"]:
            await self._known(scope, receive, send)
            return
        await super().__call__(scope, receive, send)


@dataclass(slots=True)
class DiscoveryEndpoint:
    """The two well-known documents and `/jwks`."""

    _metadata: dict[str, Document] = field(default_factory=dict)
    _published: tuple[tuple[Mapping[str, str], ...], Document] | None = None

    async def configuration(self, request: Request) -> Response:
        """Answer the metadata."""
        return await self.metadata_of(services_of(request))

    async def jwks(self, request: Request) -> Response:
        """Answer the public keys."""
        return await self.keys_of(services_of(request))

    async def metadata_of(self, services: Services) -> Document:
        """Return the metadata."""
        settings = services.settings
        if settings.issuer not in self._metadata:
            self._metadata[settings.issuer] = Document(metadata(settings))
        return self._metadata[settings.issuer]

    async def keys_of(self, services: Services) -> Document:
        """Return the public keys; built again only when the set was read again."""
        keys = await services.keys.published()
        if self._published is None or self._published[0] is not keys:
            self._published = (keys, Document({"keys": keys}))
        return self._published[1]


@dataclass(frozen=True, slots=True)
class Shortcut:
    """Answers `GET` of the documents; everything else goes on to the routes."""

    app: ASGIApp
    endpoint: DiscoveryEndpoint = field(default_factory=DiscoveryEndpoint)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer or pass on."""
        document = self._document(scope)
        if document is None:
            await self.app(scope, receive, send)
            return
        answer = await document(scope["state"]["services"])
        await answer(scope, receive, send)

    def _document(
        self, scope: Scope
    ) -> Callable[[Services], Awaitable[Document]] | None:
        if scope["type"] != "http" or scope["method"] != "GET":
            return None
        if scope["path"] in METADATA_PATHS:
            return self.endpoint.metadata_of
        return self.endpoint.keys_of if scope["path"] == JWKS_PATH else None
