"""Browser sessions at the provider: who is signed in here, since when, how surely.

    (cookie set at finish) --code redeemed--> live --logout or time--> ended

The id is made when a login finishes; the row is written with the code's redemption,
so a login costs no commit for it, and a cookie whose code was never redeemed signs
nobody in. The cookie is the id with a MAC: neither the database nor a token that a
relying party holds (its `sid` is pairwise) is enough to make one.

Each login gives the browser a fresh id, `line.random`, in the line of the one before:
logging out ends every session that this browser opened for the person, so that the
relying parties of an earlier login are not forgotten.
"""

import hmac
from dataclasses import dataclass
from datetime import timedelta

from sqlmodel import BigInteger, Column, Field, SQLModel

from idp.interfaces import Clock
from idp.storage.columns import b64encode, new_id, to_millis
from idp.storage.encryption import Sealer
from idp.storage.store import Row, Transaction


class SessionRow(SQLModel, table=True):
    """One signed-in browser. Instants in milliseconds."""

    __tablename__ = "browser_session"
    id: str = Field(primary_key=True)
    account_id: str = Field(foreign_key="account.id", index=True)
    device_id: str | None = None
    acr: str
    amr: str
    auth_time: int = Field(sa_column=Column(BigInteger, nullable=False))
    made_at: int = Field(sa_column=Column(BigInteger, nullable=False))
    expires_at: int = Field(sa_column=Column(BigInteger, nullable=False, index=True))
    ended_at: int | None = Field(default=None, sa_column=Column(BigInteger))


@dataclass(frozen=True, slots=True)
class Session:
    """A live session. `auth_time` is in epoch milliseconds; `acr` a level."""

    id: str
    account_id: str
    device_id: str | None
    acr: str
    amr: tuple[str, ...]
    auth_time: int


# Either statement takes the row's lock (SQLite has one writer anyway): a grant and
# the end of its session come one after the other, so that none of them misses the
# other.
START = (
    "INSERT INTO browser_session"
    " (id, account_id, device_id, acr, amr, auth_time, made_at, expires_at)"
    " VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"
    " ON CONFLICT (id) DO UPDATE SET ended_at = browser_session.ended_at"
    " RETURNING ended_at"
)
HOLD = (
    "UPDATE browser_session SET ended_at = ended_at WHERE id = $1 AND ended_at IS NULL"
)
LIVE = (
    "SELECT s.id, s.account_id, s.device_id, s.acr, s.amr, s.auth_time"
    " FROM browser_session s JOIN account a ON a.id = s.account_id"
    " LEFT JOIN device d ON d.id = s.device_id"
    " WHERE s.id = $1 AND s.ended_at IS NULL AND s.expires_at > $2"
    " AND a.state = 'active'"
    " AND (a.logged_out_at IS NULL OR a.logged_out_at < s.auth_time)"
    " AND (s.device_id IS NULL OR (d.id IS NOT NULL AND d.revoked_at IS NULL))"
)
OF_ACCOUNT = (
    LIVE.replace("s.id = $1 AND", "s.account_id = $1 AND")
    + " ORDER BY s.auth_time DESC, s.id LIMIT 50"
)
# A line is only a browser's word; the account makes sure whose sessions they are.
END = (
    "UPDATE browser_session SET ended_at = $2 WHERE ended_at IS NULL"
    " AND account_id = (SELECT account_id FROM browser_session WHERE id = $1)"
    " AND substr(id, 1, 22) = substr(CAST($1 AS TEXT), 1, 22) RETURNING id, account_id"
)
# Also those that have expired: a relying party's own session may live longer.
END_ALL = (
    "UPDATE browser_session SET ended_at = $2"
    " WHERE account_id = $1 AND ended_at IS NULL RETURNING id"
)
END_OF_DEVICE = (
    "UPDATE browser_session SET ended_at = $2"
    " WHERE account_id = $1 AND ended_at IS NULL AND device_id = $3 RETURNING id"
)
DROP_EXPIRED = "DELETE FROM browser_session WHERE expires_at < $1"


LINE = 22  # characters: 16 random octets


def is_same_line(one: str, other: str) -> bool:
    """Say whether two sessions were opened by the same browser. Pure."""
    return one[:LINE] == other[:LINE]


