"""DPoP (RFC 9449): a request that carries a proof made by the sender's own key.

    one header → a JWS by the key inside it → for this method and this address
               → made just now → for this access token → with a nonce of ours → once

A proof says nothing of who sends it: only that whoever did holds the key whose
thumbprint (RFC 7638) is returned. Nonces hold for five minutes and are checked by any
node without a record; they are asked for when the settings say so, and whoever shows
an old one is given a new one.
"""

import hmac
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit

from starlette.requests import Request

from idp.domain import signing_algorithms as signing
from idp.domain.client_jwts import type_of
from idp.domain.client_keys import ALGORITHMS, bare_key
from idp.domain.jws import BadSignature, UnverifiedJws, take_apart
from idp.errors import Malformed
from idp.oidc.errors import ProtocolRefusal
from idp.oidc.holders import is_same
from idp.services import Services
from idp.storage.columns import b64decode, b64encode

TYPE = "dpop+jwt"
DPOP_ALGORITHMS = ("ES256", "PS256", "EdDSA")
# Ten seconds either way must be accepted (FAPI 2.0 Security Profile, 5.3.2.1, 13).
PAST, FUTURE = 60, 30  # seconds
NONCE_LIFE = 300  # seconds
STEP = 30  # seconds: proofs of half a minute share a nonce
STAMP, MAC = 8, 16  # octets
MAX_JTI = 256
MAX_URL = 2000
PORTS = {"http": 80, "https": 443}
ESCAPE = re.compile("%([0-9A-Fa-f]{2})")
UNRESERVED = re.compile(r"[A-Za-z0-9._~-]", re.ASCII)


@dataclass(frozen=True, slots=True)
class VerifiedProof:
    """A request that the holder of the named key made; used once or not yet."""

    jkt: str
    jti: str
    nonce: str | None


def refused(description: str) -> ProtocolRefusal:
    """Return the refusal of RFC 9449, 5."""
    return ProtocolRefusal("invalid_dpop_proof", description)


def verify_dpop_proof(
    unverified_proof: str,
    *,
    method: str,
    urls: Collection[str],
    now: datetime,
    access_token: str | None = None,
) -> VerifiedProof:
    """Check a proof against one request (RFC 9449, 4.3). Pure.

    `urls` are the names of the called endpoint. Nonce and reuse are not looked at:
    see check_dpop. Raises ProtocolRefusal (`invalid_dpop_proof`).
    """
    parsed, bare = _signed_by_its_own_key(unverified_proof)
    claims = parsed.unverified_payload
    htu = claims.get("htu")
    if claims.get("htm") != method:
        raise refused("htm is another method")
    if not isinstance(htu, str) or normal_url(htu) not in set(map(normal_url, urls)):
        raise refused("htu is another address")
    _check_age(claims.get("iat"), now.timestamp())
    if access_token is not None:
        digest = b64encode(sha256(access_token.encode()).digest())
        if claims.get("ath") != digest:
            raise refused("ath is another access token")
    jti, nonce = claims.get("jti"), claims.get("nonce")
    if not isinstance(jti, str) or not 0 < len(jti) <= MAX_JTI:
        raise refused("jti is missing")
    if nonce is not None and not isinstance(nonce, str):
        raise refused("nonce is not a text")
    return VerifiedProof(signing.thumbprint(bare), jti, nonce)


def _signed_by_its_own_key(
    unverified_proof: str,
) -> tuple[UnverifiedJws, Mapping[str, str]]:
    try:
        parsed = take_apart(unverified_proof)
        header = parsed.unverified_header
        jwk, alg = header.get("jwk"), header.get("alg")
        if type_of(header) != TYPE:
            raise refused("typ is not dpop+jwt")
        if alg not in DPOP_ALGORITHMS:
            raise refused("the algorithm is not acceptable")
        if not isinstance(jwk, dict):
            raise refused("jwk is missing")
        bare = bare_key(jwk)
        if alg not in ALGORITHMS[(bare["kty"], bare.get("crv", ""))]:
            raise refused("the algorithm is not the key's")
        signing.check_signature(
            alg,
            signing.ALGORITHMS[alg].read(bare),
            signature=parsed.signature,
            message=parsed.signing_input,
        )
    except (BadSignature, Malformed) as error:
        raise refused("not a JWT that its own public key signed") from error
    return parsed, bare


