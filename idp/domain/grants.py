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
from sqlmodel import BigInteger, Column, Field, SQLModel, String

from idp.domain import codes
from idp.domain.audit import Audit, EventTag
from idp.domain.codes import AuthorizationCode, RefreshToken
from idp.domain.consents import OFFLINE_ACCESS
from idp.domain.interactions import AuthorizationRequest, Login
from idp.errors import GrantSpent
from idp.interfaces import Clock
from idp.storage.columns import to_millis
from idp.storage.encryption import Sealer
from idp.storage.store import Row, Transaction

__all__ = ["STANDING", "AuthorizationCode", "Grant", "GrantRow", "Grants"]


def _text(default: str) -> "Column[str]":
    return Column(String, nullable=False, server_default=default)


class GrantRow(SQLModel, table=True):
    """One redeemed code and its refresh family. Instants in milliseconds."""

    __tablename__ = "authorization_grant"
    id: str = Field(primary_key=True)
    account_id: str = Field(foreign_key="account.id", index=True)
    device_id: str | None = None
    relying_party_id: str = Field(foreign_key="relying_party.id")
    session_id: str = Field(index=True)
    sid: str = Field(index=True)
    scopes: str
    claims: str
    acr: str
    amr: str
    auth_time: int = Field(sa_column=Column(BigInteger, nullable=False))
    generation: int = Field(sa_column=Column(BigInteger, nullable=False))
    issued_at: int = Field(sa_column=Column(BigInteger, nullable=False))
    expires_at: int = Field(sa_column=Column(BigInteger, nullable=False, index=True))
    revoked_at: int | None = Field(default=None, sa_column=Column(BigInteger))
    confirmation: str = Field(sa_column=_text(""))
    resources: str = Field(sa_column=_text("[]"))
    claims_request: str = Field(sa_column=_text(""))
    rotated_at: int | None = Field(default=None, sa_column=Column(BigInteger))


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


