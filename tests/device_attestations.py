"""Statements of Android and Apple hardware, made with authorities of our own.

The DER of the key description is written by hand here, byte for byte from the schema,
so that it is no echo of the library that reads it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

import cbor2
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from idp.domain.attestation_android import AndroidPolicy
from idp.domain.attestation_apple import ApplePolicy

PACKAGE, SIGNER = "kh.gov.camdigikey", sha256(b"our app's signer").digest()
APP_ID = "TEAM123456.kh.gov.camdigikey"
DESCRIPTION = "1.3.6.1.4.1.11129.2.1.17"
APPLE_NONCE = "1.2.840.113635.100.8.2"
Key = ec.EllipticCurvePrivateKey


def new_key() -> Key:
    return ec.generate_private_key(ec.SECP256R1())


def tlv(tag: bytes, *contents: bytes) -> bytes:
    """Return DER: tag octets, length, contents."""
    body = b"".join(contents)
    size = len(body)
    if size < 128:
        return tag + bytes([size]) + body
    octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return tag + bytes([0x80 | len(octets)]) + octets + body


def integer(value: int) -> bytes:
    return tlv(b"\x02", value.to_bytes(value.bit_length() // 8 + 1, "big"))


def enumerated(value: int) -> bytes:
    return tlv(b"\x0a", bytes([value]))


def octets(value: bytes) -> bytes:
    return tlv(b"\x04", value)


def sequence(*members: bytes) -> bytes:
    return tlv(b"\x30", *members)


def set_of(*members: bytes) -> bytes:
    return tlv(b"\x31", *members)


def explicit(number: int, member: bytes) -> bytes:
    """Return `[number] EXPLICIT member` (X.690, 8.1.2.4 for high numbers)."""
    if number < 31:
        return tlv(bytes([0xA0 | number]), member)
    groups = [number & 0x7F]
    while number := number >> 7:
        groups.insert(0, 0x80 | (number & 0x7F))
    return tlv(bytes([0xBF, *groups]), member)


@dataclass(frozen=True)
class Authority:
    """A root, or somebody whom it certified."""

    certificate: x509.Certificate
    key: Key

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(Encoding.DER)


def certify(
    key: Any,
    *,
    name: str,
    now: datetime,
    by: Authority | None = None,
    signer: Key | None = None,
    ca: bool = False,
    extension: tuple[str, bytes] | None = None,
    days: int = 30,
) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(by.certificate.subject if by else subject)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    )
    if extension is not None:
        oid, value = extension
        told = x509.UnrecognizedExtension(x509.ObjectIdentifier(oid), value)
        made = made.add_extension(told, critical=False)
    private = signer or (by.key if by else None)
    assert private is not None
    return made.sign(private, SHA256())


def authority(name: str, *, now: datetime, by: Authority | None = None) -> Authority:
    key = new_key()
    certificate = certify(
        key.public_key(), name=name, now=now, by=by, signer=None if by else key, ca=True
    )
    return Authority(certificate, key)


HARDWARE: Mapping[int, bytes] = {
    1: set_of(integer(2)),
    2: integer(3),
    3: integer(256),
    10: integer(1),
    702: integer(0),
    704: sequence(
        octets(b"k" * 32), tlv(b"\x01", b"\xff"), enumerated(0), octets(b"h")
    ),
    705: integer(140000),
}


def application(package: str = PACKAGE, signer: bytes = SIGNER) -> bytes:
    packages = set_of(sequence(octets(package.encode()), integer(1)))
    return octets(sequence(packages, set_of(octets(signer))))


@dataclass(frozen=True, kw_only=True)
class Android:
    """What a phone's hardware says of a key; each part may be changed."""

    challenge: bytes
    version: int = 300
    levels: tuple[int, int] = (1, 1)
    hardware: Mapping[int, bytes] = field(default_factory=lambda: HARDWARE)
    software: Mapping[int, bytes] = field(default_factory=lambda: {709: application()})

    def extension(self) -> bytes:
        return sequence(
            integer(self.version),
            enumerated(self.levels[0]),
            integer(self.version),
            enumerated(self.levels[1]),
            octets(self.challenge),
            octets(b""),
            sequence(*(explicit(n, v) for n, v in sorted(self.software.items()))),
            sequence(*(explicit(n, v) for n, v in sorted(self.hardware.items()))),
        )


@dataclass(frozen=True)
class AndroidMaker:
    """A maker of phones: a root and one intermediate."""

    root: Authority
    batch: Authority
    now: datetime

    @classmethod
    def new(cls, now: datetime) -> "AndroidMaker":
        root = authority("Android root", now=now)
        return cls(root, authority("Batch", now=now, by=root), now)

    @property
    def policy(self) -> AndroidPolicy:
        return AndroidPolicy(
            roots=(self.root.certificate,), package=PACKAGE, signers=frozenset({SIGNER})
        )

    def chain(
        self, key: Any, said: Android, *, days: int = 30, by: Authority | None = None
    ) -> list[bytes]:
        """Return the chain of a public key, leaf first."""
        leaf = certify(
            key,
            name="Android Keystore Key",
            now=self.now,
            by=by or self.batch,
            extension=(DESCRIPTION, said.extension()),
            days=days,
        )
        return [leaf.public_bytes(Encoding.DER), self.batch.der, self.root.der]


@dataclass(frozen=True)
class AppleMaker:
    """App Attest: a root, and the authority that certifies keys."""

    root: Authority
    batch: Authority
    now: datetime

    @classmethod
    def new(cls, now: datetime) -> "AppleMaker":
        root = authority("App Attest root", now=now)
        return cls(root, authority("App Attest CA 1", now=now, by=root), now)

    def policy(self, **changes: Any) -> ApplePolicy:
        roots = (self.root.certificate,)
        return ApplePolicy(roots=roots, **{"app_id": APP_ID, **changes})

    def attest(
        self,
        challenge: bytes,
        *,
        app_id: str = APP_ID,
        aaguid: bytes = b"appattest" + bytes(7),
        count: int = 0,
        credential: bytes | None = None,
        fmt: str = "apple-appattest",
    ) -> tuple[bytes, bytes]:
        """Return a fresh key's identifier and its attestation object."""
        key = new_key().public_key()
        point = key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        key_id = sha256(point).digest()
        named = credential or key_id
        cose = {1: 2, 3: -7, -1: 1, -2: point[1:33], -3: point[33:]}
        data = (
            sha256(app_id.encode()).digest()
            + b"\x40"
            + count.to_bytes(4, "big")
            + aaguid
            + len(named).to_bytes(2, "big")
            + named
            + cbor2.dumps(cose)
        )
        nonce = sha256(data + sha256(challenge).digest()).digest()
        value = sequence(explicit(1, octets(nonce)))
        leaf = certify(
            key,
            name=key_id.hex(),
            now=self.now,
            by=self.batch,
            extension=(APPLE_NONCE, value),
        )
        x5c = [leaf.public_bytes(Encoding.DER), self.batch.der]
        statement = {"x5c": x5c, "receipt": b"receipt"}
        told = {"fmt": fmt, "attStmt": statement, "authData": data}
        return key_id, cbor2.dumps(told)
