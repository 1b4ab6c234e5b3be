"""The configuration anchor: where trust in an instance begins, given by people."""

from dataclasses import dataclass
from datetime import datetime

from cryptography import x509

from camdx_bridge.formats.xml_documents import XmlReader
from camdx_bridge.trust.certificates import read_certificate_text
from camdx_bridge.trust.reading import as_trust, configuration, instant


@dataclass(frozen=True, slots=True)
class AnchorSource:
    """One address of the configuration, and the keys that may have signed it.

    The certificates only carry keys: neither their names nor their dates say anything.
    """

    url: str
    certificates: tuple[x509.Certificate, ...]


@dataclass(frozen=True, slots=True)
class Anchor:
    """An instance, and where its configuration may be fetched."""

    instance: str
    generated_at: datetime
    sources: tuple[AnchorSource, ...]

    @property
    def certificates(self) -> tuple[x509.Certificate, ...]:
        """All keys that the anchor trusts."""
        return tuple(one for source in self.sources for one in source.certificates)


def read_anchor(data: bytes) -> Anchor:
    """Read a configuration anchor; DocumentUnusable when it is none."""
    with as_trust():
        return anchor_of(configuration(data, "configurationAnchor"))


def anchor_of(found: XmlReader) -> Anchor:
    """Read the element of an anchor, which also stands in private parameters."""
    sources = tuple(_source(one) for one in found.all("source"))
    if not sources:
        raise found.error("no source")
    return Anchor(
        found.one("instanceIdentifier").text,
        instant(found.one("generatedAt").text),
        sources,
    )


def _source(found: XmlReader) -> AnchorSource:
    certificates = tuple(
        read_certificate_text(one.text) for one in found.all("verificationCert")
    )
    if not certificates:
        raise found.error("no verificationCert")
    return AnchorSource(found.one("downloadURL").text, certificates)
