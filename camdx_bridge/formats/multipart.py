"""MIME multipart split by bytes, because what is signed is bytes.

The CRLF before a boundary belongs to the boundary (RFC 2046, 5.1.1), so that the body
of a part is exactly what stands between; nothing is decoded on the way.
"""

import re
from dataclasses import dataclass

from camdx_bridge.errors import refused
from camdx_bridge.refusals import Refusal

_MOST_PARTS = 64
_MOST_HEADERS = 32
_LONGEST_HEADER = 4096
_CRLF = b"\r\n"
_HEADER = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\x20-\x7e]*?)[ \t]*")
_PARAMETER = re.compile(
    r";[ \t]*([!#$%&'*+.^_`|~0-9A-Za-z-]+)[ \t]*=[ \t]*"
    r"(\"[^\"\\]*\"|'[^']*'|[^\s;\"']+)[ \t]*"
)
_BOUNDARY = re.compile(r"[0-9A-Za-z'()+_,./:=?\-]{1,70}")


@dataclass(frozen=True, slots=True)
class Part:
    """One part: headers by lower-case name, and the body's very bytes."""

    headers: dict[str, str]
    body: bytes

    def header(self, name: str) -> str:
        """Return a header that must be there."""
        found = self.headers.get(name.lower())
        if found is None:
            raise refused(Refusal.MIME_MALFORMED, f"no {name}")
        return found


def read_part(data: bytes) -> Part:
    """Split headers from the body at the first empty line."""
    if data.startswith(_CRLF):
        return Part({}, data[len(_CRLF) :])
    head, gap, body = data.partition(_CRLF * 2)
    if not gap:
        # A part may be only headers, and then the empty line is the boundary's.
        head, body = data.removesuffix(_CRLF), b""
    return Part(_headers(head), body)


def read_multipart(part: Part, kind: str) -> tuple[Part, ...]:
    """Return the parts of `multipart/<kind>`; DocumentRefused when it is none."""
    value, parameters = read_value(part.header("Content-Type"))
    boundary = parameters.get("boundary", "")
    if value.lower() != f"multipart/{kind}" or not _BOUNDARY.fullmatch(boundary):
        raise refused(Refusal.MIME_MALFORMED, "content type")
    return tuple(read_part(piece) for piece in _split(part.body, boundary.encode()))


def read_value(header: str) -> tuple[str, dict[str, str]]:
    """Return the value of a header and its parameters, by lower-case name."""
    value, _, _ = header.partition(";")
    rest, parameters = header[len(value) :], {}
    while rest.strip(" \t"):
        found = _PARAMETER.match(rest)
        if not found or found[1].lower() in parameters:
            raise refused(Refusal.MIME_MALFORMED, "parameters")
        parameters[found[1].lower()] = found[2].strip("\"'")
        rest = rest[found.end() :]
    return value.strip(" \t"), parameters


def _split(body: bytes, boundary: bytes) -> list[bytes]:
    # With a CRLF put before it, even the first boundary has one of its own.
    pieces = (_CRLF + body).split(_CRLF + b"--" + boundary)
    if not 2 <= len(pieces) <= _MOST_PARTS:  # noqa: PLR2004 - one boundary makes two
        raise refused(Refusal.MIME_MALFORMED, "parts")
    preamble, *middle, epilogue = pieces
    if preamble.strip() or not middle or epilogue.rstrip(_CRLF) != b"--":
        raise refused(Refusal.MIME_MALFORMED, "boundaries")
    if any(not piece.startswith(_CRLF) for piece in middle):
        raise refused(Refusal.MIME_MALFORMED, "boundaries")
    return [piece[len(_CRLF) :] for piece in middle]


def _headers(head: bytes) -> dict[str, str]:
    found: dict[str, str] = {}
    lines = head.split(_CRLF)
    if len(lines) > _MOST_HEADERS:
        raise refused(Refusal.MIME_MALFORMED, "headers")
    for line in lines:
        match = None
        if line.isascii() and len(line) <= _LONGEST_HEADER:
            match = _HEADER.fullmatch(line.decode("ascii"))
        if not match or match[1].lower() in found:
            raise refused(Refusal.MIME_MALFORMED, "headers")
        found[match[1].lower()] = match[2]
    return found
