"""How values are kept in columns: instants, identifiers, canonical JSON."""

import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime
from typing import Any

import orjson


def to_millis(instant: datetime) -> int:
    """Return milliseconds since 1970; refuses naive datetimes."""
    if instant.tzinfo is None:
        raise ValueError("an instant must be aware")
    return int(instant.timestamp() * 1000)


def from_millis(millis: int) -> datetime:
    """Return the aware UTC instant."""
    return datetime.fromtimestamp(millis / 1000, UTC)


def new_id(*, octets: int = 16) -> str:
    """Return a random identifier, base64url without padding."""
    return secrets.token_urlsafe(octets)


def b64encode(data: bytes) -> str:
    """Return base64url without padding (RFC 7515, 2)."""
    return urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def b64decode(text: str) -> bytes:
    """Read base64url without padding, strictly; raises ValueError."""
    data = urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
    if b64encode(data) != text:
        raise ValueError("not canonical base64url")
    return data


def canonical_json(value: Any) -> bytes:
    """Return JSON with sorted keys and no spaces, for digests and seals."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
