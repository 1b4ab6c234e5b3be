"""How much of a request is read: the most that is taken, and the first too much."""

from typing import Any

import pytest
from starlette.requests import Request

from idp.oidc.errors import ProtocolRefusal
from idp.oidc.parameters import FORM, parse_parameters, read_form

pytestmark = pytest.mark.anyio
MOST = 16 * 1024


def test_sixteen_kilobytes_are_read_and_not_one_more() -> None:
    assert parse_parameters(b"a=" + b"b" * (MOST - 2)) == {"a": "b" * (MOST - 2)}
    with pytest.raises(ProtocolRefusal) as refusal:
        parse_parameters(b"a=" + b"b" * (MOST - 1))
    assert refusal.value.spoken.status == 413


def test_sixty_four_fields_are_read_and_not_one_more() -> None:
    fields = [f"f{number}=x" for number in range(65)]
    assert len(parse_parameters("&".join(fields[:64]).encode())) == 64
    with pytest.raises(ProtocolRefusal):
        parse_parameters("&".join(fields).encode())


@pytest.mark.parametrize("text", [b"a%00=b", b"a=%00"])
def test_a_zero_byte_is_in_no_name_and_no_value(text: bytes) -> None:
    with pytest.raises(ProtocolRefusal):
        parse_parameters(text)


def sent(*chunks: bytes) -> Request:
    """Return a form that comes in these pieces; there is no more to ask for."""
    left = list(chunks)

    async def receive() -> dict[str, Any]:
        body = left.pop(0)
        return {"type": "http.request", "body": body, "more_body": body != b""}

    headers = [(b"content-type", FORM.encode())]
    return Request({"type": "http", "method": "POST", "headers": headers}, receive)


async def test_a_form_in_pieces_is_read_whole() -> None:
    assert await read_form(sent(b"a=", b"b", b"&c=d", b"")) == {"a": "b", "c": "d"}


async def test_a_body_without_end_is_not_awaited() -> None:
    """Reading on would find no piece, and fail otherwise."""
    with pytest.raises(ProtocolRefusal) as refusal:
        await read_form(sent(b"a=" + b"b" * (MOST - 2), b"b"))
    assert refusal.value.spoken.status == 413
