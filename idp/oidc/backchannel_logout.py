"""Tell relying parties that a session has ended (OIDC Back-Channel Logout 1.0).

    claim → make a logout token → post it → 200, 204   done (2.8)
                                          → 400        the party says no: refused
                                          → anything   later, for a day; then given up

Any node works the rows of idp/domain/logout_deliveries.py. A token is made afresh at
each try, so a party that was away for hours is not told by one that has expired.
"""

import asyncio
import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from idp.domain.audit import EventTag
from idp.domain.logout_deliveries import Delivery, DeliveryState
from idp.domain.logouts import WAKE
from idp.domain.relying_parties import RelyingParty
from idp.domain.subjects import session_of, subject_key, subject_of
from idp.errors import RelyingPartyUnknown, Unavailable
from idp.oidc.errors import ProtocolRefusal
from idp.oidc.parameters import FORM
from idp.oidc.response_encryption import sealed_for
from idp.services import Services
from idp.storage.columns import new_id

logger = logging.getLogger(__name__)

LOGOUT_TOKEN = "logout+jwt"  # noqa: S105 - a type
EVENT = "http://schemas.openid.net/event/backchannel-logout"
LIFE = timedelta(minutes=2)
POLL = 1.0  # seconds between two looks at what other nodes wrote
AFTER_FAILURE = 5.0  # seconds
HEADERS = {"Content-Type": FORM, "Accept": "*/*"}
TAKEN = (HTTPStatus.OK, HTTPStatus.NO_CONTENT)
TAGS: Mapping[DeliveryState, EventTag] = {
    DeliveryState.DONE: EventTag.LOGOUT_DELIVERED,
    DeliveryState.REFUSED: EventTag.LOGOUT_REFUSED,
    DeliveryState.GIVEN_UP: EventTag.LOGOUT_GIVEN_UP,
}


def logout_token_claims(
    *, issuer: str, audience: str, subject: str, sid: str, now: datetime
) -> dict[str, Any]:
    """Return the claims of a logout token (2.4): never a nonce. Pure."""
    return {
        "iss": issuer,
        "sub": subject,
        "aud": audience,
        "iat": int(now.timestamp()),
        "exp": int((now + LIFE).timestamp()),
        "jti": new_id(),
        "events": {EVENT: {}},
        "sid": sid,
    }


async def deliver_forever(services: Services) -> None:
    """Deliver what is due, at once when woken and every second, until cancelled."""
    async with services.signals.waiting(WAKE) as wait:
        while True:
            try:
                await deliver_due(services)
                await wait(POLL)
            except Exception as failure:
                # Never the end of delivering: what is due stays due.
                logger.exception("logout deliveries: %s", type(failure).__name__)
                await asyncio.sleep(AFTER_FAILURE)


async def deliver_due(services: Services) -> int:
    """Make every delivery that is due; return how many were tried."""
    tried = 0
    while batch := await _claim(services):
        tried += len(batch)
        await asyncio.gather(*(deliver(services, delivery) for delivery in batch))
    return tried


async def deliver(services: Services, delivery: Delivery) -> None:
    """Try one delivery whose lease is ours, and record what came of it."""
    try:
        async with services.store.read() as tx:
            party = await services.relying_parties.find(tx, delivery.relying_party_id)
    except RelyingPartyUnknown:
        await _close(services, delivery, DeliveryState.REFUSED, "party disabled")
        return
    if not party.metadata.backchannel_logout_uri:
        await _close(services, delivery, DeliveryState.REFUSED, "no address")
        return
    try:
        status = await _post(services, party, delivery)
    except Unavailable as away:
        logger.info("logout of %s: %s", party.id, away.dependency)
        await _later(services, delivery, "unreachable")
        return
    except ProtocolRefusal:
        await _later(services, delivery, "no key to encrypt to")
        return
    if status in TAKEN:
        await _close(services, delivery, DeliveryState.DONE, str(status))
    elif status == HTTPStatus.BAD_REQUEST:
        await _close(services, delivery, DeliveryState.REFUSED, str(status))
    else:
        await _later(services, delivery, str(status))


async def _claim(services: Services) -> list[Delivery]:
    async with services.store.read() as tx:
        if not await services.logouts.deliveries.is_any_due(tx):
            return []
    async with services.store.begin() as tx:
        return await services.logouts.deliveries.claim(tx)


async def _post(services: Services, party: RelyingParty, delivery: Delivery) -> int:
    key = subject_key(services.sealer)
    claims = logout_token_claims(
        issuer=services.settings.issuer,
        audience=party.id,
        subject=subject_of(key, sector=party.sector, account_id=delivery.account_id),
        sid=session_of(key, sector=party.sector, session_id=delivery.session_id),
        now=services.clock.now(),
    )
    metadata = party.metadata
    signed = await services.keys.sign(
        claims, typ=LOGOUT_TOKEN, alg=metadata.id_token_signed_response_alg
    )
    # Whoever has its ID tokens encrypted refuses a bare logout token (2.6).
    token = await sealed_for(
        services,
        party,
        signed,
        alg=metadata.id_token_encrypted_response_alg,
        enc=metadata.id_token_encrypted_response_enc,
    )
    return await services.outbound.post(
        metadata.backchannel_logout_uri,
        body=urlencode({"logout_token": token}).encode("ascii"),
        headers=HEADERS,
    )


async def _later(services: Services, delivery: Delivery, answer: str) -> None:
    async with services.store.begin() as tx:
        deliveries = services.logouts.deliveries
        if await deliveries.postpone(tx, delivery, answer=answer):
            return
    await _close(services, delivery, DeliveryState.GIVEN_UP, answer)


async def _close(
    services: Services, delivery: Delivery, state: DeliveryState, answer: str
) -> None:
    """Record the end, once: only if the lease is still ours."""
    async with services.store.begin() as tx:
        deliveries = services.logouts.deliveries
        if not await deliveries.close(tx, delivery, state, answer=answer):
            return
        await services.audit.record(
            tx,
            TAGS[state],
            account=delivery.account_id,
            relying_party=delivery.relying_party_id,
            detail={"answer": answer, "attempts": str(delivery.attempts)},
        )
