"""The time-stamping authority of the lab: RFC 3161 tokens with whatever time it has."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime

from asn1crypto import algos, cms, core, tsp
from asn1crypto import x509 as asn1_x509
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.hashes import SHA512

from camdx_bridge.trust.certificates import der_of
from camdx_bridge.trust_lab.authorities import (
    TIME_STAMPING,
    Authority,
    Holder,
    name_of,
)

POLICY = "1.2.3.4.1"
_HASH = "sha512"


@dataclass(frozen=True, slots=True)
class TimestampDesk:
    """Stamps digests in the name of one certificate."""

    holder: Holder

    @classmethod
    def make(
        cls, authority: Authority, *, now: datetime, name: str = "Trust lab TSA"
    ) -> "TimestampDesk":
        """Make a time-stamping authority whose certificate the authority issues."""
        subject = name_of(organization="Trust lab", common=name)
        return cls(authority.issue(subject, now=now, purpose=TIME_STAMPING))

    def stamp(self, data: bytes, *, at: datetime) -> bytes:
        """Return a token over the SHA-512 of the data."""
        return self.stamp_digest(hashlib.sha512(data).digest(), at=at)

    def answer(self, question: bytes, *, at: datetime) -> bytes:
        """Answer a time-stamp query; ValueError for one that is none."""
        asked = tsp.TimeStampReq.load(question, strict=True)
        imprint = asked["message_imprint"]
        if imprint["hash_algorithm"]["algorithm"].native != _HASH:
            raise ValueError("only SHA-512 is stamped here")
        token = self.stamp_digest(
            imprint["hashed_message"].native, at=at, nonce=asked["nonce"].native
        )
        response = tsp.TimeStampResp(
            {
                "status": {"status": "granted"},
                "time_stamp_token": cms.ContentInfo.load(token),
            }
        )
        written: bytes = response.dump()
        return written

    def stamp_digest(
        self, digest: bytes, *, at: datetime, nonce: int | None = None
    ) -> bytes:
        """Return a token over a SHA-512 digest."""
        content = _info(digest, at, nonce).dump()
        attributes = self._attributes(content)
        signature = self.holder.key.sign(
            attributes.dump(), padding.PKCS1v15(), SHA512()
        )
        signed = cms.SignedData(
            {
                "version": "v3",
                "digest_algorithms": [{"algorithm": _HASH}],
                "encap_content_info": {
                    "content_type": "tst_info",
                    "content": core.ParsableOctetString(content),
                },
                "certificates": [self._certificate],
                "signer_infos": [self._signer(attributes, signature)],
            }
        )
        token = cms.ContentInfo({"content_type": "signed_data", "content": signed})
        written: bytes = token.dump()
        return written

    @property
    def _certificate(self) -> asn1_x509.Certificate:
        return asn1_x509.Certificate.load(der_of(self.holder.certificate))

    def _signer(
        self, attributes: cms.CMSAttributes, signature: bytes
    ) -> cms.SignerInfo:
        own = self._certificate
        serial = {"issuer": own.issuer, "serial_number": own.serial_number}
        return cms.SignerInfo(
            {
                "version": "v1",
                "sid": cms.SignerIdentifier("issuer_and_serial_number", serial),
                "digest_algorithm": {"algorithm": _HASH},
                "signed_attrs": attributes,
                "signature_algorithm": {"algorithm": "rsassa_pkcs1v15"},
                "signature": signature,
            }
        )

    def _attributes(self, content: bytes) -> cms.CMSAttributes:
        der = der_of(self.holder.certificate)
        shown = tsp.SigningCertificateV2(
            {
                "certs": [
                    {
                        "hash_algorithm": {"algorithm": "sha256"},
                        "cert_hash": hashlib.sha256(der).digest(),
                    }
                ]
            }
        )
        return cms.CMSAttributes(
            [
                _attribute("content_type", "tst_info"),
                _attribute("message_digest", hashlib.sha512(content).digest()),
                _attribute("signing_certificate_v2", shown),
            ]
        )


def _attribute(name: str, value: object) -> cms.CMSAttribute:
    return cms.CMSAttribute({"type": name, "values": [value]})


def _info(digest: bytes, at: datetime, nonce: int | None) -> tsp.TSTInfo:
    given = {} if nonce is None else {"nonce": nonce}
    return tsp.TSTInfo(
        {
            **given,
            "version": "v1",
            "policy": POLICY,
            "message_imprint": {
                "hash_algorithm": algos.DigestAlgorithm({"algorithm": _HASH}),
                "hashed_message": digest,
            },
            "serial_number": secrets.randbits(63),
            "gen_time": at.astimezone(UTC).replace(microsecond=0),
        }
    )
