"""Android Key Attestation: does the device key live in a phone's secure hardware? Pure.

The phone's hardware signs a certificate for the key, with an extension that says how
the key is kept (OID 1.3.6.1.4.1.11129.2.1.17, `KeyDescription`). Believed is only
what the hardware enforces itself: `teeEnforced`, and the security levels. Source:
source.android.com, "Key and ID attestation" (schema versions 2 to 400).

Only the leaf may carry the extension: whoever attested one key could otherwise sign
with it a further certificate that says whatever he likes.
"""

import hmac
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from asn1crypto import core, parser
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

from idp.domain.attestation_chains import UNREADABLE, check_chain
from idp.domain.jws import thumbprint
from idp.domain.keys import jwk_of
from idp.errors import AttestationInvalid

KEY_DESCRIPTION: Final = x509.ObjectIdentifier("1.3.6.1.4.1.11129.2.1.17")
OLDEST_VERSION: Final = 2
SOFTWARE, TRUSTED_ENVIRONMENT, STRONG_BOX = 0, 1, 2
IN_HARDWARE: Final = frozenset({TRUSTED_ENVIRONMENT, STRONG_BOX})
CONTEXT: Final = 2  # the class of tags that a schema makes
# Tags of AuthorizationList.
PURPOSE, ALGORITHM, EC_CURVE, ORIGIN = 1, 2, 10, 702
ALL_APPLICATIONS, ROOT_OF_TRUST, APPLICATION_ID = 600, 704, 709
SIGN, EC, P_256, GENERATED, VERIFIED = 2, 3, 1, 0, 0


@dataclass(frozen=True, slots=True, kw_only=True)
class AndroidPolicy:
    """What is trusted: roots, the app's package, its signers, revoked serials.

    `signers` are SHA-256 digests of the certificates that may have signed the app;
    `revoked` serial numbers in lower-case hex, as the vendor publishes them.
    """

    roots: tuple[x509.Certificate, ...]
    package: str
    signers: frozenset[bytes]
    revoked: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class AndroidKey:
    """A key in hardware: its level (1 trusted environment, 2 StrongBox)."""

    security_level: int


class _RootOfTrust(core.Sequence):  # type: ignore[misc]  # the library is untyped
    _fields: Final = [
        ("verified_boot_key", core.OctetString),
        ("device_locked", core.Boolean),
        ("verified_boot_state", core.Enumerated),
        ("verified_boot_hash", core.OctetString, {"optional": True}),
    ]


class _Purposes(core.SetOf):  # type: ignore[misc]
    _child_spec = core.Integer


class _Package(core.Sequence):  # type: ignore[misc]
    _fields: Final = [("name", core.OctetString), ("version", core.Integer)]


class _Packages(core.SetOf):  # type: ignore[misc]
    _child_spec = _Package


class _Digests(core.SetOf):  # type: ignore[misc]
    _child_spec = core.OctetString


class _ApplicationId(core.Sequence):  # type: ignore[misc]
    _fields: Final = [("packages", _Packages), ("signatures", _Digests)]


class _KeyDescription(core.Sequence):  # type: ignore[misc]
    _fields: Final = [
        ("attestation_version", core.Integer),
        ("attestation_security_level", core.Enumerated),
        ("keymint_version", core.Integer),
        ("keymint_security_level", core.Enumerated),
        ("attestation_challenge", core.OctetString),
        ("unique_id", core.OctetString),
        ("software_enforced", core.Sequence),
        ("hardware_enforced", core.Sequence),
    ]


def verify_android_key(
    chain: Sequence[bytes],
    *,
    device_id: str,
    challenge: bytes,
    policy: AndroidPolicy,
    now: datetime,
) -> AndroidKey:
    """Check that hardware made and keeps the device key, for our app, just now.

    `chain` are DER certificates, leaf first; `device_id` is the key's RFC 7638
    thumbprint. Raises AttestationInvalid.
    """
    held = check_chain(chain, roots=policy.roots, now=now, ignores_leaf_time=True)
    _refuse_revoked(held.certificates, policy.revoked)
    try:
        _is_device_key(held.leaf, device_id)
        described = _description(held.certificates)
        return _judge(described, challenge=challenge, policy=policy)
    except (*UNREADABLE, LookupError) as error:
        raise AttestationInvalid("the key description cannot be read") from error


