"""Every request of a phone is signed by its device key: no bearer token lives there.

The proof names the method, the URL, the body's digest and a nonce of ours; freshness
rests on the nonce (five minutes, checked by any node), and its `jti` is remembered
as long. The public key travels in the header, so a proof can be checked before
anything is looked up; the device id is that key's thumbprint (RFC 7638).
"""

import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import Any

from idp.domain.jws import BadSignature, check_signature, parse, public_key, thumbprint
from idp.errors import ProofInvalid, ProofNonceStale
from idp.interfaces import Clock
from idp.storage.columns import b64decode, b64encode
from idp.storage.ephemeral import Ephemeral

TYP = "camdigikey-proof+jwt"
NONCE_LIFE = timedelta(minutes=5)
SKEW = 60  # seconds: `iat` uses the server's time, sent with each nonce
CLAIMS = {"htm", "htu", "iat", "jti", "bd", "nonce"}
JTI = re.compile(r"[A-Za-z0-9_-]{8,64}", re.ASCII)
STAMP = 8
MAC = 16


@dataclass(frozen=True, slots=True)
class VerifiedProof:
    """A request that the named device key signed, for this call and this body."""

    device_id: str
    public_jwk: Mapping[str, Any]
    jti: str
    nonce: str
    iat: int


def verify_proof(*, token: str, method: str, url: str, body: bytes) -> VerifiedProof:
    """Check what a proof says of itself and of this request; raises ProofInvalid.

    Nonce and `jti` are not looked at: see RequestProofs.
    """
    try:
        parsed = parse(token, typ=TYP)
        header = parsed.unverified_header
        jwk = header.get("jwk")
        if set(header) != {"alg", "typ", "kid", "jwk"} or not isinstance(jwk, dict):
            raise ProofInvalid("the header needs kid and jwk, no more")
        check_signature(
            key=public_key(jwk),
            signature=parsed.signature,
            message=parsed.signing_input,
        )
    except BadSignature as error:
        raise ProofInvalid(str(error)) from error
    device_id, claims = thumbprint(jwk), parsed.unverified_payload
    if header["kid"] != device_id:
        raise ProofInvalid("kid is not the thumbprint of the key")
    expected = {
        "htm": method,
        "htu": url,
        "bd": b64encode(sha256(body).digest()),
    }
    if set(claims) != CLAIMS or any(claims[k] != v for k, v in expected.items()):
        raise ProofInvalid("signed for another request")
    iat, jti, nonce = claims["iat"], claims["jti"], claims["nonce"]
    if type(iat) is not int or not isinstance(nonce, str):
        raise ProofInvalid("iat or nonce has another type")
    if not isinstance(jti, str) or JTI.fullmatch(jti) is None:
        raise ProofInvalid("jti has another form")
    return VerifiedProof(device_id, jwk, jti, nonce, iat)


@dataclass(frozen=True, slots=True)
class RequestProofs:
    """Give nonces and accept each proof once."""

    clock: Clock
    ephemeral: Ephemeral

    async def new_nonce(self) -> str:
        """Return a nonce for the next five minutes."""
        stamp = int(self.clock.now().timestamp()).to_bytes(STAMP)
        return b64encode(stamp + await self._mac(stamp))

    async def accept(
        self, *, token: str, method: str, url: str, body: bytes
    ) -> VerifiedProof:
        """Verify a proof and use it up; raises ProofInvalid, ProofNonceStale."""
        proof = verify_proof(token=token, method=method, url=url, body=body)
        await self._check_nonce(proof.nonce)
        if abs(self.clock.now().timestamp() - proof.iat) > SKEW:
            raise ProofNonceStale("iat is not the server's time")
        key = f"proof:{proof.device_id}:{proof.jti}"
        seconds = NONCE_LIFE.total_seconds() + SKEW
        if not await self.ephemeral.add_once(key, seconds=seconds):
            raise ProofInvalid("replayed")
        return proof

    async def check_nonce(self, nonce: object) -> None:
        """Check a nonce used outside a proof; raises ProofNonceStale."""
        await self._check_nonce(nonce if isinstance(nonce, str) else "")

    async def _check_nonce(self, nonce: str) -> None:
        try:
            raw = b64decode(nonce)
        except ValueError:
            raw = b""
        stamp, mac = raw[:STAMP], raw[STAMP:]
        if len(raw) != STAMP + MAC or not hmac.compare_digest(
            mac, await self._mac(stamp)
        ):
            raise ProofNonceStale("not a nonce of ours")
        age = self.clock.now().timestamp() - int.from_bytes(stamp)
        if not -1 <= age <= NONCE_LIFE.total_seconds():
            raise ProofNonceStale("old nonce")

    async def _mac(self, stamp: bytes) -> bytes:
        key = await self.ephemeral.secret("proof-nonce")
        return hmac.digest(key, stamp, "sha256")[:MAC]
