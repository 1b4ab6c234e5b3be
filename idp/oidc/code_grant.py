"""A code in: its grant, session, consent and record, in one transaction.

The code stays spent when it came with the wrong verifier, redirect URI, key or
resource: whoever had it does not get a second try, and what it gave is revoked.
"""

from collections.abc import Mapping

from idp.domain.audit import EventTag
from idp.domain.codes import AuthorizationCode
from idp.domain.grants import Grant
from idp.domain.profiles import may_omit_pkce
from idp.domain.relying_parties import RelyingParty
from idp.domain.sessions import Session
from idp.domain.subjects import session_of, subject_key, subject_of
from idp.errors import GrantSpent
from idp.oidc import server
from idp.oidc.claims_request import asked_by
from idp.oidc.errors import ProtocolRefusal
from idp.oidc.issuing import Issued
from idp.oidc.parameters import required
from idp.services import Services
from idp.storage.store import Transaction

Form = Mapping[str, str]


async def redeem_code(
    services: Services, party: RelyingParty, form: Form, *, confirmation: str = ""
) -> Issued:
    """Spend a code; raises GrantSpent, ProtocolRefusal.

    A code that was asked for with a challenge is never redeemed without its verifier.
    """
    for name in ("code", "redirect_uri"):
        required(form, name)
    may_omit = may_omit_pkce(party, is_sandbox=services.settings.sandbox)
    if not may_omit:
        required(form, "code_verifier")
    code = services.grants.open_code(form["code"], client_id=party.id)
    if code.code_challenge:
        required(form, "code_verifier")
    facts = server.Facts(
        form=form,
        client=party,
        issuer=services.settings.issuer,
        confirmation=confirmation,
        code=code,
    )
    key = subject_key(services.sealer)
    sid = session_of(key, sector=party.sector, session_id=code.session_id)
    async with services.store.begin() as tx:
        grant = await services.grants.redeem(
            tx, code, sid=sid, confirmation=confirmation
        )
        try:
            issue = server.decide(facts)
        except ProtocolRefusal as fact:
            await services.grants.revoke(tx, grant.id)
            outcome: Issued | ProtocolRefusal = fact
        else:
            await save_login(services, tx, code, grant)
            outcome = Issued(
                grant,
                issue.scopes,
                code.nonce,
                audience=issue.audience,
                confirmation=confirmation,
            )
    if isinstance(outcome, ProtocolRefusal):
        raise outcome
    return outcome


async def save_login(
    services: Services, tx: Transaction, code: AuthorizationCode, grant: Grant
) -> None:
    """Write what a first redemption leaves behind: session, consent, audit.

    Raises GrantSpent when the session ended in the meantime.
    """
    if not await _hold_session(services, tx, code):
        # A refusal commits what stands: the grant is there, and must be worth nothing.
        await services.grants.revoke(tx, grant.id)
        raise GrantSpent("the session has ended")
    if not code.is_single_sign_on:
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


async def _hold_session(
    services: Services, tx: Transaction, code: AuthorizationCode
) -> bool:
    """Begin the session, or go on with it; False when it has ended."""
    if code.is_single_sign_on:
        return await services.sessions.hold(tx, code.session_id)
    session = Session(
        id=code.session_id,
        account_id=code.account_id,
        device_id=code.device_id,
        acr=code.acr,
        amr=code.amr,
        auth_time=code.auth_time,
    )
    return await services.sessions.start(tx, session)
