"""Who may register a relying party, and who may change one.

    initial access token   issued by an operator: for so many registrations, until then
    registration token     given to each party that registered itself (RFC 7592)

Both are random, shown once and kept as an HMAC. The operator's terms (scopes, claims,
profile, legal basis …) travel with the token, never with a request, and stay with the
party: whatever it changes later, it cannot ask for more.
"""

import hmac
import secrets
from dataclasses import asdict, dataclass, fields
from datetime import timedelta
from typing import Any

import orjson
from sqlmodel import BigInteger, Column, Field, LargeBinary, SQLModel

from idp.domain.assurance import LEVELS
from idp.domain.audit import Audit, EventTag
from idp.domain.consents import CLAIMS_OF_SCOPE
from idp.domain.party_metadata import (
    AUTHORIZATION_CODE,
    GRANT_TYPES,
    REFRESH_TOKEN,
)
from idp.domain.profiles import PROFILES
from idp.errors import FieldsInvalid, GrantSpent, NotFound
from idp.interfaces import Clock
from idp.storage.columns import new_id, to_millis
from idp.storage.encryption import Sealer
from idp.storage.store import Row, Transaction

TOKEN_OCTETS = 32
MAX_TOKEN = 256
MOST_USES = 1000
LONGEST_LIFE = timedelta(days=90)


class InitialAccessToken(SQLModel, table=True):
    """One token of an operator. Instants in milliseconds."""

    __tablename__ = "initial_access_token"
    id: str = Field(primary_key=True)
    token_hash: bytes = Field(
        sa_column=Column(LargeBinary, nullable=False, unique=True)
    )
    terms: str
    uses_left: int = Field(sa_column=Column(BigInteger, nullable=False))
    made_at: int = Field(sa_column=Column(BigInteger, nullable=False))
    expires_at: int = Field(sa_column=Column(BigInteger, nullable=False))
    revoked_at: int | None = Field(default=None, sa_column=Column(BigInteger))


class RegistrationAccess(SQLModel, table=True):
    """How a party that registered itself proves that it may change that."""

    __tablename__ = "registration_access"
    relying_party_id: str = Field(primary_key=True, foreign_key="relying_party.id")
    token_hash: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    terms: str
    made_at: int = Field(sa_column=Column(BigInteger, nullable=False))
    changed_at: int = Field(sa_column=Column(BigInteger, nullable=False))


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What an operator allows a party; a request can only ask for less.

    `claims`, `resources`, `api_scopes` and `may_act_at` are as in PartyMetadata;
    `domain` is what people are shown, "" for the host that all answers go to;
    `name_km` and `name_en` too, "" where the party chooses them, and then people are
    told so; `acr` is the least level of its logins.
    """

    scopes: tuple[str, ...] = ("openid", "profile")
    claims: tuple[str, ...] = ()
    grant_types: tuple[str, ...] = (AUTHORIZATION_CODE, REFRESH_TOKEN)
    resources: tuple[str, ...] = ()
    api_scopes: tuple[str, ...] = ()
    may_act_at: tuple[str, ...] = ()
    audience: str = ""
    profile: str = "basic"
    acr: str = "low"
    domain: str = ""
    name_km: str = ""
    name_en: str = ""
    legal_basis: str = ""
    is_development: bool = False


_LISTS = frozenset(
    field.name for field in fields(Terms) if isinstance(field.default, tuple)
)


def write_terms(terms: Terms) -> str:
    """Return the terms as JSON."""
    return orjson.dumps(asdict(terms)).decode()


def read_terms(text: str) -> Terms:
    """Return what `write_terms` wrote."""
    raw: dict[str, Any] = orjson.loads(text)
    values: Any = {k: tuple(v) if k in _LISTS else v for k, v in raw.items()}
    return Terms(**values)


def check_terms(terms: Terms) -> None:
    """Refuse terms that no party could be held to; raises FieldsInvalid."""
    facts = {
        "scopes": {"openid"} <= set(terms.scopes) <= set(CLAIMS_OF_SCOPE),
        "grant_types": bool(terms.grant_types)
        and set(terms.grant_types) <= set(GRANT_TYPES),
        "profile": terms.profile in PROFILES,
        "acr": terms.acr in LEVELS,
        # With one of them alone the other would be the party's own.
        "name": bool(terms.name_km) == bool(terms.name_en),
    }
    wrong = {name: "not-acceptable" for name, is_fine in facts.items() if not is_fine}
    if wrong:
        raise FieldsInvalid(wrong)


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A token of an operator, as he sees it later. Instants in milliseconds."""

    id: str
    terms: Terms
    uses_left: int
    expires_at: int
    is_revoked: bool


