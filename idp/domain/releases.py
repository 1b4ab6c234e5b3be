"""What a person released to a relying party: whether it still may be, and its end.

A login that was proposed waits for its person (interactions.py). In the meantime the
account may be suspended, logged out everywhere, its session over or the party disabled:
it is asked again right before the release. Withdrawing a consent ends what it gave.
"""

from dataclasses import dataclass

from idp.domain.audit import Audit, EventTag
from idp.domain.consents import Consents
from idp.domain.grant_rows import STANDING
from idp.domain.interactions import Login
from idp.errors import ChallengeClosed
from idp.interfaces import Clock
from idp.storage.columns import to_millis
from idp.storage.store import Transaction

MAY_BE_RELEASED = (
    "SELECT (SELECT COUNT(*) FROM browser_session s"  # noqa: S608 - constant
    " WHERE s.id = CAST($3 AS TEXT))"
    " FROM account a WHERE a.id = $1 AND"
    + STANDING.format(
        auth_time="CAST($2 AS BIGINT)",
        device="CAST($4 AS TEXT)",
        party="CAST($5 AS TEXT)",
    )
    + " AND NOT EXISTS (SELECT 1 FROM browser_session s"
    " WHERE s.id = CAST($3 AS TEXT)"
    " AND (s.ended_at IS NOT NULL OR s.expires_at <= CAST($6 AS BIGINT)))"
)
REVOKE_OF = (
    "UPDATE authorization_grant SET revoked_at = $3"
    " WHERE account_id = $1 AND relying_party_id = $2 AND revoked_at IS NULL"
)


@dataclass(frozen=True, slots=True)
class Releases:
    """Ask whether claims may be released, and take a release back."""

    clock: Clock
    audit: Audit
    consents: Consents

    async def check(self, tx: Transaction, login: Login, *, client_id: str) -> bool:
        """Check that a proposed login still stands; raises ChallengeClosed.

        Say whether it begins a browser session of its own (else one goes on).
        """
        row = await tx.one(
            MAY_BE_RELEASED,
            login.account_id,
            login.auth_time,
            login.session_id,
            login.device_id,
            client_id,
            to_millis(self.clock.now()),
        )
        if row is None:
            raise ChallengeClosed("no longer allowed")
        return row[0] == 0

    async def withdraw(
        self, tx: Transaction, *, account_id: str, relying_party_id: str
    ) -> None:
        """Withdraw a consent and revoke every grant that it gave."""
        now = to_millis(self.clock.now())
        await self.consents.withdraw(
            tx, account_id=account_id, relying_party_id=relying_party_id
        )
        await tx.run(REVOKE_OF, account_id, relying_party_id, now)
        await self.audit.record(
            tx,
            EventTag.CONSENT_WITHDRAWN,
            account=account_id,
            relying_party=relying_party_id,
        )
