"""What may vouch for a device key, and the challenge that it must be made for.

    challenge (server) ─> statement of the platform ─verify_attestation─> "android-key"
                                                                          "app-attest"

A platform that the operator has not set up vouches for nothing: the phone stays a
software key (`swk`), at most `substantial`. Pure but for `load_policies`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import orjson

from idp.domain.attestation_android import AndroidPolicy, verify_android_key
from idp.domain.attestation_apple import ApplePolicy, verify_app_attest
from idp.domain.attestation_chains import load_roots
from idp.errors import AttestationInvalid, FieldsInvalid
from idp.storage.columns import b64decode

PREFIX: Final = "camdigikey-attest1|"
ANDROID_KEY, APP_ATTEST = "android-key", "app-attest"
ANDROID_ROOTS, APPLE_ROOTS = "android-roots.pem", "apple-roots.pem"
ANDROID_REVOKED: Final = "android-revoked.json"
REVOKED_STATES: Final = frozenset({"REVOKED", "SUSPENDED"})


@dataclass(frozen=True, slots=True)
class AndroidStatement:
    """Certificates (DER) of the device key, leaf first."""

    certificates: tuple[bytes, ...]

    @classmethod
    def of(cls, certificates: Sequence[str]) -> "AndroidStatement":
        """Read base64url; raises FieldsInvalid."""
        return cls(tuple(_octets(one) for one in certificates))


@dataclass(frozen=True, slots=True)
class AppleStatement:
    """An App Attest key's identifier (SHA-256) and its attestation object (CBOR)."""

    key_id: bytes
    attestation: bytes

    @classmethod
    def of(cls, *, key_id: str, attestation: str) -> "AppleStatement":
        """Read base64url; raises FieldsInvalid."""
        return cls(_octets(key_id), _octets(attestation))


@dataclass(frozen=True, slots=True)
class AttestationPolicies:
    """What is trusted on each platform; None where nothing is."""

    android: AndroidPolicy | None = None
    apple: ApplePolicy | None = None


def challenge_for(device_id: str, nonce: str) -> bytes:
    """Return the 32 bytes that a platform must attest for this device and nonce."""
    return sha256(f"{PREFIX}{nonce}|{device_id}".encode()).digest()


def verify_attestation(
    statement: AndroidStatement | AppleStatement,
    *,
    device_id: str,
    challenge: bytes,
    policies: AttestationPolicies,
    now: datetime,
) -> str:
    """Return the name of what vouches for the key; raises AttestationInvalid."""
    if isinstance(statement, AndroidStatement):
        if policies.android is None:
            raise AttestationInvalid("no Android policy")
        verify_android_key(
            statement.certificates,
            device_id=device_id,
            challenge=challenge,
            policy=policies.android,
            now=now,
        )
        return ANDROID_KEY
    if policies.apple is None:
        raise AttestationInvalid("no Apple policy")
    verify_app_attest(
        statement.attestation,
        key_id=statement.key_id,
        challenge=challenge,
        policy=policies.apple,
        now=now,
    )
    return APP_ATTEST


def load_policies(
    folder: Path | None,
    *,
    android_package: str,
    android_signers: tuple[str, ...],
    apple_app_id: str,
    is_development: bool,
) -> AttestationPolicies:
    """Read the operator's folder; raises ValueError, OSError when it is not whole.

    `android-roots.pem`, `apple-roots.pem`: roots; `android-revoked.json`: the vendor's
    status list (`{"entries": {"<serial in hex>": {"status": "REVOKED"}}}`), optional.
    """
    if folder is None:
        return AttestationPolicies()
    android = apple = None
    if android_package:
        android = AndroidPolicy(
            roots=load_roots((folder / ANDROID_ROOTS).read_bytes()),
            package=android_package,
            signers=frozenset(bytes.fromhex(digest) for digest in android_signers),
            revoked=_revoked(folder / ANDROID_REVOKED),
        )
    if apple_app_id:
        apple = ApplePolicy(
            roots=load_roots((folder / APPLE_ROOTS).read_bytes()),
            app_id=apple_app_id,
            allows_development=is_development,
        )
    return AttestationPolicies(android, apple)


def _revoked(path: Path) -> frozenset[str]:
    if not path.exists():
        return frozenset()
    entries: Mapping[str, Any] = orjson.loads(path.read_bytes())["entries"]
    return frozenset(
        serial.lower().lstrip("0")
        for serial, entry in entries.items()
        if entry["status"] in REVOKED_STATES
    )


def _octets(text: str) -> bytes:
    try:
        return b64decode(text)
    except ValueError as error:
        raise FieldsInvalid({"format": "malformed"}) from error
