"""The row of a grant, and every statement about it."""

from sqlmodel import BigInteger, Column, Field, SQLModel, String


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
# A consent that was taken back gives nothing, whoever was faster: no grant lives on
# beside it, and a code of before it was taken back makes none.
WITHDRAWN = (
    " AND NOT EXISTS (SELECT 1 FROM consent c WHERE c.account_id = {account}"
    " AND c.relying_party_id = {party} AND c.withdrawn_at {when})"
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
    + WITHDRAWN.format(
        account="a.id", party="CAST($4 AS TEXT)", when=">= CAST($17 AS BIGINT)"
    )
    + " ON CONFLICT DO NOTHING"
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
    + ")"
    + WITHDRAWN.format(
        account="authorization_grant.account_id",
        party="authorization_grant.relying_party_id",
        when="IS NOT NULL",
    )
    + f" RETURNING {COLUMNS}"
)
STANDS = STANDING.format(
    auth_time="g.auth_time", device="g.device_id", party="g.relying_party_id"
) + WITHDRAWN.format(account="a.id", party="g.relying_party_id", when="IS NOT NULL")
UNMOVED = (
    f"SELECT {', '.join(f'g.{name}' for name in COLUMNS.split(', '))}"  # noqa: S608 - constant
    " FROM authorization_grant g JOIN account a ON a.id = g.account_id"
    " WHERE g.id = $1 AND g.generation = $2 AND g.relying_party_id = $3"
    f" AND g.revoked_at IS NULL AND g.expires_at > $4 AND{STANDS}"
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
    f" WHERE g.id = $1 AND g.revoked_at IS NULL AND g.expires_at > $2 AND{STANDS}"
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
