"""The hand behind the simulator: faults to play, citizens to add, counters to read.

POST /control/fault      {"kind": FaultKind, "count": n}; "none" ends it
POST /control/citizens   one entry of the register: nine fields, and perhaps face_score
GET  /control/messages   counters; no personal data
"""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from camdx_bridge.simulator.faults import FaultKind, Script
from camdx_bridge.simulator.registry import Citizen, RegistryInvalid, read_citizen
from camdx_bridge.transport import is_loopback

_LARGEST = 64 * 1024

Act = Callable[[Script, dict[str, Citizen], Any], Response]


class TooLarge(ValueError):
    """The body is larger than anything that is asked here."""


async def control(
    request: Request, script: Script, registry: dict[str, Citizen]
) -> Response:
    """Do one control request; it must come from this machine, as JSON."""
    # A page of another site may reach loopback through a browser, but not so.
    if not is_loopback(urlsplit(f"//{request.headers.get('host', '')}").hostname or ""):
        return _refuse(403, "only for this machine")
    if request.url.path == "/control/messages" and request.method == "GET":
        counts = dict(script.counts)
        return JSONResponse({"received": 0, "answered": 0, "refused": 0, **counts})
    act = _ACTS.get(request.url.path)
    if act is None or request.method != "POST":
        return _refuse(404, "no such control")
    if request.headers.get("content-type", "") != "application/json":
        return _refuse(415, "application/json only")
    try:
        return act(script, registry, json.loads(await read_body(request)))
    except (ValueError, RecursionError) as error:
        return _refuse(400, str(error) or "not JSON")


async def read_body(request: Request, *, largest: int = _LARGEST) -> bytes:
    """Return the body of a small request; TooLarge otherwise."""
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > largest:
            raise TooLarge("too large")
    return body


def _play(script: Script, _: dict[str, Citizen], wanted: Any) -> Response:
    if not isinstance(wanted, dict) or wanted.get("kind") not in list(FaultKind):
        raise ValueError(f"kind is one of {', '.join(FaultKind)}")
    kind, count = FaultKind(wanted["kind"]), wanted.get("count", 1)
    if type(count) is not int or count < 0:
        raise ValueError("count is a whole number")
    script.set(kind, 0 if kind is FaultKind.NONE else count)
    return JSONResponse({"kind": kind, "count": script.left})


def _add(_: Script, registry: dict[str, Citizen], entry: Any) -> Response:
    try:
        citizen = read_citizen(entry)
    except RegistryInvalid as error:
        return _refuse(400, str(error))
    registry[citizen.number] = citizen
    return JSONResponse({"citizens": len(registry)}, 201)


def _refuse(status: int, message: str) -> Response:
    return JSONResponse({"message": message}, status)


_ACTS: dict[str, Act] = {"/control/fault": _play, "/control/citizens": _add}
