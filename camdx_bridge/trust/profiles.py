"""Certificate profiles: which member a sign certificate names, and which server.

CamDX: C=KH, O=organisation, CN=member code, serialNumber=INSTANCE/SERVERCODE/CLASS; in
an authentication certificate CN is the server's DNS name. The Finnish profile has the
same shape with C=FI. What vouches for a name is the authority, never its country. The
name of CamDX's own class is not public: any is read that is not known to differ.
"""

from dataclasses import dataclass

from cryptography import x509
from cryptography.x509.oid import NameOID

from camdx_bridge.errors import IdentifierInvalid, refused
from camdx_bridge.identifiers import ClientId
from camdx_bridge.refusals import Refusal
from camdx_bridge.trust.certificates import subject_value

_COUNTRIES = frozenset({"KH", "FI"})
# Java class names of profiles that put the member elsewhere (X-Road's other ones).
_OTHER_SHAPES = ("Ejbca", "SkKlass", "SkEste", "Basic")
_PARTS = 3


@dataclass(frozen=True, slots=True)
class SignerName:
    """Whom a sign certificate names: a member, at one security server."""

    member: ClientId
    server_code: str


@dataclass(frozen=True, slots=True)
class ServerName:
    """Whom an authentication certificate names; its owner is in the configuration."""

    instance: str
    server_code: str
    member_class: str
    dns_name: str


def read_signer(certificate: x509.Certificate, profile: str) -> SignerName:
    """Return the member that a sign certificate names; DocumentInvalid for none."""
    instance, server, member_class, name = _read(certificate, profile)
    try:
        return SignerName(ClientId(instance, member_class, name), server)
    except IdentifierInvalid:
        raise refused(Refusal.SIGNER_UNNAMED, "not an identifier") from None


def read_server(certificate: x509.Certificate, profile: str) -> ServerName:
    """Return the server that an authentication certificate names."""
    instance, server, member_class, name = _read(certificate, profile)
    return ServerName(instance, server, member_class, name)


def _read(certificate: x509.Certificate, profile: str) -> tuple[str, str, str, str]:
    if profile.rpartition(".")[2].startswith(_OTHER_SHAPES):
        raise refused(Refusal.PROFILE_UNKNOWN)
    country = subject_value(certificate, NameOID.COUNTRY_NAME)
    name = subject_value(certificate, NameOID.COMMON_NAME)
    serial = subject_value(certificate, NameOID.SERIAL_NUMBER) or ""
    parts = serial.split("/")
    if country not in _COUNTRIES or not name:
        raise refused(Refusal.SIGNER_UNNAMED)
    if len(parts) != _PARTS or not all(parts):
        raise refused(Refusal.SIGNER_UNNAMED, "serialNumber")
    return parts[0], parts[1], parts[2], name