def cookie_name(*, secure: bool) -> str:
    """Return the name of the session cookie (RFC 6265bis, `__Host-`)."""
    return "__Host-session" if secure else "session"


@dataclass(frozen=True, slots=True)
class Sessions:
    """Start, find and end browser sessions."""

    clock: Clock
    sealer: Sealer
    life: timedelta

    def cookie_value(self, session_id: str) -> str:
        """Return the cookie that proves a session: `id.mac`."""
        return f"{session_id}.{self._mac(session_id)}"

    def read_cookie(self, value: str) -> str | None:
        """Return the session id of a cookie of ours, checked in constant time."""
        session_id, _, mac = value.rpartition(".")
        expected = self._mac(session_id).encode()
        is_ours = hmac.compare_digest(mac.encode(errors="replace"), expected)
        return session_id if is_ours else None

    def new_id(self, cookie: str | None) -> str:
        """Return a fresh session id, in the line of the browser's cookie if any."""
        known = self.read_cookie(cookie) if cookie else None
        line = known[:LINE] if known else new_id()
        return f"{line}.{new_id()}"

    async def start(self, tx: Transaction, session: Session) -> bool:
        """Write the session; one that is known stays as it is. False if it has ended.

        Until the transaction is over nobody can end it.
        """
        now = self.clock.now()
        row = await tx.one(
            START,
            session.id,
            session.account_id,
            session.device_id,
            session.acr,
            " ".join(session.amr),
            session.auth_time,
            to_millis(now),
            to_millis(now + self.life),
        )
        return row is not None and row[0] is None

    async def hold(self, tx: Transaction, session_id: str) -> bool:
        """Keep a session from ending until the transaction is over; False if it has."""
        return await tx.run(HOLD, session_id) == 1

    async def live(self, tx: Transaction, cookie: str | None) -> Session | None:
        """Return the session of a cookie, if it is live; else None.

        An ended or expired session, a suspended account, a revoked device and
        "log out everywhere" all end it here, at once.
        """
        session_id = self.read_cookie(cookie) if cookie else None
        if session_id is None:
            return None
        row = await tx.one(LIVE, session_id, to_millis(self.clock.now()))
        return None if row is None else _session(row)

    async def of_account(self, tx: Transaction, account_id: str) -> list[Session]:
        """Return the live sessions of an account, newest first, fifty at most."""
        now = to_millis(self.clock.now())
        return [_session(row) for row in await tx.all(OF_ACCOUNT, account_id, now)]

    async def end(self, tx: Transaction, session_id: str) -> tuple[str, list[str]]:
        """End a session and what else its browser opened for the same account.

        Return the account and the ids of what ended: ("", []) when all was over.
        """
        rows = await tx.all(END, session_id, to_millis(self.clock.now()))
        account_id = str(rows[0][1]) if rows else ""
        return account_id, [str(row[0]) for row in rows]

    async def end_all(self, tx: Transaction, account_id: str) -> list[str]:
        """End every session of an account; return their ids."""
        now = to_millis(self.clock.now())
        return [str(row[0]) for row in await tx.all(END_ALL, account_id, now)]

    async def end_of_device(
        self, tx: Transaction, *, account_id: str, device_id: str
    ) -> list[str]:
        """End every session that this device opened; return their ids."""
        now = to_millis(self.clock.now())
        rows = await tx.all(END_OF_DEVICE, account_id, now, device_id)
        return [str(row[0]) for row in rows]

    async def drop_expired(self, tx: Transaction) -> int:
        """Delete rows that have been over for one life; return how many."""
        return await tx.run(DROP_EXPIRED, to_millis(self.clock.now() - self.life))

    def _mac(self, session_id: str) -> str:
        return b64encode(self.sealer.blind_index("session cookie", session_id))


def _session(row: Row) -> Session:
    found, account_id, device_id, acr, amr, auth_time = row
    return Session(
        id=str(found),
        account_id=str(account_id),
        device_id=None if device_id is None else str(device_id),
        acr=str(acr),
        amr=tuple(str(amr).split()),
        auth_time=int(auth_time or 0),
    )
