"""Where a login was started: an address prefix and a browser family. Pure.

Only as much as a person needs to tell "mine" from "not mine": never a full address,
never a version.
"""

from collections.abc import Mapping
from ipaddress import IPv6Address, ip_address, ip_network

from idp.domain.interactions import Requester

# The order matters: Edge and Opera also say Chrome, Chrome also says Safari.
FAMILIES = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS", "Firefox"),
    ("CriOS", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Macintosh", "Mac"),
    ("Linux", "Linux"),
)
UNKNOWN = "?"


def requester_of(*, address: str | None, headers: Mapping[str, str]) -> Requester:
    """Return what is kept of a browser; `address` is the client's, proxies undone."""
    agent = headers.get("user-agent", "")
    family = _first(agent, FAMILIES)
    system = _first(agent, SYSTEMS)
    named = [name for name in (family, system) if name]
    return Requester(network_of(address), " · ".join(named) or UNKNOWN)


def network_of(address: str | None) -> str:
    """Return the /24 or /48 that an address belongs to, or `?`."""
    try:
        known = ip_address(address or "")
    except ValueError:
        return UNKNOWN
    if isinstance(known, IPv6Address) and known.ipv4_mapped is not None:
        known = known.ipv4_mapped
    length = 24 if known.version == 4 else 48  # noqa: PLR2004 - IPv4
    return str(ip_network(f"{known}/{length}", strict=False))


def _first(agent: str, marks: tuple[tuple[str, str], ...]) -> str:
    return next((name for mark, name in marks if mark in agent), "")
