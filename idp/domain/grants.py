r"""Grants and their refresh families: what came of a redeemed code.

    code --redeem--> grant --rotate--> grant (next generation) ...
      \__ again __________\__ an old generation again __> revoked, for good

Codes and refresh tokens are sealed values (codes.py). A code's single use is enforced
by the insert of the grant under the challenge's id. That one statement reads account,
device, relying party and "log out everywhere" again. A refresh token is issued only
for `offline_access`, and its family ends `refresh_life` after the login, however
often it is rotated.

A family moves at most once in `refresh_grace`. Until then the token that moved it is
answered with the new generation, so an answer that was lost, or a second tab, locks
nobody out; after that it is a copy in two hands, and ends the family.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import orjson

from idp.domain import codes
from idp.domain.audit import Audit, EventTag
from idp.domain.codes import AuthorizationCode, RefreshToken
from idp.domain.consents import OFFLINE_ACCESS
from idp.domain.grant_rows import (
    BY_SID,
    DROP_EXPIRED,
    GENERATION,
    IN_GRACE,
    LIVE,
    MAY_BECOME,
    REDEEM,
    REVOKE,
    ROTATE,
    UNMOVED,
)
from idp.domain.interactions import AuthorizationRequest, Login
from idp.errors import GrantSpent
from idp.interfaces import Clock
from idp.storage.columns import to_millis
from idp.storage.encryption import Sealer
from idp.storage.store import Row, Transaction

__all__ = ["AuthorizationCode", "Grant", "Grants"]


@dataclass(frozen=True, slots=True)
class Grant:
    """What one relying party was given for one login. `auth_time` in ms."""

    id: str
    account_id: str
    device_id: str | None
    relying_party_id: str
    session_id: str
    sid: str
    scopes: tuple[str, ...]
    claims: tuple[str, ...]
    acr: str
    amr: tuple[str, ...]
    auth_time: int
    generation: int
    confirmation: str = ""
    resources: tuple[str, ...] = ()
    claims_request: str = ""

    @property
    def is_offline(self) -> bool:
        """Whether it outlives the browser session."""
        return OFFLINE_ACCESS in self.claims and OFFLINE_ACCESS in self.scopes


@dataclass(frozen=True, slots=True)
class Grants:
    """Make and redeem codes; rotate and revoke refresh families."""

    clock: Clock
    sealer: Sealer
    audit: Audit
    code_life: timedelta
    refresh_life: timedelta
    refresh_grace: timedelta

    def make_code(
        self,
        request: AuthorizationRequest,
        login: Login,
        *,
        is_single_sign_on: bool = False,
    ) -> str:
        """Return the sealed code of a completed login. Writes nothing."""
        code = codes.code_of(
            request,
            login,
            expires_at=to_millis(self.clock.now() + self.code_life),
            is_single_sign_on=is_single_sign_on,
        )
        return codes.seal_code(self.sealer, code)

    def open_code(self, text: str, *, client_id: str) -> AuthorizationCode:
        """Return what a code says; raises GrantSpent unless it is this client's."""
        return codes.open_code(self.sealer, text, client_id=client_id)

    async def may_become(
        self, tx: Transaction, challenge_id: str, *, client_id: str
    ) -> bool:
        """Say whether an approval may still become a grant: nobody was revoked."""
        return await tx.one(MAY_BECOME, challenge_id, client_id) is not None

    async def redeem(
        self,
        tx: Transaction,
        code: AuthorizationCode,
        *,
        sid: str,
        confirmation: str = "",
        released_at: int | None = None,
    ) -> Grant:
        """Spend the code, once; raises GrantSpent.

        `confirmation` names the key that the tokens are bound to: "", `jkt:…`
        (RFC 9449) or `x5t#S256:…` (RFC 8705). `released_at` (ms) is when the person
        said yes, where that was long before the code was made.

        A second presentation revokes everything that the first one gave (RFC 6749,
        4.1.2).
        """
        now = self.clock.now()
        grant = _grant_of(code, sid=sid, confirmation=confirmation)
        if released_at is None:
            released_at = self._released_at(code)
        values = (*_columns(grant), to_millis(now), self._end(code), released_at)
        is_late = to_millis(now) >= code.expires_at
        if is_late or await tx.run(REDEEM, *values) != 1:
            await self._punish_reuse(tx, code.grant_id, detail="code")
            raise GrantSpent("late" if is_late else "spent or no longer allowed")
        return grant

    def make_refresh_token(self, grant: Grant) -> str:
        """Return the refresh token of the grant's generation."""
        token = RefreshToken(
            grant_id=grant.id,
            client_id=grant.relying_party_id,
            generation=grant.generation,
            scopes=grant.scopes,
            resources=grant.resources,
            confirmation=grant.confirmation,
        )
        return codes.seal_refresh_token(self.sealer, token)

    def open_refresh_token(self, text: str, *, client_id: str) -> RefreshToken:
        """Return what it says; raises GrantSpent unless it is this client's."""
        return codes.open_refresh_token(self.sealer, text, client_id=client_id)

    async def rotate(self, tx: Transaction, token: RefreshToken) -> Grant:
        """Move the family to its next generation; raises GrantSpent.

        Within the grace of the last move it stays where it is. An older generation
        is a copy in two hands: the whole family is revoked (RFC 9700, 4.14.2).
        """
        now = to_millis(self.clock.now())
        settled = now - int(self.refresh_grace.total_seconds() * 1000)
        values = (token.grant_id, token.generation, token.client_id, now)
        row = await tx.one(ROTATE, *values, settled)
        if row is None:
            row = await tx.one(IN_GRACE, *values, settled)
        if row is not None:
            return _grant(row)
        return await self._refuse(tx, token)

    async def keep(self, tx: Transaction, token: RefreshToken) -> Grant:
        """Return the family of a token that does not rotate; raises GrantSpent."""
        now = to_millis(self.clock.now())
        row = await tx.one(
            UNMOVED, token.grant_id, token.generation, token.client_id, now
        )
        return _grant(row) if row is not None else await self._refuse(tx, token)

    async def live(self, tx: Transaction, grant_id: str) -> Grant:
        """Return a grant that may still be used; raises GrantSpent."""
        row = await tx.one(LIVE, grant_id, to_millis(self.clock.now()))
        if row is None:
            raise GrantSpent("over")
        grant = _grant(row[:-1])
        if row[-1] is not None and not grant.is_offline:
            raise GrantSpent("the session has ended")
        return grant

    async def revoke(self, tx: Transaction, grant_id: str) -> None:
        """Revoke a grant and its family, if it is there and was not."""
        await tx.one(REVOKE, grant_id, to_millis(self.clock.now()))

    async def session_of(
        self, tx: Transaction, *, sid: str, relying_party_id: str
    ) -> tuple[str, str] | None:
        """Return `(session id, account id)` of what a party knows as `sid`."""
        row = await tx.one(BY_SID, sid, relying_party_id)
        return None if row is None else (str(row[0]), str(row[1]))

    async def is_current(self, tx: Transaction, token: RefreshToken) -> bool:
        """Say whether a refresh token would be answered, and change nothing."""
        known = await tx.one(GENERATION, token.grant_id)
        if known is None:
            return False
        generation, rotated_at = int(known[0] or 0), int(known[1] or 0)
        grace = int(self.refresh_grace.total_seconds() * 1000)
        is_in_grace = to_millis(self.clock.now()) - rotated_at < grace
        return token.generation == generation or (
            is_in_grace and token.generation == generation - 1
        )

    async def drop_expired(self, tx: Transaction) -> int:
        """Delete families that are over; return how many."""
        return await tx.run(DROP_EXPIRED, to_millis(self.clock.now()))

    async def _refuse(self, tx: Transaction, token: RefreshToken) -> Grant:
        known = await tx.one(GENERATION, token.grant_id)
        if known is not None and int(known[0] or 0) > token.generation:
            await self._punish_reuse(tx, token.grant_id, detail="refresh token")
        raise GrantSpent("spent or no longer allowed")

    async def _punish_reuse(
        self, tx: Transaction, grant_id: str, *, detail: str
    ) -> None:
        row = await tx.one(REVOKE, grant_id, to_millis(self.clock.now()))
        if row is None:
            return
        await self.audit.record(
            tx,
            EventTag.TOKEN_REUSED,
            account=str(row[0]),
            relying_party=str(row[1]),
            detail={"what": detail},
        )

    def _released_at(self, code: AuthorizationCode) -> int:
        """Return since when (ms) nothing may have been taken back.

        Nobody was asked for single sign-on: there the consent of before must stand.
        """
        if code.is_single_sign_on:
            return 0
        return code.expires_at - int(self.code_life.total_seconds() * 1000)

    def _end(self, code: AuthorizationCode) -> int:
        return code.expires_at + int(self.refresh_life.total_seconds() * 1000)