def _check_age(iat: object, now: float) -> None:
    if not isinstance(iat, int | float):
        raise refused("iat is not a time")
    if not now - PAST <= iat <= now + FUTURE:  # nor NaN
        raise refused("iat is not now")


def normal_url(url: str) -> str | None:
    """Return an http address as RFC 3986, 6.2 writes it, or None for no such. Pure.

    Query and fragment are left out (RFC 9449, 4.3, 9).
    """
    try:
        parts = urlsplit(url) if len(url) <= MAX_URL else urlsplit("")
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    scheme = parts.scheme.lower()
    if scheme not in PORTS or not host or "@" in parts.netloc or not url.isascii():
        return None
    if ":" in host:
        host = f"[{host}]"
    shown = "" if port in {None, PORTS[scheme]} else f":{port}"
    return f"{scheme}://{host}{shown}{ESCAPE.sub(_unescaped, parts.path) or '/'}"


def _unescaped(found: re.Match[str]) -> str:
    character = chr(int(found[1], 16))
    plain = UNRESERVED.fullmatch(character)
    return character if plain else found[0].upper()


async def check_dpop(
    services: Services,
    request: Request,
    *,
    access_token: str | None = None,
    expected_jkt: str | None = None,
) -> str | None:
    """Return the thumbprint of the key that proved this request; None without one.

    The proof is used up. `access_token` is the one that came with it, `expected_jkt`
    the key that it must be. Raises ProtocolRefusal (`invalid_dpop_proof`,
    `use_dpop_nonce`), whose headers carry a fresh nonce.
    """
    given = request.headers.getlist("dpop")
    if not given:
        return None
    if len(given) > 1:
        raise refused("one DPoP header, no more")
    now = services.clock.now()
    proof = verify_dpop_proof(
        given[0],
        method=request.method,
        urls=_names_of(services, request.url.path),
        now=now,
        access_token=access_token,
    )
    if expected_jkt is not None and not is_same(proof.jkt, expected_jkt):
        raise refused("another key than the one that is bound")
    _check_nonce(services, proof.nonce)
    digest = sha256(f"{proof.jkt}\n{proof.jti}".encode("utf-8", "surrogatepass"))
    key, seconds = f"dpop:{digest.hexdigest()}", PAST + 2 * FUTURE
    if not await services.ephemeral.add_once(key, seconds=seconds):
        raise refused("the proof was used before")
    return proof.jkt


def _names_of(services: Services, path: str) -> tuple[str, ...]:
    """Return the addresses of an endpoint: ours, and the alias with certificates."""
    settings = services.settings
    origins = [each for each in (settings.issuer, settings.mtls_origin) if each]
    return tuple(origin + path for origin in origins)


def new_nonce(services: Services) -> str:
    """Return the nonce of this half minute (RFC 9449, 8); it holds for five more."""
    step = int(services.clock.now().timestamp()) // STEP * STEP
    stamp = step.to_bytes(STAMP)
    return b64encode(stamp + _mac(services, stamp))


def nonce_headers(services: Services, request: Request) -> dict[str, str]:
    """Return `DPoP-Nonce` for the answer to a request that came with a proof."""
    if "dpop" not in request.headers:
        return {}
    return {"DPoP-Nonce": new_nonce(services)}


def _check_nonce(services: Services, nonce: str | None) -> None:
    if nonce is None and not services.settings.dpop_nonce_required:
        return
    if nonce is None or not _is_fresh(services, nonce):
        raise ProtocolRefusal(
            "use_dpop_nonce",
            "make the proof again with the nonce of the DPoP-Nonce header",
            headers={"DPoP-Nonce": new_nonce(services)},
        )


def _is_fresh(services: Services, nonce: str) -> bool:
    try:
        raw = b64decode(nonce)
    except ValueError:
        return False
    stamp, mac = raw[:STAMP], raw[STAMP:]
    if not hmac.compare_digest(mac, _mac(services, stamp)):
        return False
    age = services.clock.now().timestamp() - int.from_bytes(stamp)
    # Another node's clock may be a little ahead.
    return -FUTURE <= age < NONCE_LIFE + STEP


def _mac(services: Services, stamp: bytes) -> bytes:
    key: Any = services.sealer.derived_key("dpop nonce")
    return hmac.digest(key, stamp, "sha256")[:MAC]
