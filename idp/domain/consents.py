"""Which claims a person released to which relying party.

    scope --CLAIMS_OF_SCOPE--> what is asked (each with a plain name)
                               --MEMBERS--> the members of userinfo

What a person reads and decides on is the middle: "your name" is one decision,
though it is told in two scripts and three members. The latest approval stands: it
replaces the one before, and a request for more than it decided is asked again. A
voluntary claim that was withheld was decided: it is not asked at every login.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from sqlmodel import BigInteger, Column, Field, Index, SQLModel, String

from idp.domain.party_metadata import TOKEN_EXCHANGE, PartyMetadata
from idp.interfaces import Clock
from idp.storage.columns import to_millis
from idp.storage.store import Row, Transaction

OFFLINE_ACCESS = "offline_access"
VERIFIED_CLAIMS = "verified_claims"
DELEGATE = "delegate:"

CLAIMS_OF_SCOPE: Mapping[str, tuple[str, ...]] = {
    "openid": (),
    "profile": ("name", "birthdate", "gender", "camdigikey_level"),
    "phone": ("phone_number",),
    "document": ("document_number", "document_expires", "camdigikey_level"),
    OFFLINE_ACCESS: (OFFLINE_ACCESS,),
}
VOLUNTARY = frozenset({OFFLINE_ACCESS})
MEMBERS: Mapping[str, tuple[str, ...]] = {
    "name": (
        "name",
        "family_name",
        "given_name",
        "family_name#km",
        "given_name#km",
    ),
    "birthdate": ("birthdate",),
    "gender": ("gender",),
    "phone_number": ("phone_number", "phone_number_verified"),
    "document_number": ("document_number",),
    "document_expires": ("document_expires",),
    "camdigikey_level": ("camdigikey_level",),
    OFFLINE_ACCESS: (),
    "nationality": ("nationalities",),
    VERIFIED_CLAIMS: (VERIFIED_CLAIMS,),
}
# No scope asks for these: a party names them in the `claims` parameter.
ONE_BY_ONE = ("nationality", VERIFIED_CLAIMS)
# What evidence may tell of a document, and the decision it needs.
EVIDENCE_MEMBERS: Mapping[str, str] = {
    "document_number": "document_number",
    "date_of_expiry": "document_expires",
}
CLAIM_LABELS: Mapping[str, Mapping[str, str]] = {
    "name": {
        "km": "ឈ្មោះរបស់អ្នក ជាអក្សរខ្មែរ និងអក្សរឡាតាំង",
        "en": "Your name, in Khmer and Latin letters",
    },
    "birthdate": {"km": "ថ្ងៃខែឆ្នាំកំណើត", "en": "Your date of birth"},
    "gender": {"km": "ភេទ", "en": "Your sex as on your document"},
    "phone_number": {"km": "លេខទូរសព្ទ", "en": "Your phone number"},
    "document_number": {
        "km": "លេខអត្តសញ្ញាណប័ណ្ណ",
        "en": "Your identity document number",
    },
    "document_expires": {
        "km": "ថ្ងៃផុតកំណត់នៃអត្តសញ្ញាណប័ណ្ណ",
        "en": "When your identity document expires",
    },
    "camdigikey_level": {
        "km": "កម្រិតនៃការផ្ទៀងផ្ទាត់អត្តសញ្ញាណ",
        "en": "How thoroughly your identity was checked",
    },
    OFFLINE_ACCESS: {
        "km": "រក្សាការចូលប្រើ ទោះបីអ្នកមិននៅក៏ដោយ",
        "en": "Keep access while you are away",
    },
    "nationality": {"km": "សញ្ជាតិ", "en": "Your nationality"},
    VERIFIED_CLAIMS: {
        "km": "របៀប និងពេលវេលាដែលអត្តសញ្ញាណរបស់អ្នកត្រូវបានផ្ទៀងផ្ទាត់",
        "en": "How and when your identity was checked",
    },
}
SCOPE_LABELS: Mapping[str, Mapping[str, str]] = {
    "openid": {"km": "ចូលដោយ CamDigiKey", "en": "Log in with CamDigiKey"},
    "profile": {"km": "ព័ត៌មានផ្ទាល់ខ្លួនរបស់អ្នក", "en": "Who you are"},
    "phone": {"km": "លេខទូរសព្ទរបស់អ្នក", "en": "Your phone number"},
    "document": {
        "km": "អត្តសញ្ញាណប័ណ្ណរបស់អ្នក",
        "en": "Your identity document",
    },
    OFFLINE_ACCESS: CLAIM_LABELS[OFFLINE_ACCESS],
}


class HasMetadata(Protocol):
    """What is asked of a relying party here."""

    @property
    def metadata(self) -> PartyMetadata:
        """What it registered."""
        ...


class Named(Protocol):
    """A relying party by its names."""

    @property
    def name_km(self) -> str:
        """In Khmer."""
        ...

    @property
    def name_en(self) -> str:
        """In English."""
        ...


class ConsentRow(SQLModel, table=True):
    """The latest decision of one person about one relying party. Instants in ms.

    `subject` is what the party calls the person: by it, and by nothing typed, a party
    may name somebody whom it knows (CIBA Core 1.0, 7.1).
    """

    __tablename__ = "consent"
    __table_args__ = (Index("consent_subject", "relying_party_id", "subject"),)
    account_id: str = Field(primary_key=True, foreign_key="account.id")
    relying_party_id: str = Field(primary_key=True, foreign_key="relying_party.id")
    asked: str
    claims: str
    given_at: int = Field(sa_column=Column(BigInteger, nullable=False))
    withdrawn_at: int | None = Field(default=None, sa_column=Column(BigInteger))
    subject: str = Field(sa_column=Column(String, nullable=False, server_default=""))


@dataclass(frozen=True, slots=True)
class Consent:
    """What one person was asked by one relying party, and what was released."""

    relying_party_id: str
    asked: tuple[str, ...]
    claims: tuple[str, ...]
    given_at: int

    def covers(self, asked: Iterable[str]) -> bool:
        """Say whether nothing new is asked and all that is required was released."""
        wanted = set(asked)
        needed = {claim for claim in wanted if not is_voluntary(claim)}
        return wanted <= set(self.asked) and needed <= set(self.claims)


RECORD = (
    "INSERT INTO consent (account_id, relying_party_id, asked, claims, given_at,"
    " subject) VALUES ($1, $2, $3, $4, $5, $6)"
    " ON CONFLICT (account_id, relying_party_id)"
    " DO UPDATE SET asked = excluded.asked, claims = excluded.claims,"
    " given_at = excluded.given_at, withdrawn_at = NULL,"
    " subject = CASE WHEN excluded.subject = '' THEN consent.subject"
    " ELSE excluded.subject END"
)
BY_SUBJECT = (
    "SELECT account_id FROM consent WHERE relying_party_id = $1 AND subject = $2"
    " AND subject <> '' AND withdrawn_at IS NULL"
)
FIND = (
    "SELECT relying_party_id, asked, claims, given_at FROM consent"
    " WHERE account_id = $1 AND relying_party_id = $2 AND withdrawn_at IS NULL"
)
OF_ACCOUNT = (
    "SELECT relying_party_id, asked, claims, given_at FROM consent"
    " WHERE account_id = $1 AND withdrawn_at IS NULL ORDER BY given_at DESC"
)
WITHDRAW = (
    "UPDATE consent SET withdrawn_at = $3 WHERE account_id = $1"
    " AND relying_party_id = $2 AND withdrawn_at IS NULL"
)


def claims_of(scopes: Iterable[str]) -> tuple[str, ...]:
    """Return what these scopes ask for, in the order of the scopes, once each.

    A delegation (`delegate:<client_id>`) is a claim of its own name.
    """
    asked = (
        claim
        for scope in scopes
        for claim in CLAIMS_OF_SCOPE.get(scope, (scope,) if delegate_of(scope) else ())
    )
    return tuple(dict.fromkeys(asked))


def delegation_to(client_id: str) -> str:
    """Return the scope, and the claim, that lets a party act at another one."""
    return f"{DELEGATE}{client_id}"


def delegate_of(name: str) -> str:
    """Return the party that a scope or claim delegates to; "" for any other."""
    return name[len(DELEGATE) :] if name.startswith(DELEGATE) else ""


def is_known_scope(scope: str, party: HasMetadata) -> bool:
    """Say whether a scope means anything when this party asks for it."""
    if scope in CLAIMS_OF_SCOPE:
        return True
    metadata = party.metadata
    return (
        metadata.may_use(TOKEN_EXCHANGE) and delegate_of(scope) in metadata.may_act_at
    )


def is_voluntary(claim: str) -> bool:
    """Say whether a person may always withhold this and log in all the same."""
    return claim in VOLUNTARY or bool(delegate_of(claim))


def delegation_label(name_km: str, name_en: str, *, party: Named) -> dict[str, str]:
    """Return the plain words of a delegation, in both languages.

    The names are those of the party that is called; `party` is the one that calls.
    """
    return {
        "km": f"អនុញ្ញាតឱ្យ {party.name_km} ស្នើសុំពី {name_km} ក្នុងនាមអ្នក",
        "en": f"Let {party.name_en} ask {name_en} in your name",
    }


@dataclass(frozen=True, slots=True)
class Consents:
    """Record what was released, and ask what stands."""

    clock: Clock

    async def record(
        self,
        tx: Transaction,
        *,
        account_id: str,
        relying_party_id: str,
        asked: Iterable[str],
        claims: Iterable[str],
        subject: str = "",
    ) -> None:
        """Keep the latest decision in place of the one before."""
        now = to_millis(self.clock.now())
        texts = (" ".join(asked), " ".join(claims))
        await tx.run(RECORD, account_id, relying_party_id, *texts, now, subject)

    async def account_of(
        self, tx: Transaction, *, relying_party_id: str, subject: str
    ) -> str | None:
        """Return whom the party knows by this subject identifier, if anybody."""
        row = await tx.one(BY_SUBJECT, relying_party_id, subject)
        return None if row is None else str(row[0])

    async def find(
        self, tx: Transaction, *, account_id: str, relying_party_id: str
    ) -> Consent | None:
        """Return the standing consent, if there is one."""
        row = await tx.one(FIND, account_id, relying_party_id)
        return None if row is None else _consent(row)

    async def of_account(self, tx: Transaction, account_id: str) -> list[Consent]:
        """Return the standing consents of a person, newest first."""
        return [_consent(row) for row in await tx.all(OF_ACCOUNT, account_id)]

    async def withdraw(
        self, tx: Transaction, *, account_id: str, relying_party_id: str
    ) -> None:
        """Withdraw a consent: the next login asks again."""
        now = to_millis(self.clock.now())
        await tx.run(WITHDRAW, account_id, relying_party_id, now)


def _consent(row: Row) -> Consent:
    party, asked, claims, given_at = row
    return Consent(
        relying_party_id=str(party),
        asked=tuple(str(asked).split()),
        claims=tuple(str(claims).split()),
        given_at=int(given_at or 0),
    )
