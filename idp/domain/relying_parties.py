"""Registered relying parties: who may ask, for what, and where answers go.

A redirect URI is matched character by character (RFC 9700, 2.1). A client secret
is random, shown once and kept as an HMAC; two may be live at once so that a party
can change it without a pause. Nodes follow a change within a second.
"""

import hmac
import secrets
from dataclasses import dataclass, field
from typing import Any

import orjson
from sqlmodel import BigInteger, Column, Field, LargeBinary, SQLModel, String

from idp.domain.assurance import LEVELS
from idp.domain.audit import Audit, EventTag
from idp.domain.consents import CLAIMS_OF_SCOPE
from idp.domain.party_addresses import is_acceptable_uri, sector_of
from idp.domain.party_metadata import (
    AUTHORIZATION_CODE,
    DEFAULT,
    PartyMetadata,
    check_metadata,
    read_metadata,
    write_metadata,
)
from idp.domain.profiles import PROFILES, check_profile, may_omit_pkce
from idp.errors import AlreadyRegistered, FieldsInvalid, NotFound, RelyingPartyUnknown
from idp.interfaces import Clock
from idp.storage.columns import new_id, to_millis
from idp.storage.encryption import Sealer
from idp.storage.store import Row, Transaction

__all__ = [
    "AUTH_METHODS",
    "BASIC",
    "KEY_METHODS",
    "NONE",
    "POST",
    "PRIVATE_KEY_JWT",
    "SECRET_METHODS",
    "SELF_SIGNED_TLS",
    "TLS",
    "RelyingParties",
    "RelyingParty",
    "RelyingPartyRow",
    "is_acceptable_uri",
    "new_client_id",
    "sector_of",
]

BASIC, POST, NONE = "client_secret_basic", "client_secret_post", "none"
PRIVATE_KEY_JWT = "private_key_jwt"
TLS, SELF_SIGNED_TLS = "tls_client_auth", "self_signed_tls_client_auth"
SECRET_METHODS = (BASIC, POST)
KEY_METHODS = (PRIVATE_KEY_JWT, TLS, SELF_SIGNED_TLS)
AUTH_METHODS = (*SECRET_METHODS, NONE, *KEY_METHODS)
SECRET_OCTETS = 32
FRESH_MILLIS = 1000
MAX_ID = 64


