"""What is said of a person in one place, by scope and one by one.

    grant --> what was released, and is still allowed --> members, verified_claims

Read afresh every time: a party that loses a claim loses it at once.
"""

from collections.abc import Collection
from typing import Any

from idp.domain.accounts import Account
from idp.domain.grants import Grant
from idp.domain.relying_parties import RelyingParty
from idp.domain.subjects import subject_key
from idp.oidc.claims import members_of, released_members
from idp.oidc.claims_request import Target, allowed_names, parse_claims_request
from idp.oidc.verified_claims import Checked, verified_claims
from idp.services import Services
from idp.storage.store import Transaction


async def in_id_token(
    services: Services, party: RelyingParty, grant: Grant
) -> dict[str, Any]:
    """Return what the claims parameter asks into the ID token (Core 1.0, 5.5).

    Raises AccountSuspended and NotFound.
    """
    target = parse_claims_request(grant.claims_request).id_token
    if not target.members and not target.verified:
        return {}
    async with services.store.read() as tx:
        account = await services.accounts.active(tx, grant.account_id)
        return await said(
            services, tx, party=party, grant=grant, account=account, target=target
        )


async def in_userinfo(
    services: Services,
    tx: Transaction,
    *,
    party: RelyingParty,
    grant: Grant,
    account: Account,
    scopes: Collection[str],
) -> dict[str, Any]:
    """Return what userinfo says beside `sub`."""
    target = parse_claims_request(grant.claims_request).userinfo
    return await said(
        services,
        tx,
        party=party,
        grant=grant,
        account=account,
        target=target,
        scopes=scopes,
    )


async def said(
    services: Services,
    tx: Transaction,
    *,
    party: RelyingParty,
    grant: Grant,
    account: Account,
    target: Target,
    scopes: Collection[str] = (),
) -> dict[str, Any]:
    """Return the asked members that were released, and `verified_claims`."""
    released = frozenset(grant.claims) & frozenset(allowed_names(party))
    told = released_members(
        account, released=released, scopes=scopes, asked=target.members
    )
    if not target.verified:
        return told
    checked = Checked(
        account=account,
        proofing=await services.evidence.proofing(tx, account.id),
        key=subject_key(services.sealer),
        sector=party.sector,
        released=released,
    )
    return told | verified_claims(
        target.verified,
        checked=checked,
        members=members_of(account, released=released),
        now=services.clock.now(),
    )
