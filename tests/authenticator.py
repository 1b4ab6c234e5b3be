"""An authenticator without hardware: real keys and signatures, and any lie."""

import struct
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any

import cbor2
import orjson
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from idp.storage.columns import b64decode, b64encode, new_id

UP, UV, BE, BS, AT = 0x01, 0x04, 0x08, 0x10, 0x40
AAGUID = bytes(range(16))


@dataclass
class SoftAuthenticator:
    """One passkey. Each `lie` changes what the browser or the device says."""

    origin: str
    rp_id: str
    is_synced: bool = False
    count: int = 1
    flags: int = UP | UV
    client_data: dict[str, Any] = field(default_factory=dict)
    user_handle: bytes = b""
    key: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )
    credential_id: bytes = field(default_factory=lambda: b64decode(new_id()))

    @property
    def id(self) -> str:
        return b64encode(self.credential_id)

    def lie(self, **changes: Any) -> "SoftAuthenticator":
        """Return the same passkey that says something else."""
        return replace(self, **changes)

    def make(self, options: dict[str, Any], *, attest: Any = None) -> str:
        """Answer `navigator.credentials.create`, as the form field says it."""
        self.user_handle = b64decode(options["user"]["id"])
        client = self._client_data("webauthn.create", options)
        data = self._data(AT) + AAGUID + struct.pack(">H", len(self.credential_id))
        data += self.credential_id + self._cose()
        told = {"fmt": "none", "attStmt": {}, "authData": data}
        if attest is not None:
            told |= attest(data + sha256(client).digest())
        self.count += 1 if self.count else 0
        response = {"attestationObject": b64encode(cbor2.dumps(told))}
        return self._answer(client, response)

    def use(self, options: dict[str, Any]) -> str:
        """Answer `navigator.credentials.get`; the count goes up by one."""
        client = self._client_data("webauthn.get", options)
        data = self._data(0)
        signed = self.key.sign(data + sha256(client).digest(), ec.ECDSA(SHA256()))
        self.count += 1 if self.count else 0
        response = {
            "authenticatorData": b64encode(data),
            "signature": b64encode(signed),
            "userHandle": b64encode(self.user_handle),
        }
        return self._answer(client, response)

    def _data(self, more: int) -> bytes:
        flags = self.flags | more | (BE | BS if self.is_synced else 0)
        head = sha256(self.rp_id.encode()).digest()
        return head + struct.pack(">BI", flags, self.count)

    def _cose(self) -> bytes:
        numbers = self.key.public_key().public_numbers()
        x, y = (n.to_bytes(32, "big") for n in (numbers.x, numbers.y))
        return cbor2.dumps({1: 2, 3: -7, -1: 1, -2: x, -3: y})

    def _client_data(self, kind: str, options: dict[str, Any]) -> bytes:
        told = {
            "type": kind,
            "challenge": options["challenge"],
            "origin": self.origin,
            "crossOrigin": False,
        }
        return orjson.dumps(told | self.client_data)

    def _answer(self, client: bytes, response: dict[str, str]) -> str:
        return orjson.dumps(
            {
                "id": self.id,
                "rawId": self.id,
                "type": "public-key",
                "response": {"clientDataJSON": b64encode(client), **response},
                "clientExtensionResults": {},
            }
        ).decode()
