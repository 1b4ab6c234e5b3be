"""Faults the simulator plays on command, each a way in which a call really fails."""

import asyncio
import socket
import struct
from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum

from starlette.types import Receive, Send

_DRIP_S = 0.05
_JSON = (b"content-type", b"application/json")


class FaultKind(StrEnum):
    """What goes wrong with the next calls."""

    NONE = "none"
    TIME_OUT = "time-out"
    SLOW_DRIP = "slow-drip"
    SERVER_FAULT = "server-fault"  # 500 with X-Road-Error: a security server failed
    SYSTEM_ERROR = "system-error"  # 500 without: the register failed
    BROKEN_JSON = "broken-json"
    FOREIGN_ID = "foreign-id"
    FOREIGN_HASH = "foreign-hash"
    TOO_LARGE = "too-large"
    REDIRECT = "redirect"
    RESET = "reset"


@dataclass(slots=True)
class Script:
    """The fault for the next `left` calls, and what has happened so far."""

    kind: FaultKind = FaultKind.NONE
    left: int = 0
    counts: Counter[str] = field(default_factory=Counter)

    def set(self, kind: FaultKind, count: int) -> None:
        """Play a fault for so many calls."""
        self.kind, self.left = kind, count

    def next(self) -> FaultKind:
        """Return the fault for this call, and count it."""
        if self.left == 0:
            return FaultKind.NONE
        self.left -= 1
        self.counts[f"fault:{self.kind}"] += 1
        return self.kind


async def never_answer(receive: Receive) -> None:
    """Wait until the caller has gone."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def drip(receive: Receive, send: Send) -> None:
    """Send a byte at a time, always in time and never done."""
    gone = asyncio.ensure_future(never_answer(receive))
    await send({"type": "http.response.start", "status": 200, "headers": [_JSON]})
    while not gone.done():
        piece = {"type": "http.response.body", "body": b" ", "more_body": True}
        await send(piece)
        await asyncio.wait({gone}, timeout=_DRIP_S)


def reset(connection: asyncio.Transport) -> None:
    """Break a connection with a TCP reset."""
    sock = connection.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.abort()
