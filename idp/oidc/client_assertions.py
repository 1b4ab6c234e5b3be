"""private_key_jwt: a relying party proves itself by a signature, once.

RFC 7523, 3; OpenID Connect Core 1.0, 9; FAPI 2.0 Security Profile, 5.3.2.1:

    signature by a registered key → times → jti is spent → iss = sub = client_id → aud

The signature is first: a stranger must not be able to spend a party's identifiers.

Who is meant (`aud`): under FAPI the issuer, as a text and nothing else; an assertion
that was made for another server's endpoint address is then worth nothing here. Parties
of the basic profile come with older libraries: for them the address of the token
endpoint or of the called endpoint will do too (RFC 9126, 2), and a list of one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256
from typing import Any

from idp.domain.client_jwts import (
    LEEWAY,
    check_times,
    verify_client_jwt,
)
from idp.domain.jws import BadSignature, take_apart
from idp.domain.profiles import Profile, profile_of
from idp.domain.relying_parties import PRIVATE_KEY_JWT, RelyingParty
from idp.errors import ClientJwtInvalid, RelyingPartyUnknown
from idp.oidc.errors import ProtocolRefusal
from idp.services import Services

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
TYPES = ("", "jwt", "client-authentication+jwt")
LONGEST_LIFE = timedelta(minutes=60)
LONGEST_FAPI_LIFE = timedelta(minutes=10)
MAX_JTI = 256


@dataclass(frozen=True, slots=True)
class ClientAssertion:
    """An assertion and whom it names; nothing of it is checked."""

    client_id: str
    unverified_token: str = field(repr=False)


def read_client_assertion(form: Mapping[str, str]) -> ClientAssertion | None:
    """Return the assertion of a form, None without one. Pure.

    Raises ProtocolRefusal (half an assertion, or two authentications) and
    RelyingPartyUnknown (not for this client, not an assertion).
    """
    token, kind = form.get("client_assertion"), form.get("client_assertion_type")
    if token is None and kind is None:
        return None
    if token is None or kind is None:
        raise ProtocolRefusal("invalid_request", "half a client assertion")
    if kind != ASSERTION_TYPE:
        raise RelyingPartyUnknown("another kind of assertion")
    if "client_secret" in form:
        raise ProtocolRefusal("invalid_request", "two client authentications")
    try:
        client_id = take_apart(token).unverified_payload.get("sub")
    except BadSignature as error:
        raise RelyingPartyUnknown("not a JWT") from error
    # RFC 7521, 4.2: client_id beside it is not needed, and must agree.
    if not isinstance(client_id, str) or form.get("client_id", client_id) != client_id:
        raise RelyingPartyUnknown("the assertion names another client")
    return ClientAssertion(client_id, token)


async def verify_client_assertion(
    services: Services, form: Mapping[str, str], *, endpoint: str
) -> RelyingParty:
    """Return the party whose key signed the form's assertion for this server.

    `endpoint` is the address that was called. Raises RelyingPartyUnknown,
    ProtocolRefusal, Unavailable.
    """
    unverified = read_client_assertion(form)
    if unverified is None:
        raise RelyingPartyUnknown("no client assertion")
    async with services.store.read() as tx:
        party = await services.relying_parties.find(tx, unverified.client_id)
    if party.auth_method != PRIVATE_KEY_JWT:
        raise RelyingPartyUnknown("not the registered method")
    try:
        claims = await _verify(services, party, unverified.unverified_token)
        check_parties(claims, party, issuer=services.settings.issuer, endpoint=endpoint)
    except ClientJwtInvalid as error:
        raise RelyingPartyUnknown(str(error)) from error
    return party


async def _verify(
    services: Services, party: RelyingParty, unverified_token: str
) -> Mapping[str, Any]:
    profile, registered = profile_of(party), party.metadata
    verified = await verify_client_jwt(
        services.client_keys,
        party,
        unverified_token,
        algorithms=_algorithms(profile, registered.token_endpoint_auth_signing_alg),
        types=TYPES,
    )
    now = services.clock.now()
    life = LONGEST_FAPI_LIFE if profile.is_fapi else LONGEST_LIFE
    exp = check_times(verified.claims, now, max_life=life)
    jti = verified.claims.get("jti")
    if not isinstance(jti, str) or not 0 < len(jti) <= MAX_JTI:
        raise ClientJwtInvalid("jti is missing")
    digest = sha256(f"{party.id}\n{jti}".encode("utf-8", "surrogatepass")).hexdigest()
    seconds = exp - now.timestamp() + LEEWAY.total_seconds()
    if not await services.ephemeral.add_once(f"assertion:{digest}", seconds=seconds):
        raise ClientJwtInvalid("replayed")
    return verified.claims


def _algorithms(profile: Profile, registered: str) -> tuple[str, ...]:
    """Return what the profile allows and the party registered."""
    return tuple(
        alg for alg in profile.algorithms if not registered or alg == registered
    )


def check_parties(
    claims: Mapping[str, Any], party: RelyingParty, *, issuer: str, endpoint: str
) -> None:
    """Check who speaks and who is meant. Pure; raises ClientJwtInvalid."""
    if claims.get("iss") != party.id or claims.get("sub") != party.id:
        raise ClientJwtInvalid("iss and sub are not the client")
    audience = claims.get("aud")
    if profile_of(party).is_fapi:
        acceptable = {issuer}
    else:
        acceptable = {issuer, f"{issuer}/token", endpoint}
        if isinstance(audience, list) and len(audience) == 1:
            audience = audience[0]
    if not isinstance(audience, str) or audience not in acceptable:
        raise ClientJwtInvalid("meant for another server")
