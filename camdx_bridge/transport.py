"""The way to our security server: one method, bounded in size and in time.

The whole exchange has one deadline: a server that drips a byte now and then is cut
off like a silent one. Redirects are never followed (X-Road has none).
"""

import ssl
import warnings
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

import anyio
import httpx2

from camdx_bridge.errors import (
    AnswerMalformed,
    AnswerTooLarge,
    Misuse,
    TimedOut,
    Unreachable,
)
from camdx_bridge.messages import Headers, Request, Response

TIMEOUT_S = 10.0
CONNECT_S = 3.0
MAX_BYTES = 1024 * 1024


class Transport(Protocol):
    """The only thing that touches the wire."""

    async def send(self, request: Request) -> Response:
        """Send one message once; BridgeError when no whole answer came."""


class PlainHttpWarning(UserWarning):
    """Messages travel unprotected between us and our security server."""


@dataclass(frozen=True, slots=True)
class PlainHttp:
    """Connection type HTTP: for loopback; loud anywhere else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerTls:
    """Connection type HTTPS NOAUTH: only the security server shows a certificate.

    `server_certificate` is a PEM file with its certificate or CA; None trusts the
    system's CAs. A security server's own certificate often names no host: pin it
    and set `check_hostname` to False, which is refused without a pin.
    """

    server_certificate: Path | None = None
    check_hostname: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class MutualTls(ServerTls):
    """Connection type HTTPS, X-Road's default: we show a certificate too.

    `certificate` must be on our subsystem's list at the security server.
    """

    certificate: Path
    key: Path
    key_password: str | None = field(default=None, repr=False)


Connection = PlainHttp | ServerTls | MutualTls


class HttpTransport:
    """Sends messages to one security server over HTTP/1.1 with kept connections.

    `address` is scheme, host and port; `timeout_s` bounds the whole exchange and
    `max_bytes` the body that comes back. Misuse when the settings do not agree.
    """

    def __init__(
        self,
        address: str,
        connection: Connection,
        *,
        timeout_s: float = TIMEOUT_S,
        max_bytes: int = MAX_BYTES,
    ) -> None:
        self._address = _address(address, connection)
        self._timeout_s = timeout_s
        self._max_bytes = max_bytes
        self._http = httpx2.AsyncClient(
            verify=_context(connection),
            timeout=httpx2.Timeout(timeout_s, connect=min(CONNECT_S, timeout_s)),
            follow_redirects=False,
            trust_env=False,
        )

    async def send(self, request: Request) -> Response:
        """Send one message once; see Transport."""
        try:
            with anyio.fail_after(self._timeout_s):
                return await self._exchange(request)
        except httpx2.ConnectTimeout:
            raise Unreachable(
                "no connection in time", message_id=request.message_id
            ) from None
        except (TimeoutError, httpx2.TimeoutException):
            raise TimedOut(
                f"no whole answer in {self._timeout_s} s", message_id=request.message_id
            ) from None
        except httpx2.HTTPError as error:
            raise Unreachable(
                type(error).__name__, message_id=request.message_id
            ) from error

    async def _exchange(self, request: Request) -> Response:
        # Built by hand so that no default header is added: the request hash covers
        # exactly the headers of the message.
        outgoing = httpx2.Request(
            request.method,
            f"{self._address}{request.target}",
            headers=list(request.all_headers),
            content=request.body,
        )
        answer = await self._http.send(outgoing, stream=True)
        try:
            body = await self._body(answer, request.message_id)
            return Response(answer.status_code, _headers(answer), body)
        finally:
            await answer.aclose()

    async def _body(self, answer: httpx2.Response, message_id: str) -> bytes:
        # A compressed body could grow without bound; we never ask for one.
        if answer.headers.get("content-encoding", "identity") != "identity":
            raise AnswerMalformed("a compressed answer", message_id=message_id)
        body = bytearray()
        async for piece in answer.aiter_raw():
            body += piece
            if len(body) > self._max_bytes:
                raise AnswerTooLarge(
                    f"more than {self._max_bytes} bytes", message_id=message_id
                )
        return bytes(body)

    async def aclose(self) -> None:
        """Close the kept connections."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()


def is_loopback(host: str) -> bool:
    """Say whether a host can only be this very machine."""
    try:
        return host == "localhost" or ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _headers(answer: httpx2.Response) -> Headers:
    return tuple(
        (name.decode("latin-1"), value.decode("latin-1"))
        for name, value in answer.headers.raw
    )


def _address(text: str, connection: Connection) -> str:
    try:
        url = httpx2.URL(text.rstrip("/"))
    except httpx2.InvalidURL:
        raise Misuse("the security server's address is no URL") from None
    scheme = "http" if isinstance(connection, PlainHttp) else "https"
    plain = url.path in {"", "/"} and not (url.query or url.fragment or url.userinfo)
    if url.scheme != scheme or not url.host or not plain:
        raise Misuse(f"the security server's address is {scheme}://host[:port]")
    if scheme == "http" and not is_loopback(url.host):
        warnings.warn(
            f"PLAIN HTTP to the security server {url.host}: personal data travel "
            "unprotected, and anyone on the way can answer. Use MutualTls.",
            PlainHttpWarning,
            stacklevel=4,
        )
    return f"{scheme}://{url.netloc.decode('ascii')}"


def _context(connection: Connection) -> ssl.SSLContext | bool:
    if isinstance(connection, PlainHttp):
        return False
    if not connection.check_hostname and connection.server_certificate is None:
        raise Misuse("the host name may go unchecked only under a pinned certificate")
    try:
        context = ssl.create_default_context(cafile=connection.server_certificate)
        if isinstance(connection, MutualTls):
            password = connection.key_password
            context.load_cert_chain(connection.certificate, connection.key, password)
    except (OSError, ssl.SSLError) as error:
        raise Misuse("a certificate or key cannot be read") from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.check_hostname = connection.check_hostname
    return context
