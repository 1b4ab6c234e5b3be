"""A portal calls another one in the citizen's name (RFC 8693), over CamDX.

    subject_token   the caller's own access token of a living grant
    audience        the other portal, one that the caller is registered to call
    consent         the citizen released `delegate:<other portal>` to the caller

The result names both: `sub` is what the other portal calls the citizen, `act` is the
caller. It is short, cannot be refreshed or exchanged again, and dies with the grant,
with the consent, or alone.
"""

from collections.abc import Mapping
from datetime import timedelta

from idp.domain.audit import EventTag
from idp.domain.grants import Grant
from idp.domain.relying_parties import RelyingParty
from idp.domain.subjects import subject_key, subject_of
from idp.errors import GrantSpent, Malformed, RelyingPartyUnknown
from idp.oidc import server
from idp.oidc.access_tokens import (
    AccessToken,
    read_access_token,
    released_delegations,
)
from idp.oidc.exchange_grant import ACCESS_TOKEN_TYPE
from idp.oidc.issuing import IssuedApart, about_login
from idp.services import Services
from idp.storage.columns import new_id
from idp.storage.store import Transaction

Form = Mapping[str, str]
LONGEST_LIFE = timedelta(minutes=5)


async def exchange(
    services: Services, party: RelyingParty, form: Form, *, confirmation: str = ""
) -> IssuedApart:
    """Return a token for another party; raises ProtocolRefusal."""
    subject = await _subject(services, form)
    async with services.store.read() as tx:
        grant = await _grant(services, tx, subject)
        target = await _target(services, tx, party, form)
        released: tuple[str, ...] = ()
        if grant is not None:
            standing = await released_delegations(
                services, tx, account_id=grant.account_id, client_id=party.id
            )
            released = tuple(standing & set(grant.claims))
    known = server.Delegation(subject if grant else None, target, released)
    issue = server.decide(
        server.Facts(
            form=form,
            client=party,
            issuer=services.settings.issuer,
            confirmation=confirmation,
            delegation=known,
        )
    )
    assert subject is not None
    assert grant is not None
    assert target is not None
    await _record(services, party, grant, target)
    return IssuedApart(
        subject=subject_of(
            subject_key(services.sealer),
            sector=target.sector,
            account_id=grant.account_id,
        ),
        audience=(target.metadata.audience or target.id,),
        scopes=issue.scopes,
        token_id=f"{grant.id}.{new_id()}",
        life=_life(services, subject),
        confirmation=confirmation,
        claims={
            **about_login(grant, issuer=services.settings.issuer),
            "act": {"sub": party.id},
        },
        members={"issued_token_type": ACCESS_TOKEN_TYPE},
    )


async def _subject(services: Services, form: Form) -> AccessToken | None:
    try:
        return await read_access_token(services, form.get("subject_token", ""))
    except Malformed:
        return None


async def _grant(
    services: Services, tx: Transaction, subject: AccessToken | None
) -> Grant | None:
    if subject is None:
        return None
    try:
        return await services.grants.live(tx, subject.grant_id)
    except GrantSpent:
        return None


async def _target(
    services: Services, tx: Transaction, party: RelyingParty, form: Form
) -> RelyingParty | None:
    """Return the one party that the form names, by either of its names."""
    asked = [*form.get("audience", "").split(), *form.get("resource", "").split()]
    if len(asked) != 1:
        return None
    for client_id in party.metadata.may_act_at:
        try:
            target = await services.relying_parties.find(tx, client_id)
        except RelyingPartyUnknown:
            continue
        if asked[0] in {target.id, target.metadata.audience}:
            return target
    return None


async def _record(
    services: Services, party: RelyingParty, grant: Grant, target: RelyingParty
) -> None:
    async with services.store.begin() as tx:
        await services.audit.record(
            tx,
            EventTag.TOKEN_EXCHANGED,
            account=grant.account_id,
            device=grant.device_id,
            relying_party=party.id,
            detail={"at": target.id},
        )


def _life(services: Services, subject: AccessToken) -> timedelta:
    """Return how long the new token lives: never longer than what it came of."""
    left = subject.expires_at - int(services.clock.now().timestamp())
    life = services.settings.access_token_life
    return min(LONGEST_LIFE, life, timedelta(seconds=left))
