"""Which addresses a relying party may register. Pure."""

from ipaddress import ip_address
from urllib.parse import urlsplit

from idp.errors import FieldsInvalid

MAX_URI = 2000


def is_acceptable_uri(uri: str, *, is_development: bool) -> bool:
    """Say whether a URI may be registered: https, or loopback in development.

    No fragment (RFC 6749, 3.1.2), no user name, no control characters.
    """
    if len(uri) > MAX_URI or not uri.isascii() or not uri.isprintable() or " " in uri:
        return False
    try:
        parts = urlsplit(uri)
        host = parts.hostname or ""
        _ = parts.port
    except ValueError:
        return False
    if not host or "#" in uri or "\\" in uri or "@" in parts.netloc:
        return False
    if parts.scheme == "http":
        return is_development and is_loopback(host)
    return parts.scheme == "https"


def is_loopback(host: str) -> bool:
    """Say whether a host is this machine itself."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def is_public_uri(uri: str) -> bool:
    """Say whether a URI is https at a name, or at an address of the open internet."""
    if not is_acceptable_uri(uri, is_development=False):
        return False
    host = urlsplit(uri).hostname or ""
    try:
        return ip_address(host).is_global
    except ValueError:
        return "." in host and not host.endswith((".localhost", ".local", ".internal"))


def host_of(uri: str) -> str:
    """Return the host of a URI, "" when it has none."""
    return urlsplit(uri).hostname or ""


def sector_of(redirect_uris: tuple[str, ...]) -> str:
    """Return the one host of the URIs; raises FieldsInvalid when they differ.

    Parties with several hosts name their sector themselves (Core 1.0, 8.1).
    """
    hosts = {host_of(uri) for uri in redirect_uris}
    if len(hosts) != 1:
        raise FieldsInvalid({"sector": "ambiguous"})
    return hosts.pop()
