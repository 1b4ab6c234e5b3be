r"""The `claims` parameter: which claims, where, how badly, with which value. Pure.

    text --parse_claims_request--> ClaimsRequest --names_asked--> what a person decides
                                        \__ text: canonical JSON, kept with the grant

OpenID Connect Core 1.0, 5.5 and 5.2; `verified_claims` is asked inside it (OpenID
Connect for Identity Assurance 1.0, 5). Claims that are not known are left out, for
a provider may omit any claim (Core, 5.5.1); what is not the agreed shape is refused.
"""

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from idp.domain.assurance import level_of, lowest
from idp.domain.consents import (
    EVIDENCE_MEMBERS,
    MEMBERS,
    VERIFIED_CLAIMS,
    claims_of,
    is_voluntary,
)
from idp.domain.relying_parties import RelyingParty
from idp.errors import AssuranceTooLow, LoginNeeded
from idp.oidc.errors import ProtocolRefusal
from idp.oidc.verified_request import (
    AskedClaim,
    AskedVerified,
    Wrong,
    asked_claims,
    read_verified,
)
from idp.storage.columns import canonical_json

MAX_OCTETS = 8192
# A code carries what is kept, sealed, through the browser's address line.
MAX_KEPT = 2048
MAX_DEPTH = 12
MAX_NODES = 512
TARGETS = ("userinfo", "id_token")
NAMES: Mapping[str, str] = {
    member: claim for claim, members in MEMBERS.items() for member in members
}
# Claims about the login and the person's identifier, not about the person.
OF_THE_LOGIN = frozenset({"sub", "acr", "auth_time"})


@dataclass(frozen=True, slots=True)
class Target:
    """What is asked for one place: an ID token or userinfo."""

    claims: tuple[AskedClaim, ...] = ()
    verified: tuple[AskedVerified, ...] = ()

    def named(self, name: str) -> AskedClaim | None:
        """Return how a claim is asked for here, if it is."""
        return next((claim for claim in self.claims if claim.name == name), None)

    @property
    def members(self) -> tuple[str, ...]:
        """Return the members about the person that are asked for here."""
        return tuple(claim.name for claim in self.claims if claim.name in NAMES)


@dataclass(frozen=True, slots=True)
class ClaimsRequest:
    """A `claims` parameter that was understood. `text` is its canonical JSON."""

    userinfo: Target = Target()
    id_token: Target = Target()
    text: str = ""

    @property
    def targets(self) -> tuple[Target, Target]:
        """Return both places."""
        return (self.userinfo, self.id_token)


NOTHING = ClaimsRequest()


def parse_claims_request(text: str, *, locales: Iterable[str] = ()) -> ClaimsRequest:
    """Return what a `claims` parameter asks; raises ProtocolRefusal.

    `locales` are the tags of `claims_locales`: with `km` among them a claim that we
    hold in Khmer too is asked for in both scripts (Core, 5.2). No text asks nothing.
    """
    if not text:
        return NOTHING
    try:
        raw = _strict_object(text)
        found = {name: _target(raw.get(name), tuple(locales)) for name in TARGETS}
    except Wrong as wrong:
        raise ProtocolRefusal("invalid_request", f"claims: {wrong}") from None
    kept = {name: _written(target) for name, target in found.items()}
    canonical = canonical_json({k: v for k, v in kept.items() if v})
    if len(canonical) > MAX_KEPT:
        raise ProtocolRefusal("invalid_request", "claims: too much is asked")
    return ClaimsRequest(**found, text=canonical.decode())


def allowed_names(party: RelyingParty) -> tuple[str, ...]:
    """Return the decidable claims that a party may ask for, one by one or by scope."""
    named = (name for name in party.metadata.claims if name in MEMBERS)
    return tuple(dict.fromkeys((*claims_of(party.scopes), *named)))


def names_asked(request: ClaimsRequest, *, party: RelyingParty) -> tuple[str, ...]:
    """Return the decidable claims (idp/domain/consents.py) that are asked for.

    What the party may not ask for is left out, essential or not: a claim may always
    be omitted (Core, 5.5.1).
    """
    allowed = set(allowed_names(party))
    return tuple(name for name in _names(request) if name in allowed)


