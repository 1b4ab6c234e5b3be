"""The end of browser sessions: one, all of a person, or all that a phone opened.

    end, everywhere,         sessions end, and the deliveries to relying
    of_account, of_device    parties are written: one transaction
            │
          wake  after it has committed: the nodes deliver at once

Tokens need no step of their own: every use reads the session, the account and the
device again (idp/domain/grants.py).
"""

from dataclasses import dataclass

from idp.domain.accounts import Accounts
from idp.domain.audit import Audit, EventTag
from idp.domain.logout_deliveries import LogoutDeliveries
from idp.domain.sessions import Sessions
from idp.storage.signals import Signals
from idp.storage.store import Transaction

WAKE = "logout deliveries"


@dataclass(frozen=True, slots=True)
class Logouts:
    """End sessions, and owe every relying party the news."""

    signals: Signals
    audit: Audit
    accounts: Accounts
    sessions: Sessions
    deliveries: LogoutDeliveries

    async def end(
        self, tx: Transaction, session_id: str, *, relying_party_id: str | None = None
    ) -> bool:
        """End one session and its browser's line; False when it was over already.

        `relying_party_id` names the party that asked for it, for the record.
        """
        account_id, ended = await self.sessions.end(tx, session_id)
        if not ended:
            return False
        await self.deliveries.announce(tx, ended)
        tag = EventTag.SESSION_ENDED
        await self.audit.record(
            tx, tag, account=account_id, relying_party=relying_party_id
        )
        return True

    async def everywhere(self, tx: Transaction, account_id: str) -> int:
        """Log a person out in every browser and at every party; return how many.

        What was granted before now is refused from here on, offline access too.
        """
        await self.accounts.log_out_everywhere(tx, account_id)
        ended = await self._end_all(tx, account_id)
        tag = EventTag.LOGGED_OUT_EVERYWHERE
        await self.audit.record(
            tx, tag, account=account_id, detail={"sessions": str(len(ended))}
        )
        return len(ended)

    async def of_account(self, tx: Transaction, account_id: str) -> int:
        """End the sessions of an account that was suspended or closed."""
        return len(await self._end_all(tx, account_id))

    async def of_device(
        self, tx: Transaction, *, account_id: str, device_id: str
    ) -> int:
        """End the sessions that a revoked device opened; return how many."""
        ended = await self.sessions.end_of_device(
            tx, account_id=account_id, device_id=device_id
        )
        await self.deliveries.announce(tx, ended)
        return len(ended)

    async def wake(self) -> None:
        """Have the deliveries made now; call it once the transaction is over."""
        await self.signals.wake(WAKE)

    async def _end_all(self, tx: Transaction, account_id: str) -> list[str]:
        ended = await self.sessions.end_all(tx, account_id)
        await self.deliveries.announce(tx, ended)
        return ended
