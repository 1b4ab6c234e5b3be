"""Addresses with parameters added. Pure."""

from collections.abc import Mapping
from urllib.parse import urlencode, urlsplit, urlunsplit


def with_parameters(uri: str, parameters: Mapping[str, str | None]) -> str:
    """Return the URI with parameters added to its query; None ones are left out."""
    parts = urlsplit(uri)
    added = urlencode({k: v for k, v in parameters.items() if v is not None})
    query = f"{parts.query}&{added}" if parts.query else added
    return urlunsplit(parts._replace(query=query))
