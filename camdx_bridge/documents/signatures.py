"""A XAdES signature, read strictly: one of everything, each in its one place.

Nothing is found by searching for an Id. The only element that a reference may point to
is the SignedProperties that stand in the signature itself, so a signature that is moved
or wrapped has nothing to point at.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from cryptography import x509

from camdx_bridge.errors import refused
from camdx_bridge.formats.algorithms import is_digest, verify_xml_signature
from camdx_bridge.formats.base64_text import read_base64
from camdx_bridge.formats.xml_documents import (
    DS,
    INCLUSIVE,
    XmlReader,
    canonical,
    parse_xml,
    require_unique_ids,
)
from camdx_bridge.refusals import Refusal
from camdx_bridge.trust.certificates import der_of, read_certificate_text

XADES = "http://uri.etsi.org/01903/v1.3.2#"
SIGNED_PROPERTIES = "http://uri.etsi.org/01903#SignedProperties"
_ASIC_ROOTS = frozenset(
    {
        "{http://uri.etsi.org/02918/v1.2.1#}XAdESSignatures",
        "{http://uri.etsi.org/02918/v1.1.1#}XAdESSignatures",
    }
)
_ONCE = (
    f"{{{DS}}}Signature",
    f"{{{DS}}}SignedInfo",
    f"{{{DS}}}SignatureValue",
    f"{{{XADES}}}QualifyingProperties",
    f"{{{XADES}}}SignedProperties",
)
_MOST_REFERENCES = 1024
_MOST_VALUES = 16


@dataclass(frozen=True, slots=True)
class Reference:
    """A file that is signed by its digest."""

    name: str
    algorithm: str
    digest: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """A signature whose shape was checked, and nothing else."""

    signed_info: Any
    canonicalization: str
    algorithm: str
    value: bytes
    certificate: x509.Certificate
    references: tuple[Reference, ...]
    properties: Any
    properties_reference: tuple[str, str, bytes]
    claimed_at: datetime | None
    certificate_digest: tuple[str, bytes]
    timestamps: tuple[bytes, ...]
    ocsp_responses: tuple[bytes, ...]
    extra_certificates: tuple[x509.Certificate, ...]

    def reference(self, name: str) -> Reference | None:
        """Return the reference to a file, if it is signed directly."""
        return next((one for one in self.references if one.name == name), None)


def read_signature(data: bytes) -> Signature:
    """Read signatures.xml; DocumentInvalid when it is not exactly one signature."""
    root = parse_xml(data)
    require_unique_ids(root)
    for name in _ONCE:
        if sum(1 for _ in root.iter(name)) != 1:
            raise refused(Refusal.SIGNATURE_MALFORMED, name.rpartition("}")[2])
    found = _signature_in(XmlReader(root, Refusal.SIGNATURE_MALFORMED))
    info = _ds(found, "SignedInfo")
    qualifying = _qualifying(found)
    properties = _xades(qualifying, "SignedProperties")
    references, own = _references(info, properties.attribute("Id"))
    said = _xades(properties, "SignedSignatureProperties")
    unsigned = _unsigned(qualifying)
    return Signature(
        signed_info=info.element,
        canonicalization=_ds(info, "CanonicalizationMethod").attribute("Algorithm"),
        algorithm=_ds(info, "SignatureMethod").attribute("Algorithm"),
        value=_bytes(_ds(found, "SignatureValue")),
        certificate=_key_certificate(found),
        references=references,
        properties=properties.element,
        properties_reference=own,
        claimed_at=_claimed_at(said),
        certificate_digest=_certificate_digest(said),
        timestamps=_timestamps(unsigned),
        ocsp_responses=_ocsp_responses(unsigned),
        extra_certificates=_extra_certificates(unsigned),
    )


def verify_signature(signature: Signature) -> None:
    """Check everything that holds without any file: the value and the properties."""
    canonicalization, algorithm, expected = signature.properties_reference
    properties = canonical(signature.properties, canonicalization)
    if not is_digest(algorithm, properties, expected):
        raise refused(Refusal.DIGEST_MISMATCH, "signed properties")
    uri, said = signature.certificate_digest
    if not is_digest(uri, der_of(signature.certificate), said):
        raise refused(Refusal.SIGNATURE_MALFORMED, "another certificate")
    verify_xml_signature(
        signature.certificate.public_key(),
        uri=signature.algorithm,
        signature=signature.value,
        data=canonical(signature.signed_info, signature.canonicalization),
        refusal=Refusal.SIGNATURE_VALUE,
    )


def _signature_in(root: XmlReader) -> XmlReader:
    """Return the signature: the root itself, or the only child of an ASiC root."""
    if root.name == f"{{{DS}}}Signature":
        return root
    if root.name not in _ASIC_ROOTS or len(root.children()) != 1:
        raise root.error("another root")
    return _ds(root, "Signature")


def _qualifying(signature: XmlReader) -> XmlReader:
    places = [
        found
        for place in signature.all(f"{{{DS}}}Object")
        for found in place.all(f"{{{XADES}}}QualifyingProperties")
    ]
    if len(places) != 1:
        raise signature.error("no qualifying properties")
    if places[0].attribute("Target") != f"#{signature.attribute('Id')}":
        raise places[0].error("another target")
    return places[0]


def _references(
    info: XmlReader, own_id: str
) -> tuple[tuple[Reference, ...], tuple[str, str, bytes]]:
    """Return the references to files, and the one to the signed properties."""
    files: dict[str, Reference] = {}
    own: list[tuple[str, str, bytes]] = []
    found = info.all(f"{{{DS}}}Reference")
    if len(found) > _MOST_REFERENCES:
        raise info.error("too many references")
    for one in found:
        uri = one.attribute("URI")
        algorithm = _ds(one, "DigestMethod").attribute("Algorithm")
        value = _bytes(_ds(one, "DigestValue"))
        transforms = _transforms(one)
        if uri == f"#{own_id}" and one.element.get("Type") == SIGNED_PROPERTIES:
            own.append((transforms or INCLUSIVE, algorithm, value))
        elif uri.startswith("/") and uri[1:] not in files and not transforms:
            files[uri[1:]] = Reference(uri[1:], algorithm, value)
        else:
            raise refused(Refusal.REFERENCE_UNKNOWN)
    if len(own) != 1:
        raise refused(Refusal.REFERENCE_MISSING, "signed properties")
    return tuple(files.values()), own[0]


def _transforms(reference: XmlReader) -> str | None:
    found = reference.maybe(f"{{{DS}}}Transforms")
    if found is None:
        return None
    transform = _ds(found, "Transform")
    if transform.children():
        raise transform.error("children")
    return transform.attribute("Algorithm")


def _key_certificate(signature: XmlReader) -> x509.Certificate:
    data = _ds(_ds(signature, "KeyInfo"), "X509Data")
    return read_certificate_text(_ds(data, "X509Certificate").text)


def _claimed_at(said: XmlReader) -> datetime | None:
    text = said.maybe_text(f"{{{XADES}}}SigningTime")
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
        # Without a zone it says nothing that could be told.
        return None if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        raise said.error("time") from None


def _certificate_digest(said: XmlReader) -> tuple[str, bytes]:
    """Return the digest of the signing certificate, in either form of XAdES."""
    forms = ("SigningCertificate", "SigningCertificateV2")
    found = [one for name in forms for one in said.all(f"{{{XADES}}}{name}")]
    if len(found) != 1:
        raise said.error("signing certificate")
    digest = _xades(_xades(found[0], "Cert"), "CertDigest")
    method = _ds(digest, "DigestMethod").attribute("Algorithm")
    return method, _bytes(_ds(digest, "DigestValue"))


def _unsigned(qualifying: XmlReader) -> XmlReader | None:
    properties = qualifying.maybe(f"{{{XADES}}}UnsignedProperties")
    if properties is None:
        return None
    return properties.maybe(f"{{{XADES}}}UnsignedSignatureProperties")


def _timestamps(unsigned: XmlReader | None) -> tuple[bytes, ...]:
    return _values(unsigned, "SignatureTimeStamp", "EncapsulatedTimeStamp")


def _ocsp_responses(unsigned: XmlReader | None) -> tuple[bytes, ...]:
    return _values(unsigned, "RevocationValues", "OCSPValues", "EncapsulatedOCSPValue")


def _extra_certificates(unsigned: XmlReader | None) -> tuple[x509.Certificate, ...]:
    found = unsigned and unsigned.maybe(f"{{{XADES}}}CertificateValues")
    if not found:
        return ()
    listed = found.all(f"{{{XADES}}}EncapsulatedX509Certificate")
    if len(listed) > _MOST_VALUES:
        raise found.error("too many")
    return tuple(read_certificate_text(one.text) for one in listed)


def _values(unsigned: XmlReader | None, *path: str) -> tuple[bytes, ...]:
    """Return the base64 leaves under a path of XAdES elements; none if it is absent."""
    *above, leaf = path
    found = unsigned
    for name in above:
        found = found and found.maybe(f"{{{XADES}}}{name}")
    if found is None:
        return ()
    leaves = found.all(f"{{{XADES}}}{leaf}")
    if len(leaves) > _MOST_VALUES:
        raise found.error("too many")
    return tuple(_bytes(one) for one in leaves)


def _bytes(element: XmlReader) -> bytes:
    return read_base64(element.text, Refusal.SIGNATURE_MALFORMED)


def _ds(parent: XmlReader, name: str) -> XmlReader:
    return parent.one(f"{{{DS}}}{name}")


def _xades(parent: XmlReader, name: str) -> XmlReader:
    return parent.one(f"{{{XADES}}}{name}")
