"""ID tokens and userinfo as the party registered them: signed, and sealed to its key.

    claims --sign--> JWS --sealed_for--> JWE around it (a nested JWT, cty JWT)

RFC 7516; RFC 7519, 5.2 and 11.2 (signed first, then encrypted); OpenID Connect
Registration 1.0, 2. RSA1_5 does not exist here: its padding tells too much.
"""

from collections.abc import Mapping
from typing import Any

import orjson
from joserfc import jwe
from joserfc.jwk import ECKey, RSAKey

from idp.domain.client_keys import Jwk, bare_key
from idp.domain.party_metadata import CONTENT_ENCRYPTION, KEY_WRAPPING
from idp.domain.relying_parties import RelyingParty
from idp.oidc.claims import ID_TOKEN
from idp.oidc.errors import ProtocolRefusal
from idp.services import Services

# What Registration 1.0 says of an `enc` that is left out.
DEFAULT_ENC = "A128CBC-HS256"
# A userinfo response is no ID token, even to ourselves.
USERINFO = "userinfo+jwt"
KINDS: Mapping[str, str] = {
    name: "RSA" if name.startswith("RSA") else "EC" for name in KEY_WRAPPING
}


async def finish_id_token(
    services: Services, party: RelyingParty, claims: Mapping[str, Any]
) -> str:
    """Return the ID token as the party registered it: signed, sealed if it asks.

    Raises ProtocolRefusal when the party has no key to encrypt to, and Unavailable.
    """
    metadata = party.metadata
    signed = await services.keys.sign(
        claims, typ=ID_TOKEN, alg=metadata.id_token_signed_response_alg
    )
    return await sealed_for(
        services,
        party,
        signed,
        alg=metadata.id_token_encrypted_response_alg,
        enc=metadata.id_token_encrypted_response_enc,
    )


async def finish_userinfo(
    services: Services, party: RelyingParty, body: Mapping[str, Any]
) -> str | None:
    """Return userinfo as the JWT that the party registered; None for plain JSON.

    `iss` and `aud` are inside (Core 1.0, 5.3.2). What is only encrypted holds the
    claims themselves. Raises ProtocolRefusal and Unavailable.
    """
    metadata = party.metadata
    signing, alg = (
        metadata.userinfo_signed_response_alg,
        metadata.userinfo_encrypted_response_alg,
    )
    if not signing and not alg:
        return None
    claims = {**body, "iss": services.settings.issuer, "aud": party.id}
    enc = metadata.userinfo_encrypted_response_enc
    if not signing:
        key = await _key(services, party, alg)
        return encrypted(orjson.dumps(claims), key=key, alg=alg, enc=enc)
    signed = await services.keys.sign(claims, typ=USERINFO, alg=signing)
    return await sealed_for(services, party, signed, alg=alg, enc=enc)


async def sealed_for(
    services: Services, party: RelyingParty, signed_jwt: str, *, alg: str, enc: str
) -> str:
    """Return a nested JWT to the party's key; without `alg` what came, as it is.

    Raises ProtocolRefusal when the party has no key to encrypt to, and Unavailable.
    """
    if not alg:
        return signed_jwt
    key = await _key(services, party, alg)
    return encrypted(signed_jwt.encode("ascii"), key=key, alg=alg, enc=enc, cty="JWT")


def encrypted(content: bytes, *, key: Jwk, alg: str, enc: str, cty: str = "") -> str:
    """Return a compact JWE to a public key. Pure, but for chance.

    Raises ValueError for an algorithm that is not used here.
    """
    enc = enc or DEFAULT_ENC
    if alg not in KEY_WRAPPING or enc not in CONTENT_ENCRYPTION:
        raise ValueError("an algorithm that is not used here")
    header: dict[str, Any] = {"alg": alg, "enc": enc}
    named = {"cty": cty, "kid": key.get("kid")}
    header |= {name: value for name, value in named.items() if value}
    bare: dict[str, str | list[str]] = {**bare_key(key)}
    public = RSAKey.import_key(bare) if bare["kty"] == "RSA" else ECKey.import_key(bare)
    return jwe.encrypt_compact(header, content, public, algorithms=[alg, enc])


def encryption_key(keys: tuple[Jwk, ...], *, alg: str) -> Jwk | None:
    """Return the first key of a party that is for encryption by this algorithm. Pure.

    Only a key that says `use: enc` is taken: a signing key is never encrypted to.
    """
    fitting = (
        key
        for key in keys
        if key.get("use") == "enc"
        and key.get("kty") == KINDS.get(alg)
        and key.get("alg") in {None, alg}
    )
    return next(fitting, None)


async def _key(services: Services, party: RelyingParty, alg: str) -> Jwk:
    key = encryption_key(await services.client_keys.of(party), alg=alg)
    if key is None:  # it may have been published a moment ago
        key = encryption_key(
            await services.client_keys.of(party, refresh=True), alg=alg
        )
    if key is None:
        raise ProtocolRefusal("invalid_request", "no key to encrypt to is registered")
    return key