def _grant_of(code: AuthorizationCode, *, sid: str, confirmation: str) -> Grant:
    return Grant(
        id=code.grant_id,
        account_id=code.account_id,
        device_id=code.device_id,
        relying_party_id=code.client_id,
        session_id=code.session_id,
        sid=sid,
        scopes=code.scopes,
        claims=code.claims,
        acr=code.acr,
        amr=code.amr,
        auth_time=code.auth_time,
        generation=0,
        confirmation=confirmation,
        resources=code.resources,
        claims_request=code.claims_request,
    )


def _columns(grant: Grant) -> tuple[str | int | None, ...]:
    """Return the values of REDEEM's first fourteen places."""
    return (
        grant.id,
        grant.account_id,
        grant.device_id,
        grant.relying_party_id,
        grant.session_id,
        grant.sid,
        " ".join(grant.scopes),
        " ".join(grant.claims),
        grant.acr,
        " ".join(grant.amr),
        grant.auth_time,
        grant.confirmation,
        orjson.dumps(grant.resources).decode(),
        grant.claims_request,
    )


def _grant(row: Row) -> Grant:
    values: list[Any] = list(row)
    for place in (6, 7, 9):
        values[place] = tuple(values[place].split())
    values[13] = tuple(orjson.loads(values[13]))
    return Grant(*values)
