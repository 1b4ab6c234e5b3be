"""Whom a backchannel request means: somebody this very party knows (CIBA, 7.1).

    login_hint         the party's own subject identifier of the person
    id_token_hint      an ID token of ours for this party, whatever its age
    login_hint_token   a JWT that the party signed, naming the subject

Nobody is found by an identity number, a telephone number or a name: the only thing
that is ever looked up is a pairwise subject among the party's standing consents, so
the answer to anything else says nothing of whether such a person exists.
"""

from collections.abc import Mapping

from idp.domain.client_jwts import LEEWAY, check_times, verify_client_jwt
from idp.domain.profiles import profile_of
from idp.domain.relying_parties import RelyingParty
from idp.errors import ClientJwtInvalid, Malformed
from idp.oidc.backchannel_checks import AskedBackchannel
from idp.oidc.claims import ID_TOKEN
from idp.oidc.errors import ProtocolRefusal
from idp.oidc.id_token_hint import MAX_HINT
from idp.oidc.request_objects import LONGEST_LIFE
from idp.services import Services

TYPES = ("", "jwt")
MAX_SUBJECT = 255


async def account_of_hint(services: Services, asked: AskedBackchannel) -> str:
    """Return the account that is meant; raises ProtocolRefusal (`unknown_user_id`)."""
    subject = await _subject(services, asked)
    async with services.store.read() as tx:
        account_id = await services.consents.account_of(
            tx, relying_party_id=asked.party.id, subject=subject[:MAX_SUBJECT]
        )
    if account_id is None:
        raise ProtocolRefusal("unknown_user_id", "nobody is known by this hint")
    return account_id


async def _subject(services: Services, asked: AskedBackchannel) -> str:
    given = asked.parameters
    if "login_hint" in given:
        return given["login_hint"]
    if "id_token_hint" in given:
        return await _of_id_token(services, asked.party, given["id_token_hint"])
    return await _of_hint_token(services, asked.party, given["login_hint_token"])


async def _of_id_token(
    services: Services, party: RelyingParty, unverified_token: str
) -> str:
    settings = services.settings
    if len(unverified_token) > MAX_HINT:
        raise ProtocolRefusal("invalid_request", "the hint is too long")
    try:
        claims = await services.keys.verify(
            unverified_token, typ=ID_TOKEN, algs=settings.signing_algorithms
        )
    except Malformed as error:
        raise ProtocolRefusal("invalid_request", "not an ID token of ours") from error
    if claims.get("iss") != settings.issuer or claims.get("aud") != party.id:
        raise ProtocolRefusal("invalid_request", "an ID token for somebody else")
    return str(claims.get("sub", ""))


async def _of_hint_token(
    services: Services, party: RelyingParty, unverified_token: str
) -> str:
    try:
        verified = await verify_client_jwt(
            services.client_keys,
            party,
            unverified_token,
            algorithms=profile_of(party).algorithms,
            types=TYPES,
        )
        claims, now = verified.claims, services.clock.now()
        if _is_expired(claims, now.timestamp()):
            raise ProtocolRefusal("expired_login_hint_token", "make another one")
        check_times(claims, now, max_life=LONGEST_LIFE, needs=("exp",))
    except ClientJwtInvalid as error:
        raise ProtocolRefusal("invalid_request", "login_hint_token") from error
    is_ours = claims.get("aud") == services.settings.issuer
    if not is_ours or claims.get("iss") != party.id:
        raise ProtocolRefusal("invalid_request", "login_hint_token is for others")
    return str(claims.get("sub", ""))


def _is_expired(claims: Mapping[str, object], now: float) -> bool:
    exp = claims.get("exp")
    return isinstance(exp, int | float) and exp + LEEWAY.total_seconds() <= now
