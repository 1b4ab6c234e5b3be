"""Shared parameters: authorities, members and servers of one X-Road instance.

Versions 2 to 6 of the global configuration are read by one reader: each only adds
elements, and those not known here are left alone.
"""

import hmac
from collections.abc import Iterator
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA1, SHA256

from camdx_bridge.errors import refused
from camdx_bridge.formats.base64_text import read_base64
from camdx_bridge.formats.xml_documents import XmlReader
from camdx_bridge.identifiers import ClientId, SecurityServerId
from camdx_bridge.refusals import Refusal
from camdx_bridge.trust.certificates import read_certificate_text
from camdx_bridge.trust.reading import as_trust, configuration, read_client_id, whole

DEFAULT_FRESHNESS_S = 3600
_LONGEST_FRESHNESS_S = 14 * 24 * 3600


@dataclass(frozen=True, slots=True)
class OcspResponder:
    """Where an authority's OCSP responder is, and its certificate if it is fixed."""

    url: str
    certificate: x509.Certificate | None


@dataclass(frozen=True, slots=True)
class CaEntry:
    """A certificate of an authority, and who answers for the state of what it signs."""

    certificate: x509.Certificate
    responders: tuple[OcspResponder, ...]


@dataclass(frozen=True, slots=True)
class ApprovedCa:
    """An approved certification service."""

    name: str
    authentication_only: bool
    profile: str
    top: CaEntry
    intermediates: tuple[CaEntry, ...]

    @property
    def entries(self) -> tuple[CaEntry, ...]:
        """The top authority and those below it that the configuration names."""
        return (self.top, *self.intermediates)


@dataclass(frozen=True, slots=True)
class ApprovedTsa:
    """An approved time-stamping authority."""

    name: str
    url: str
    certificate: x509.Certificate


@dataclass(frozen=True, slots=True)
class Member:
    """A member with its subsystems."""

    id: ClientId
    name: str
    subsystems: tuple[ClientId, ...]


@dataclass(frozen=True, slots=True)
class SecurityServer:
    """A registered security server; digests are of its authentication certificates."""

    id: SecurityServerId
    address: str
    auth_digests: tuple[bytes, ...]
    clients: tuple[ClientId, ...]

    def is_its_certificate(self, certificate: x509.Certificate) -> bool:
        """Say whether a certificate is registered: SHA-1 in version 2, else SHA-256."""
        own = (certificate.fingerprint(SHA256()), certificate.fingerprint(SHA1()))  # noqa: S303 - version 2 has no other
        return any(
            hmac.compare_digest(known, digest)
            for known in self.auth_digests
            for digest in own
        )


@dataclass(frozen=True, slots=True)
class GlobalGroup:
    """A group of members and subsystems that rights may name."""

    code: str
    members: frozenset[ClientId]


@dataclass(frozen=True, slots=True)
class Source:
    """Who signs the configuration now: how keys rotate without a new anchor (v3)."""

    address: str
    internal: tuple[x509.Certificate, ...]
    external: tuple[x509.Certificate, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedParameters:
    """Everything of one instance that its members must agree on."""

    instance: str
    sources: tuple[Source, ...]
    authorities: tuple[ApprovedCa, ...]
    timestampers: tuple[ApprovedTsa, ...]
    members: tuple[Member, ...]
    servers: tuple[SecurityServer, ...]
    groups: tuple[GlobalGroup, ...]
    ocsp_freshness_s: int


def read_shared_parameters(data: bytes) -> SharedParameters:
    """Read shared-params.xml of any version; DocumentUnusable when it is none.

    It says nothing about who made the file: see directory.py.
    """
    with as_trust():
        conf = configuration(data)
        members, clients = _members(conf)
        return SharedParameters(
            instance=conf.one("instanceIdentifier").text,
            sources=tuple(_source(one) for one in conf.all("source")),
            authorities=tuple(_authority(one) for one in conf.all("approvedCA")),
            timestampers=tuple(_timestamper(one) for one in conf.all("approvedTSA")),
            members=members,
            servers=tuple(_server(o, clients) for o in conf.all("securityServer")),
            groups=tuple(_group(one) for one in conf.all("globalGroup")),
            ocsp_freshness_s=_freshness(conf.one("globalSettings")),
        )


def _source(source: XmlReader) -> Source:
    return Source(
        source.one("address").text,
        tuple(_certificates(source, "internalVerificationCert")),
        tuple(_certificates(source, "externalVerificationCert")),
    )


def _certificates(parent: XmlReader, name: str) -> Iterator[x509.Certificate]:
    for one in parent.all(name):
        yield read_certificate_text(one.text)


def _authority(found: XmlReader) -> ApprovedCa:
    only = found.maybe_text("authenticationOnly") or "false"
    if only not in {"true", "false", "1", "0"}:
        raise found.error("authenticationOnly")
    return ApprovedCa(
        found.maybe_text("name") or "",
        only in {"true", "1"},
        found.one("certificateProfileInfo").text,
        _entry(found.one("topCA")),
        tuple(_entry(one) for one in found.all("intermediateCA")),
    )


def _entry(found: XmlReader) -> CaEntry:
    certificate = read_certificate_text(found.one("cert").text)
    return CaEntry(certificate, tuple(_responder(o) for o in found.all("ocsp")))


def _responder(found: XmlReader) -> OcspResponder:
    certificate = found.maybe_text("cert")
    return OcspResponder(
        found.one("url").text,
        None if not certificate else read_certificate_text(certificate),
    )


def _timestamper(found: XmlReader) -> ApprovedTsa:
    return ApprovedTsa(
        found.maybe_text("name") or "",
        found.one("url").text,
        read_certificate_text(found.one("cert").text),
    )


def _members(conf: XmlReader) -> tuple[tuple[Member, ...], dict[str, ClientId]]:
    """Return the members, and what each `id` of the file stands for."""
    instance, by_id, found = conf.one("instanceIdentifier").text, {}, []
    for one in conf.all("member"):
        code, kind = one.one("memberCode").text, one.one("memberClass").one("code").text
        owner = by_id[one.attribute("id")] = ClientId(instance, kind, code)
        subsystems = []
        for below in one.all("subsystem"):
            name = below.one("subsystemCode").text
            client = ClientId(instance, kind, code, name)
            by_id[below.attribute("id")] = client
            subsystems.append(client)
        found.append(Member(owner, one.one("name").text, tuple(subsystems)))
    return tuple(found), by_id


def _server(found: XmlReader, clients: dict[str, ClientId]) -> SecurityServer:
    try:
        owner = clients[found.one("owner").text]
        served = tuple(clients[one.text] for one in found.all("client"))
    except KeyError:
        raise found.error("an unknown id") from None
    digests = (
        read_base64(one.text, Refusal.TRUST_MALFORMED)
        for one in found.all("authCertHash")
    )
    return SecurityServer(
        SecurityServerId(
            owner.instance,
            owner.member_class,
            owner.member,
            found.one("serverCode").text,
        ),
        found.maybe_text("address") or "",
        tuple(digests),
        served,
    )


def _group(found: XmlReader) -> GlobalGroup:
    members = (read_client_id(one) for one in found.all("groupMember"))
    return GlobalGroup(found.one("groupCode").text, frozenset(members))


def _freshness(settings: XmlReader) -> int:
    text = settings.maybe_text("ocspFreshnessSeconds")
    seconds = DEFAULT_FRESHNESS_S if text is None else whole(text)
    if seconds > _LONGEST_FRESHNESS_S:
        raise refused(Refusal.TRUST_MALFORMED, "ocspFreshnessSeconds")
    return seconds
