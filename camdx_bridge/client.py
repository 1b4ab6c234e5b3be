"""The consumer of services: asks, and reads only the answer to its own question."""

import json
import re
import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from uuid import UUID

import anyio

from camdx_bridge.circuit_breaker import CircuitBreaker
from camdx_bridge.errors import (
    AnswerForeign,
    Fault,
    IdentifierInvalid,
    ServiceFailed,
    Unreachable,
    fault_of,
)
from camdx_bridge.identifiers import ClientId, SecurityServerId, ServiceId
from camdx_bridge.messages import (
    CLIENT,
    ERROR,
    MESSAGE_ID,
    REQUEST_HASH,
    REQUEST_ID,
    SAFE_METHODS,
    SERVICE,
    CanonicalRequest,
    Headers,
    Request,
    Response,
    forwarded_request,
    request_hash,
)
from camdx_bridge.transport import Transport

_UNPRINTABLE = re.compile(r"[^\x20-\x7e]")
_LONGEST_TEXT = 200


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer of the service to our question, with a status from 200 to 299.

    `is_hash_checked`: the servers' request hash was there and covers what we sent.
    """

    message_id: str
    response: Response = field(repr=False)
    is_hash_checked: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class BridgeClient:
    """Calls services in the name of one subsystem, through one security server.

    Only a safe call is repeated, up to `attempts` times and only when the connection
    broke. Each service has its own circuit breaker: `failures` temporary errors in a
    row leave it alone for `open_for_s` seconds of `clock`.
    """

    transport: Transport
    client: ClientId
    attempts: int = 2
    pause_s: float = 0.2
    failures: int = 5
    open_for_s: float = 30.0
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = anyio.sleep
    _breakers: dict[ServiceId, CircuitBreaker] = field(
        default_factory=dict, init=False, repr=False
    )

    def breaker(self, service: ServiceId) -> CircuitBreaker:
        """Return the circuit breaker of a service."""
        if service not in self._breakers:
            self._breakers[service] = CircuitBreaker(
                failures=self.failures, open_for_s=self.open_for_s, clock=self.clock
            )
        return self._breakers[service]

    async def call(
        self,
        service: ServiceId,
        *,
        method: str = "GET",
        path: str = "",
        query: str | None = None,
        headers: Headers = (),
        body: bytes | None = None,
        message_id: str | None = None,
        user_id: str | None = None,
        issue: str | None = None,
        security_server: SecurityServerId | None = None,
        is_safe: bool | None = None,
    ) -> Answer:
        """Ask a service and return its checked answer, or raise a BridgeError.

        `is_safe` None follows the method (RFC 9110 §9.2.1): set it when a POST only
        asks. A repeated question keeps its message id.
        """
        request = Request(
            client=self.client,
            service=service,
            message_id=message_id or new_message_id(self.client.instance),
            method=method,
            path=path,
            query=query,
            headers=headers,
            body=body,
            user_id=user_id,
            issue=issue,
            security_server=security_server,
        )
        safe = method in SAFE_METHODS if is_safe is None else is_safe
        with self.breaker(service).watch():
            response = await self._send(request, self.attempts if safe else 1)
            return read_answer(request, response)

    async def _send(self, request: Request, attempts: int) -> Response:
        for _ in range(attempts - 1):
            try:
                return await self.transport.send(request)
            except Unreachable:
                await self.sleep(self.pause_s)
        return await self.transport.send(request)


def new_message_id(instance: str) -> str:
    """Return a fresh X-Road-Id as X-Road makes them: the instance and a UUID."""
    return f"{instance}-{UUID(bytes=secrets.token_bytes(16), version=4)}"


def read_answer(request: Request, response: Response) -> Answer:
    """Return the answer if it is one to this request, or raise a BridgeError.

    The order is the rule: a fault of a security server may lack every other header;
    an answer to another question is not read at all, not even its status.
    """
    if response.header(ERROR) is not None:
        raise _fault_in(request, response)
    _require_same_question(request, response)
    is_checked = _require_same_hash(request, response)
    if not 200 <= response.status < 300:  # noqa: PLR2004 - success, by RFC 9110 §15
        raise ServiceFailed(response.status, message_id=request.message_id)
    return Answer(request.message_id, response, is_checked)


def _fault_in(request: Request, response: Response) -> Fault:
    said = _error_body(response.body)
    return fault_of(
        code=_printable(response.header(ERROR)),
        detail=_printable(said.get("detail")),
        fault_message=_printable(said.get("message")),
        message_id=request.message_id,
    )


def _error_body(body: bytes) -> dict[str, object]:
    """Read `{"type","message","detail"}`; an error in another form says nothing."""
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def _printable(value: object) -> str:
    """Keep what a log may show on one line."""
    return _UNPRINTABLE.sub("", str(value or ""))[:_LONGEST_TEXT]


def _require_same_question(request: Request, response: Response) -> None:
    if response.header(MESSAGE_ID) != request.message_id:
        # Without any id it is no security server that speaks, but a proxy before it.
        raise AnswerForeign(
            f"status {response.status} with another {MESSAGE_ID} or none",
            message_id=request.message_id,
        )
    try:
        client, service = response.header(CLIENT), response.header(SERVICE)
        same = (client is None or ClientId.parse(client) == request.client) and (
            service is None or ServiceId.parse(service) == request.service
        )
    except IdentifierInvalid:
        same = False
    if not same:
        raise AnswerForeign(
            "it names another client or service", message_id=request.message_id
        )


def _require_same_hash(request: Request, response: Response) -> bool:
    """Compare the request hash when it is there and can be computed.

    X-Road's web server may write names in its own case; so the names count in our
    spelling or in lower case. Values and order must be ours.
    """
    given, request_id = response.header(REQUEST_HASH), response.header(REQUEST_ID)
    if given is None or not request_id:
        return False
    ours = forwarded_request(request, request_id)
    for message in _spellings(ours):
        if request_hash(bytes(message), request.body) == given:
            return True
    raise AnswerForeign(
        "the request hash is of another message", message_id=request.message_id
    )


def _spellings(ours: CanonicalRequest) -> tuple[CanonicalRequest, ...]:
    lower = tuple((name.lower(), value) for name, value in ours.headers)
    return ours, CanonicalRequest(ours.method, ours.target, lower)
