"""The signed directory of a global configuration: which files, with which digests.

What is signed are the body bytes of the first part: everything between its headers and
the boundary that follows, as they came.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509

from camdx_bridge.errors import refused
from camdx_bridge.formats.algorithms import (
    digest,
    is_digest,
    verify_xml_signature,
)
from camdx_bridge.formats.base64_text import read_base64
from camdx_bridge.formats.multipart import Part, read_multipart, read_part, read_value
from camdx_bridge.refusals import Refusal
from camdx_bridge.trust.certificates import der_of
from camdx_bridge.trust.reading import as_trust, instant, whole

LARGEST = 1024 * 1024
SHARED, PRIVATE = "SHARED-PARAMETERS", "PRIVATE-PARAMETERS"


@dataclass(frozen=True, slots=True)
class DirectoryEntry:
    """One file of the configuration: what it is, where, and its digest."""

    kind: str
    instance: str
    location: str
    algorithm: str
    digest: bytes

    def require(self, data: bytes) -> bytes:
        """Return the file's bytes if they are the ones meant; else DocumentUnusable."""
        if not is_digest(self.algorithm, data, self.digest):
            raise refused(Refusal.CONFIGURATION_UNSIGNED, self.kind)
        return data


@dataclass(frozen=True, slots=True)
class Directory:
    """A directory whose signature was checked: good until it expires."""

    version: int | None
    expires_at: datetime
    entries: tuple[DirectoryEntry, ...]
    signed_by: x509.Certificate


def read_directory(
    data: bytes, *, certificates: Iterable[x509.Certificate], now: datetime
) -> Directory:
    """Return a directory that one of these keys signed and that has not expired.

    `data` is what the configuration source answered, from its Content-Type header on.
    DocumentUnusable otherwise.
    """
    if len(data) > LARGEST:
        raise refused(Refusal.TOO_LARGE)
    with as_trust():
        signed, signature = _two_parts(data)
        signer = _verify(signed, signature, tuple(certificates))
        directory = _directory(signed, signer)
    if directory.expires_at <= now:
        raise refused(Refusal.CONFIGURATION_EXPIRED)
    return directory


def require_entry(directory: Directory, kind: str, instance: str) -> DirectoryEntry:
    """Return the one entry of a kind for an instance; DocumentUnusable for none."""
    found = [e for e in directory.entries if (e.kind, e.instance) == (kind, instance)]
    if len(found) != 1:
        raise refused(Refusal.CONFIGURATION_FOREIGN, kind)
    return found[0]


def _two_parts(data: bytes) -> tuple[Part, Part]:
    parts = read_multipart(read_part(data), "related")
    if len(parts) != 2:  # noqa: PLR2004 - the directory and its signature
        raise refused(Refusal.MIME_MALFORMED, "parts")
    return parts[0], parts[1]


def _verify(
    signed: Part, signature: Part, certificates: tuple[x509.Certificate, ...]
) -> x509.Certificate:
    said, parameters = read_value(signature.header("Verification-certificate-hash"))
    expected = read_base64(said, Refusal.MIME_MALFORMED)
    algorithm = parameters.get("hash-algorithm-id", "")
    for certificate in certificates:
        if digest(algorithm, der_of(certificate)) == expected:
            break
    else:
        raise refused(Refusal.CONFIGURATION_UNSIGNED, "a key that is not trusted")
    verify_xml_signature(
        certificate.public_key(),
        uri=signature.header("Signature-algorithm-id"),
        signature=read_base64(_text(signature), Refusal.MIME_MALFORMED),
        data=signed.body,
        refusal=Refusal.CONFIGURATION_UNSIGNED,
    )
    return certificate


def _directory(signed: Part, signer: x509.Certificate) -> Directory:
    head, *files = read_multipart(signed, "mixed")
    version = head.headers.get("version")
    return Directory(
        None if version is None else whole(version),
        instant(head.header("Expire-date")),
        tuple(_entry(one) for one in files),
        signer,
    )


def _entry(part: Part) -> DirectoryEntry:
    kind, parameters = read_value(part.header("Content-identifier"))
    return DirectoryEntry(
        kind,
        parameters.get("instance", ""),
        part.header("Content-location"),
        part.header("Hash-algorithm-id"),
        read_base64(_text(part), Refusal.MIME_MALFORMED),
    )


def _text(part: Part) -> str:
    try:
        return part.body.decode("ascii")
    except UnicodeDecodeError:
        raise refused(Refusal.MIME_MALFORMED, "base64") from None