def decisions(
    request: ClaimsRequest, *, scopes: Collection[str], party: RelyingParty
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return what the person is asked, and which of it may be withheld.

    Voluntary are the claims that no scope of the request asks for and that nowhere
    in the request are essential, and those that always are (`offline_access`).
    """
    by_scope = claims_of(scopes)
    asked = tuple(dict.fromkeys((*by_scope, *names_asked(request, party=party))))
    wanted = {*by_scope, *_essential_names(request)}
    return asked, tuple(
        name for name in asked if name not in wanted or is_voluntary(name)
    )


def asked_by(
    text: str, *, scopes: Collection[str], party: RelyingParty
) -> tuple[str, ...]:
    """Return every decidable claim that a kept request asks for."""
    return decisions(parse_claims_request(text), scopes=scopes, party=party)[0]


def essential_level(request: ClaimsRequest, *, issuer: str) -> str | None:
    """Return the least level of an essential `acr`; None when none is essential.

    Raises AssuranceTooLow when none of its values is known (Core, 5.5.1.1). A
    voluntary one may go unmet and is not looked at.
    """
    acr = request.id_token.named("acr")
    if acr is None or not acr.is_essential or not acr.values:
        return None
    known = [level_of(value, issuer=issuer) for value in acr.values if _is_text(value)]
    levels = [level for level in known if level is not None]
    if not levels:
        raise AssuranceTooLow("an essential acr that is not ours")
    return lowest(*levels)


def needs_subject(request: ClaimsRequest) -> bool:
    """Say whether the request names the one person it is about."""
    return any(_subject_values(request))


def check_subject(request: ClaimsRequest, *, subject: str) -> None:
    """Refuse another person than a `sub` with a value names; raises LoginNeeded.

    OpenID Connect Core 1.0, 5.5.1 and 3.1.2.2.
    """
    if any(subject not in values for values in _subject_values(request)):
        raise LoginNeeded("another person than the claims request names")


def _subject_values(request: ClaimsRequest) -> list[tuple[Any, ...]]:
    named = [target.named("sub") for target in request.targets]
    return [claim.values for claim in named if claim is not None and claim.values]


def _names(request: ClaimsRequest) -> tuple[str, ...]:
    found: list[str] = []
    for target in request.targets:
        found += [NAMES[member] for member in target.members]
        for verified in target.verified:
            found += [VERIFIED_CLAIMS, *_names_of(verified)]
    return tuple(dict.fromkeys(found))


def _names_of(verified: AskedVerified) -> list[str]:
    """Return what one `verified_claims` asks a person to decide on."""
    claims = [NAMES[claim.name] for claim in verified.claims if claim.name in NAMES]
    details = [EVIDENCE_MEMBERS.get(name) for name in verified.document_members]
    return [*claims, *(name for name in details if name is not None)]


def _essential_names(request: ClaimsRequest) -> set[str]:
    verified = [
        claim
        for target in request.targets
        for asked in target.verified
        for claim in asked.claims
    ]
    plain = [claim for target in request.targets for claim in target.claims]
    names = {
        NAMES[claim.name]
        for claim in (*plain, *verified)
        if claim.is_essential and claim.name in NAMES
    }
    # Evidence that says nothing of an essential claim is of no use without it.
    return names | (
        {VERIFIED_CLAIMS} if any(c.is_essential for c in verified) else set()
    )


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _target(raw: Any, locales: tuple[str, ...]) -> Target:
    if raw is None:
        return Target()
    if not isinstance(raw, dict):
        raise Wrong("userinfo and id_token are objects")
    plain = {name: how for name, how in raw.items() if name != VERIFIED_CLAIMS}
    verified = tuple(
        AskedVerified(asked.verification, _known(asked.claims, locales))
        for asked in read_verified(raw.get(VERIFIED_CLAIMS))
    )
    return Target(_known(asked_claims(plain), locales), verified)


def _known(
    claims: Iterable[AskedClaim], locales: tuple[str, ...]
) -> tuple[AskedClaim, ...]:
    """Return the claims that we have, by our names, once each."""
    found = {
        name: AskedClaim(name, claim.is_essential, claim.values)
        for claim in claims
        for name in _known_names(claim.name, locales)
    }
    return tuple(found.values())


def _known_names(name: str, locales: tuple[str, ...]) -> tuple[str, ...]:
    """Return our names of an asked claim; none when we do not have it.

    `#km-KH` finds what is kept as `#km` (RFC 4647, 3.4).
    """
    base, _, tag = name.partition("#")
    if tag:
        ours = f"{base}#{tag.partition('-')[0].lower()}"
        return (ours,) if ours in NAMES else ()
    if base not in NAMES and base not in OF_THE_LOGIN:
        return ()
    spoken = (f"{base}#{locale.partition('-')[0].lower()}" for locale in locales)
    return tuple(dict.fromkeys((base, *(one for one in spoken if one in NAMES))))


def _written(target: Target) -> dict[str, Any]:
    claims: dict[str, Any] = {claim.name: claim.written for claim in target.claims}
    if target.verified:
        claims[VERIFIED_CLAIMS] = [asked.written for asked in target.verified]
    return claims


def _strict_object(text: str) -> dict[str, Any]:
    if len(text) > MAX_OCTETS or len(text.encode("utf-8", "replace")) > MAX_OCTETS:
        raise Wrong("too long")
    try:
        found = json.loads(text, object_pairs_hook=_unique, parse_constant=_constant)
        canonical_json(found)  # refuses lone surrogates and numbers beyond 64 bits
    except (ValueError, TypeError, RecursionError):
        raise Wrong("not JSON with each member once") from None
    if not isinstance(found, dict):
        raise Wrong("not an object")
    if _count(found, MAX_DEPTH) > MAX_NODES:
        raise Wrong("too many members")
    return found


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a member is repeated")
    return found


def _constant(name: str) -> None:
    raise ValueError(name)


def _count(value: Any, depth: int) -> int:
    """Return how many values there are; raises Wrong below the depth."""
    if depth < 0:
        raise Wrong("too deep")
    if isinstance(value, dict):
        return 1 + sum(_count(inner, depth - 1) for inner in value.values())
    if isinstance(value, list):
        return 1 + sum(_count(inner, depth - 1) for inner in value)
    return 1
