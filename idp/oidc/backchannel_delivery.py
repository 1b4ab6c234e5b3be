"""Tell relying parties that a request was answered (CIBA Core 1.0, 10.2, 10.3, 12).

    ping   {"auth_req_id"}: the party fetches the answer at the token endpoint
    push   the whole token response, or the error

Each call carries the party's own notification token. Redirects are not followed and
the answer's body is not read (the Outbound engine sees to both). What fails is tried
again, a little later each time, but not a ping whose token the party refused (401,
403); a pushed grant that never arrived is revoked.
"""

import asyncio
import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import orjson

from idp.domain.audit import EventTag
from idp.domain.backchannel_deliveries import is_last_try
from idp.domain.backchannel_requests import (
    DELIVERIES,
    PUSH,
    BackchannelRequest,
    Outcome,
)
from idp.domain.relying_parties import RelyingParty
from idp.errors import GrantSpent, RelyingPartyUnknown, Unavailable
from idp.oidc.backchannel_grant import issue
from idp.oidc.errors import ProtocolRefusal
from idp.oidc.issuing import Issued, sign_tokens
from idp.services import Services

logger = logging.getLogger(__name__)

LONGEST_PAUSE = 5.0  # seconds; other nodes' answers are seen by then
AFTER_FAILURE = 5.0
TAKEN = frozenset({HTTPStatus.OK, HTTPStatus.NO_CONTENT})
REFUSED = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})
ERRORS: Mapping[Outcome, str] = {
    Outcome.DENIED: "access_denied",
    Outcome.EXPIRED: "expired_token",
}


async def deliver_backchannel_forever(services: Services) -> None:
    """Deliver what is due, at once when woken, until cancelled."""
    async with services.signals.waiting(DELIVERIES) as wait:
        while True:
            try:
                await deliver_backchannel(services)
                pause = await services.backchannel_deliveries.seconds_until_due(
                    longest=LONGEST_PAUSE
                )
                await wait(pause)
            except Exception as failure:
                # Never the end of delivering: what is due stays due.
                logger.exception("backchannel: %s", type(failure).__name__)
                await asyncio.sleep(AFTER_FAILURE)


async def deliver_backchannel(services: Services) -> int:
    """Try every delivery that is due; return how many were tried."""
    leased = await services.backchannel_deliveries.lease_due()
    await asyncio.gather(*(_deliver(services, request) for request in leased))
    return len(leased)


async def _deliver(services: Services, request: BackchannelRequest) -> None:
    try:
        async with services.store.read() as tx:
            party = await services.relying_parties.find(tx, request.relying_party_id)
    except RelyingPartyUnknown:
        await _close(services, request, is_delivered=False)
        return
    try:
        body = await _body(services, party, request)
    except (ProtocolRefusal, Unavailable) as failure:
        # No key of theirs to encrypt to: their own loss, and nobody else's delay.
        logger.info("backchannel of %s: %s", party.id, type(failure).__name__)
        status = None
    else:
        if body is None:
            await _close(services, request, is_delivered=True)
            return
        status = await _post(services, party, request, body)
    if status in TAKEN:
        await _close(services, request, is_delivered=True)
    elif is_last_try(request) or (request.delivery != PUSH and status in REFUSED):
        await _close(services, request, is_delivered=False)


async def _post(
    services: Services,
    party: RelyingParty,
    request: BackchannelRequest,
    body: Mapping[str, Any],
) -> int | None:
    """Return the status of the party's answer; None when there was none."""
    headers = {
        "Authorization": f"Bearer {request.notification_token}",
        "Content-Type": "application/json",
    }
    address = party.metadata.backchannel_client_notification_endpoint
    try:
        return await services.outbound.post(
            address, body=orjson.dumps(body), headers=headers
        )
    except Unavailable as away:
        logger.info("backchannel of %s: %s", party.id, away.dependency)
        return None


async def _body(
    services: Services, party: RelyingParty, request: BackchannelRequest
) -> dict[str, Any] | None:
    """Return what to send; None when there is nothing left to tell."""
    named = {"auth_req_id": request.auth_req_id}
    if request.delivery != PUSH:
        return named if request.issued_at is None else None
    async with services.store.read() as tx:
        outcome, decision = await services.backchannel.outcome(tx, request)
    if decision is None and request.issued_at is None:
        error = ERRORS.get(outcome)
        return None if error is None else {**named, "error": error}
    try:
        if request.issued_at is None and decision is not None:
            issued = await issue(services, party, request, decision, is_fetched=False)
        else:
            issued = await _again(services, request)
    except GrantSpent:
        return {**named, "error": "access_denied"}
    return {**named, **await sign_tokens(services, party, issued)}


async def _again(services: Services, request: BackchannelRequest) -> Issued:
    """Return what an earlier try issued and could not deliver; raises GrantSpent."""
    async with services.store.read() as tx:
        grant = await services.grants.live(tx, request.id)
    return Issued(grant, grant.scopes, auth_req_id=request.auth_req_id)


async def _close(
    services: Services, request: BackchannelRequest, *, is_delivered: bool
) -> None:
    """Send nothing more; a pushed grant that nobody got is revoked."""
    async with services.store.begin() as tx:
        await services.backchannel_deliveries.delivered(tx, request)
        if is_delivered:
            return
        if request.delivery == PUSH:
            await services.grants.revoke(tx, request.id)
        await services.audit.record(
            tx,
            EventTag.PUSH_UNDELIVERED,
            account=request.account_id,
            relying_party=request.relying_party_id,
            detail={"challenge": request.id},
        )
