"""Parties with keys, requests without a network: what the proof rooms are asked."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from starlette.requests import Request

from idp.domain.party_metadata import PartyMetadata
from idp.domain.relying_parties import PRIVATE_KEY_JWT, RelyingParty
from idp.services import Services
from tests.party_keys import PartyKey
from tests.unit.idp.oidc.world import ISSUER, PARTY


def party_with(key: PartyKey | None = None, **changes: Any) -> RelyingParty:
    """Return a party; what it does not know of itself is its metadata's."""
    own = {k: v for k, v in changes.items() if k in RelyingParty.__slots__}
    rest = {k: v for k, v in changes.items() if k not in own}
    metadata = PartyMetadata(**{"jwks": key.jwks if key else None, **rest})
    return replace(
        PARTY,
        **{"id": "keyed", "auth_method": PRIVATE_KEY_JWT, **own},
        metadata=metadata,
    )


async def register(services: Services, party: RelyingParty) -> RelyingParty:
    async with services.store.begin() as tx:
        found, _ = await services.relying_parties.add(tx, party)
    return found


def request(
    path: str = "/token",
    *,
    method: str = "POST",
    headers: Mapping[str, str] | list[tuple[str, str]] = {},  # noqa: B006 - read only
    client: str = "203.0.113.9",
    **scope: Any,
) -> Request:
    pairs = headers if isinstance(headers, list) else list(headers.items())
    raw = [(name.lower().encode(), value.encode()) for name, value in pairs]
    host = ISSUER.partition("://")[2]
    return Request(
        {
            "type": "http",
            "method": method,
            "path": path,
            "query_string": b"",
            "headers": [(b"host", host.encode()), *raw],
            "client": (client, 1234),
            "scheme": "http",
            "server": ("localhost", 8000),
            **scope,
        }
    )
