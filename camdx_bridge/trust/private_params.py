"""Private parameters: what an instance tells only its own security servers."""

from dataclasses import dataclass

from cryptography import x509

from camdx_bridge.formats.xml_documents import XmlReader
from camdx_bridge.identifiers import ClientId
from camdx_bridge.trust.anchor import Anchor, anchor_of
from camdx_bridge.trust.certificates import read_certificate_text
from camdx_bridge.trust.reading import as_trust, configuration, read_client_id, whole


@dataclass(frozen=True, slots=True)
class ManagementService:
    """Where security servers are registered, and by whom."""

    address: str
    certificate: x509.Certificate | None
    provider: ClientId


@dataclass(frozen=True, slots=True)
class PrivateParameters:
    """Of one instance: its management, its rhythm, its federation partners."""

    instance: str
    management: ManagementService | None
    timestamping_interval_s: int
    partners: tuple[Anchor, ...]


def read_private_parameters(data: bytes) -> PrivateParameters:
    """Read private-params.xml of any version; DocumentUnusable when it is none."""
    with as_trust():
        conf = configuration(data)
        management = conf.maybe("managementService")
        return PrivateParameters(
            conf.one("instanceIdentifier").text,
            None if management is None else _management(management),
            whole(conf.one("timeStampingIntervalSeconds").text),
            tuple(anchor_of(one) for one in conf.all("configurationAnchor")),
        )


def _management(found: XmlReader) -> ManagementService:
    certificate = found.maybe_text("authCertRegServiceCert")
    return ManagementService(
        found.one("authCertRegServiceAddress").text,
        None if not certificate else read_certificate_text(certificate),
        read_client_id(found.one("managementRequestServiceProviderId")),
    )
