"""Signing messages as X-Road does: XAdES with the policy for many signatures a second.

The document is written once, its digests are taken from the elements in their place
(inclusive canonicalization pulls the namespaces of the root into each), and only text
is filled in after that; so what is sent is what was signed.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol
from xml.sax.saxutils import escape

from cryptography import x509
from lxml import etree

from camdx_bridge.documents.containers import MESSAGE, SIG_CHAIN, SIG_RESULT
from camdx_bridge.documents.hash_chain_writing import build_hash_chains
from camdx_bridge.documents.signatures import SIGNED_PROPERTIES, XADES
from camdx_bridge.errors import refused
from camdx_bridge.formats.algorithms import RSA_SHA512_URI, SHA512_URI
from camdx_bridge.formats.base64_text import write_base64
from camdx_bridge.formats.xml_documents import DS, INCLUSIVE, canonical
from camdx_bridge.refusals import Refusal
from camdx_bridge.trust.certificates import der_of

ASIC = "http://uri.etsi.org/02918/v1.2.1#"
_HEAD = b'<?xml version="1.0" encoding="UTF-8" standalone="no"?>'
# Profile for High Performance Digital Signatures 1.2, and the digest that X-Road gives.
_POLICY = "urn:oid:1.3.6.1.4.1.3516.16.2"
_POLICY_NAME = "Profile for High Performance Digital Signatures (version 1.2)"
_POLICY_URL = "https://repo.cyber.ee/dsig-profile-1.2.pdf"
_POLICY_DIGEST = (
    "BuO0EDNfkxSVlUbxCzmQPzX1AUF1/xx9ytWHk3/6SAOePxQiniEfDYk+90QeYb3lWpV3Izhuz9fKaYyE"
    "+lTcXw=="
)


class SigningKey(Protocol):
    """A private key, wherever it lies: RSA PKCS#1 v1.5 with SHA-512."""

    def sign(self, data: bytes) -> bytes:
        """Return the signature over the data."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What a signature carries besides the key: certificates and their fresh OCSP."""

    certificate: x509.Certificate
    intermediates: tuple[x509.Certificate, ...] = ()
    ocsp_responses: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class _Signed:
    """The one file that the signature names, and when it is made."""

    name: str
    kind: str
    digest: bytes
    now: datetime


@dataclass(frozen=True, slots=True)
class SignedMessage:
    """A signature, with the result and chain when several files were signed at once."""

    signatures: bytes
    hash_chain_result: bytes | None = None
    hash_chain: bytes | None = None

    @property
    def files(self) -> dict[str, bytes]:
        """The files of a container that belong to the signature."""
        if self.hash_chain_result is None or self.hash_chain is None:
            return {}
        return {SIG_RESULT: self.hash_chain_result, SIG_CHAIN: self.hash_chain}


def sign_message(
    digests: Mapping[str, bytes],
    *,
    key: SigningKey,
    credentials: Credentials,
    now: datetime,
) -> SignedMessage:
    """Sign files by their SHA-512 digests: `message.xml`, then attachments in order."""
    if len(digests) == 1:
        alone = _Signed(MESSAGE, "text/xml", digests[MESSAGE], now)
        return SignedMessage(_sign(alone, key, credentials))
    chains = build_hash_chains([digests], chain_name=SIG_CHAIN)
    digest = hashlib.sha512(chains.result).digest()
    result = _Signed(SIG_RESULT, "application/hash-chain-result", digest, now)
    signatures = _sign(result, key, credentials)
    return SignedMessage(signatures, chains.result, chains.chains[0])


def add_timestamp(signatures: bytes, token: bytes) -> bytes:
    """Return the document with a time-stamp over its signature value put in.

    Only into documents as written here and by X-Road; DocumentInvalid for others.
    """
    begin = b"<xades:UnsignedSignatureProperties>"
    stamp = (
        "<xades:SignatureTimeStamp><xades:EncapsulatedTimeStamp>"
        f"{write_base64(token)}"
        "</xades:EncapsulatedTimeStamp></xades:SignatureTimeStamp>"
    )
    if signatures.count(begin) != 1:
        raise refused(Refusal.SIGNATURE_MALFORMED, "no place for a time-stamp")
    return signatures.replace(begin, begin + stamp.encode())


def _sign(signed: _Signed, key: SigningKey, credentials: Credentials) -> bytes:
    text = _document(signed, credentials)
    root = etree.fromstring(text.encode())
    info = root.find(f".//{{{DS}}}SignedInfo")
    properties = root.find(f".//{{{XADES}}}SignedProperties")
    value = info.find(f"{{{DS}}}Reference[@Type]/{{{DS}}}DigestValue")
    value.text = _sha512(canonical(properties, INCLUSIVE))
    signature = key.sign(canonical(info, INCLUSIVE))
    root.find(f".//{{{DS}}}SignatureValue").text = write_base64(signature)
    written: bytes = etree.tostring(root, encoding="UTF-8", xml_declaration=False)
    return _HEAD + written


def _sha512(data: bytes) -> str:
    return write_base64(hashlib.sha512(data).digest())


