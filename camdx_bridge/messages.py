"""X-Road REST messages, and the bytes that X-Road signs and hashes.

The canonical bytes are `VERB CRLF path[?query] CRLF (Name:value CRLF)*` for a request
and `200 CRLF OK CRLF (Name:value CRLF)*` for a response: no space after the colon, no
HTTP version, UTF-8, headers in their order, no blank line at the end.
"""

import base64
import hashlib
import re
from dataclasses import dataclass

from camdx_bridge.errors import MessageInvalid
from camdx_bridge.identifiers import ClientId, SecurityServerId, ServiceId

Headers = tuple[tuple[str, str], ...]

CLIENT = "X-Road-Client"
SERVICE = "X-Road-Service"
MESSAGE_ID = "X-Road-Id"
REQUEST_ID = "X-Road-Request-Id"
REQUEST_HASH = "X-Road-Request-Hash"
ERROR = "X-Road-Error"
USER_ID = "X-Road-UserId"
ISSUE = "X-Road-Issue"
SECURITY_SERVER = "X-Road-Security-Server"

METHODS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
NEVER_FORWARDED = frozenset(
    {
        "connection",
        "content-length",
        "expect",
        "host",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "server",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "user-agent",
    }
)
_SET_BY_SERVERS = frozenset({REQUEST_ID.lower(), REQUEST_HASH.lower(), ERROR.lower()})
_FROM_FIELDS = frozenset(
    name.lower() for name in (CLIENT, MESSAGE_ID, USER_ID, ISSUE, SECURITY_SERVER)
)
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_LINE_END = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_SENDABLE = re.compile(r"[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?")
_PATH = re.compile(r"(/[A-Za-z0-9\-._~!$&'()*+,;=:@%]*)*")
# Dot segments would be folded away on the way, and a service code with them.
_DOTS = re.compile(r"/(\.|%2e){1,2}(/|$)", re.IGNORECASE)
_QUERY = re.compile(r"[A-Za-z0-9\-._~!$&'()*+,;=:@%/?]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A REST call of `client` to `service`; `headers` are those beside X-Road's own.

    `path` begins with `/` or is empty, `query` has no `?`; both are percent-encoded
    already. An empty body cannot be told from none on HTTP: pass None.
    """

    client: ClientId
    service: ServiceId
    message_id: str
    method: str = "GET"
    path: str = ""
    query: str | None = None
    headers: Headers = ()
    body: bytes | None = None
    user_id: str | None = None
    issue: str | None = None
    security_server: SecurityServerId | None = None

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise MessageInvalid("no such method")
        if not _PATH.fullmatch(self.path) or _DOTS.search(self.path):
            raise MessageInvalid("not a path")
        if self.query is not None and not _QUERY.fullmatch(self.query):
            raise MessageInvalid("not a query")
        if self.body == b"":
            raise MessageInvalid("an empty body cannot be told from none")
        for name, value in self.all_headers:
            _check_sendable(name, value)
        # X-Road reads the last of a repeated header: none may speak for another.
        if any(name.lower() in _FROM_FIELDS for name, _ in self.headers):
            raise MessageInvalid("an X-Road header that a field of Request sets")

    @property
    def target(self) -> str:
        """The path and query on a security server (PR-REST §4.1)."""
        query = "" if self.query is None else f"?{self.query}"
        return f"/r1/{self.service}{self.path}{query}"

    @property
    def all_headers(self) -> Headers:
        """The headers to send, X-Road's own first, in the order to keep."""
        server = self.security_server
        own: tuple[tuple[str, str | None], ...] = (
            (CLIENT, str(self.client)),
            (MESSAGE_ID, self.message_id),
            (USER_ID, self.user_id),
            (ISSUE, self.issue),
            (SECURITY_SERVER, None if server is None else str(server)),
        )
        return tuple((n, v) for n, v in own if v is not None) + self.headers


@dataclass(frozen=True, slots=True)
class Response:
    """An HTTP answer as it arrived: whole body, headers in their order."""

    status: int
    headers: Headers
    body: bytes

    def header(self, name: str) -> str | None:
        """Return the value of a header; the last counts when it is repeated."""
        wanted = name.lower()
        found = [v for n, v in self.headers if n.lower() == wanted]
        return found[-1] if found else None


@dataclass(frozen=True, slots=True)
class CanonicalRequest:
    """The first part of a REST request as X-Road signs it."""

    method: str
    target: str
    headers: Headers

    def __bytes__(self) -> bytes:
        return _canonical(self.method, self.target, self.headers)

    @classmethod
    def parse(cls, message: bytes) -> "CanonicalRequest":
        """Read canonical bytes; MessageInvalid when they are none."""
        method, target, headers = _read(message)
        if method not in METHODS or not target.startswith("/"):
            raise MessageInvalid("not a canonical request")
        return cls(method, target, headers)


@dataclass(frozen=True, slots=True)
class CanonicalResponse:
    """The first part of a REST response as X-Road signs it."""

    status: int
    reason: str
    headers: Headers

    def __bytes__(self) -> bytes:
        return _canonical(str(self.status), self.reason, self.headers)

    @classmethod
    def parse(cls, message: bytes) -> "CanonicalResponse":
        """Read canonical bytes; MessageInvalid when they are none."""
        status, reason, headers = _read(message)
        if not re.fullmatch("[1-9][0-9]{2}", status):
            raise MessageInvalid("not a canonical response")
        return cls(int(status), reason, headers)


def request_hash(message: bytes, body: bytes | None) -> str:
    """Return the X-Road-Request-Hash of canonical request bytes and a body.

    Base64 of SHA-512; an empty body (b"") and no body (None) differ.
    """
    digest = hashlib.sha512(message).digest()
    if body is not None:
        digest = hashlib.sha512(digest + hashlib.sha512(body).digest()).digest()
    return base64.b64encode(digest).decode()


def forwarded_request(request: Request, request_id: str) -> CanonicalRequest:
    """Return what our security server signs for a request it numbered so.

    It drops the headers of the hop and puts its own X-Road-Request-Id last.
    """
    return as_forwarded(request.method, request.target, request.all_headers, request_id)


def as_forwarded(
    method: str, target: str, headers: Headers, request_id: str
) -> CanonicalRequest:
    """Return the canonical request of HTTP facts as a security server received them.

    X-Road writes its own header names in lower case.
    """
    dropped = NEVER_FORWARDED | {REQUEST_ID.lower(), REQUEST_HASH.lower()}
    kept = tuple((n, v) for n, v in headers if n.lower() not in dropped)
    return CanonicalRequest(method, target, (*kept, (REQUEST_ID.lower(), request_id)))


def _check_sendable(name: str, value: str) -> None:
    _check_name(name)
    if name.lower() in _SET_BY_SERVERS:
        raise MessageInvalid(f"{name} is set by security servers")
    if not _SENDABLE.fullmatch(value):
        raise MessageInvalid(f"the value of {name} cannot be sent")


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise MessageInvalid("not a header name")
    if name.lower() in NEVER_FORWARDED:
        raise MessageInvalid(f"{name} is never forwarded")


def _canonical(first: str, second: str, headers: Headers) -> bytes:
    lines = [first, second, *(f"{name}:{value}" for name, value in headers)]
    for name, _ in headers:
        _check_name(name)
    if any(_LINE_END.search(line) for line in lines):
        raise MessageInvalid("a line holds a control character")
    try:
        return "".join(f"{line}\r\n" for line in lines).encode()
    except UnicodeError:
        raise MessageInvalid("not text") from None


def _read(message: bytes) -> tuple[str, str, Headers]:
    try:
        first, second, *lines, end = message.decode().split("\r\n")
    except ValueError:
        raise MessageInvalid("not canonical message bytes") from None
    if end or any(_LINE_END.search(line) for line in (first, second, *lines)):
        raise MessageInvalid("not canonical message bytes")
    return first, second, tuple(_header(line) for line in lines)


def _header(line: str) -> tuple[str, str]:
    name, colon, value = line.partition(":")
    if not colon:
        raise MessageInvalid("a header without a colon")
    _check_name(name)
    return name, value
