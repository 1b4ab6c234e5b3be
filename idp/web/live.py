"""How a waiting page learns of the phone: an event stream, or a long poll.

    codes {codes}   claimed {}   approved {initials}   closed {reason}

No event has an id: codes are never replayed. A dropped stream loses nothing, for
each look reads the state again. The stream is plain ASGI, watches for the browser
to leave, and ends by itself after a while; the browser comes back.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from http import HTTPStatus

import orjson
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from idp.domain.challenge_records import State
from idp.domain.challenges import signal_name
from idp.domain.interactions import Interaction
from idp.errors import NotFound
from idp.services import Services
from idp.web.guard import own_interaction, services_of
from idp.web.view import FRESH_CODES, Seen, View, look, parse_seen

HEARTBEAT = 15.0
LONG_POLL = 25.0
STREAM_LIFE = 600.0
BEAT = b": \n\n"
HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
]
NO_STORE = {"cache-control": "no-store"}


@dataclass(frozen=True, slots=True)
class Events:
    """`GET /login/{interaction}/events`, a bare ASGI endpoint."""

    heartbeat: float = HEARTBEAT
    life: float = STREAM_LIFE

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Stream what happens until the login is over or the browser leaves."""
        connection = HTTPConnection(scope)
        try:
            interaction = await own_interaction(connection)
        except NotFound:
            # 204 tells an EventSource to stop asking (HTML, 9.2.3).
            await Response(status_code=HTTPStatus.NO_CONTENT)(scope, receive, send)
            return
        feed = asyncio.create_task(
            self._feed(services_of(connection), interaction, send)
        )
        gone = asyncio.create_task(_left(receive))
        try:
            await asyncio.wait({feed, gone}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            gone.cancel()
            if not feed.done():
                feed.cancel()
            await asyncio.gather(gone, return_exceptions=True)
            await _settle(feed)

    async def _feed(
        self, services: Services, interaction: Interaction, send: Send
    ) -> None:
        start = {"type": "http.response.start", "status": 200, "headers": HEADERS}
        await send(start)
        try:
            async with asyncio.timeout(self.life):
                async for chunk in self._chunks(services, interaction):
                    await _write(send, chunk)
        except TimeoutError:
            pass  # the browser asks again by itself
        await send({"type": "http.response.body", "body": b""})

    async def _chunks(
        self, services: Services, interaction: Interaction
    ) -> AsyncIterator[bytes]:
        """Yield events as they happen, and a beat when nothing does."""
        seen: Seen | None = None
        async with services.signals.waiting(
            signal_name(interaction.challenge_id)
        ) as wait:
            while True:
                view = await look(services, interaction)
                if view.is_news(seen):
                    seen = parse_seen(view.token)
                    yield event(view)
                else:
                    yield BEAT
                if not view.is_open:
                    return
                await wait(pause(view, longest=self.heartbeat))


async def status(request: Request) -> Response:
    """`GET /login/{interaction}/status?seen=…`: answer at the next change.

    The answer is `{"event", "data", "token"}`; the page sends the token back as
    `seen`. Nothing new within 25 s is answered with the same token.
    """
    services = services_of(request)
    try:
        interaction = await own_interaction(request)
    except NotFound:
        gone = {"event": "closed", "data": {"reason": "ended"}, "token": ""}
        return JSONResponse(gone, HTTPStatus.NOT_FOUND, NO_STORE)
    seen = parse_seen(request.query_params.get("seen", ""))
    view = await _next_news(services, interaction, seen)
    name, data = view.told()
    return JSONResponse(
        {"event": name, "data": data, "token": view.token}, headers=NO_STORE
    )


async def _next_news(
    services: Services, interaction: Interaction, seen: Seen | None
) -> View:
    view = await look(services, interaction)
    name = signal_name(interaction.challenge_id)
    try:
        async with (
            asyncio.timeout(LONG_POLL),
            services.signals.waiting(name) as wait,
        ):
            # Registered first, then looked: no wake-up is missed.
            view = await look(services, interaction)
            while view.is_open and not view.is_news(seen):
                await wait(pause(view, longest=LONG_POLL))
                view = await look(services, interaction)
    except TimeoutError:
        pass
    return view


def event(view: View) -> bytes:
    """Return one event of the stream (HTML, 9.2.5)."""
    name, data = view.told()
    return b"event: %s\ndata: %s\n\n" % (name.encode(), orjson.dumps(data))


def pause(view: View, *, longest: float) -> float:
    """Return how many seconds may pass before the next look, unless woken."""
    if view.codes:
        longest = min(longest, FRESH_CODES)
    # A little past the deadline, so that time itself closes what is over.
    until_over = view.ends_in + 0.1 if view.state is not State.APPROVED else longest
    return max(0.1, min(longest, until_over))


async def _write(send: Send, chunk: bytes) -> None:
    await send({"type": "http.response.body", "body": chunk, "more_body": True})


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _settle(feed: "asyncio.Task[None]") -> None:
    """Wait for the end of the feed; its own failure is not swallowed."""
    try:
        await feed
    except asyncio.CancelledError:
        if not feed.cancelled():
            raise
    except OSError:
        pass  # the browser left in the middle of a write
