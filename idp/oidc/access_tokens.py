"""Access tokens (RFC 9068): what they say, and what they are worth right now.

    of a login      jti = grant id "." token id    dies with its grant
    exchanged       the same, with `act`           dies with grant, consent, or alone
    a party's own   jti = token id                 dies alone

A token is believed for its signature only until somebody asks whether it is still
good: then the database is read, so that what one node revokes is over at every node.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from idp.domain.consents import delegation_to
from idp.errors import GrantSpent, Malformed, RelyingPartyUnknown
from idp.oidc.claims import ACCESS_TOKEN
from idp.services import Services
from idp.storage.store import Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessToken:
    """A token of ours whose signature and time are right. Instants in seconds."""

    id: str
    client_id: str
    audience: tuple[str, ...]
    scopes: tuple[str, ...]
    expires_at: int
    confirmation: str = ""
    claims: Mapping[str, Any] = field(repr=False)

    @property
    def grant_id(self) -> str:
        """The grant that it came of; "" for a party's own."""
        return self.id.partition(".")[0] if "." in self.id else ""

    @property
    def is_exchanged(self) -> bool:
        """Whether somebody acts in the citizen's name with it (RFC 8693, 4.1)."""
        return "act" in self.claims

    @property
    def dies_alone(self) -> bool:
        """Whether it can be revoked without the grant that it came of."""
        return self.is_exchanged or not self.grant_id


def access_token_claims(
    *,
    issuer: str,
    subject: str,
    audience: tuple[str, ...],
    client_id: str,
    scopes: tuple[str, ...],
    token_id: str,
    now: datetime,
    life: timedelta,
    confirmation: str,
    extra: Mapping[str, Any],
) -> dict[str, Any]:
    """Return the claims of a token (RFC 9068, 2.2; `cnf`: RFC 7800, 3). Pure."""
    issued_at = int(now.timestamp())
    claims: dict[str, Any] = {
        **extra,
        "iss": issuer,
        "sub": subject,
        "aud": audience[0] if len(audience) == 1 else list(audience),
        "client_id": client_id,
        "iat": issued_at,
        "exp": issued_at + int(life.total_seconds()),
        "jti": token_id,
        "scope": " ".join(scopes),
    }
    if confirmation:
        member, _, value = confirmation.partition(":")
        claims["cnf"] = {member: value}
    return claims


async def read_access_token(services: Services, unverified_token: str) -> AccessToken:
    """Return a token of ours that has not expired; raises Malformed."""
    claims = await services.keys.verify(unverified_token, typ=ACCESS_TOKEN)
    if claims.get("iss") != services.settings.issuer:
        raise Malformed("not ours")
    if claims["exp"] <= services.clock.now().timestamp():
        raise Malformed("expired")
    audience = claims["aud"]
    return AccessToken(
        id=claims["jti"],
        client_id=claims["client_id"],
        audience=(audience,) if isinstance(audience, str) else tuple(audience),
        scopes=tuple(claims["scope"].split()),
        expires_at=claims["exp"],
        confirmation=_confirmation(claims),
        claims=claims,
    )


async def check_live(services: Services, tx: Transaction, token: AccessToken) -> None:
    """Check that nothing has ended the token; raises GrantSpent."""
    try:
        await services.relying_parties.find(tx, token.client_id)
    except RelyingPartyUnknown as error:
        raise GrantSpent("its party is gone") from error
    if token.dies_alone and await services.token_status.is_revoked(tx, token.id):
        raise GrantSpent("revoked")
    if not token.grant_id:
        return
    grant = await services.grants.live(tx, token.grant_id)
    if not token.is_exchanged:
        return
    released = await released_delegations(
        services, tx, account_id=grant.account_id, client_id=token.client_id
    )
    if not set(token.scopes) <= released & set(grant.claims):
        raise GrantSpent("the citizen took it back")
    await check_targets(services, tx, token)


async def check_targets(
    services: Services, tx: Transaction, token: AccessToken
) -> None:
    """Check that both parties of a delegation still stand; raises GrantSpent."""
    party = await services.relying_parties.find(tx, token.client_id)
    allowed = {delegation_to(target) for target in party.metadata.may_act_at}
    if not set(token.scopes) <= allowed:
        raise GrantSpent("the party may not act there any more")


async def released_delegations(
    services: Services, tx: Transaction, *, account_id: str, client_id: str
) -> set[str]:
    """Return the claims of the standing consent, empty without one."""
    consent = await services.consents.find(
        tx, account_id=account_id, relying_party_id=client_id
    )
    return set() if consent is None else set(consent.claims)


def _confirmation(claims: Mapping[str, Any]) -> str:
    members = claims.get("cnf") or {}
    return next((f"{name}:{value}" for name, value in members.items()), "")
