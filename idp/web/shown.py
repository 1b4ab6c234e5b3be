"""The relying party as the login page shows it, in one language."""

from dataclasses import dataclass

from idp.domain.interactions import AuthorizationRequest
from idp.domain.relying_parties import RelyingParty
from idp.domain.shown_parties import shown_claims
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
