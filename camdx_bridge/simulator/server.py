"""The simulator as a web application: a security server with a register behind it.

POST /r1/{identity}/{service}/…info         the public KYC question, X-Road headers
POST /r1/{identity}/{service}/…info-face    the same with a living face
     /control/…                        see control.py

Every answer says in X-Simulator that it is none of CamDX.
"""

import json
import uuid
from asyncio import Transport
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from camdx_bridge.errors import IdentifierInvalid
from camdx_bridge.identifiers import ClientId, ServiceId
from camdx_bridge.messages import (
    CLIENT,
    ERROR,
    MESSAGE_ID,
    REQUEST_HASH,
    REQUEST_ID,
    SERVICE,
    as_forwarded,
    request_hash,
)
from camdx_bridge.national_id import FACE_MEMBER, LARGEST_FACE, WIRE_NAMES
from camdx_bridge.simulator.control import TooLarge, control, read_body
from camdx_bridge.simulator.faults import FaultKind, Script, drip, never_answer, reset
from camdx_bridge.simulator.registry import Citizen, compare

SAYS_SO = "X-Simulator"
LARGEST_QUESTION = 2 * LARGEST_FACE


class Refused(Exception):
    """A fault to answer with: HTTP status and X-Road fault code."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status = status
        self.code = code


@dataclass(slots=True, kw_only=True)
class Simulator:
    """An ASGI application; `connections` maps peer addresses to their sockets."""

    registry: dict[str, Citizen]
    identity: ClientId
    clients: Collection[ClientId]
    script: Script = field(default_factory=Script)
    connections: dict[tuple[str, int], Transport] = field(default_factory=dict)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request, or fail as the script says."""
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        if scope["path"].startswith("/control/"):
            response = await control(request, self.script, self.registry)
        elif (fault := self._begin()) in _WIRE_FAULTS:
            await self._break(fault, scope, receive, send)
            return
        else:
            response = await self._answer(request, fault)
        response.headers[SAYS_SO] = "not CamDX"
        await response(scope, receive, send)

    def _begin(self) -> FaultKind:
        self.script.counts["received"] += 1
        return self.script.next()

    async def _break(
        self, fault: FaultKind, scope: Scope, receive: Receive, send: Send
    ) -> None:
        if fault is FaultKind.TIME_OUT:
            await never_answer(receive)
        elif fault is FaultKind.SLOW_DRIP:
            await drip(receive, send)
        else:
            reset(self._connection(scope))
            await never_answer(receive)

    def _connection(self, scope: Scope) -> Transport:
        """Return the socket behind a call; there is none when called in process."""
        connection = self.connections.get(tuple(scope["client"] or ()))
        if connection is None:
            raise ConnectionResetError("simulated")
        return connection

    async def _answer(self, request: Request, fault: FaultKind) -> Response:
        try:
            if fault is FaultKind.SERVER_FAULT:
                raise Refused(500, "Server.ServerProxy.NetworkError")  # noqa: TRY301
            client, service = self._parties(request)
            body = await _body_of(request)
        except Refused as refused:
            self.script.counts["refused"] += 1
            return _fault(refused)
        response = _played(fault) or self._register(request, body)
        self.script.counts["answered"] += 1
        _stamp(response, request, body, client, service)
        if fault is FaultKind.FOREIGN_ID:
            response.headers[MESSAGE_ID] = f"{self.identity.instance}-{uuid.uuid4()}"
        if fault is FaultKind.FOREIGN_HASH:
            response.headers[REQUEST_HASH] = request_hash(b"", None)
        return response

    def _parties(self, request: Request) -> tuple[ClientId, ServiceId]:
        raw: bytes = request.scope["raw_path"]
        parts = raw.decode("latin-1").split("/", 7)
        try:
            service = ServiceId.parse("/".join(parts[2:7]))
            client = ClientId.parse(request.headers.getlist(CLIENT)[-1])
        except (IdentifierInvalid, IndexError):
            raise Refused(400, "Client.BadRequest") from None
        if parts[1] != "r1" or not request.headers.get(MESSAGE_ID):
            raise Refused(400, "Client.BadRequest")
        if service.provider != self.identity:
            raise Refused(500, "Server.ClientProxy.UnknownMember")
        if client not in self.clients:
            raise Refused(500, "Server.ServerProxy.AccessDenied")
        return client, service

    def _register(self, request: Request, body: bytes) -> Response:
        kind = request.url.path.rpartition("/")[2]
        if request.method != "POST" or kind not in {"info", "info-face"}:
            return JSONResponse({"message": "no such call"}, 404)
        question = _question(body, with_face=kind == "info-face")
        if question is None:
            return JSONResponse({"error": 400, "message": "not the nine fields"})
        data = compare(self.registry, question)
        return JSONResponse({"error": 0, "message": "Successfully", "data": data})


_WIRE_FAULTS = frozenset({FaultKind.TIME_OUT, FaultKind.SLOW_DRIP, FaultKind.RESET})


def _played(fault: FaultKind) -> Response | None:
    kind = "application/json"
    match fault:
        case FaultKind.SYSTEM_ERROR:
            return JSONResponse({"message": "simulated failure"}, 500)
        case FaultKind.BROKEN_JSON:
            return Response(b'{"error": 0, "data": {', media_type=kind)
        case FaultKind.TOO_LARGE:
            return Response(b" " * (4 * 1024 * 1024), media_type=kind)
        case FaultKind.REDIRECT:
            return Response(status_code=307, headers={"Location": "/control/messages"})
        case _:
            return None


def _stamp(
    response: Response, request: Request, body: bytes, client: ClientId, to: ServiceId
) -> None:
    """Set the headers that the provider's security server sets in every response."""
    request_id = str(uuid.uuid4())
    query = request.scope["query_string"]
    target = request.scope["raw_path"] + (b"?" + query if query else b"")
    # The web server hands header names over in lower case, and so they are hashed.
    headers = tuple(
        (name.decode("latin-1"), value.decode("latin-1"))
        for name, value in request.headers.raw
    )
    message = as_forwarded(
        request.method, target.decode("latin-1"), headers, request_id
    )
    response.headers[MESSAGE_ID] = request.headers[MESSAGE_ID]
    response.headers[CLIENT] = str(client)
    response.headers[SERVICE] = str(to)
    response.headers[REQUEST_ID] = request_id
    response.headers[REQUEST_HASH] = request_hash(bytes(message), body or None)


def _fault(refused: Refused) -> Response:
    said = {
        "type": refused.code,
        "message": "simulated security server",
        "detail": str(uuid.uuid4()),
    }
    return JSONResponse(said, refused.status, headers={ERROR: refused.code})


async def _body_of(request: Request) -> bytes:
    try:
        return await read_body(request, largest=LARGEST_QUESTION)
    except TooLarge:
        raise Refused(400, "Client.InvalidRequest") from None


def _question(body: bytes, *, with_face: bool) -> dict[str, str] | None:
    members = {*WIRE_NAMES.values(), *((FACE_MEMBER,) if with_face else ())}
    try:
        question: Any = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(question, dict) or question.keys() != members:
        return None
    return question if all(isinstance(v, str) for v in question.values()) else None
