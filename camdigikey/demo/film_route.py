"""POST /development/film: the drawn head does as told. Never for citizens.

A developer has a specimen's card but not its face. On a development installation the
app offers the drawn head instead, in words that nobody can miss; the film goes the
way of every film and is judged like every film. Signed like every call of the app.
"""

import logging
from typing import Annotated, Final, Literal

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from mobile_api.bodies import Body
from mobile_api.clips import CLIP_TYPE
from mobile_api.endpoints import read_json

logger = logging.getLogger(__name__)

PATH: Final = "/development/film"
DEVELOPMENT: Final = "development"
LONGEST_MS: Final = 5000

Milliseconds = Annotated[int, Field(ge=0, le=LONGEST_MS)]


class StepBody(Body):
    """One instruction, as `POST …/liveness` answered it."""

    action: Literal["turn_left", "turn_right", "blink", "smile", "nod"]
    hold_ms: Milliseconds


class FilmBody(Body):
    """What the person was told."""

    session: str = Field(min_length=1, max_length=64)
    steps: list[StepBody] = Field(min_length=1, max_length=4)
    neutral_ms: Milliseconds
    frames_per_second: int = Field(ge=5, le=10)


async def development_film(request: Request) -> Response:
    """Answer the clip, after the time that it takes to film it."""
    from camdigikey.demo.film import film  # noqa: PLC0415 - no server needs it to start

    _, body = await read_json(request, FilmBody)
    logger.warning("DEVELOPMENT: the drawn head stands in for a person")
    return Response(await film(body.model_dump()), media_type=CLIP_TYPE)


def film_route(environment: str) -> Route:
    """Return the route; raises ValueError anywhere but in development."""
    if environment != DEVELOPMENT:
        raise ValueError("the drawn head is for development only")
    logger.warning("DEVELOPMENT: films of a drawn head are offered. Not for citizens.")
    return Route(PATH, development_film, methods=["POST"])