class RelyingPartyRow(SQLModel, table=True):
    """One relying party. Lists are JSON texts; instants in milliseconds."""

    __tablename__ = "relying_party"
    id: str = Field(primary_key=True)
    name_km: str
    name_en: str
    domain: str
    purpose_km: str
    purpose_en: str
    redirect_uris: str
    post_logout_redirect_uris: str
    scopes: str
    sector: str
    auth_method: str
    acr: str
    profile: str
    secret_hash: bytes | None = Field(default=None, sa_column=Column(LargeBinary))
    old_secret_hash: bytes | None = Field(default=None, sa_column=Column(LargeBinary))
    made_at: int = Field(sa_column=Column(BigInteger, nullable=False))
    disabled_at: int | None = Field(default=None, sa_column=Column(BigInteger))
    details: str = Field(
        sa_column=Column("metadata", String, nullable=False, server_default="{}")
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class RelyingParty:
    """A registered party. `acr` is the least level its logins must reach."""

    id: str
    name_km: str
    name_en: str
    domain: str
    purpose_km: str
    purpose_en: str
    redirect_uris: tuple[str, ...]
    post_logout_redirect_uris: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ("openid", "profile")
    sector: str = ""
    auth_method: str = BASIC
    acr: str = "low"
    profile: str = "basic"
    secret_hashes: tuple[bytes, ...] = field(default=(), repr=False)
    disabled_at: int | None = None
    metadata: PartyMetadata = DEFAULT

    @property
    def is_public(self) -> bool:
        """Whether it cannot prove who it is."""
        return self.auth_method == NONE

    @property
    def has_secret(self) -> bool:
        """Whether it proves itself by a shared secret."""
        return self.auth_method in SECRET_METHODS


COLUMNS = (
    "id, name_km, name_en, domain, purpose_km, purpose_en, redirect_uris,"
    " post_logout_redirect_uris, scopes, sector, auth_method, acr, profile,"
    " secret_hash, old_secret_hash, disabled_at, metadata"
)
INSERT = (
    "INSERT INTO relying_party (id, name_km, name_en, domain, purpose_km, purpose_en,"
    " redirect_uris, post_logout_redirect_uris, scopes, sector, auth_method, acr,"
    " profile, secret_hash, made_at, metadata) VALUES ($1, $2, $3, $4, $5, $6, $7, $8,"
    " $9, $10, $11, $12, $13, $14, $15, $16) ON CONFLICT DO NOTHING"
)
FIND = f"SELECT {COLUMNS} FROM relying_party WHERE id = $1"  # noqa: S608 - constant
ALL = f"SELECT {COLUMNS} FROM relying_party ORDER BY id"  # noqa: S608 - constant
UPDATE = (
    "UPDATE relying_party SET name_km = $2, name_en = $3, domain = $4,"
    " purpose_km = $5, purpose_en = $6, redirect_uris = $7,"
    " post_logout_redirect_uris = $8, scopes = $9, sector = $10, auth_method = $11,"
    " acr = $12, profile = $13, metadata = $14 WHERE id = $1 AND disabled_at IS NULL"
)
# Who proves himself by a key has no secret that could still be used.
DROP_SECRETS = (
    "UPDATE relying_party SET secret_hash = NULL, old_secret_hash = NULL"
    " WHERE id = $1 AND auth_method NOT IN"
    " ('client_secret_basic', 'client_secret_post')"
)
DISABLE = (
    "UPDATE relying_party SET disabled_at = $2 WHERE id = $1 AND disabled_at IS NULL"
)
RENEW_SECRET = (
    "UPDATE relying_party SET old_secret_hash = secret_hash, secret_hash = $2"  # noqa: S105 - a statement
    " WHERE id = $1 AND auth_method IN ('client_secret_basic', 'client_secret_post')"
)
DROP_OLD_SECRET = "UPDATE relying_party SET old_secret_hash = NULL WHERE id = $1"  # noqa: S105 - a statement


@dataclass(frozen=True, slots=True)
class RelyingParties:
    """Register relying parties, find and authenticate them."""

    clock: Clock
    sealer: Sealer
    audit: Audit
    is_development: bool = False
    is_sandbox: bool = False
    _known: dict[str, tuple[int, RelyingParty]] = field(default_factory=dict)

    async def add(
        self, tx: Transaction, party: RelyingParty, *, secret: str | None = None
    ) -> tuple[RelyingParty, str | None]:
        """Register a party; return it with its secret, which is shown only now.

        A confidential party gets a fresh secret unless one is given. Raises
        FieldsInvalid and AlreadyRegistered.
        """
        self.check(party)
        if not party.has_secret:
            secret = None
        elif secret is None:
            secret = new_id(octets=SECRET_OCTETS)
        digest = None if secret is None else self._hash(party.id, secret)
        *shared, metadata = _columns(party)
        now = to_millis(self.clock.now())
        added = await tx.run(INSERT, *shared, digest, now, metadata)
        if added != 1:
            raise AlreadyRegistered("relying party")
        tag = EventTag.RELYING_PARTY_ADDED
        await self.audit.record(tx, tag, relying_party=party.id)
        return await self._read(tx, party.id), secret

    async def update(self, tx: Transaction, party: RelyingParty) -> RelyingParty:
        """Replace what a live party registered, all but its secrets; return it.

        Its sector stays, or every citizen would be somebody else to it. Raises
        FieldsInvalid, NotFound and RelyingPartyUnknown.
        """
        self.check(party)
        before = await self._read(tx, party.id)
        if (party.sector or sector_of(party.redirect_uris)) != before.sector:
            raise FieldsInvalid({"sector": "cannot-change"})
        if await tx.run(UPDATE, *_columns(party)) != 1:
            raise NotFound("relying party")
        await tx.run(DROP_SECRETS, party.id)
        self._known.pop(party.id, None)
        tag = EventTag.RELYING_PARTY_CHANGED
        await self.audit.record(tx, tag, relying_party=party.id)
        return await self._read(tx, party.id)

    async def all(self, tx: Transaction) -> list[RelyingParty]:
        """Return every party, disabled ones too, by id."""
        return [_relying_party(row) for row in await tx.all(ALL)]

    async def disable(self, tx: Transaction, party_id: str) -> None:
        """Disable a party for good; raises NotFound when it is not there."""
        if await tx.run(DISABLE, party_id, to_millis(self.clock.now())) != 1:
            raise NotFound("relying party")
        self._known.pop(party_id, None)
        tag = EventTag.RELYING_PARTY_DISABLED
        await self.audit.record(tx, tag, relying_party=party_id)

    async def renew_secret(self, tx: Transaction, party_id: str) -> str:
        """Return a new secret; the one before stays live. Raises NotFound."""
        secret = new_id(octets=SECRET_OCTETS)
        if await tx.run(RENEW_SECRET, party_id, self._hash(party_id, secret)) != 1:
            raise NotFound("confidential relying party")
        self._known.pop(party_id, None)
        return secret

    async def drop_old_secret(self, tx: Transaction, party_id: str) -> None:
        """End the life of the secret before the current one."""
        await tx.run(DROP_OLD_SECRET, party_id)
        self._known.pop(party_id, None)

    async def find(self, tx: Transaction, party_id: str) -> RelyingParty:
        """Return a live party, at most a second old; raises RelyingPartyUnknown."""
        now = to_millis(self.clock.now())
        known = self._known.get(party_id)
        if known is not None and 0 <= now - known[0] < FRESH_MILLIS:
            return known[1]
        self._known.pop(party_id, None)
        party = await self._read(tx, party_id)
        self._known[party_id] = (now, party)
        return party

    def check_secret(self, party: RelyingParty, secret: str) -> None:
        """Check a client secret in constant time; raises RelyingPartyUnknown."""
        presented = self._hash(party.id, secret)
        matches = [
            hmac.compare_digest(known, presented) for known in party.secret_hashes
        ]
        if not any(matches):
            raise RelyingPartyUnknown("wrong client secret")

    async def _read(self, tx: Transaction, party_id: str) -> RelyingParty:
        row = await tx.one(FIND, party_id)
        if row is None or row[15] is not None:
            raise RelyingPartyUnknown(party_id[:MAX_ID])
        return _relying_party(row)

    def _hash(self, party_id: str, secret: str) -> bytes:
        return self.sealer.blind_index("client secret", f"{party_id}|{secret}")

    def check(self, party: RelyingParty) -> None:
        """Refuse a party that could not be served safely; raises FieldsInvalid."""
        id_is_fine = 0 < len(party.id) <= MAX_ID and party.id.isascii()
        facts = {
            "id": id_is_fine and party.id.isprintable() and ":" not in party.id,
            "redirect_uris": self._has_redirects(party),
            "post_logout_redirect_uris": self._are_acceptable(
                party.post_logout_redirect_uris
            ),
            "scopes": {"openid"} <= set(party.scopes) <= set(CLAIMS_OF_SCOPE),
            "auth_method": party.auth_method in AUTH_METHODS,
            "acr": party.acr in LEVELS,
            "profile": party.profile in PROFILES,
            **self._address_facts(party.metadata),
        }
        wrong = {
            name: "not-acceptable" for name, is_fine in facts.items() if not is_fine
        }
        if wrong:
            raise FieldsInvalid(wrong)
        check_metadata(party.metadata)
        check_profile(party)
        may_omit = may_omit_pkce(party, is_sandbox=self.is_sandbox)
        if party.metadata.is_pkce_exempt and not may_omit:
            raise FieldsInvalid({"is_pkce_exempt": "not-acceptable"})

    def _has_redirects(self, party: RelyingParty) -> bool:
        """Say whether the addresses will do; without browser logins none is needed."""
        is_browser_party = party.metadata.may_use(AUTHORIZATION_CODE)
        return self._are_acceptable(party.redirect_uris) and (
            bool(party.redirect_uris) or not is_browser_party
        )

    def _address_facts(self, metadata: PartyMetadata) -> dict[str, bool]:
        names = (
            "jwks_uri",
            "backchannel_logout_uri",
            "backchannel_client_notification_endpoint",
            "logo_uri",
            "policy_uri",
        )
        return {
            name: not getattr(metadata, name)
            or self._are_acceptable((getattr(metadata, name),))
            for name in names
        }

    def _are_acceptable(self, uris: tuple[str, ...]) -> bool:
        return all(
            is_acceptable_uri(uri, is_development=self.is_development) for uri in uris
        )


def new_client_id() -> str:
    """Return a random client identifier."""
    return secrets.token_hex(12)


def _columns(party: RelyingParty) -> tuple[str, ...]:
    """Return the values of UPDATE's places; those of INSERT begin alike."""
    return (
        party.id,
        party.name_km,
        party.name_en,
        party.domain,
        party.purpose_km,
        party.purpose_en,
        orjson.dumps(party.redirect_uris).decode(),
        orjson.dumps(party.post_logout_redirect_uris).decode(),
        " ".join(party.scopes),
        party.sector or sector_of(party.redirect_uris),
        party.auth_method,
        party.acr,
        party.profile,
        write_metadata(party.metadata),
    )


def _relying_party(row: Row) -> RelyingParty:
    values: list[Any] = list(row)
    return RelyingParty(
        id=values[0],
        name_km=values[1],
        name_en=values[2],
        domain=values[3],
        purpose_km=values[4],
        purpose_en=values[5],
        redirect_uris=tuple(orjson.loads(values[6])),
        post_logout_redirect_uris=tuple(orjson.loads(values[7])),
        scopes=tuple(values[8].split()),
        sector=values[9],
        auth_method=values[10],
        acr=values[11],
        profile=values[12],
        secret_hashes=tuple(digest for digest in values[13:15] if digest is not None),
        disabled_at=values[15],
        metadata=read_metadata(values[16]),
    )
