"""The CIBA grant at the token endpoint (CIBA Core 1.0, 10.1 and 11).

    open question    authorization_pending, or slow_down when asked too often
    refused          access_denied
    nobody in time   expired_token
    approved         tokens, once
    a push party     unauthorized_client
    another's id     invalid_grant, as for an unknown one

The answer is read from rows alone. A poll that waits for the phone holds no
transaction, and a second one beside it is told to slow down.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from idp.domain.backchannel_requests import PUSH, BackchannelRequest, Outcome, code_of
from idp.domain.challenges import signal_name
from idp.domain.decisions import Decision
from idp.domain.party_metadata import CIBA
from idp.domain.relying_parties import RelyingParty
from idp.domain.subjects import session_of, subject_key
from idp.errors import ChallengeDenied, ChallengePending, GrantSpent, RequestExpired
from idp.oidc.claims import half_hash
from idp.oidc.errors import ProtocolRefusal
from idp.oidc.parameters import required
from idp.services import Services
from idp.storage.columns import to_millis

if TYPE_CHECKING:
    from idp.oidc.token import Issued

AUTH_REQ_ID = "urn:openid:params:jwt:claim:auth_req_id"
RT_HASH = "urn:openid:params:jwt:claim:rt_hash"

Form = Mapping[str, str]
Answer = tuple[Outcome, Decision | None]


async def redeem_backchannel(
    services: Services, party: RelyingParty, form: Form, *, confirmation: str = ""
) -> "Issued":
    """Answer one poll with what is to be signed.

    Raises ChallengePending, PollTooFast, ChallengeDenied, RequestExpired, GrantSpent,
    ProtocolRefusal.
    """
    metadata = party.metadata
    if not metadata.may_use(CIBA) or metadata.backchannel_token_delivery_mode == PUSH:
        raise ProtocolRefusal("unauthorized_client", "not for polling")
    auth_req_id = required(form, "auth_req_id")
    async with services.store.read() as tx:
        request = await services.backchannel.find(tx, auth_req_id, client_id=party.id)
        if request.issued_at is not None:
            raise GrantSpent("issued before")
        answer = await services.backchannel.outcome(tx, request)
    if answer[0] is Outcome.PENDING:
        answer = await _ask(services, request)
    decision = decision_of(answer)
    return await issue(services, party, request, decision, confirmation=confirmation)


def decision_of(answer: Answer) -> Decision:
    """Return the approval. Pure.

    Raises ChallengePending, ChallengeDenied, RequestExpired.
    """
    outcome, decision = answer
    if outcome is Outcome.PENDING:
        raise ChallengePending("nobody has answered yet")
    if outcome is Outcome.DENIED:
        raise ChallengeDenied("the person said no")
    if decision is None:
        raise RequestExpired("nobody answered in time")
    return decision


async def issue(
    services: Services,
    party: RelyingParty,
    request: BackchannelRequest,
    decision: Decision,
    *,
    confirmation: str = "",
    is_fetched: bool = True,
) -> "Issued":
    """Spend the approval and make its grant, in one transaction; once.

    What was fetched needs no delivery any more. Raises GrantSpent.
    """
    from idp.oidc.token import Issued, save_login  # noqa: PLC0415 - they name us

    life = services.settings.code_life
    code = code_of(decision, expires_at=to_millis(services.clock.now() + life))
    key = subject_key(services.sealer)
    sid = session_of(key, sector=party.sector, session_id=code.session_id)
    async with services.store.begin() as tx:
        await services.backchannel.spend(tx, request)
        grant = await services.grants.redeem(
            tx, code, sid=sid, confirmation=confirmation
        )
        await save_login(services, tx, code, grant)
        if is_fetched:
            await services.backchannel_deliveries.delivered(tx, request)
    return Issued(grant, grant.scopes, auth_req_id=request.auth_req_id)


def backchannel_claims(
    auth_req_id: str, *, refresh_token: str, alg: str
) -> dict[str, str]:
    """Return what an ID token says beside the rest (CIBA Core 1.0, 10.3.1). Pure."""
    named = {AUTH_REQ_ID: auth_req_id}
    if not refresh_token:
        return named
    return {**named, RT_HASH: half_hash(refresh_token, alg=alg)}


async def _ask(services: Services, request: BackchannelRequest) -> Answer:
    """Take a turn, and wait for the phone a little where that is set."""
    patience = services.settings.backchannel_long_poll.total_seconds()
    now = to_millis(services.clock.now())
    turn = await services.backchannel_polls.take_turn(
        request.id, waits=patience, life=(request.expires_at - now) / 1000 + patience
    )
    try:
        if patience:
            async with services.signals.waiting(signal_name(request.id)) as wait:
                answer = await _look(services, request)
                if answer[0] is Outcome.PENDING:
                    await wait(patience)
        return await _look(services, request)
    finally:
        await turn.end()


async def _look(services: Services, request: BackchannelRequest) -> Answer:
    async with services.store.read() as tx:
        return await services.backchannel.outcome(tx, request)
