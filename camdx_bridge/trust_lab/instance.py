"""An X-Road instance of the lab: authorities, members, and the messages they sign."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from xml.sax.saxutils import escape

from cryptography import x509

from camdx_bridge.documents.container_writing import write_container
from camdx_bridge.documents.containers import MESSAGE
from camdx_bridge.documents.signatures import read_signature
from camdx_bridge.documents.signing import Credentials, add_timestamp, sign_message
from camdx_bridge.formats.base64_text import write_base64
from camdx_bridge.identifiers import ClientId
from camdx_bridge.trust.certificates import der_of
from camdx_bridge.trust.reading import XROAD
from camdx_bridge.trust.shared_params import SharedParameters, read_shared_parameters
from camdx_bridge.trust_lab.authorities import Authority, Holder, name_of
from camdx_bridge.trust_lab.ocsp_answers import OcspDesk
from camdx_bridge.trust_lab.timestamping import TimestampDesk

PROFILE = (
    "ee.ria.xroad.common.certificateprofile.impl.FiVRKCertificateProfileInfoProvider"
)
FRESHNESS_S = 3600


@dataclass(frozen=True, slots=True)
class LabMember:
    """A member with the key that signs its messages, at one security server."""

    id: ClientId
    server_code: str
    holder: Holder

    @property
    def subsystem(self) -> ClientId:
        """Its one subsystem."""
        return ClientId(self.id.instance, self.id.member_class, self.id.member, "SUB")


@dataclass(slots=True)
class LabInstance:
    """One instance; `now` is the time at which everything in it was made."""

    instance: str
    now: datetime
    root: Authority
    authority: Authority
    ocsp: OcspDesk
    root_ocsp: OcspDesk
    tsa: TimestampDesk
    members: list[LabMember] = field(default_factory=list)
    address: str = "http://127.0.0.1"

    @classmethod
    def make(cls, instance: str, *, now: datetime) -> "LabInstance":
        """Make an instance: a top authority, an intermediate, OCSP and time-stamps."""
        root = Authority.make(f"{instance} top CA", now=now)
        authority = Authority.make(f"{instance} intermediate CA", now=now, issuer=root)
        return cls(
            instance,
            now,
            root,
            authority,
            OcspDesk.make(authority, now=now),
            OcspDesk.make(root, now=now),
            TimestampDesk.make(authority, now=now),
        )

    def sign_name(self, code: str, *, member_class: str = "GOV") -> x509.Name:
        """Return the subject of a sign certificate by CamDX's profile."""
        return name_of(
            country="KH",
            organization=f"Organisation {code}",
            common=code,
            serial=f"{self.instance}/SS-{code}/{member_class}",
        )

    def add_member(self, code: str) -> LabMember:
        """Give a member a certificate for signing, and list it."""
        holder = self.authority.issue(self.sign_name(code), now=self.now)
        member = LabMember(ClientId(self.instance, "GOV", code), f"SS-{code}", holder)
        self.members.append(member)
        return member

    def credentials(self, holder: Holder, *, at: datetime) -> Credentials:
        """Return what a signature carries: the intermediate and fresh OCSP of both."""
        between = self.authority.certificate
        return Credentials(
            certificate=holder.certificate,
            intermediates=(between,),
            ocsp_responses=(
                self.ocsp.answer(holder.certificate, at=at),
                self.root_ocsp.answer(between, at=at),
            ),
        )

    def container(
        self,
        message: bytes,
        *,
        by: Holder,
        at: datetime,
        attachments: Mapping[str, bytes] | None = None,
        credentials: Credentials | None = None,
        tsa: TimestampDesk | None = None,
    ) -> bytes:
        """Sign a message, stamp it a second later, and write its container."""
        files = {MESSAGE: message, **(attachments or {})}
        digests = {name: hashlib.sha512(data).digest() for name, data in files.items()}
        own = credentials or self.credentials(by, at=at)
        signed = sign_message(digests, key=by, credentials=own, now=at)
        value = read_signature(signed.signatures).value
        token = (tsa or self.tsa).stamp(value, at=at + timedelta(seconds=1))
        return write_container(
            message=message,
            signatures=add_timestamp(signed.signatures, token),
            signed_files=signed.files,
            attachments=attachments or {},
        )

    def shared_params(
        self, *, configuration_keys: tuple[x509.Certificate, ...] = ()
    ) -> bytes:
        """Return shared-params.xml; the keys named sign the configuration from now."""
        source = _source(configuration_keys) if configuration_keys else ""
        members = "".join(_member(n, one) for n, one in enumerate(self.members))
        servers = "".join(_server(n, one) for n, one in enumerate(self.members))
        text = (
            '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
            f'<ns3:conf xmlns:ns3="{XROAD}">'
            f"<instanceIdentifier>{self.instance}</instanceIdentifier>{source}"
            f"<approvedCA><name>{self.instance} CA</name>"
            "<authenticationOnly>false</authenticationOnly>"
            f"<topCA>{_authority(self.root_ocsp, self.address)}</topCA>"
            f"<intermediateCA>{_authority(self.ocsp, self.address)}</intermediateCA>"
            f"<certificateProfileInfo>{PROFILE}</certificateProfileInfo></approvedCA>"
            f"<approvedTSA><name>{self.instance} TSA</name>"
            f"<url>{self.address}/tsa</url>{_cert(self.tsa.holder)}</approvedTSA>"
            f"{members}{servers}<globalSettings>"
            f"<ocspFreshnessSeconds>{FRESHNESS_S}</ocspFreshnessSeconds>"
            "</globalSettings></ns3:conf>"
        )
        return text.encode()

    def private_params(self) -> bytes:
        """Return private-params.xml."""
        text = (
            '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
            f'<ns3:conf xmlns:ns3="{XROAD}">'
            f"<instanceIdentifier>{self.instance}</instanceIdentifier>"
            "<timeStampingIntervalSeconds>60</timeStampingIntervalSeconds></ns3:conf>"
        )
        return text.encode()

    @property
    def trust(self) -> SharedParameters:
        """The shared parameters, read back."""
        return read_shared_parameters(self.shared_params())


def _source(keys: tuple[x509.Certificate, ...]) -> str:
    internal = "".join(
        f"<internalVerificationCert>{write_base64(der_of(key))}"
        "</internalVerificationCert>"
        for key in keys
    )
    return f"<source><address>127.0.0.1</address>{internal}</source>"


def _cert(holder: Holder) -> str:
    return f"<cert>{write_base64(der_of(holder.certificate))}</cert>"


def _authority(desk: OcspDesk, address: str) -> str:
    ocsp = f"<ocsp><url>{address}/ocsp</url>{_cert(desk.responder)}</ocsp>"
    return f"{_cert(desk.authority)}{ocsp}"


def _member(number: int, member: LabMember) -> str:
    own = member.id
    return (
        f'<member id="m{number}"><memberClass><code>{escape(own.member_class)}</code>'
        f"<description></description></memberClass>"
        f"<memberCode>{escape(own.member)}</memberCode><name>{escape(own.member)}</name>"
        f'<subsystem id="s{number}"><subsystemCode>SUB</subsystemCode></subsystem>'
        "</member>"
    )


def _server(number: int, member: LabMember) -> str:
    return (
        f"<securityServer><owner>m{number}</owner>"
        f"<serverCode>{escape(member.server_code)}</serverCode>"
        f"<address>127.0.0.1</address><client>s{number}</client></securityServer>"
    )