def _document(signed: _Signed, credentials: Credentials) -> str:
    """Return the whole document, with room for one digest and the signature value."""
    certificate = write_base64(der_of(credentials.certificate))
    return (
        f'<asic:XAdESSignatures xmlns:asic="{ASIC}" xmlns:ds="{DS}"'
        f' xmlns:xades="{XADES}"><ds:Signature Id="signature">'
        f'<ds:SignedInfo><ds:CanonicalizationMethod Algorithm="{INCLUSIVE}"/>'
        f'<ds:SignatureMethod Algorithm="{RSA_SHA512_URI}"/>'
        f'<ds:Reference Id="signature-reference-0" URI="/{signed.name}">'
        f"{_digest(write_base64(signed.digest))}</ds:Reference>"
        f'<ds:Reference Id="signature-reference-1" Type="{SIGNED_PROPERTIES}"'
        f' URI="#signed-properties">{_digest("")}</ds:Reference></ds:SignedInfo>'
        '<ds:SignatureValue Id="signature-value"></ds:SignatureValue>'
        f"<ds:KeyInfo><ds:X509Data><ds:X509Certificate>{certificate}"
        "</ds:X509Certificate></ds:X509Data></ds:KeyInfo>"
        '<ds:Object><xades:QualifyingProperties Target="#signature">'
        f"{_signed_properties(signed, credentials.certificate)}"
        f"{_unsigned_properties(credentials)}"
        "</xades:QualifyingProperties></ds:Object></ds:Signature>"
        "</asic:XAdESSignatures>"
    )


def _digest(value: str) -> str:
    return (
        f'<ds:DigestMethod Algorithm="{SHA512_URI}"/>'
        f"<ds:DigestValue>{value}</ds:DigestValue>"
    )


def _signed_properties(signed: _Signed, certificate: x509.Certificate) -> str:
    issuer = escape(certificate.issuer.rfc4514_string())
    moment = signed.now.astimezone(UTC).isoformat(timespec="milliseconds")
    return (
        '<xades:SignedProperties Id="signed-properties">'
        "<xades:SignedSignatureProperties>"
        f"<xades:SigningTime>{moment.replace('+00:00', 'Z')}</xades:SigningTime>"
        "<xades:SigningCertificate><xades:Cert><xades:CertDigest>"
        f"{_digest(_sha512(der_of(certificate)))}</xades:CertDigest>"
        f"<xades:IssuerSerial><ds:X509IssuerName>{issuer}</ds:X509IssuerName>"
        f"<ds:X509SerialNumber>{certificate.serial_number}</ds:X509SerialNumber>"
        "</xades:IssuerSerial></xades:Cert></xades:SigningCertificate>"
        f"{_policy()}</xades:SignedSignatureProperties>"
        "<xades:SignedDataObjectProperties>"
        '<xades:DataObjectFormat ObjectReference="#signature-reference-0">'
        f"<xades:MimeType>{signed.kind}</xades:MimeType></xades:DataObjectFormat>"
        "</xades:SignedDataObjectProperties></xades:SignedProperties>"
    )


def _policy() -> str:
    return (
        "<xades:SignaturePolicyIdentifier><xades:SignaturePolicyId><xades:SigPolicyId>"
        f'<xades:Identifier Qualifier="OIDAsURN">{_POLICY}</xades:Identifier>'
        f"<xades:Description>{_POLICY_NAME}</xades:Description></xades:SigPolicyId>"
        f"<xades:SigPolicyHash>{_digest(_POLICY_DIGEST)}</xades:SigPolicyHash>"
        "<xades:SigPolicyQualifiers><xades:SigPolicyQualifier>"
        f"<xades:SPURI>{_POLICY_URL}</xades:SPURI></xades:SigPolicyQualifier>"
        "</xades:SigPolicyQualifiers></xades:SignaturePolicyId>"
        "</xades:SignaturePolicyIdentifier>"
    )


def _unsigned_properties(credentials: Credentials) -> str:
    return (
        "<xades:UnsignedProperties><xades:UnsignedSignatureProperties>"
        f"{_certificate_values(credentials.intermediates)}"
        f"{_revocation_values(credentials.ocsp_responses)}"
        "</xades:UnsignedSignatureProperties></xades:UnsignedProperties>"
    )


def _certificate_values(intermediates: Sequence[x509.Certificate]) -> str:
    if not intermediates:
        return ""
    name = "xades:EncapsulatedX509Certificate"
    values = (f"<{name}>{write_base64(der_of(c))}</{name}>" for c in intermediates)
    return f"<xades:CertificateValues>{''.join(values)}</xades:CertificateValues>"


def _revocation_values(responses: Sequence[bytes]) -> str:
    if not responses:
        return ""
    values = "".join(
        f'<xades:EncapsulatedOCSPValue Id="ocsp-response-{number}">'
        f"{write_base64(response)}</xades:EncapsulatedOCSPValue>"
        for number, response in enumerate(responses, start=1)
    )
    return (
        f"<xades:RevocationValues><xades:OCSPValues>{values}</xades:OCSPValues>"
        "</xades:RevocationValues>"
    )
