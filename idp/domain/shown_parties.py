"""A relying party and what it asks, as the phone shows them. Pure."""

from idp.domain.challenge_records import ShownClaim, ShownParty, Text
from idp.domain.consents import CLAIM_LABELS
from idp.domain.interactions import AuthorizationRequest
from idp.domain.relying_parties import RelyingParty


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


def _label(name: str) -> Text:
    label = CLAIM_LABELS.get(name, {"km": name, "en": name})
    return Text(km=label["km"], en=label["en"])
