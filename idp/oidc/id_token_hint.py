"""An ID token that comes back as a hint: ours, whatever its age.

Used by authorize (who is expected) and logout (which session). An expired hint is
accepted (RP-Initiated Logout 1.0, 4; Core, 3.1.2.1).
"""

from dataclasses import dataclass

from idp.domain.grants import Grants
from idp.errors import Malformed
from idp.oidc.claims import ID_TOKEN
from idp.services import Services

MAX_HINT = 8192


@dataclass(frozen=True, slots=True)
class VerifiedHint:
    """What a hint of ours says, and whose session it was (None: long gone)."""

    client_id: str
    sid: str
    session_id: str | None
    account_id: str | None


async def verify_hint(services: Services, unverified_token: str) -> VerifiedHint:
    """Return what the hint says; raises Malformed."""
    if len(unverified_token) > MAX_HINT:
        raise Malformed("the hint is too long")
    claims = await services.keys.verify(
        unverified_token, typ=ID_TOKEN, algs=services.settings.signing_algorithms
    )
    client_id, sid = claims.get("aud"), claims.get("sid")
    if claims.get("iss") != services.settings.issuer:
        raise Malformed("not our hint")
    if not isinstance(client_id, str) or not isinstance(sid, str):
        raise Malformed("not an ID token")
    grants: Grants = services.grants
    async with services.store.read() as tx:
        owner = await grants.session_of(tx, sid=sid, relying_party_id=client_id)
    session_id, account_id = owner or (None, None)
    return VerifiedHint(client_id, sid, session_id, account_id)
