"""What a waiting page is told, by stream and by poll, at the ASGI door itself."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.domain.challenge_records import State
from idp.domain.interactions import Interaction, cookie_name
from idp.web.live import Events
from idp.web.view import Seen, View, parse_seen
from tests.unit.idp.web.world import World, browser_of, open_world

pytestmark = pytest.mark.anyio


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with open_world(tmp_path) as opened:
        yield opened


@dataclass
class Stream:
    """One event stream as the server sees it."""

    chunks: asyncio.Queue[dict[str, Any]] = field(default_factory=asyncio.Queue)
    left: asyncio.Event = field(default_factory=asyncio.Event)
    task: "asyncio.Task[None] | None" = None

    async def receive(self) -> dict[str, Any]:
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        await self.chunks.put(message)

    async def start(self) -> dict[str, Any]:
        async with asyncio.timeout(10):
            return await self.chunks.get()

    async def event(self) -> tuple[str, Any]:
        """Return the next event; beats are skipped."""
        async with asyncio.timeout(10):
            while True:
                body = (await self.chunks.get())["body"].decode()
                if body.startswith("event: "):
                    name, _, data = body.removeprefix("event: ").partition("\ndata: ")
                    assert data.endswith("\n\n")
                    return name, orjson.loads(data)


@asynccontextmanager
async def streaming(
    world: World, interaction: Interaction, *, cookie: str | None = None, **how: float
) -> AsyncIterator[Stream]:
    name = cookie_name(interaction.id, secure=False)
    cookie = world.cookies[name] if cookie is None else cookie
    scope = {
        "type": "http",
        "method": "GET",
        "path": f"/login/{interaction.id}/events",
        "path_params": {"interaction": interaction.id},
        "query_string": b"",
        "headers": [(b"cookie", f"{name}={cookie}".encode())],
        "state": {"services": world.services},
    }
    stream = Stream()
    task = asyncio.create_task(Events(**how)(scope, stream.receive, stream.send))
    stream.task = task
    yield stream
    stream.left.set()
    async with asyncio.timeout(10):
        await task


async def test_a_stream_tells_the_whole_story_as_it_happens(world: World) -> None:
    interaction, _ = await world.open_page()
    async with streaming(world, interaction) as stream:
        start = await stream.start()
        assert (b"content-type", b"text/event-stream; charset=utf-8") in start[
            "headers"
        ]
        name, data = await stream.event()
        assert name == "codes"
        challenge = await world.services.challenges.find(interaction.challenge_id)
        texts = world.services.challenges.qr_texts(challenge)
        assert data["codes"] == [list(one) for one in texts]
        assert len(texts) == 5

        await world.claim(interaction)
        assert await stream.event() == ("claimed", {})
        await world.approve(interaction)
        assert await stream.event() == ("approved", {"initials": "ស. ដ."})
        await world.press(interaction, "finish")
        assert await stream.event() == ("closed", {"reason": "ended"})


@pytest.mark.parametrize("end", ["denied", "cancelled"])
async def test_a_stream_says_why_it_closes(world: World, end: str) -> None:
    interaction, _ = await world.open_page()
    await world.claim(interaction)
    async with streaming(world, interaction) as stream:
        await stream.start()
        assert await stream.event() == ("claimed", {})
        if end == "denied":
            await world.approve(interaction, state=State.DENIED)
        else:
            await world.press(interaction, "cancel")
        assert await stream.event() == ("closed", {"reason": end})


async def test_time_closes_a_stream(world: World) -> None:
    interaction, _ = await world.open_page()
    async with streaming(world, interaction) as stream:
        await stream.start()
        await stream.event()
        world.clock.move(seconds=181)
        assert await stream.event() == ("closed", {"reason": "expired"})


async def test_codes_never_reach_beyond_the_end_of_the_challenge(world: World) -> None:
    interaction, _ = await world.open_page()
    world.clock.move(seconds=178)
    async with streaming(world, interaction) as stream:
        await stream.start()
        _, data = await stream.event()
        assert [t for t, _ in data["codes"]] == [178, 179]


async def test_a_stream_beats_while_nothing_happens(world: World) -> None:
    interaction, _ = await world.open_page()
    await world.claim(interaction)
    async with streaming(world, interaction, heartbeat=0.01) as stream:
        await stream.start()
        await stream.event()
        async with asyncio.timeout(10):
            assert (await stream.chunks.get())["body"] == b": \n\n"


async def test_a_stream_ends_by_itself_and_when_the_browser_leaves(
    world: World,
) -> None:
    interaction, _ = await world.open_page()
    async with streaming(world, interaction, life=0.05) as stream:
        assert stream.task is not None
        async with asyncio.timeout(10):
            await stream.task
    async with streaming(world, interaction) as stream:
        await stream.start()
        stream.left.set()
        assert stream.task is not None
        async with asyncio.timeout(10):
            await stream.task
    assert not world.services.signals._waiting  # type: ignore[attr-defined]  # noqa: SLF001


async def test_a_stream_of_another_browser_is_told_nothing(world: World) -> None:
    interaction, _ = await world.open_page()
    async with streaming(world, interaction, cookie="wrong") as stream:
        assert (await stream.start())["status"] == 204


async def poll(world: World, interaction: Interaction, seen: str = "") -> Any:
    answer = await world.browser.get(
        f"/login/{interaction.id}/status", params={"seen": seen}
    )
    assert answer.headers["cache-control"] == "no-store"
    return answer.json()


async def test_a_poll_waits_for_what_the_page_has_not_seen(world: World) -> None:
    interaction, _ = await world.open_page()
    first = await poll(world, interaction)
    assert first["event"] == "codes"
    waiting = asyncio.create_task(poll(world, interaction, first["token"]))
    await asyncio.sleep(0)
    await world.claim(interaction)
    second = await waiting
    assert second["event"] == "claimed"
    await world.approve(interaction)
    third = await poll(world, interaction, second["token"])
    assert third["data"] == {"initials": "ស. ដ."}
    await world.press(interaction, "cancel", reason="not_me")
    last = await poll(world, interaction, third["token"])
    assert last["data"] == {"reason": "cancelled"}


async def test_a_poll_of_another_browser_is_told_that_it_is_over(world: World) -> None:
    interaction, _ = await world.open_page()
    async with browser_of(world.services) as stranger:
        answer = await stranger.get(f"/login/{interaction.id}/status")
    assert answer.status_code == 404
    assert answer.json()["data"] == {"reason": "ended"}


@given(st.text())
def test_any_token_is_read_or_counts_as_nothing(text: str) -> None:
    seen = parse_seen(text)
    assert seen is None or text == f"{seen.challenge_id}.{seen.state}.{seen.second}"


@given(
    st.from_regex(r"\A[A-Za-z0-9_-]{22}\Z"),
    st.sampled_from(State),
    st.integers(0, 9999),
)
def test_a_token_says_what_was_seen(challenge: str, state: State, second: int) -> None:
    view = View(challenge, state, second=second)
    assert parse_seen(view.token) == Seen(challenge, state.value, second)
    assert not view.is_news(parse_seen(view.token))
