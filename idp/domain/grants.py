r"""Authorization codes and refresh families: issue once, consume once.

    code --redeem--> grant --rotate--> grant (next generation) ...
      \__ again __________\__ an old generation again __> revoked, for good

A code is a sealed value that names its client, so a stranger cannot burn it; its
single use is enforced by the insert of the grant under the challenge's id. That one
statement reads account, device, relying party and "log out everywhere" again. A
refresh token is a sealed value too: family, client, generation. It is issued only
for `offline_access`, and its family ends `refresh_life` after the login, however
often it is rotated.
"""

from collections.abc import Iterable
from dataclasses import astuple, dataclass, replace
from datetime import timedelta
from typing import Any

import orjson
from sqlmodel import BigInteger, Column, Field, SQLModel, String

from idp.domain.audit import Audit, EventTag
from idp.domain.consents import OFFLINE_ACCESS
from idp.domain.interactions import AuthorizationRequest, Login
from idp.errors import GrantSpent
from idp.interfaces import Clock
from idp.storage.columns import b64decode, b64encode, to_millis
from idp.storage.encryption import SealBroken, Sealer
from idp.storage.store import Row, Transaction

CODE_CONTEXT = "authorization code"
REFRESH_CONTEXT = "refresh token"
MAX_TOKEN = 4096


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
class AuthorizationCode:
    """What a code says, once it is opened. `auth_time`, `expires_at` in ms.

    `is_single_sign_on` tells that nobody was asked: a consent stood already.
    """

    grant_id: str
    client_id: str
    redirect_uri: str
    code_challenge: str
    scopes: tuple[str, ...]
    claims: tuple[str, ...]
    nonce: str | None
    account_id: str
    device_id: str | None
    session_id: str
    acr: str
    amr: tuple[str, ...]
    auth_time: int
    is_single_sign_on: bool
    expires_at: int
    resources: tuple[str, ...] = ()
    claims_request: str = ""
    dpop_jkt: str = ""


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """What a refresh token says, once it is opened."""

    grant_id: str
    client_id: str
    generation: int
    scopes: tuple[str, ...]


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
    "UPDATE authorization_grant SET generation = generation + 1"  # noqa: S608 - constant
    " WHERE id = $1 AND generation = $2 AND relying_party_id = $3"
    " AND revoked_at IS NULL AND expires_at > $4"
    " AND EXISTS (SELECT 1 FROM account a WHERE a.id = authorization_grant.account_id"
    " AND"
    + STANDING.format(
        auth_time="authorization_grant.auth_time",
        device="authorization_grant.device_id",
        party="authorization_grant.relying_party_id",
    )
    + f") RETURNING {COLUMNS}"
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
OWNER = "SELECT relying_party_id, generation FROM authorization_grant WHERE id = $1"
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

    def make_code(
        self,
        request: AuthorizationRequest,
        login: Login,
        *,
        is_single_sign_on: bool = False,
    ) -> str:
        """Return the sealed code of a completed login. Writes nothing."""
        code = AuthorizationCode(
            grant_id=login.grant_id,
            client_id=request.client_id,
            redirect_uri=request.redirect_uri,
            code_challenge=request.code_challenge,
            scopes=request.scopes,
            claims=login.claims,
            nonce=request.nonce,
            account_id=login.account_id,
            device_id=login.device_id,
            session_id=login.session_id,
            acr=login.acr,
            amr=login.amr,
            auth_time=login.auth_time,
            is_single_sign_on=is_single_sign_on,
            expires_at=to_millis(self.clock.now() + self.code_life),
            resources=request.resources,
            claims_request=request.claims_request,
            dpop_jkt=request.dpop_jkt,
        )
        return self._seal(astuple(code), context=CODE_CONTEXT)

    def open_code(self, text: str, *, client_id: str) -> AuthorizationCode:
        """Return what a code says; raises GrantSpent unless it is this client's.

        A late code is opened too: its second presentation must still be seen.
        """
        code = AuthorizationCode(*self._open(text, context=CODE_CONTEXT))
        if code.client_id != client_id:
            raise GrantSpent("another client's code")
        return replace(
            code,
            scopes=tuple(code.scopes),
            claims=tuple(code.claims),
            amr=tuple(code.amr),
            resources=tuple(code.resources),
        )

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
        payload = (grant.id, grant.relying_party_id, grant.generation, grant.scopes)
        return self._seal(payload, context=REFRESH_CONTEXT)

    def open_refresh_token(self, text: str, *, client_id: str) -> RefreshToken:
        """Return what it says; raises GrantSpent unless it is this client's."""
        token = RefreshToken(*self._open(text, context=REFRESH_CONTEXT))
        if token.client_id != client_id:
            raise GrantSpent("another client's refresh token")
        return replace(token, scopes=tuple(token.scopes))

    async def rotate(self, tx: Transaction, token: RefreshToken) -> Grant:
        """Move the family to its next generation; raises GrantSpent.

        An old generation is a copy in two hands: the whole family is revoked
        (RFC 9700, 4.14.2).
        """
        now = to_millis(self.clock.now())
        row = await tx.one(
            ROTATE, token.grant_id, token.generation, token.client_id, now
        )
        if row is not None:
            return _grant(row)
        known = await tx.one(OWNER, token.grant_id)
        if known is not None and int(known[1] or 0) > token.generation:
            await self._punish_reuse(tx, token.grant_id, detail="refresh token")
        raise GrantSpent("spent or no longer allowed")

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

    async def drop_expired(self, tx: Transaction) -> int:
        """Delete families that are over; return how many."""
        return await tx.run(DROP_EXPIRED, to_millis(self.clock.now()))

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

    def _seal(self, payload: Iterable[Any], *, context: str) -> str:
        data = orjson.dumps(tuple(payload))
        return b64encode(self.sealer.seal_token(data, context=context))

    def _open(self, text: str, *, context: str) -> list[Any]:
        if len(text) > MAX_TOKEN:
            raise GrantSpent("too long")
        try:
            sealed = b64decode(text)
            opened = self.sealer.open_token(sealed, context=context)
        except (ValueError, SealBroken) as error:
            raise GrantSpent("not ours") from error
        values: list[Any] = orjson.loads(opened)
        return values


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