def _judge(described: Any, *, challenge: bytes, policy: AndroidPolicy) -> AndroidKey:
    levels = [
        _number(described[name])
        for name in ("attestation_security_level", "keymint_security_level")
    ]
    if described["attestation_version"].native < OLDEST_VERSION:
        raise AttestationInvalid("too old a schema")
    if not set(levels) <= IN_HARDWARE:
        raise AttestationInvalid("the key is not in hardware")
    if not hmac.compare_digest(described["attestation_challenge"].native, challenge):
        raise AttestationInvalid("made for another challenge")
    hardware = _members(described["hardware_enforced"])
    software = _members(described["software_enforced"])
    _check_key(hardware, software)
    _check_boot(hardware)
    _check_application(software, policy)
    return AndroidKey(min(levels))


def _check_key(hardware: Mapping[int, bytes], software: Mapping[int, bytes]) -> None:
    """Check that it was made inside, to sign, on P-256, for one application."""
    if ALL_APPLICATIONS in hardware or ALL_APPLICATIONS in software:
        raise AttestationInvalid("a key of every application")
    if _Purposes.load(hardware[PURPOSE], strict=True).native != [SIGN]:
        raise AttestationInvalid("not a key to sign with")
    for tag, wanted in ((ALGORITHM, EC), (EC_CURVE, P_256), (ORIGIN, GENERATED)):
        if core.Integer.load(hardware[tag]).native != wanted:
            raise AttestationInvalid("another kind of key")


def _check_boot(hardware: Mapping[int, bytes]) -> None:
    """Check that the phone's system is the maker's, and locked."""
    root = _RootOfTrust.load(hardware[ROOT_OF_TRUST], strict=True)
    locked = root["device_locked"].native
    if locked is not True or _number(root["verified_boot_state"]) != VERIFIED:
        raise AttestationInvalid("the phone's system is not the maker's")


def _check_application(software: Mapping[int, bytes], policy: AndroidPolicy) -> None:
    """Check the app that asked: the system says so, and it was verified above."""
    inner = core.OctetString.load(software[APPLICATION_ID], strict=True).native
    told = _ApplicationId.load(inner, strict=True)
    packages = {package["name"].native for package in told["packages"]}
    signers = {digest.native for digest in told["signatures"]}
    if packages != {policy.package.encode()} or not signers:
        raise AttestationInvalid("another application")
    if not signers <= policy.signers:
        raise AttestationInvalid("the application was signed by somebody else")


def _description(chain: Sequence[x509.Certificate]) -> Any:
    """Return the leaf's key description; nobody else may have one."""
    found = [_extension(certificate) for certificate in chain]
    if found[0] is None or any(one is not None for one in found[1:]):
        raise AttestationInvalid("the key description is not the leaf's")
    return _KeyDescription.load(found[0], strict=True)


def _extension(certificate: x509.Certificate) -> bytes | None:
    try:
        found = certificate.extensions.get_extension_for_oid(KEY_DESCRIPTION).value
    except x509.ExtensionNotFound:
        return None
    assert isinstance(found, x509.UnrecognizedExtension)
    return found.value


def _members(value: Any) -> dict[int, bytes]:
    """Return an AuthorizationList: tag number → the DER inside its explicit tag."""
    rest = bytes(value.contents)
    found: dict[int, bytes] = {}
    while rest:
        class_, _, tag, head, contents, tail = parser.parse(rest)
        if class_ != CONTEXT or tag in found:
            raise AttestationInvalid("not a list of authorizations")
        found[tag] = contents
        rest = rest[len(head) + len(contents) + len(tail) :]
    return found


def _number(value: Any) -> int:
    return int.from_bytes(value.contents, "big", signed=True)


def _is_device_key(leaf: x509.Certificate, device_id: str) -> None:
    key = leaf.public_key()
    if not isinstance(key, EllipticCurvePublicKey) or key.curve.name != "secp256r1":
        raise AttestationInvalid("not a P-256 key")
    if thumbprint(jwk_of(key)) != device_id:
        raise AttestationInvalid("another key than the device's")


def _refuse_revoked(
    chain: Sequence[x509.Certificate], revoked: Collection[str]
) -> None:
    if any(f"{certificate.serial_number:x}" in revoked for certificate in chain):
        raise AttestationInvalid("a certificate was revoked")
