"""HTTP to the services of trust: one deadline, a largest answer, no redirects.

Everything fetched here is signed by somebody whom the configuration names, so plain
HTTP is as good as any (X-Road's own services speak it); what arrives is never believed
for where it came from.
"""

from dataclasses import dataclass
from typing import Protocol, Self

import anyio
import httpx2

from camdx_bridge.errors import SourceFailed

TIMEOUT_S = 10.0
CONNECT_S = 3.0
MAX_BYTES = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Answered:
    """A whole answer: its status, its type and its body."""

    status: int
    content_type: str
    body: bytes

    @property
    def as_part(self) -> bytes:
        """The body after its Content-Type, as a MIME reader wants it."""
        return f"Content-Type: {self.content_type}\r\n\r\n".encode() + self.body


class Fetcher(Protocol):
    """The only thing here that touches the wire."""

    async def fetch(
        self, url: str, *, body: bytes | None = None, content_type: str = ""
    ) -> Answered:
        """GET, or POST a body; SourceFailed when no whole answer came."""


class HttpFetcher:
    """Fetches over HTTP/1.1 with kept connections; close it, or use it as a context."""

    def __init__(
        self, *, timeout_s: float = TIMEOUT_S, max_bytes: int = MAX_BYTES
    ) -> None:
        self._timeout_s = timeout_s
        self._max_bytes = max_bytes
        self._http = httpx2.AsyncClient(
            timeout=httpx2.Timeout(timeout_s, connect=min(CONNECT_S, timeout_s)),
            follow_redirects=False,
            trust_env=False,
        )

    async def fetch(
        self, url: str, *, body: bytes | None = None, content_type: str = ""
    ) -> Answered:
        """GET, or POST a body; see Fetcher."""
        method = "GET" if body is None else "POST"
        headers = {"Content-Type": content_type} if content_type else {}
        try:
            request = self._http.build_request(
                method, url, headers=headers, content=body
            )
            with anyio.fail_after(self._timeout_s):
                return await self._exchange(request)
        except (TimeoutError, httpx2.TimeoutException):
            raise SourceFailed("no whole answer in time") from None
        except (httpx2.HTTPError, httpx2.InvalidURL, ValueError) as error:
            raise SourceFailed(type(error).__name__) from None

    async def _exchange(self, request: httpx2.Request) -> Answered:
        answer = await self._http.send(request, stream=True)
        try:
            if answer.headers.get("content-encoding", "identity") != "identity":
                raise SourceFailed("a compressed answer")
            body = bytearray()
            async for piece in answer.aiter_raw():
                body += piece
                if len(body) > self._max_bytes:
                    raise SourceFailed(f"more than {self._max_bytes} bytes")
            kind = answer.headers.get("content-type", "")
            return Answered(answer.status_code, kind, bytes(body))
        finally:
            await answer.aclose()

    async def aclose(self) -> None:
        """Close the kept connections."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()
