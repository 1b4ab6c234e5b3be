"""A refresh token in: the family moves, or stays, as the party's profile says.

    basic   the family moves to its next generation, with a grace for lost answers
    FAPI    the same token again and again: the party and its key are what binds it
            (FAPI 2.0 Security Profile, 5.3.2.1)

A wrong scope, resource or key is refused before the family moves: an honest mistake
costs nothing, and a stolen token without its key moves nothing.
"""

from collections.abc import Mapping

from idp.domain.audit import EventTag
from idp.domain.profiles import profile_of
from idp.domain.relying_parties import RelyingParty
from idp.oidc import server
from idp.oidc.issuing import Issued
from idp.oidc.parameters import required
from idp.services import Services

Form = Mapping[str, str]


async def refresh(
    services: Services, party: RelyingParty, form: Form, *, confirmation: str = ""
) -> Issued:
    """Answer a refresh token; raises GrantSpent, ProtocolRefusal.

    Account, device, party and "log out everywhere" are read again each time.
    """
    text = required(form, "refresh_token")
    presented = services.grants.open_refresh_token(text, client_id=party.id)
    issue = server.decide(
        server.Facts(
            form=form,
            client=party,
            issuer=services.settings.issuer,
            confirmation=confirmation,
            refresh_token=presented,
        )
    )
    rotates = profile_of(party).rotates_refresh_tokens
    grants = services.grants
    async with services.store.begin() as tx:
        answer = grants.rotate if rotates else grants.keep
        grant = await answer(tx, presented)
        await services.audit.record(
            tx,
            EventTag.TOKEN_REFRESHED,
            account=grant.account_id,
            device=grant.device_id,
            relying_party=grant.relying_party_id,
        )
    return Issued(
        grant,
        issue.scopes,
        audience=issue.audience,
        confirmation=confirmation,
        keeps_refresh_token=not rotates,
    )
