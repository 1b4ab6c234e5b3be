"""What runs beside the requests: the audit seal, keys, news of logouts, sweeping.

Everything that expires has an indexed instant and goes in small batches, by any
node that comes along: tables stay at their steady size without a janitor.
"""

import asyncio
import logging
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any

from idp.oidc.backchannel_delivery import deliver_backchannel_forever
from idp.oidc.backchannel_logout import deliver_forever
from idp.services import Services

logger = logging.getLogger(__name__)

SWEEP_EVERY = timedelta(minutes=1)
DECISIONS_KEPT = timedelta(days=1)


def housekeeping(services: Services) -> list[Coroutine[Any, Any, None]]:
    """Return the tasks that one node runs."""
    return [
        services.audit_chain.run(),
        services.keys.run(),
        deliver_forever(services),
        deliver_backchannel_forever(services),
        services.messaging.courier.deliver_forever(),
        services.messaging.watch.watch_forever(),
        sweep_forever(services),
    ]


async def sweep_forever(services: Services) -> None:
    """Sweep once a minute, until cancelled."""
    while True:
        await asyncio.sleep(SWEEP_EVERY.total_seconds())
        try:
            await sweep(services)
        except Exception as failure:
            # Never the end of sweeping: the next minute tries again.
            logger.exception("sweep: %s", type(failure).__name__)


async def sweep(services: Services) -> None:
    """Delete what has expired."""
    async with services.store.begin() as tx:
        await services.sessions.drop_expired(tx)
        await services.grants.drop_expired(tx)
        await services.token_status.drop_expired(tx)
        await services.logouts.deliveries.drop_old(tx)
        await services.party_registration.drop_old(tx)
        await services.decisions.drop_old(tx, kept=DECISIONS_KEPT)
        await services.backchannel.drop_old(tx, kept=DECISIONS_KEPT)
        await services.push_blocks.drop_over(tx)
        await services.messaging.drop_old(tx)
