"""What tokens and userinfo say. Pure.

ID token: OpenID Connect Core 1.0, 2. (Access tokens: access_tokens.py.) Personal data
is in userinfo, and in an ID token only where the claims parameter asks for it there;
in both only what consent allows.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256, sha512
from typing import Any

from idp.domain.accounts import Account
from idp.domain.assurance import acr_uri
from idp.domain.consents import MEMBERS, claims_of
from idp.domain.grants import Grant
from idp.storage.columns import b64encode

ID_TOKEN = "JWT"  # noqa: S105 - a type
ACCESS_TOKEN = "at+jwt"  # noqa: S105 - a type
NOBODY: Mapping[str, Any] = {}
GENDERS = {"M": "male", "F": "female"}


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenFacts:
    """What both tokens of one answer are made of."""

    issuer: str
    subject: str
    grant: Grant
    scopes: tuple[str, ...]
    now: datetime


def id_token_claims(
    facts: TokenFacts,
    *,
    access_token: str,
    nonce: str | None,
    life: timedelta,
    alg: str = "ES256",
    person: Mapping[str, Any] = NOBODY,
) -> dict[str, Any]:
    """Return the ID token's claims. A refreshed one has no nonce (Core, 12.2).

    `person` is what the claims parameter asked into it; `alg` is what signs it.
    """
    now = int(facts.now.timestamp())
    claims: dict[str, Any] = {
        **person,
        "iss": facts.issuer,
        "sub": facts.subject,
        "aud": facts.grant.relying_party_id,
        "iat": now,
        "exp": now + int(life.total_seconds()),
        "auth_time": facts.grant.auth_time // 1000,
        "acr": acr_uri(facts.grant.acr, issuer=facts.issuer),
        "amr": list(facts.grant.amr),
        "sid": facts.grant.sid,
        "at_hash": half_hash(access_token, alg=alg),
    }
    if nonce is not None:
        claims["nonce"] = nonce
    return claims


def half_hash(token: str, *, alg: str = "ES256") -> str:
    """Return the left half of the token's hash (Core, 3.1.3.6).

    The hash is the one that the signature algorithm uses: SHA-512 for Ed25519.
    """
    digest = sha512 if alg == "EdDSA" else sha256
    octets = digest(token.encode("ascii")).digest()
    return b64encode(octets[: len(octets) // 2])


def released_members(
    account: Account,
    *,
    released: Collection[str],
    scopes: Collection[str] = (),
    asked: Iterable[str] = (),
) -> dict[str, Any]:
    """Return the members asked by scope or one by one, if they were released.

    A member that nobody knows is absent (Core, 5.3.2).
    """
    every = members_of(account, released=released)
    by_scope = (name for claim in claims_of(scopes) for name in MEMBERS.get(claim, ()))
    names = dict.fromkeys((*by_scope, *asked))
    return {name: every[name] for name in names if name in every}


def members_of(account: Account, *, released: Collection[str]) -> dict[str, Any]:
    """Return every member of userinfo that was released and is known."""
    every = _members(account)
    names = [name for claim in released for name in MEMBERS.get(claim, ())]
    return {name: every[name] for name in names if every.get(name) not in ("", None)}


def _members(account: Account) -> Mapping[str, Any]:
    facts = account.facts
    return {
        "name": f"{facts.surname_latin} {facts.given_name_latin}".strip(),
        "family_name": facts.surname_latin,
        "given_name": facts.given_name_latin,
        "family_name#km": facts.surname_khmer,
        "given_name#km": facts.given_name_khmer,
        "birthdate": facts.birthdate,
        "gender": GENDERS.get(facts.sex, ""),
        "phone_number": facts.phone,
        "phone_number_verified": bool(facts.phone),
        "document_number": facts.document_number,
        "document_expires": facts.document_expires,
        "nationalities": [facts.nationality] if facts.nationality else None,
        "camdigikey_level": account.level,
    }
