"""Which pings and pushes are due, and who may try them (CIBA Core 1.0, 10.2, 10.3).

A due delivery is leased by moving its instant: one node at a time, and a crash only
delays the next try. After the last try nothing more is sent.
"""

from dataclasses import dataclass

from idp.domain.backchannel_requests import BackchannelRequest, BackchannelRequests
from idp.domain.backchannel_rows import DELIVERED, DUE, LEASE, NEXT_DUE
from idp.interfaces import Clock
from idp.storage.columns import to_millis
from idp.storage.store import Store, Transaction

BATCH = 20
MOST_TRIES = 6
FIRST_PAUSE = 2_000  # milliseconds; doubled each time


def pause_after(tries: int) -> int:
    """Return the milliseconds until the next try, after `tries` of them. Pure."""
    return FIRST_PAUSE * int(2**tries)


@dataclass(frozen=True, slots=True)
class Deliveries:
    """Lease what is due, and tick off what was delivered."""

    clock: Clock
    store: Store
    requests: BackchannelRequests

    async def lease_due(self) -> list[BackchannelRequest]:
        """Return requests whose delivery this node may try now."""
        now = to_millis(self.clock.now())
        async with self.store.read() as tx:
            due = await tx.all(DUE, now, BATCH)
        leased = []
        for request_id, at, tries in due:
            later = now + pause_after(int(tries or 0))
            async with self.store.begin() as tx:
                row = await tx.one(LEASE, request_id, at, later)
            if row is not None:
                leased.append(self.requests.read(row))
        return leased

    async def delivered(self, tx: Transaction, request: BackchannelRequest) -> None:
        """Send nothing more about this request."""
        await tx.run(DELIVERED, request.id)

    async def seconds_until_due(self, *, longest: float) -> float:
        """Return how long may pass before something is due, at most `longest`."""
        async with self.store.read() as tx:
            row = await tx.one(NEXT_DUE)
        if row is None or row[0] is None:
            return longest
        left = (int(row[0]) - to_millis(self.clock.now())) / 1000
        return min(longest, max(0.1, left))


def is_last_try(request: BackchannelRequest) -> bool:
    """Say whether a leased delivery will not be tried again."""
    return request.tries >= MOST_TRIES
