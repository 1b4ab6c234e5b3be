"""The metadata and the public keys, as prebuilt bytes with an ETag.

`/.well-known/oauth-authorization-server` (RFC 8414) says the same as
`/.well-known/openid-configuration` (Discovery 1.0, 4): one truth, two doors.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from idp.oidc.context import services_of
from idp.oidc.provider_metadata import metadata

MAX_AGE = 300


@dataclass(frozen=True, slots=True)
class Document:
    """JSON that was built once, and its ETag."""

    body: bytes
    etag: str

    @classmethod
    def of(cls, value: Mapping[str, Any]) -> "Document":
        """Build it."""
        body = orjson.dumps(value)
        return cls(body, f'"{sha256(body).hexdigest()[:32]}"')

    def answer(self, request: Request) -> Response:
        """Answer the document, or 304 for one that the caller has."""
        headers = {
            "ETag": self.etag,
            "Cache-Control": f"public, max-age={MAX_AGE}",
            "Access-Control-Allow-Origin": "*",
        }
        if request.headers.get("if-none-match") == self.etag:
            return Response(status_code=304, headers=headers)
        return Response(self.body, media_type="application/json", headers=headers)


@dataclass(slots=True)
class DiscoveryEndpoint:
    """The two well-known documents and `/jwks`."""

    _metadata: dict[str, Document] = field(default_factory=dict)
    _keys: tuple[tuple[str, ...], Document] | None = None

    async def configuration(self, request: Request) -> Response:
        """Answer the metadata."""
        settings = services_of(request).settings
        if settings.issuer not in self._metadata:
            self._metadata[settings.issuer] = Document.of(metadata(settings))
        return self._metadata[settings.issuer].answer(request)

    async def jwks(self, request: Request) -> Response:
        """Answer the public keys; built again only when the set has changed."""
        published = await services_of(request).keys.jwks()
        kids = tuple(key["kid"] for key in published["keys"])
        if self._keys is None or self._keys[0] != kids:
            self._keys = (kids, Document.of(published))
        return self._keys[1].answer(request)
