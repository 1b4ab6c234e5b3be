"""The relying party as people are shown it, on the page and on the phone alike."""

from dataclasses import dataclass

from idp.domain.challenge_records import ShownClaim, ShownParty, Text
from idp.domain.consents import CLAIM_LABELS
from idp.domain.interactions import AuthorizationRequest
from idp.domain.relying_parties import RelyingParty
from idp.services import Services


@dataclass(frozen=True, slots=True)
class Line:
    """One claim in one language."""

    name: str
    label: str
    voluntary: bool


@dataclass(frozen=True, slots=True)
class Shown:
    """A relying party in one language."""

    name: str
    domain: str
    purpose: str
    claims: tuple[Line, ...]


async def party_of(services: Services, request: AuthorizationRequest) -> RelyingParty:
    """Return the party that asked; raises RelyingPartyUnknown when disabled since."""
    async with services.store.read() as tx:
        return await services.relying_parties.find(tx, request.client_id)


def shown_party(party: RelyingParty) -> ShownParty:
    """Return what the phone shows of the party."""
    return ShownParty(
        id=party.id,
        name=Text(km=party.name_km, en=party.name_en),
        domain=party.domain,
        purpose=Text(km=party.purpose_km, en=party.purpose_en),
    )


def shown_claims(request: AuthorizationRequest) -> tuple[ShownClaim, ...]:
    """Return the asked claims with their plain names."""
    return tuple(
        ShownClaim(name=name, label=_label(name), voluntary=name in request.voluntary)
        for name in request.claims
    )


def shown_in(party: RelyingParty, request: AuthorizationRequest, locale: str) -> Shown:
    """Return what the page shows, in one language."""
    in_khmer = locale == "km"
    lines = tuple(
        Line(
            name=claim.name,
            label=claim.label.km if in_khmer else claim.label.en,
            voluntary=claim.voluntary,
        )
        for claim in shown_claims(request)
    )
    return Shown(
        name=party.name_km if in_khmer else party.name_en,
        domain=party.domain,
        purpose=party.purpose_km if in_khmer else party.purpose_en,
        claims=lines,
    )


def _label(name: str) -> Text:
    label = CLAIM_LABELS.get(name, {"km": name, "en": name})
    return Text(km=label["km"], en=label["en"])
