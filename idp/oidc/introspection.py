"""Introspection (RFC 7662): is this token still good, asked by who may know.

    an access token    its own client, or the service that it is for
    a refresh token    its own client

Everything is read from the database each time: what one node revoked a moment ago is
over here too. Whoever may not know learns `{"active": false}`, and nothing else. The
subject is the one inside the token, so nobody learns another sector's.

The answer is signed (RFC 9701) when the caller's profile, its registration or its
Accept header asks for that.
"""

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from idp.domain.profiles import profile_of
from idp.domain.relying_parties import RelyingParty
from idp.domain.subjects import subject_key, subject_of
from idp.errors import GrantSpent, IdentityError, Malformed, RelyingPartyUnknown
from idp.oidc.access_tokens import AccessToken, check_live, read_access_token
from idp.oidc.client_authentication import authenticate_client
from idp.oidc.context import services_of
from idp.oidc.errors import (
    NO_STORE,
    ProtocolRefusal,
    json_response,
    refusal_response,
)
from idp.oidc.parameters import read_form, required
from idp.oidc.response_encryption import sealed_for
from idp.oidc.sender_constraint import token_type_of
from idp.services import Services

PATH = "/introspect"
JWT = "token-introspection+jwt"
JWT_MEDIA = f"application/{JWT}"
DEFAULT_ALG = "ES256"
INACTIVE: Mapping[str, Any] = {"active": False}
TOLD = (
    "scope",
    "client_id",
    "sub",
    "aud",
    "iss",
    "exp",
    "iat",
    "jti",
    "cnf",
    "acr",
    "auth_time",
    "act",
)


async def introspect(request: Request) -> Response:
    """Answer `POST /introspect`."""
    services = services_of(request)
    try:
        form = await read_form(request)
        party = await authenticate_client(services, request, form)
        if party.is_public:
            raise RelyingPartyUnknown("a public client may not ask")
        about = await describe_token(services, party, required(form, "token"))
        if not wants_jwt(party, request.headers.get("accept", "")):
            return json_response(about)
        sealed = await signed_answer(services, party, about)
    except (IdentityError, ProtocolRefusal) as fact:
        return refusal_response(fact, realm=services.settings.issuer)
    return Response(sealed, media_type=JWT_MEDIA, headers=NO_STORE)


async def describe_token(
    services: Services, party: RelyingParty, unverified_token: str
) -> Mapping[str, Any]:
    """Return what the caller may know of a token."""
    try:
        token = await read_access_token(services, unverified_token)
    except Malformed:
        return await _refresh_token(services, party, unverified_token)
    if not may_know(token, party):
        return INACTIVE
    try:
        async with services.store.read() as tx:
            await check_live(services, tx, token)
    except GrantSpent:
        return INACTIVE
    told = {name: token.claims[name] for name in TOLD if name in token.claims}
    return {
        "active": True,
        "token_type": token_type_of(token.confirmation),
        **told,
    }


def may_know(token: AccessToken, party: RelyingParty) -> bool:
    """Say whether a caller is the token's client or whom it is for. Pure."""
    own_names = {party.id, party.metadata.audience} - {""}
    return token.client_id == party.id or bool(own_names & set(token.audience))


def wants_jwt(party: RelyingParty, accept: str) -> bool:
    """Say whether the answer is a JWT (RFC 9701, 4). Pure."""
    kinds = {kind.partition(";")[0].strip().lower() for kind in accept.split(",")}
    return (
        profile_of(party).requires_signed_responses
        or bool(party.metadata.introspection_signed_response_alg)
        or JWT_MEDIA in kinds
    )


async def signed_answer(
    services: Services, party: RelyingParty, about: Mapping[str, Any]
) -> str:
    """Return the answer as a JWT for this caller alone (RFC 9701, 5)."""
    metadata = party.metadata
    claims = {
        "iss": services.settings.issuer,
        "aud": party.id,
        "iat": int(services.clock.now().timestamp()),
        "token_introspection": dict(about),
    }
    alg = metadata.introspection_signed_response_alg or DEFAULT_ALG
    signed = await services.keys.sign(claims, typ=JWT, alg=alg)
    return await sealed_for(
        services,
        party,
        signed,
        alg=metadata.introspection_encrypted_response_alg,
        enc=metadata.introspection_encrypted_response_enc,
    )


async def _refresh_token(
    services: Services, party: RelyingParty, unverified_token: str
) -> Mapping[str, Any]:
    grants = services.grants
    try:
        token = grants.open_refresh_token(unverified_token, client_id=party.id)
        async with services.store.read() as tx:
            grant = await grants.live(tx, token.grant_id)
            if not await grants.is_current(tx, token):
                return INACTIVE
    except GrantSpent:
        return INACTIVE
    key = subject_key(services.sealer)
    return {
        "active": True,
        "client_id": party.id,
        "scope": " ".join(token.scopes),
        "sub": subject_of(key, sector=party.sector, account_id=grant.account_id),
        "iss": services.settings.issuer,
    }
