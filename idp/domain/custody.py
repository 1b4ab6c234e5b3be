"""Private signing keys sealed in the database: the custody that needs no hardware."""

import asyncio
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
)

from idp.domain.signing_algorithms import ALGORITHMS, Algorithm, public_jwk, thumbprint
from idp.errors import Unavailable
from idp.interfaces import MadeKey
from idp.storage.encryption import SealBroken, Sealer

SEALED = "sealed"


@dataclass(frozen=True, slots=True)
class SoftwareSigner:
    """Signs in this process, on the event loop: 20 to 250 µs."""

    algorithm: Algorithm
    key: Any

    async def sign(self, message: bytes) -> bytes:
        """Return the JWS signature."""
        return self.algorithm.sign(self.key, message)


@dataclass(frozen=True, slots=True)
class SealedCustody:
    """Seals each private key under the master key, for its own kid."""

    sealer: Sealer

    @property
    def name(self) -> str:
        """What the rows say."""
        return SEALED

    async def make(self, alg: str) -> MadeKey:
        """Make a key pair; RSA takes a while, in a thread."""
        key = await asyncio.to_thread(ALGORITHMS[alg].generate)
        private = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        public = key.public_key().public_bytes(
            Encoding.DER, PublicFormat.SubjectPublicKeyInfo
        )
        kid = thumbprint(public_jwk(alg, public))
        return MadeKey(public, self.sealer.seal(private, context=_context(kid)))

    async def open(self, *, alg: str, kid: str, handle: bytes) -> SoftwareSigner:
        """Open the seal; raises Unavailable when it is not ours or not for this key."""
        try:
            der = self.sealer.open(handle, context=_context(kid))
        except SealBroken as error:
            raise Unavailable("signing keys") from error
        return SoftwareSigner(ALGORITHMS[alg], load_der_private_key(der, password=None))

    async def destroy(self, handle: bytes) -> None:
        """Do nothing: the row is the only place, and it is wiped."""

    async def close(self) -> None:
        """Do nothing: nothing is open."""


def _context(kid: str) -> str:
    return f"signing_key:{kid}"
