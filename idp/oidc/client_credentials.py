"""A party's own token for the services of others (RFC 6749, 4.4): no citizen in it.

The subject is the party itself (RFC 9068, 5). Nothing is stored: the token dies with
its party, or alone when it is revoked.
"""

from collections.abc import Mapping

from idp.domain.relying_parties import RelyingParty
from idp.oidc import server
from idp.oidc.issuing import IssuedApart
from idp.services import Services
from idp.storage.columns import new_id

Form = Mapping[str, str]


async def own_token(
    services: Services, party: RelyingParty, form: Form, *, confirmation: str = ""
) -> IssuedApart:
    """Return a token in the party's own name; raises ProtocolRefusal.

    Without `scope` it gets every scope that it registered (RFC 6749, 3.3).
    """
    default = {"scope": " ".join(party.metadata.api_scopes)}
    issue = server.decide(
        server.Facts(
            form={**default, **form},
            client=party,
            issuer=services.settings.issuer,
            confirmation=confirmation,
        )
    )
    return IssuedApart(
        subject=party.id,
        audience=issue.audience,
        scopes=issue.scopes,
        token_id=new_id(),
        life=services.settings.access_token_life,
        confirmation=confirmation,
    )
