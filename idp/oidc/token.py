"""The token endpoint: a code or a refresh token in, tokens out.

    parse → authenticate the client → open → spend, decide, save (one transaction)
          → sign

The client is authenticated before its code is spent; the code is spent before its
verifier is looked at, so a stolen code has one try and its owner learns of it.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from idp.domain.audit import EventTag
from idp.domain.grants import AuthorizationCode, Grant
from idp.domain.party_metadata import CIBA
from idp.domain.relying_parties import RelyingParty
from idp.domain.sessions import Session
from idp.domain.subjects import session_of, subject_key, subject_of
from idp.errors import IdentityError
from idp.oidc import claims, server
from idp.oidc.backchannel_grant import backchannel_claims, redeem_backchannel
from idp.oidc.claims_request import asked_by
from idp.oidc.client_authentication import authenticate_client
from idp.oidc.context import services_of
from idp.oidc.errors import ProtocolRefusal, json_response, refusal_response
from idp.oidc.parameters import read_form, required
from idp.oidc.person import in_id_token
from idp.oidc.response_encryption import finish_id_token
from idp.services import Services
from idp.storage.columns import new_id
from idp.storage.store import Transaction

Form = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Issued:
    """A decision that is durable: what remains is to sign."""

    grant: Grant
    scopes: tuple[str, ...]
    nonce: str | None = None
    auth_req_id: str = ""


async def token(request: Request) -> Response:
    """Answer `POST /token`."""
    services = services_of(request)
    try:
        form = await read_form(request)
        party = await authenticate_client(services, request, form)
        issued = await grant_type(form)(services, party, form)
        return json_response(await sign_tokens(services, party, issued))
    except (IdentityError, ProtocolRefusal) as fact:
        return refusal_response(fact, realm=services.settings.issuer)


async def redeem_code(services: Services, party: RelyingParty, form: Form) -> Issued:
    """Spend a code; raises GrantSpent, ProtocolRefusal."""
    for name in ("code", "code_verifier", "redirect_uri"):
        required(form, name)
    code = services.grants.open_code(form["code"], client_id=party.id)
    key = subject_key(services.sealer)
    sid = session_of(key, sector=party.sector, session_id=code.session_id)
    async with services.store.begin() as tx:
        grant = await services.grants.redeem(tx, code, sid=sid)
        try:
            issue = server.decide(server.Facts(form=form, client=party, code=code))
        except ProtocolRefusal as fact:
            # The code stays spent: whoever had it does not get a second try.
            await services.grants.revoke(tx, grant.id)
            outcome: Issued | ProtocolRefusal = fact
        else:
            await save_login(services, tx, code, grant)
            outcome = Issued(grant, issue.scopes, code.nonce)
    if isinstance(outcome, ProtocolRefusal):
        raise outcome
    return outcome


async def save_login(
    services: Services, tx: Transaction, code: AuthorizationCode, grant: Grant
) -> None:
    """Write what a first redemption leaves behind: session, consent, audit."""
    if not code.is_single_sign_on:
        session = Session(
            id=code.session_id,
            account_id=code.account_id,
            device_id=code.device_id,
            acr=code.acr,
            amr=code.amr,
            auth_time=code.auth_time,
        )
        await services.sessions.start(tx, session)
        party = await services.relying_parties.find(tx, code.client_id)
        await services.consents.record(
            tx,
            account_id=code.account_id,
            relying_party_id=code.client_id,
            asked=asked_by(code.claims_request, scopes=code.scopes, party=party),
            claims=code.claims,
            subject=subject_of(
                subject_key(services.sealer),
                sector=party.sector,
                account_id=code.account_id,
            ),
        )
    await services.audit.record(
        tx,
        EventTag.TOKEN_ISSUED,
        account=grant.account_id,
        device=grant.device_id,
        relying_party=grant.relying_party_id,
        detail={"scope": " ".join(grant.scopes), "claims": " ".join(grant.claims)},
    )


async def refresh(services: Services, party: RelyingParty, form: Form) -> Issued:
    """Rotate a refresh token; raises GrantSpent, ProtocolRefusal.

    A wrong scope is refused before the family moves: an honest mistake costs nothing.
    """
    text = required(form, "refresh_token")
    presented = services.grants.open_refresh_token(text, client_id=party.id)
    issue = server.decide(
        server.Facts(form=form, client=party, refresh_token=presented)
    )
    async with services.store.begin() as tx:
        grant = await services.grants.rotate(tx, presented)
        await services.audit.record(
            tx,
            EventTag.TOKEN_REFRESHED,
            account=grant.account_id,
            device=grant.device_id,
            relying_party=grant.relying_party_id,
        )
    return Issued(grant, issue.scopes)


async def sign_tokens(
    services: Services, party: RelyingParty, issued: Issued
) -> dict[str, str | int]:
    """Return the body of a token response (RFC 6749, 5.1)."""
    settings, grant = services.settings, issued.grant
    key = subject_key(services.sealer)
    facts = claims.TokenFacts(
        issuer=settings.issuer,
        subject=subject_of(key, sector=party.sector, account_id=grant.account_id),
        grant=grant,
        scopes=issued.scopes,
        now=services.clock.now(),
    )
    access_token = await services.keys.sign(
        claims.access_token_claims(
            facts, token_id=new_id(), life=settings.access_token_life
        ),
        typ=claims.ACCESS_TOKEN,
    )
    body: dict[str, str | int] = {
        "access_token": access_token,
        "token_type": "Bearer",
        "expires_in": int(settings.access_token_life.total_seconds()),
        "scope": " ".join(issued.scopes),
    }
    if grant.is_offline:
        body["refresh_token"] = services.grants.make_refresh_token(grant)
    if "openid" in issued.scopes:
        about = claims.id_token_claims(
            facts,
            access_token=access_token,
            nonce=issued.nonce,
            life=settings.id_token_life,
            alg=party.metadata.id_token_signed_response_alg,
            person=await in_id_token(services, party, grant),
        )
        if issued.auth_req_id:
            about |= backchannel_claims(
                issued.auth_req_id,
                refresh_token=str(body.get("refresh_token", "")),
                alg=party.metadata.id_token_signed_response_alg,
            )
        body["id_token"] = await finish_id_token(services, party, about)
    return body


Issuer = Callable[[Services, RelyingParty, Form], Awaitable[Issued]]
GRANT_TYPES: Mapping[str, Issuer] = {
    "authorization_code": redeem_code,
    "refresh_token": refresh,
    CIBA: redeem_backchannel,
}


def grant_type(form: Form) -> Issuer:
    """Return what answers the grant type; raises ProtocolRefusal."""
    known = GRANT_TYPES.get(required(form, "grant_type"))
    if known is None:
        raise ProtocolRefusal("unsupported_grant_type")
    return known
