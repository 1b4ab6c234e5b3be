"""A relying party and what it asks, as the phone shows them. Pure."""

from collections.abc import Collection, Mapping

from idp.domain.challenge_records import ShownClaim, ShownParty, Text
from idp.domain.consents import CLAIM_LABELS, delegate_of, delegation_label
from idp.domain.interactions import AuthorizationRequest
from idp.domain.relying_parties import RelyingParty


def shown_party(party: RelyingParty) -> ShownParty:
    """Return what the phone shows of the party."""
    return ShownParty(
        id=party.id,
        name=Text(km=party.name_km, en=party.name_en),
        domain=party.domain,
        purpose=Text(km=party.purpose_km, en=party.purpose_en),
        names_itself=party.metadata.names_itself,
    )


def shown_claims(
    request: AuthorizationRequest, *, parties: Collection[RelyingParty] = ()
) -> tuple[ShownClaim, ...]:
    """Return the asked claims with their plain names.

    `parties` are those that a delegation names: who asks, and where it may act.
    """
    by_id = {party.id: party for party in parties}
    return tuple(
        ShownClaim(
            name=name,
            label=_label(name, by_id.get(request.client_id), by_id),
            voluntary=name in request.voluntary,
        )
        for name in request.claims
    )


def _label(
    name: str, party: RelyingParty | None, by_id: Mapping[str, RelyingParty]
) -> Text:
    target = by_id.get(delegate_of(name))
    if party is not None and target is not None:
        label: Mapping[str, str] = delegation_label(
            target.name_km, target.name_en, party=party
        )
    else:
        label = CLAIM_LABELS.get(name, {"km": name, "en": name})
    return Text(km=label["km"], en=label["en"])
