"""Bodies read strictly: size, JSON without tricks, and models that forbid extras."""

import json
from typing import Any, Final, Literal, NoReturn, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
)
from starlette.requests import Request

from idp.errors import FieldsInvalid, Malformed
from mobile_api.errors import TooLarge

JSON_LIMIT: Final = 16 * 1024
PICTURE_LIMIT: Final = 8 * 1024 * 1024
DEPTH_LIMIT: Final = 8
PICTURE_TYPES: Final = frozenset(
    {"image/jpeg", "image/png", "image/webp", "image/heic", "image/heif"}
)

Model = TypeVar("Model", bound=BaseModel)


class Body(BaseModel):
    """A JSON object with these members and no others."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class EmptyBody(Body):
    """`{}`."""


class WorkBody(Body):
    """A challenge of proof of work, and what solves it."""

    challenge: str = Field(max_length=64)
    counter: int = Field(ge=0, lt=2**53)


class StartBody(Body):
    """Who registers: a telephone number as typed."""

    phone: str = Field(max_length=40)
    locale: Literal["km", "en"] = "km"
    work: WorkBody | None = None


class RenewalBody(Body):
    """In which language the person is told."""

    locale: Literal["km", "en"] = "km"


class CodeBody(Body):
    """The code as typed."""

    code: str = Field(max_length=16)


class DetailsBody(Body):
    """What the person confirms; each field is checked by the domain."""

    number: str = Field(max_length=40)
    surname_latin: str = Field(max_length=100)
    given_name_latin: str = Field(max_length=100)
    surname_khmer: str = Field(max_length=100)
    given_name_khmer: str = Field(max_length=100)
    birth_date: str = Field(max_length=20)
    sex: Literal["M", "F", "X"]
    expiry_date: str = Field(max_length=20)
    issue_date: str = Field(max_length=20)


class DeviceBody(Body):
    """Both keys of the phone, and what both of them signed."""

    pin_key: dict[str, str] = Field(max_length=8)
    enrolment: str = Field(max_length=4096)
    uv: str = Field(max_length=128)
    name: str = Field(min_length=1, max_length=60)

    @field_validator("name")
    @classmethod
    def _is_printable(cls, value: str) -> str:
        if not value.isprintable():
            raise ValueError("a name is printable text")
        return value


async def read_limited(request: Request, limit: int) -> bytes:
    """Return the body; raises TooLarge as soon as that is known."""
    announced = request.headers.get("content-length", "0")
    if not announced.isascii() or not announced.isdigit():
        raise Malformed("content-length")
    if int(announced) > limit:
        raise TooLarge
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise TooLarge
        chunks.append(chunk)
    return b"".join(chunks)


def parse_json(data: bytes) -> Any:
    """Read JSON (RFC 8259) in UTF-8; raises Malformed.

    Repeated members, NaN, a byte order mark and deep nesting are refused.
    """
    try:
        text = data.decode("utf-8", errors="strict")
        value = json.loads(
            text, object_pairs_hook=_members_once, parse_constant=_refuse_constant
        )
    except (ValueError, RecursionError) as error:
        raise Malformed("not JSON") from error
    if _is_deeper(value, DEPTH_LIMIT):
        raise Malformed("too deep")
    return value


def parse_body(data: bytes, model: type[Model]) -> Model:
    """Read a body; raises Malformed, or FieldsInvalid naming members of wrong value."""
    value = parse_json(data)
    if not isinstance(value, dict):
        raise Malformed("not an object")
    try:
        return model.model_validate(value)
    except ValidationError as error:
        wrong = {str(e["loc"][0]): str(e["type"]) for e in error.errors() if e["loc"]}
    shapes = {"extra_forbidden", "missing"}
    if not wrong or shapes & set(wrong.values()):
        raise Malformed("unknown or missing members")
    raise FieldsInvalid(dict.fromkeys(wrong, "malformed"))


def _is_deeper(value: Any, levels: int) -> bool:
    if not isinstance(value, dict | list):
        return False
    inner = value.values() if isinstance(value, dict) else value
    return levels == 0 or any(_is_deeper(item, levels - 1) for item in inner)


def _members_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("repeated member")
    return members


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)
