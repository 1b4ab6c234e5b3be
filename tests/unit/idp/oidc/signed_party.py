"""Relying parties with keys: they sign assertions and requests, and read answers."""

from dataclasses import replace
from typing import Any

import httpx2
from joserfc import jwe, jwt
from joserfc.jwk import ECKey

from idp.domain.party_metadata import PartyMetadata
from idp.storage.columns import new_id
from tests.unit.idp.oidc.world import ISSUER, PARTY, SECRET, World

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
KEY = ECKey.generate_key("P-256", {"kid": "sig-1", "use": "sig", "alg": "ES256"})
STRANGER = ECKey.generate_key("P-256", {"kid": "sig-1", "use": "sig", "alg": "ES256"})
SEALING = ECKey.generate_key("P-256", {"kid": "enc-1", "use": "enc"})
JWKS = {"keys": [KEY.as_dict(private=False), SEALING.as_dict(private=False)]}
KEYS = PartyMetadata(jwks=JWKS)
BOUND = PartyMetadata(jwks=JWKS, dpop_bound_access_tokens=True)

SIGNING = replace(PARTY, id="signing", metadata=KEYS)
FAPI = replace(
    PARTY, id="fapi", profile="fapi2", auth_method="private_key_jwt", metadata=BOUND
)
MESSAGES = replace(FAPI, id="messages", profile="fapi2-message-signing")


def signed(claims: dict[str, Any], **header: Any) -> str:
    key = header.pop("key", KEY)
    named = {"alg": "ES256", "kid": "sig-1", **header}
    return jwt.encode(named, claims, key, algorithms=[named["alg"]])


def now_of(world: World) -> int:
    return int(world.clock.now().timestamp())


def assertion(world: World, client_id: str, **changes: Any) -> dict[str, str]:
    now = now_of(world)
    claims = {
        "iss": client_id,
        "sub": client_id,
        "aud": ISSUER,
        "jti": new_id(),
        "iat": now,
        "exp": now + 60,
        **changes,
    }
    return {
        "client_id": client_id,
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": signed(claims),
    }


def request_object(
    world: World, party_id: str, /, *, key: ECKey = KEY, typ: str = "", **changes: Any
) -> str:
    """Return a signed request object; None as a value leaves a claim out."""
    now = now_of(world)
    claims = {
        **world.authorization(client_id=party_id),
        "iss": party_id,
        "aud": ISSUER,
        "iat": now,
        "nbf": now,
        "exp": now + 300,
        **changes,
    }
    kept = {name: value for name, value in claims.items() if value is not None}
    return signed(kept, key=key, **({"typ": typ} if typ else {}))


async def push(
    world: World, client_id: str, *, with_request: bool = True, **changes: str | None
) -> httpx2.Response:
    """Push as the party does that this is: by its secret or by its key."""
    asked = world.authorization(client_id=client_id) if with_request else {}
    said: dict[str, str | None] = {**asked, **changes}
    form = {name: value for name, value in said.items() if value is not None}
    if client_id in {FAPI.id, MESSAGES.id}:
        return await world.browser.post(
            "/par", data={**form, **assertion(world, client_id)}
        )
    return await world.post("/par", caller=(client_id, SECRET), **form)


async def pushed(world: World, client_id: str, **changes: Any) -> str:
    """Push, and return the request_uri."""
    answer = await push(world, client_id, **changes)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["request_uri"])


async def go(
    world: World, client_id: str, request_uri: str, **more: str
) -> httpx2.Response:
    """Send the browser with what was pushed."""
    params = {"client_id": client_id, "request_uri": request_uri, **more}
    return await world.browser.get("/authorize", params=params)


def opened(sealed: str) -> str:
    found = jwe.decrypt_compact(sealed, SEALING)
    assert found.plaintext is not None
    return found.plaintext.decode()


def thumbprint(key: ECKey) -> str:
    return str(key.thumbprint())


def proof(
    world: World, path: str, *, key: ECKey = KEY, method: str = "POST", **changes: Any
) -> dict[str, str]:
    """Return the header of a DPoP proof for one call (RFC 9449, 4.2)."""
    public = key.as_dict(private=False)
    jwk = {name: public[name] for name in ("kty", "crv", "x", "y")}
    claims = {
        "jti": new_id(),
        "htm": method,
        "htu": f"{ISSUER}{path}",
        "iat": now_of(world),
        **changes,
    }
    header = {"alg": "ES256", "typ": "dpop+jwt", "jwk": jwk}
    return {"DPoP": jwt.encode(header, claims, key, algorithms=["ES256"])}
