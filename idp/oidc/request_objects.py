"""A signed request object (RFC 9101): every parameter of it, and no other.

FAPI 2.0 Message Signing, 5.3.1 makes it strict: `aud` is the issuer or a list with it,
`nbf` is there and `exp` at most sixty minutes later. Encrypted objects are not taken.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import orjson

from idp.domain.client_jwts import check_times, verify_client_jwt
from idp.domain.profiles import profile_of
from idp.domain.relying_parties import RelyingParty
from idp.errors import ClientJwtInvalid
from idp.oidc.errors import ProtocolRefusal
from idp.services import Services

TYPES = ("", "jwt", "oauth-authz-req+jwt")
LONGEST_LIFE = timedelta(minutes=60)
JWE_DOTS = 4
OWN_CLAIMS = frozenset({"iss", "aud", "exp", "nbf", "iat", "jti"})
MAX_PARAMETERS = 64


def refused(description: str) -> ProtocolRefusal:
    """Return the refusal of RFC 9101, 6.4."""
    return ProtocolRefusal("invalid_request_object", description)


async def verify_request_object(
    services: Services, party: RelyingParty, unverified_text: str
) -> dict[str, str]:
    """Return the parameters of a request object that the party signed for us.

    Numbers become text, objects and lists compact JSON. Raises ProtocolRefusal
    (`invalid_request_object`), Unavailable.
    """
    profile = profile_of(party)
    claims = await verify_signed_request(
        services,
        party,
        unverified_text,
        registered_alg=party.metadata.request_object_signing_alg,
        needs=("exp", "nbf") if profile.is_fapi else (),
    )
    return parameters_of(claims, client_id=party.id)


async def verify_signed_request(
    services: Services,
    party: RelyingParty,
    unverified_text: str,
    *,
    registered_alg: str,
    needs: tuple[str, ...],
) -> Mapping[str, Any]:
    """Return the claims of a request that the party signed for this server.

    `needs` are the times that must be there. Raises ProtocolRefusal, Unavailable.
    """
    if unverified_text.count(".") == JWE_DOTS:
        raise refused("encrypted request objects are not supported")
    profile = profile_of(party)
    try:
        verified = await verify_client_jwt(
            services.client_keys,
            party,
            unverified_text,
            algorithms=tuple(
                alg
                for alg in profile.algorithms
                if not registered_alg or alg == registered_alg
            ),
            types=TYPES,
        )
        claims = verified.claims
        now = services.clock.now()
        check_times(claims, now, max_life=LONGEST_LIFE, needs=needs)
    except ClientJwtInvalid as error:
        raise refused("the request object is not signed or not valid now") from error
    check_parties(claims, party, issuer=services.settings.issuer)
    return claims


def check_parties(
    claims: Mapping[str, Any], party: RelyingParty, *, issuer: str
) -> None:
    """Check who asks and who is meant. Pure; raises ProtocolRefusal."""
    if claims.get("iss") != party.id or claims.get("client_id", party.id) != party.id:
        raise refused("iss and client_id are not the client")
    if "sub" in claims:
        # A client assertion must not serve as a request (RFC 9101, 10.8).
        raise refused("a request object has no sub")
    audience = claims.get("aud")
    if audience != issuer and not (isinstance(audience, list) and issuer in audience):
        raise refused("aud is not the issuer")


def parameters_of(claims: Mapping[str, Any], *, client_id: str) -> dict[str, str]:
    """Return the authorization parameters among the claims. Pure.

    Raises ProtocolRefusal for a nested request (RFC 9101, 4) and for values that
    are no parameter.
    """
    if "request" in claims or "request_uri" in claims:
        raise refused("a request inside a request")
    if len(claims) > MAX_PARAMETERS:
        raise refused("too many parameters")
    found = {
        name: _text(value) for name, value in claims.items() if name not in OWN_CLAIMS
    }
    return {
        **{name: value for name, value in found.items() if value},
        "client_id": client_id,
    }


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, dict | list):
        try:
            return orjson.dumps(value).decode()
        except orjson.JSONEncodeError as error:
            raise refused("a parameter is not acceptable") from error
    if not isinstance(value, str) or "\x00" in value or not _is_text(value):
        raise refused("a parameter is not acceptable")
    return value


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
