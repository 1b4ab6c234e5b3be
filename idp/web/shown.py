"""The relying party as the login page shows it, in one language."""

from dataclasses import dataclass

from idp.domain.consents import delegate_of
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
    names_itself: bool


async def parties_of(
    services: Services, request: AuthorizationRequest
) -> tuple[RelyingParty, ...]:
    """Return who asks, and every other party where it would act for the person.

    Raises RelyingPartyUnknown when one of them was disabled since.
    """
    others = [target for name in request.claims if (target := delegate_of(name))]
    async with services.store.read() as tx:
        named = (request.client_id, *others)
        return tuple([await services.relying_parties.find(tx, each) for each in named])


def shown_in(
    parties: tuple[RelyingParty, ...], request: AuthorizationRequest, locale: str
) -> Shown:
    """Return what the page shows, in one language; the first party asks."""
    party = parties[0]
    in_khmer = locale == "km"
    lines = tuple(
        Line(
            name=claim.name,
            label=claim.label.km if in_khmer else claim.label.en,
            voluntary=claim.voluntary,
        )
        for claim in shown_claims(request, parties=parties)
    )
    return Shown(
        name=party.name_km if in_khmer else party.name_en,
        domain=party.domain,
        purpose=party.purpose_km if in_khmer else party.purpose_en,
        claims=lines,
        names_itself=party.metadata.names_itself,
    )
