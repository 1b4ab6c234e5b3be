"""The userinfo endpoint: what scope and consent both allow, read afresh.

The access token is in the header, nowhere else (RFC 9700, 4.3.2), and presented by
those to whom it is bound (RFC 9449, 7; RFC 8705, 3).
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
from idp.oidc.access_tokens import read_access_token
from idp.oidc.context import services_of
from idp.oidc.errors import (
    NO_STORE,
    ProtocolRefusal,
    json_response,
    refusal_response,
)
from idp.oidc.person import in_userinfo
from idp.oidc.response_encryption import finish_userinfo
from idp.oidc.sender_constraint import JKT, challenge, check_presenter
from idp.services import Services

SCHEMES = frozenset({"bearer", "dpop"})


async def userinfo(request: Request) -> Response:
    """Answer `GET` or `POST /userinfo`."""
    services = services_of(request)
    scheme = request.headers.get("authorization", "").partition(" ")[0].lower()
    if not scheme:
        return _unauthorized(services, scheme, None)
    try:
        token = await verify_access_token(services, request)
        return await respond(services, *await describe(services, token))
    except (Unavailable, ProtocolRefusal) as fact:
        return refusal_response(fact, realm=services.settings.issuer)
    except IdentityError:
        return _unauthorized(services, scheme, "invalid_token")


async def verify_access_token(
    services: Services, request: Request
) -> Mapping[str, Any]:
    """Return the claims of an access token for us, presented by its holder.

    The scheme is `Bearer` or `DPoP` in any case (RFC 9110, 11.1), as the token is
    bound. Raises Malformed, ProtocolRefusal.
    """
    headers = request.headers.getlist("authorization")
    scheme, _, text = headers[0].partition(" ")
    if len(headers) > 1 or scheme.lower() not in SCHEMES:
        raise Malformed("not one access token")
    token = await read_access_token(services, text.strip())
    if services.settings.issuer not in token.audience:
        # A token for another resource opens nothing here (RFC 9068, 4).
        raise Malformed("not for us")
    await check_presenter(
        services,
        request,
        scheme=scheme,
        access_token=text.strip(),
        confirmation=token.confirmation,
    )
    return token.claims


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


def _unauthorized(services: Services, scheme: str, error: str | None) -> Response:
    """Answer 401 in the header's own words (RFC 6750, 3; RFC 9449, 7.1).

    Whoever presented nothing is told of both schemes.
    """
    bound = {"bearer": [""], "dpop": [f"{JKT}:"]}.get(scheme, ["", f"{JKT}:"])
    told = [challenge(services, confirmation=kind, error=error) for kind in bound]
    body = {"error": error} if error else {}
    headers = {"WWW-Authenticate": ", ".join(told)}
    return json_response(body, status=401, headers=headers)
