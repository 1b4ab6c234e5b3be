"""Links into the citizen app, built and strictly parsed.

    <app origin>/q/<challenge id>.<t>.<code>              read by the app's scanner
    <app origin>/s/<challenge id>.<secret>                tapped on the same device
    <app origin>/a2a?client_id=…&request_uri=…            opened by a partner app

A `/q/` link that the operating system opens never claims anything: it leads to
the scanner. One link has one spelling, but for the two a2a parameters, whose
order and percent-encoding are free.
"""

import re
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlencode, urlsplit

from sdk_app.errors import LinkForeign, LinkMalformed, OriginUnsafe

MAX_LINK_CHARACTERS = 2048
LOOPBACK = frozenset({"localhost", "127.0.0.1"})
ORIGIN = re.compile(r"(https?)://([a-z0-9.-]+)(:[1-9][0-9]{0,4})?")
# 128 bits in base64url, without padding.
BITS_128 = re.compile(r"[A-Za-z0-9_-]{22}")
SECONDS = re.compile(r"0|[1-9][0-9]{0,3}")
CLIENT_ID = re.compile(r"[!-~]{1,255}")
# RFC 9126, 2.2: a reference, never an address that could be fetched.
REQUEST_URI = re.compile(r"urn:ietf:params:oauth:request_uri:[A-Za-z0-9._~-]{16,255}")


@dataclass(frozen=True, slots=True, kw_only=True)
class QrLink:
    """What a rotating QR code says: `seconds` since the challenge was made."""

    challenge_id: str
    seconds: int
    code: str

    def path(self) -> str:
        """Return the link without the origin."""
        return f"/q/{self.challenge_id}.{self.seconds}.{self.code}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SameDeviceLink:
    """What the login page offers on the phone itself; the secret works once."""

    challenge_id: str
    secret: str = field(repr=False)

    def path(self) -> str:
        """Return the link without the origin."""
        return f"/s/{self.challenge_id}.{self.secret}"


@dataclass(frozen=True, slots=True, kw_only=True)
class AppToAppLink:
    """What a partner app opens after it has pushed its request (RFC 9126)."""

    client_id: str
    request_uri: str

    def path(self) -> str:
        """Return the link without the origin."""
        asked = {"client_id": self.client_id, "request_uri": self.request_uri}
        return f"/a2a?{urlencode(asked)}"


Link = QrLink | SameDeviceLink | AppToAppLink


def build_link(link: Link, *, app_origin: str) -> str:
    """Return `link` as text.

    Raises:
        OriginUnsafe: the origin is not a plain https origin.
        LinkMalformed: a member has a value that no link may carry.

    """
    text = _safe(app_origin) + link.path()
    if parse_link(text, app_origin=app_origin) != link:
        raise LinkMalformed("the link would not be read as it was meant")
    return text


def parse_link(text: str, *, app_origin: str) -> Link:
    """Read a link into the citizen app.

    Raises:
        OriginUnsafe: the origin is not a plain https origin.
        LinkForeign: the link leads elsewhere.
        LinkMalformed: it leads to the app, but its shape is wrong.

    """
    path = text.removeprefix(_safe(app_origin) + "/")
    if path == text:
        raise LinkForeign("the link does not lead to the citizen app")
    if len(text) > MAX_LINK_CHARACTERS:
        raise LinkMalformed("the link is too long")
    if path.startswith("a2a?"):
        return _app_to_app(path)
    kind, _, rest = path.partition("/")
    if kind == "q":
        return _qr(rest.split("."))
    if kind == "s":
        return _same_device(rest.split("."))
    raise LinkMalformed("the app has no such link")


def _qr(parts: list[str]) -> QrLink:
    shapes = (BITS_128, SECONDS, BITS_128)
    _require(parts, shapes)
    challenge_id, seconds, code = parts
    return QrLink(challenge_id=challenge_id, seconds=int(seconds), code=code)


def _same_device(parts: list[str]) -> SameDeviceLink:
    _require(parts, (BITS_128, BITS_128))
    challenge_id, secret = parts
    return SameDeviceLink(challenge_id=challenge_id, secret=secret)


def _app_to_app(path: str) -> AppToAppLink:
    try:
        parts = urlsplit(path)
        pairs = parse_qsl(parts.query, strict_parsing=True, max_num_fields=2)
    except ValueError as error:
        raise LinkMalformed("the link's parameters cannot be read") from error
    asked = dict(pairs)
    if parts.fragment or set(asked) != {"client_id", "request_uri"}:
        raise LinkMalformed("the link needs client_id and request_uri, each once")
    values = [asked["client_id"], asked["request_uri"]]
    _require(values, (CLIENT_ID, REQUEST_URI))
    return AppToAppLink(client_id=values[0], request_uri=values[1])


def _require(parts: list[str], shapes: tuple[re.Pattern[str], ...]) -> None:
    matched = len(parts) == len(shapes) and all(
        shape.fullmatch(part) for part, shape in zip(parts, shapes, strict=True)
    )
    if not matched:
        raise LinkMalformed("a part of the link has the wrong shape")


def _safe(origin: str) -> str:
    found = ORIGIN.fullmatch(origin)
    if found is None or (found[1] == "http" and found[2] not in LOOPBACK):
        raise OriginUnsafe("the app's origin must be https")
    return origin
