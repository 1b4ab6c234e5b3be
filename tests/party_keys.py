"""Keys of relying parties for tests: real ones, and signatures in every form."""

from dataclasses import dataclass
from functools import cache
from typing import Any

import orjson
from cryptography.hazmat.primitives.asymmetric import rsa

from idp.domain import signing_algorithms as signing
from idp.storage.columns import b64encode


@cache
def rsa_key(bits: int = 2048) -> rsa.RSAPrivateKey:
    """Return the one RSA key of this size: finding primes takes long."""
    return rsa.generate_private_key(65537, bits)


@dataclass(frozen=True)
class PartyKey:
    """A private key that signs with one algorithm, and its public JWK."""

    alg: str
    private: Any
    kid: str = "k1"

    @classmethod
    def make(cls, alg: str = "ES256", kid: str = "k1") -> "PartyKey":
        is_rsa = alg in {"PS256", "RS256"}
        key = rsa_key() if is_rsa else signing.ALGORITHMS[alg].generate()
        return cls(alg, key, kid)

    @property
    def bare(self) -> dict[str, str]:
        return signing.ALGORITHMS[self.alg].jwk(self.private.public_key())

    @property
    def jwk(self) -> dict[str, str]:
        return {**self.bare, "kid": self.kid, "use": "sig", "alg": self.alg}

    @property
    def jwks(self) -> dict[str, Any]:
        return {"keys": [self.jwk]}

    def sign(self, claims: dict[str, Any], **header: Any) -> str:
        """Sign under a header; a member that is None is left out."""
        full = {"alg": self.alg, "kid": self.kid, **header}
        return self.sign_text(
            orjson.dumps({k: v for k, v in full.items() if v is not None}),
            orjson.dumps(claims),
        )

    def sign_text(self, header: bytes, payload: bytes) -> str:
        message = f"{b64encode(header)}.{b64encode(payload)}"
        signature = signing.ALGORITHMS[self.alg].sign(self.private, message.encode())
        return f"{message}.{b64encode(signature)}"
