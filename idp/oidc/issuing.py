"""What a decision becomes: signed tokens and the body of a token response.

Issued       came of a citizen's login: access, ID and refresh token
IssuedApart  a party's own token, or an exchanged one: an access token, alone
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from idp.domain.assurance import acr_uri
from idp.domain.grants import Grant
from idp.domain.party_metadata import REFRESH_TOKEN
from idp.domain.relying_parties import RelyingParty
from idp.domain.subjects import subject_key, subject_of
from idp.oidc import claims
from idp.oidc.access_tokens import access_token_claims
from idp.oidc.person import in_id_token
from idp.oidc.response_encryption import finish_id_token
from idp.oidc.sender_constraint import token_type_of
from idp.services import Services
from idp.storage.columns import new_id

Body = dict[str, str | int]
AUTH_REQ_ID = "urn:openid:params:jwt:claim:auth_req_id"
RT_HASH = "urn:openid:params:jwt:claim:rt_hash"


@dataclass(frozen=True, slots=True)
class Issued:
    """A decision that is durable: what remains is to sign.

    `audience` is whom the access token is for, the provider itself when empty;
    `confirmation` the key that it is bound to: "", `jkt:…`, `x5t#S256:…`.
    `keeps_refresh_token` tells that the one presented goes on: no other is given.
    """

    grant: Grant
    scopes: tuple[str, ...]
    nonce: str | None = None
    auth_req_id: str = ""
    audience: tuple[str, ...] = ()
    confirmation: str = ""
    keeps_refresh_token: bool = False

    @property
    def gives_refresh_token(self) -> bool:
        """Whether a refresh token goes with it."""
        return self.grant.is_offline and not self.keeps_refresh_token


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedApart:
    """An access token that no ID token and no refresh token accompanies."""

    subject: str
    audience: tuple[str, ...]
    scopes: tuple[str, ...]
    token_id: str
    life: timedelta
    confirmation: str
    claims: Mapping[str, Any] = field(default_factory=dict)
    members: Mapping[str, str] = field(default_factory=dict)


async def answer_of(
    services: Services, party: RelyingParty, issued: Issued | IssuedApart
) -> Body:
    """Return the body of a token response (RFC 6749, 5.1)."""
    if isinstance(issued, Issued):
        return await sign_tokens(services, party, issued)
    return await sign_apart(services, party, issued)


async def sign_tokens(services: Services, party: RelyingParty, issued: Issued) -> Body:
    """Return the tokens that a citizen's login gives."""
    settings, grant = services.settings, issued.grant
    key = subject_key(services.sealer)
    facts = claims.TokenFacts(
        issuer=settings.issuer,
        subject=subject_of(key, sector=party.sector, account_id=grant.account_id),
        grant=grant,
        scopes=issued.scopes,
        now=services.clock.now(),
    )
    body = await _access_token(
        services,
        party,
        IssuedApart(
            subject=facts.subject,
            audience=issued.audience or (settings.issuer,),
            scopes=issued.scopes,
            token_id=f"{grant.id}.{new_id()}",
            life=settings.access_token_life,
            confirmation=issued.confirmation,
            claims={**about_login(grant, issuer=settings.issuer), "sid": grant.sid},
        ),
    )
    if issued.gives_refresh_token and party.metadata.may_use(REFRESH_TOKEN):
        body["refresh_token"] = services.grants.make_refresh_token(grant)
    if "openid" in issued.scopes:
        alg = party.metadata.id_token_signed_response_alg
        about = claims.id_token_claims(
            facts,
            access_token=str(body["access_token"]),
            nonce=issued.nonce,
            life=settings.id_token_life,
            alg=alg,
            person=await in_id_token(services, party, grant),
        )
        if issued.auth_req_id:
            about |= backchannel_claims(
                issued.auth_req_id,
                refresh_token=str(body.get("refresh_token", "")),
                alg=alg,
            )
        body["id_token"] = await finish_id_token(services, party, about)
    return body


async def sign_apart(
    services: Services, party: RelyingParty, issued: IssuedApart
) -> Body:
    """Return an access token alone."""
    body = await _access_token(services, party, issued)
    return {**body, **issued.members}


def about_login(grant: Grant, *, issuer: str) -> dict[str, Any]:
    """Return how and when the citizen logged in (RFC 9068, 2.2.1). Pure."""
    return {
        "auth_time": grant.auth_time // 1000,
        "acr": acr_uri(grant.acr, issuer=issuer),
    }


def backchannel_claims(
    auth_req_id: str, *, refresh_token: str, alg: str
) -> dict[str, str]:
    """Return what an ID token says beside the rest (CIBA Core 1.0, 10.3.1). Pure."""
    named = {AUTH_REQ_ID: auth_req_id}
    if not refresh_token:
        return named
    return {**named, RT_HASH: claims.half_hash(refresh_token, alg=alg)}


async def _access_token(
    services: Services, party: RelyingParty, issued: IssuedApart
) -> Body:
    about = access_token_claims(
        issuer=services.settings.issuer,
        subject=issued.subject,
        audience=issued.audience,
        client_id=party.id,
        scopes=issued.scopes,
        token_id=issued.token_id,
        now=services.clock.now(),
        life=issued.life,
        confirmation=issued.confirmation,
        extra=issued.claims,
    )
    return {
        "access_token": await services.keys.sign(about, typ=claims.ACCESS_TOKEN),
        "token_type": token_type_of(issued.confirmation),
        "expires_in": int(issued.life.total_seconds()),
        "scope": " ".join(issued.scopes),
    }