ISSUE = (
    "INSERT INTO initial_access_token"
    " (id, token_hash, terms, uses_left, made_at, expires_at)"
    " VALUES ($1, $2, $3, $4, $5, $6)"
)
SPEND = (
    "UPDATE initial_access_token SET uses_left = uses_left - 1 WHERE token_hash = $1"
    " AND uses_left > 0 AND expires_at > $2 AND revoked_at IS NULL RETURNING terms"
)
ALL = (
    "SELECT id, terms, uses_left, expires_at, revoked_at FROM initial_access_token"
    " ORDER BY made_at, id"
)
REVOKE = (
    "UPDATE initial_access_token SET revoked_at = $2"
    " WHERE id = $1 AND revoked_at IS NULL"
)
GIVE = (
    "INSERT INTO registration_access"
    " (relying_party_id, token_hash, terms, made_at, changed_at)"
    " VALUES ($1, $2, $3, $4, $4)"
)
FIND = (
    "SELECT a.token_hash, a.terms, a.made_at FROM registration_access a"
    " JOIN relying_party r ON r.id = a.relying_party_id"
    " WHERE a.relying_party_id = $1 AND r.disabled_at IS NULL"
)
ROTATE = (
    "UPDATE registration_access SET token_hash = $3, changed_at = $4"
    " WHERE relying_party_id = $1 AND token_hash = $2"
)
TAKE_BACK = "DELETE FROM registration_access WHERE relying_party_id = $1"
DROP_OLD = "DELETE FROM initial_access_token WHERE expires_at < $1"


@dataclass(frozen=True, slots=True)
class PartyRegistration:
    """Issue, spend and revoke tokens of operators; give and rotate those of parties."""

    clock: Clock
    sealer: Sealer
    audit: Audit

    async def issue(
        self, tx: Transaction, terms: Terms, *, uses: int, life: timedelta
    ) -> tuple[str, str]:
        """Return the id and the text of a new token; the text is shown only now.

        Raises FieldsInvalid.
        """
        check_terms(terms)
        if not 1 <= uses <= MOST_USES:
            raise FieldsInvalid({"uses": "not-acceptable"})
        if not timedelta() < life <= LONGEST_LIFE:
            raise FieldsInvalid({"life": "not-acceptable"})
        # Typed on a command line, where a leading "-" would begin an option.
        token_id, text = secrets.token_hex(8), new_id(octets=TOKEN_OCTETS)
        now = self.clock.now()
        values = (write_terms(terms), uses, to_millis(now), to_millis(now + life))
        await tx.run(ISSUE, token_id, self._hash("initial access", text), *values)
        await self.audit.record(
            tx, EventTag.REGISTRATION_TOKEN_ISSUED, detail={"id": token_id}
        )
        return token_id, text

    async def spend(self, tx: Transaction, text: str) -> Terms:
        """Spend one use of a token; raises GrantSpent.

        It is found by its HMAC, so how long that takes says nothing of its text.
        """
        digest = self._hash("initial access", text)
        row = await tx.one(SPEND, digest, to_millis(self.clock.now()))
        if row is None:
            raise GrantSpent("unknown, spent, expired or revoked")
        return read_terms(str(row[0]))

    async def all(self, tx: Transaction) -> list[IssuedToken]:
        """Return every token of an operator, oldest first."""
        return [_issued(row) for row in await tx.all(ALL)]

    async def revoke(self, tx: Transaction, token_id: str) -> None:
        """End a token; raises NotFound."""
        if await tx.run(REVOKE, token_id, to_millis(self.clock.now())) != 1:
            raise NotFound("initial access token")

    async def give(self, tx: Transaction, party_id: str, terms: Terms) -> str:
        """Return the registration access token of a new party."""
        text = new_id(octets=TOKEN_OCTETS)
        now = to_millis(self.clock.now())
        digest = self._hash("registration access", text)
        await tx.run(GIVE, party_id, digest, write_terms(terms), now)
        return text

    async def check(
        self, tx: Transaction, party_id: str, text: str
    ) -> tuple[Terms, int]:
        """Return the terms of a live party and when it registered (ms).

        Raises GrantSpent for any token but its own; constant time.
        """
        row = await tx.one(FIND, party_id)
        known = b"" if row is None else row[0]
        assert isinstance(known, bytes)
        presented = self._hash("registration access", text)
        if not hmac.compare_digest(known, presented):
            raise GrantSpent("not the registration access token")
        assert row is not None
        return read_terms(str(row[1])), int(row[2] or 0)

    async def rotate(self, tx: Transaction, party_id: str, text: str) -> str:
        """Return a new token for the current one, which is dead from now on.

        Raises GrantSpent for one that another request has rotated.
        """
        fresh = new_id(octets=TOKEN_OCTETS)
        old, new = (self._hash("registration access", each) for each in (text, fresh))
        if await tx.run(ROTATE, party_id, old, new, to_millis(self.clock.now())) != 1:
            raise GrantSpent("not the registration access token")
        return fresh

    async def take_back(self, tx: Transaction, party_id: str) -> None:
        """End the registration access of a party."""
        await tx.run(TAKE_BACK, party_id)

    async def drop_old(self, tx: Transaction) -> int:
        """Delete tokens that expired a longest life ago; return how many."""
        return await tx.run(DROP_OLD, to_millis(self.clock.now() - LONGEST_LIFE))

    def _hash(self, kind: str, text: str) -> bytes:
        if len(text) > MAX_TOKEN:
            raise GrantSpent("too long")
        return self.sealer.blind_index(kind, text)


def _issued(row: Row) -> IssuedToken:
    token_id, terms, uses_left, expires_at, revoked_at = row
    return IssuedToken(
        id=str(token_id),
        terms=read_terms(str(terms)),
        uses_left=int(uses_left or 0),
        expires_at=int(expires_at or 0),
        is_revoked=revoked_at is not None,
    )