COLUMNS = (
    "id, account_id, device_id, relying_party_id, session_id, sid, scopes, claims,"
    " acr, amr, auth_time, generation, confirmation, resources, claims_request"
)
# Whoever may not use what was granted: the same words for every statement below.
STANDING = (
    " a.state = 'active'"
    " AND (a.logged_out_at IS NULL OR a.logged_out_at < {auth_time})"
    " AND ({device} IS NULL OR EXISTS (SELECT 1 FROM device d"
    " WHERE d.id = {device} AND d.account_id = a.id AND d.revoked_at IS NULL))"
    " AND EXISTS (SELECT 1 FROM relying_party r"
    " WHERE r.id = {party} AND r.disabled_at IS NULL)"
)
REDEEM = (
    f"INSERT INTO authorization_grant ({COLUMNS}, issued_at, expires_at)"  # noqa: S608 - constant
    " SELECT CAST($1 AS TEXT), a.id, CAST($3 AS TEXT), CAST($4 AS TEXT),"
    " CAST($5 AS TEXT), CAST($6 AS TEXT), CAST($7 AS TEXT), CAST($8 AS TEXT),"
    " CAST($9 AS TEXT), CAST($10 AS TEXT), CAST($11 AS BIGINT), 0,"
    " CAST($12 AS TEXT), CAST($13 AS TEXT), CAST($14 AS TEXT),"
    " CAST($15 AS BIGINT), CAST($16 AS BIGINT)"
    " FROM account a WHERE a.id = $2 AND"
    + STANDING.format(
        auth_time="CAST($11 AS BIGINT)",
        device="CAST($3 AS TEXT)",
        party="CAST($4 AS TEXT)",
    )
    + " AND NOT EXISTS (SELECT 1 FROM browser_session s"
    " WHERE s.id = CAST($5 AS TEXT) AND s.ended_at IS NOT NULL)"
    " ON CONFLICT DO NOTHING"
)
ROTATE = (
    "UPDATE authorization_grant SET generation = generation + 1, rotated_at = $4"  # noqa: S608 - constant
    " WHERE id = $1 AND generation = $2 AND relying_party_id = $3"
    " AND revoked_at IS NULL AND expires_at > $4"
    " AND (rotated_at IS NULL OR rotated_at <= $5)"
    " AND EXISTS (SELECT 1 FROM account a WHERE a.id = authorization_grant.account_id"
    " AND"
    + STANDING.format(
        auth_time="authorization_grant.auth_time",
        device="authorization_grant.device_id",
        party="authorization_grant.relying_party_id",
    )
    + f") RETURNING {COLUMNS}"
)
UNMOVED = (
    f"SELECT {', '.join(f'g.{name}' for name in COLUMNS.split(', '))}"  # noqa: S608 - constant
    " FROM authorization_grant g JOIN account a ON a.id = g.account_id"
    " WHERE g.id = $1 AND g.generation = $2 AND g.relying_party_id = $3"
    " AND g.revoked_at IS NULL AND g.expires_at > $4 AND"
    + STANDING.format(
        auth_time="g.auth_time", device="g.device_id", party="g.relying_party_id"
    )
)
# The token that moved the family a moment ago, or the one that it moved to.
IN_GRACE = (
    UNMOVED.replace("g.generation = $2", "$2 IN (g.generation, g.generation - 1)")
    + " AND g.rotated_at > $5"
)
# An online grant ends with its browser session, an offline one does not.
LIVE = (
    "SELECT g.id, g.account_id, g.device_id, g.relying_party_id, g.session_id, g.sid,"  # noqa: S608 - constant
    " g.scopes, g.claims, g.acr, g.amr, g.auth_time, g.generation, g.confirmation,"
    " g.resources, g.claims_request, s.ended_at"
    " FROM authorization_grant g JOIN account a ON a.id = g.account_id"
    " LEFT JOIN browser_session s ON s.id = g.session_id"
    " WHERE g.id = $1 AND g.revoked_at IS NULL AND g.expires_at > $2 AND"
    + STANDING.format(
        auth_time="g.auth_time", device="g.device_id", party="g.relying_party_id"
    )
)
# Whether an approval may still become a grant; $2 is the relying party.
MAY_BECOME = (
    "SELECT 1 FROM decision x JOIN account a ON a.id = x.account_id"  # noqa: S608 - constant
    " WHERE x.challenge_id = $1 AND x.state = 'approved' AND"
    + STANDING.format(
        auth_time="x.decided_at", device="x.device_id", party="CAST($2 AS TEXT)"
    )
)
REVOKE = (
    "UPDATE authorization_grant SET revoked_at = $2"
    " WHERE id = $1 AND revoked_at IS NULL RETURNING account_id, relying_party_id"
)
GENERATION = "SELECT generation, rotated_at FROM authorization_grant WHERE id = $1"
BY_SID = (
    "SELECT session_id, account_id FROM authorization_grant"
    " WHERE sid = $1 AND relying_party_id = $2 LIMIT 1"
)
DROP_EXPIRED = "DELETE FROM authorization_grant WHERE expires_at < $1"


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
    ) -> Grant:
        """Spend the code, once; raises GrantSpent.

        `confirmation` names the key that the tokens are bound to: "", `jkt:…`
        (RFC 9449) or `x5t#S256:…` (RFC 8705).

        A second presentation revokes everything that the first one gave (RFC 6749,
        4.1.2).
        """
        now = self.clock.now()
        grant = _grant_of(code, sid=sid, confirmation=confirmation)
        values = (*_columns(grant), to_millis(now), self._end(code))
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

    async def revoke(self, tx: Transaction, grant_id: str) -> bool:
        """Revoke a grant and its family; say whether there was one to revoke."""
        row = await tx.one(REVOKE, grant_id, to_millis(self.clock.now()))
        return row is not None

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
