"""How an open phone learns that it is asked something: an event stream, or a long poll.

    GET  /notices            text/event-stream:  event: challenges   data: {challenges}
    POST /notices {"seen"}   the same, as soon as it differs from `seen`, or after 25 s

Each look reads the rows again, so nothing is lost with a connection, a node or the
short-lived records; and it looks for the device again, so a revoked phone hears no
more. The message holds opaque identifiers and nothing else (login.md, 3).
"""

import asyncio
from dataclasses import dataclass
from typing import Any, Final

import orjson
from pydantic import Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from idp.domain.backchannel_requests import notices_of
from idp.domain.challenge_records import Channel, State
from idp.domain.devices import Device
from idp.errors import Exhausted, IdentityError, NotFound
from idp.services import Services
from mobile_api.authentication import live_device
from mobile_api.bodies import Body
from mobile_api.endpoints import read_empty, read_json, services_of
from mobile_api.errors import on_refusal

HEARTBEAT: Final = 15.0
LONG_POLL: Final = 25.0
STREAM_LIFE: Final = 600.0
OPENED_A_MINUTE: Final = 60
BEAT: Final = b": \n\n"
HEADERS: Final = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
]
Notice = dict[str, Any]


class SeenBody(Body):
    """The challenges that the phone knows of already."""

    seen: list[str] = Field(default_factory=list, max_length=16)


async def poll(request: Request) -> Response:
    """POST /notices: answer at the next change."""
    services = services_of(request)
    proved, body = await read_json(request, SeenBody)
    device = await _listener(services, await live_device(services, proved))
    waiting = await _next_news(services, device, set(body.seen))
    return JSONResponse({"challenges": waiting})


@dataclass(frozen=True, slots=True)
class NoticeStream:
    """`GET /notices`, a bare ASGI endpoint: watches for the phone to leave."""

    heartbeat: float = HEARTBEAT
    life: float = STREAM_LIFE

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Stream what waits for the person, until the phone leaves."""
        request = Request(scope, receive)
        services = services_of(request)
        try:
            found = await live_device(services, await read_empty(request))
            device = await _listener(services, found)
        except IdentityError as fact:
            await (await on_refusal(request, fact))(scope, receive, send)
            return
        feed = asyncio.create_task(self._feed(services, device, send))
        gone = asyncio.create_task(_left(receive))
        try:
            await asyncio.wait({feed, gone}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            gone.cancel()
            feed.cancel()
            await asyncio.gather(gone, feed, return_exceptions=True)

    async def _feed(self, services: Services, device: Device, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
        try:
            async with asyncio.timeout(self.life):
                await self._tell(services, device, send)
        except (TimeoutError, IdentityError):
            pass  # the phone asks again, and is then told why it may not
        await send({"type": "http.response.body", "body": b""})

    async def _tell(self, services: Services, device: Device, send: Send) -> None:
        told: list[Notice] | None = None
        name = notices_of(device.account_id)
        async with services.signals.waiting(name) as wait:
            while True:
                waiting = await _look(services, device)
                chunk = BEAT if waiting == told else event(waiting)
                told = waiting
                body = {"type": "http.response.body", "body": chunk}
                await send({**body, "more_body": True})
                await wait(self.heartbeat)


def event(waiting: list[Notice]) -> bytes:
    """Return one event of the stream (HTML, 9.2.5)."""
    data = orjson.dumps({"challenges": waiting})
    return b"event: challenges\ndata: %s\n\n" % data


async def _listener(services: Services, device: Device) -> Device:
    counted = await services.ephemeral.count(f"notices:{device.id}", seconds=60)
    if counted > OPENED_A_MINUTE:
        raise Exhausted("notices", retry_after=60)
    return device


async def _next_news(
    services: Services, device: Device, seen: set[str]
) -> list[Notice]:
    try:
        async with (
            asyncio.timeout(LONG_POLL),
            services.signals.waiting(notices_of(device.account_id)) as wait,
        ):
            while True:
                waiting = await _look(services, device)
                if {notice["id"] for notice in waiting} != seen:
                    return waiting
                await wait(LONG_POLL)
    except TimeoutError:
        return await _look(services, device)


async def _look(services: Services, device: Device) -> list[Notice]:
    """Return what waits for this person and no phone has taken yet."""
    async with services.store.read() as tx:
        await services.devices.find(tx, device.id)
        waiting = await services.backchannel.open_for(tx, device.account_id)
    return [
        {
            "id": challenge_id,
            "channel": Channel.PUSH.value,
            "expires_at": expires_at // 1000,
        }
        for challenge_id, expires_at in waiting
        if await _is_free(services, challenge_id, device)
    ]


async def _is_free(services: Services, challenge_id: str, device: Device) -> bool:
    try:
        challenge = await services.challenges.find(challenge_id)
    except NotFound:
        return True  # forgotten; the claim brings it back
    state = services.challenges.state_of(challenge)
    if state is State.CLAIMED:
        return challenge.device_id == device.id
    return state is State.PENDING


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
