"""The userinfo endpoint: what scope and consent both allow, read afresh.

The access token is a bearer token in the header, nowhere else (RFC 9700, 4.3.2).
Its grant, account, device, party and session are read again: what was revoked a
moment ago answers 401 although the token has not expired.
"""

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from idp.domain.relying_parties import RelyingParty
from idp.domain.subjects import subject_key, subject_of
from idp.errors import GrantSpent, IdentityError, Malformed, Unavailable
from idp.oidc.claims import ACCESS_TOKEN
from idp.oidc.context import services_of
from idp.oidc.errors import (
    NO_STORE,
    ProtocolRefusal,
    json_response,
    refusal_response,
)
from idp.oidc.person import in_userinfo
from idp.oidc.response_encryption import finish_userinfo
from idp.services import Services

MAX_TOKEN = 8192


async def userinfo(request: Request) -> Response:
    """Answer `GET` or `POST /userinfo`."""
    services = services_of(request)
    header = request.headers.get("authorization")
    if header is None:
        return _unauthorized(services, None)
    try:
        token = await verify_access_token(services, header)
        return await respond(services, *await describe(services, token))
    except (Unavailable, ProtocolRefusal) as fact:
        return refusal_response(fact, realm=services.settings.issuer)
    except IdentityError:
        return _unauthorized(services, "invalid_token")


async def verify_access_token(services: Services, header: str) -> Mapping[str, Any]:
    """Return the claims of an access token of ours; raises Malformed."""
    scheme, _, unverified_token = header.partition(" ")
    if scheme.lower() != "bearer" or len(header) > MAX_TOKEN:
        raise Malformed("not a bearer token")
    claims = await services.keys.verify(unverified_token.strip(), typ=ACCESS_TOKEN)
    issuer = services.settings.issuer
    if claims.get("iss") != issuer or claims.get("aud") != issuer:
        raise Malformed("not for us")
    if claims["exp"] <= services.clock.now().timestamp():
        raise Malformed("expired")
    return claims


async def describe(
    services: Services, token: Mapping[str, Any]
) -> tuple[RelyingParty, dict[str, Any]]:
    """Return whom it is for and the body; raises GrantSpent when that is over."""
    scopes = str(token["scope"]).split()
    if "openid" not in scopes:
        raise GrantSpent("not an OpenID Connect grant")
    grant_id = str(token["jti"]).partition(".")[0]
    async with services.store.read() as tx:
        grant = await services.grants.live(tx, grant_id)
        party = await services.relying_parties.find(tx, grant.relying_party_id)
        account = await services.accounts.active(tx, grant.account_id)
        told = await in_userinfo(
            services, tx, party=party, grant=grant, account=account, scopes=scopes
        )
    key = subject_key(services.sealer)
    subject = subject_of(key, sector=party.sector, account_id=account.id)
    if subject != token["sub"]:
        raise GrantSpent("another subject")
    return party, {**told, "sub": subject}


async def respond(
    services: Services, party: RelyingParty, body: Mapping[str, Any]
) -> Response:
    """Answer JSON, or the JWT that the party registered (Core 1.0, 5.3.2)."""
    sealed = await finish_userinfo(services, party, body)
    if sealed is None:
        return json_response(body)
    return Response(sealed, media_type="application/jwt", headers=NO_STORE)


def _unauthorized(services: Services, error: str | None) -> Response:
    """Answer 401 in the header's own words (RFC 6750, 3)."""
    challenge = f'Bearer realm="{services.settings.issuer}"'
    if error is not None:
        challenge += f', error="{error}"'
    body = {"error": error} if error else {}
    return json_response(body, status=401, headers={"WWW-Authenticate": challenge})
