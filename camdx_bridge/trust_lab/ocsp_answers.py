"""The OCSP responder of the lab: says what it is told about a certificate."""

from dataclasses import dataclass, field
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from camdx_bridge.trust_lab.authorities import (
    OCSP_SIGNING,
    Authority,
    Holder,
    name_of,
)


@dataclass(slots=True)
class OcspDesk:
    """Answers for one authority; `revoked` holds serial numbers."""

    authority: Authority
    responder: Holder
    revoked: dict[int, datetime] = field(default_factory=dict)

    @classmethod
    def make(cls, authority: Authority, *, now: datetime) -> "OcspDesk":
        """Make a responder whose certificate the authority issues."""
        name = name_of(organization="Trust lab", common="Trust lab OCSP")
        responder = authority.issue(
            name, now=now, usage="digital_signature", purpose=OCSP_SIGNING
        )
        return cls(authority, responder)

    def answer(
        self,
        certificate: x509.Certificate,
        *,
        at: datetime,
        next_update: datetime | None = None,
        signer: Holder | None = None,
        is_delegate_shown: bool = True,
    ) -> bytes:
        """Return the DER of a response about one certificate, with thisUpdate `at`."""
        by = signer or self.responder
        revoked_at = self.revoked.get(certificate.serial_number)
        status = ocsp.OCSPCertStatus
        builder = (
            ocsp.OCSPResponseBuilder()
            .add_response(
                cert=certificate,
                issuer=self.authority.certificate,
                algorithm=SHA1(),  # noqa: S303 - it names a certificate, as X-Road's do
                cert_status=status.REVOKED if revoked_at else status.GOOD,
                this_update=at,
                next_update=next_update,
                revocation_time=revoked_at,
                revocation_reason=None,
            )
            .responder_id(ocsp.OCSPResponderEncoding.NAME, by.certificate)
        )
        if is_delegate_shown:
            builder = builder.certificates([by.certificate])
        return builder.sign(by.key, SHA256()).public_bytes(Encoding.DER)
