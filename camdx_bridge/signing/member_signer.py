"""Signs messages of one member, only while all that a verifier wants is there."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509

from camdx_bridge.documents.signing import (
    Credentials,
    SignedMessage,
    SigningKey,
    sign_message,
)
from camdx_bridge.errors import refused
from camdx_bridge.fetching.configuration import ConfigurationClient
from camdx_bridge.fetching.ocsp_client import OcspClient
from camdx_bridge.identifiers import ClientId
from camdx_bridge.refusals import Refusal
from camdx_bridge.trust.chains import find_chain
from camdx_bridge.trust.profiles import read_signer


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberSigner:
    """Joins a key with the configuration and with fresh OCSP. `clock` has a zone."""

    member: ClientId
    key: SigningKey
    certificate: x509.Certificate
    others: tuple[x509.Certificate, ...]
    configuration: ConfigurationClient
    ocsp: OcspClient
    clock: Callable[[], datetime]

    async def sign(self, digests: Mapping[str, bytes]) -> SignedMessage:
        """Sign `message.xml` and attachments by their SHA-512 digests.

        DocumentRefused when a verifier would refuse the signature: configuration or
        certificate expired, authority unknown, another member; SourceFailed when no
        fresh OCSP response is to be had.
        """
        trust, now = self.configuration.current().shared, self.clock()
        chain = find_chain(self.certificate, extra=self.others, trust=trust, at=now)
        named = read_signer(self.certificate, chain.authority.profile).member
        if named != self.member.member_id or named.instance != trust.instance:
            raise refused(Refusal.SIGNER_MISMATCH, "our own certificate")
        responses = await self.ocsp.responses(chain, freshness_s=trust.ocsp_freshness_s)
        credentials = Credentials(
            certificate=self.certificate,
            intermediates=chain.certificates[1:-1],
            ocsp_responses=responses,
        )
        return sign_message(digests, key=self.key, credentials=credentials, now=now)
