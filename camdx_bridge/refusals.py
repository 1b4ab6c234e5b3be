"""Why a signed document is refused: codes that stay, and X-Road's names for them."""

from enum import StrEnum


class Refusal(StrEnum):
    """What is wrong with a document, its evidence, or the trust it is judged by."""

    # It cannot be read as what it should be.
    FILE_UNREADABLE = "file_unreadable"
    TOO_LARGE = "too_large"
    NOT_A_ZIP = "not_a_zip"
    ZIP_AMBIGUOUS = "zip_ambiguous"
    DUPLICATE_ENTRY = "duplicate_entry"
    ENTRY_NAME = "entry_name"
    ENTRY_ENCODING = "entry_encoding"
    ZIP_BOMB = "zip_bomb"
    NOT_A_CONTAINER = "not_a_container"
    NOT_AN_ARCHIVE = "not_an_archive"
    TRUST_MALFORMED = "trust_malformed"
    # XML, MIME and DER.
    XML_MALFORMED = "xml_malformed"
    XML_ENCODING = "xml_encoding"
    XML_DOCTYPE = "xml_doctype"
    XML_TOO_DEEP = "xml_too_deep"
    XML_TOO_LARGE = "xml_too_large"
    DUPLICATE_ID = "duplicate_id"
    MIME_MALFORMED = "mime_malformed"
    CERTIFICATE_MALFORMED = "certificate_malformed"
    # The signature and what it covers.
    MESSAGE_MALFORMED = "message_malformed"
    SIGNATURE_MALFORMED = "signature_malformed"
    ALGORITHM_REFUSED = "algorithm_refused"
    KEY_TOO_SMALL = "key_too_small"
    REFERENCE_MISSING = "reference_missing"
    REFERENCE_UNKNOWN = "reference_unknown"
    DIGEST_MISMATCH = "digest_mismatch"
    SIGNATURE_VALUE = "signature_value"
    PART_NOT_SIGNED = "part_not_signed"
    HASH_CHAIN_MALFORMED = "hash_chain_malformed"
    HASH_CHAIN_REFERENCE = "hash_chain_reference"
    HASH_CHAIN_RESULT = "hash_chain_result"
    HASH_CHAIN_UNUSED_INPUT = "hash_chain_unused_input"
    # Who signed.
    PROFILE_UNKNOWN = "profile_unknown"
    SIGNER_UNNAMED = "signer_unnamed"
    SIGNER_MISMATCH = "signer_mismatch"
    CERTIFICATE_USAGE = "certificate_usage"
    CERTIFICATE_EXPIRED = "certificate_expired"
    AUTHORITY_UNKNOWN = "authority_unknown"
    AUTHORITY_EXPIRED = "authority_expired"
    # Whether the certificate was good.
    OCSP_MISSING = "ocsp_missing"
    OCSP_MALFORMED = "ocsp_malformed"
    OCSP_SIGNER = "ocsp_signer"
    OCSP_SIGNATURE = "ocsp_signature"
    OCSP_STALE = "ocsp_stale"
    OCSP_FUTURE = "ocsp_future"
    CERTIFICATE_REVOKED = "certificate_revoked"
    # When.
    TIMESTAMP_MISSING = "timestamp_missing"
    TIMESTAMP_MALFORMED = "timestamp_malformed"
    TIMESTAMP_AUTHORITY = "timestamp_authority"
    TIMESTAMP_MISMATCH = "timestamp_mismatch"
    TIMESTAMP_SIGNATURE = "timestamp_signature"
    # The global configuration.
    CONFIGURATION_UNSIGNED = "configuration_unsigned"
    CONFIGURATION_EXPIRED = "configuration_expired"
    CONFIGURATION_FOREIGN = "configuration_foreign"
    # An archive.
    LINK_BROKEN = "link_broken"
    LINK_MISSING = "link_missing"

    @property
    def is_unreadable(self) -> bool:
        """Whether nothing at all can be concluded: neither valid nor invalid."""
        return self in _UNREADABLE

    @property
    def xroad(self) -> str | None:
        """X-Road's fault code for the same finding, where it has one."""
        return _XROAD.get(self)


_UNREADABLE = frozenset(
    {
        Refusal.FILE_UNREADABLE,
        Refusal.TOO_LARGE,
        Refusal.NOT_A_ZIP,
        Refusal.ZIP_AMBIGUOUS,
        Refusal.DUPLICATE_ENTRY,
        Refusal.ENTRY_NAME,
        Refusal.ENTRY_ENCODING,
        Refusal.ZIP_BOMB,
        # Our limits say nothing about what lies beyond them.
        Refusal.XML_TOO_DEEP,
        Refusal.XML_TOO_LARGE,
        Refusal.NOT_A_CONTAINER,
        Refusal.NOT_AN_ARCHIVE,
        Refusal.TRUST_MALFORMED,
        Refusal.CONFIGURATION_UNSIGNED,
        Refusal.CONFIGURATION_EXPIRED,
        Refusal.CONFIGURATION_FOREIGN,
    }
)
_MALFORMED, _VALUE = "MalformedSignature", "InvalidSignatureValue"
_PATH, _STATUS = "InvalidCertPath", "IncorrectValidationInfo"
_XROAD = {
    Refusal.XML_MALFORMED: _MALFORMED,
    Refusal.XML_ENCODING: _MALFORMED,
    Refusal.XML_DOCTYPE: _MALFORMED,
    Refusal.DUPLICATE_ID: _MALFORMED,
    Refusal.CERTIFICATE_MALFORMED: _MALFORMED,
    Refusal.SIGNATURE_MALFORMED: _MALFORMED,
    Refusal.REFERENCE_MISSING: _MALFORMED,
    Refusal.REFERENCE_UNKNOWN: _MALFORMED,
    Refusal.HASH_CHAIN_MALFORMED: _MALFORMED,
    Refusal.HASH_CHAIN_REFERENCE: f"{_MALFORMED}.InvalidHashChainRef",
    Refusal.HASH_CHAIN_RESULT: f"{_MALFORMED}.InvalidHashChainResult",
    Refusal.HASH_CHAIN_UNUSED_INPUT: f"{_MALFORMED}.HashChainUnusedInputs",
    Refusal.ALGORITHM_REFUSED: _VALUE,
    Refusal.KEY_TOO_SMALL: _VALUE,
    Refusal.DIGEST_MISMATCH: _VALUE,
    Refusal.SIGNATURE_VALUE: _VALUE,
    Refusal.CERTIFICATE_EXPIRED: _PATH,
    Refusal.AUTHORITY_UNKNOWN: _PATH,
    Refusal.AUTHORITY_EXPIRED: _PATH,
    Refusal.OCSP_MISSING: _STATUS,
    Refusal.OCSP_MALFORMED: _STATUS,
    Refusal.OCSP_SIGNER: _STATUS,
    Refusal.OCSP_SIGNATURE: _STATUS,
    Refusal.OCSP_STALE: _STATUS,
    Refusal.OCSP_FUTURE: _STATUS,
    Refusal.CERTIFICATE_REVOKED: _STATUS,
    Refusal.CONFIGURATION_EXPIRED: "OutdatedGlobalConf",
}
