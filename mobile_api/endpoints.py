"""What every endpoint starts with: its services, the body and the sender's proof."""

from typing import TypeVar

from pydantic import BaseModel
from starlette.requests import Request

from idp.errors import Malformed
from idp.services import Services
from mobile_api.authentication import Proved, prove
from mobile_api.bodies import (
    JSON_LIMIT,
    PICTURE_LIMIT,
    PICTURE_TYPES,
    EmptyBody,
    parse_body,
    read_limited,
)
from mobile_api.clips import CLIP_LIMIT, CLIP_TYPE
from mobile_api.services import MobileServices

Model = TypeVar("Model", bound=BaseModel)


def services_of(request: Request) -> Services:
    """Return the provider's services."""
    services: Services = request.state.services
    return services


def mobile_of(request: Request) -> MobileServices:
    """Return the mobile API's own services."""
    mobile: MobileServices = request.state.mobile
    return mobile


async def read_json(request: Request, model: type[Model]) -> tuple[Proved, Model]:
    """Prove the sender, then read the JSON body strictly."""
    body = await read_limited(request, JSON_LIMIT)
    proved = await prove(request, services_of(request), body=body)
    if _media_type(request) != "application/json":
        raise Malformed("application/json is needed")
    return proved, parse_body(body, model)


async def read_empty(request: Request) -> Proved:
    """Prove the sender of a call whose body is `{}` or nothing."""
    body = await read_limited(request, JSON_LIMIT)
    proved = await prove(request, services_of(request), body=body)
    if body:
        parse_body(body, EmptyBody)
    return proved


async def read_picture(request: Request) -> Proved:
    """Prove the sender of a picture; it is looked at by a worker only."""
    if _media_type(request) not in PICTURE_TYPES:
        raise Malformed("image/jpeg, png, webp, heic or heif is needed")
    body = await read_limited(request, PICTURE_LIMIT)
    proved = await prove(request, services_of(request), body=body)
    if not body:
        raise Malformed("no picture")
    return proved


async def read_clip_body(request: Request) -> Proved:
    """Prove the sender of a clip (`mobile_api.clips`)."""
    if _media_type(request) != CLIP_TYPE:
        raise Malformed(f"{CLIP_TYPE} is needed")
    body = await read_limited(request, CLIP_LIMIT)
    return await prove(request, services_of(request), body=body)


def _media_type(request: Request) -> str:
    full = request.headers.get("content-type", "")
    return full.partition(";")[0].strip().lower()
