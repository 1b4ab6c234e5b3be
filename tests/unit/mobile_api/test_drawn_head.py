"""The drawn head stands in for a person on a development installation, nowhere else."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import pytest

from camdigikey.asgi import drawn_head
from camdigikey.demo.film_route import PATH, film_route
from mobile_api.app import create_app
from mobile_api.clips import CLIP_TYPE, read_clip
from mobile_api.engines import Workers
from tests.unit.mobile_api.mobile_world import APP, SETTINGS, World, open_world

TOLD: dict[str, Any] = {
    "session": "one",
    "steps": [{"action": "nod", "hold_ms": 400}, {"action": "smile", "hold_ms": 400}],
    "neutral_ms": 200,
    "frames_per_second": 10,
}
PRODUCTION = SETTINGS.model_copy(update={"environment": "production"})


def run(folder: Path, walk: Callable[[World], Awaitable[None]]) -> None:
    async def whole() -> None:
        async with open_world(folder, Workers()) as world:
            await walk(world)

    asyncio.run(whole())


def for_developers(world: World) -> None:
    """Serve this world as a development installation does."""
    route = film_route("development")
    app = create_app(world.services, world.mobile, drawn_head=route)
    transport = httpx2.ASGITransport(app)
    world.http = httpx2.AsyncClient(transport=transport, base_url=APP)


def test_the_head_is_offered_in_development_only() -> None:
    assert drawn_head(PRODUCTION) is None
    offered = drawn_head(SETTINGS)
    assert offered is not None
    assert offered.path == PATH
    with pytest.raises(ValueError, match="development only"):
        film_route("production")


def test_no_server_in_production_takes_the_route(tmp_path: Path) -> None:
    async def walk(world: World) -> None:
        services = replace(world.services, settings=PRODUCTION)
        route = film_route("development")
        with pytest.raises(ValueError, match="production"):
            create_app(services, world.mobile, drawn_head=route)

    run(tmp_path, walk)


def test_a_server_for_citizens_has_no_such_path_and_names_none(tmp_path: Path) -> None:
    async def walk(world: World) -> None:
        told = (await world.http.get("/configuration")).json()
        assert "development_film" not in told
        answer = await world.phone().post(PATH, TOLD)
        assert answer.status_code in {404, 405}

    run(tmp_path, walk)


def test_the_head_is_filmed_doing_what_was_told_for_as_long_as_it_takes(
    tmp_path: Path,
) -> None:
    async def walk(world: World) -> None:
        for_developers(world)
        told = (await world.http.get("/configuration")).json()
        asked = time.monotonic()
        answer = await world.phone().post(told["development_film"], TOLD)
        spent = 1000 * (time.monotonic() - asked)
        assert answer.headers["content-type"] == CLIP_TYPE
        clip = read_clip(answer.content)
        assert clip.session == "one"
        assert {frame.step for frame in clip.frames} == {0, 1, 2, 3}
        assert spent >= clip.lasts_ms  # else it would be no film of now

    run(tmp_path, walk)


def test_what_nobody_would_be_told_is_not_drawn(tmp_path: Path) -> None:
    wrong: list[dict[str, Any]] = [
        {"steps": []},
        {"steps": [{"action": "nod", "hold_ms": 5001}]},
        {"steps": [{"action": "vanish", "hold_ms": 10}]},
        {"frames_per_second": 1000},
    ]

    async def walk(world: World) -> None:
        for_developers(world)
        unsigned = await world.http.post(PATH, json=TOLD)
        assert unsigned.status_code == 401
        for change in wrong:
            answer = await world.phone().post(PATH, {**TOLD, **change})
            assert answer.json()["code"] == "fields-invalid", change

    run(tmp_path, walk)
