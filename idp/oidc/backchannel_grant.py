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

import asyncio
from collections.abc import Mapping
from contextlib import suppress

from idp.domain.backchannel_requests import PUSH, BackchannelRequest, Outcome, code_of
from idp.domain.challenges import signal_name
from idp.domain.decisions import Decision
from idp.domain.party_metadata import CIBA
from idp.domain.relying_parties import RelyingParty
from idp.domain.subjects import session_of, subject_key
from idp.errors import ChallengeDenied, ChallengePending, GrantSpent, RequestExpired
from idp.oidc.code_grant import save_login
from idp.oidc.errors import ProtocolRefusal
from idp.oidc.issuing import Issued
from idp.oidc.parameters import required
from idp.services import Services
from idp.storage.columns import to_millis

Form = Mapping[str, str]
Answer = tuple[Outcome, Decision | None]


async def redeem_backchannel(
    services: Services, party: RelyingParty, form: Form, *, confirmation: str = ""
) -> Issued:
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
) -> Issued:
    """Spend the approval and make its grant, in one transaction; once.

    What was fetched needs no delivery any more. Raises GrantSpent.
    """
    life = services.settings.code_life
    code = code_of(decision, expires_at=to_millis(services.clock.now() + life))
    key = subject_key(services.sealer)
    sid = session_of(key, sector=party.sector, session_id=code.session_id)
    async with services.store.begin() as tx:
        await services.backchannel.spend(tx, request)
        grant = await services.grants.redeem(
            tx,
            code,
            sid=sid,
            confirmation=confirmation,
            released_at=decision.decided_at,
        )
        await save_login(services, tx, code, grant)
        if is_fetched:
            await services.backchannel_deliveries.delivered(tx, request)
    return Issued(
        grant,
        grant.scopes,
        auth_req_id=request.auth_req_id,
        audience=grant.resources,
        confirmation=confirmation,
    )


async def _ask(services: Services, request: BackchannelRequest) -> Answer:
    """Take a turn, and wait for the phone a little where that is set."""
    patience = services.settings.backchannel_long_poll.total_seconds()
    now = to_millis(services.clock.now())
    turn = await services.backchannel_polls.take_turn(
        request.id, waits=patience, life=(request.expires_at - now) / 1000 + patience
    )
    try:
        return await _wait(services, request, patience=patience)
    finally:
        await turn.end()


async def _wait(
    services: Services, request: BackchannelRequest, *, patience: float
) -> Answer:
    """Look until the answer is there or patience ends; a claim is no answer."""
    if not patience:
        return await _look(services, request)
    with suppress(TimeoutError):
        async with (
            asyncio.timeout(patience),
            services.signals.waiting(signal_name(request.id)) as wait,
        ):
            # Registered first, then looked: no wake-up is missed.
            while (answer := await _look(services, request))[0] is Outcome.PENDING:
                await wait(patience)
            return answer
    return await _look(services, request)


async def _look(services: Services, request: BackchannelRequest) -> Answer:
    async with services.store.read() as tx:
        return await services.backchannel.outcome(tx, request)
