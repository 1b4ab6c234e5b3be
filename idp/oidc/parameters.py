"""Strict reading of query strings and forms: once each, bounded, UTF-8.

A repeated parameter is refused and an unknown one ignored (RFC 6749, 3.1 and 3.2).
Only `resource` may be there more than once (RFC 8707, 2): its values, which hold no
space, come out as one text with spaces between them.
"""

from collections.abc import Mapping
from urllib.parse import parse_qsl

from starlette.requests import Request

from idp.oidc.errors import ProtocolRefusal

FORM = "application/x-www-form-urlencoded"
MAX_BYTES = 16 * 1024
MAX_FIELDS = 64
REPEATABLE = frozenset({"resource"})


def parse_parameters(text: bytes) -> dict[str, str]:
    """Return the parameters; raises ProtocolRefusal (`invalid_request`).

    An empty value counts as absent (RFC 6749, 3.1).
    """
    if len(text) > MAX_BYTES:
        raise ProtocolRefusal("invalid_request", "the request is too large", status=413)
    try:
        pairs = parse_qsl(
            text.decode("ascii"),
            keep_blank_values=True,
            max_num_fields=MAX_FIELDS,
            errors="strict",
        )
    except ValueError as error:
        raise ProtocolRefusal("invalid_request", "malformed parameters") from error
    if any("\x00" in name + value for name, value in pairs):
        raise ProtocolRefusal("invalid_request", "malformed parameters")
    found: dict[str, str] = {}
    for name, value in pairs:
        if name in REPEATABLE:
            found[name] = f"{found.get(name, '')} {value}".strip()
        elif name in found:
            raise ProtocolRefusal("invalid_request", "a parameter is repeated")
        else:
            found[name] = value
    return {name: value for name, value in found.items() if value}


def read_query(request: Request) -> dict[str, str]:
    """Return the query's parameters; raises ProtocolRefusal."""
    query: bytes = request.scope.get("query_string", b"")
    return parse_parameters(query)


async def read_form(request: Request) -> dict[str, str]:
    """Return the form's parameters; raises ProtocolRefusal."""
    content_type = request.headers.get("content-type", "")
    if content_type.partition(";")[0].strip().lower() != FORM:
        raise ProtocolRefusal("invalid_request", f"the body must be {FORM}", status=415)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BYTES:
            break
    return parse_parameters(bytes(body))


def required(form: Mapping[str, str], name: str) -> str:
    """Return a parameter that must be there; raises ProtocolRefusal."""
    value = form.get(name)
    if value is None:
        raise ProtocolRefusal("invalid_request", f"{name} is missing")
    return value
