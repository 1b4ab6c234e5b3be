"""What the files of the global configuration have in common, and how they fail."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from camdx_bridge.errors import (
    DocumentInvalid,
    DocumentUnusable,
    IdentifierInvalid,
    refused,
)
from camdx_bridge.formats.xml_documents import (
    XmlReader,
    parse_xml,
    require_unique_ids,
)
from camdx_bridge.identifiers import ClientId
from camdx_bridge.refusals import Refusal

XROAD = "http://x-road.eu/xsd/xroad.xsd"
IDENTIFIERS = "http://x-road.eu/xsd/identifiers"
_LONGEST_NUMBER = 9


@contextmanager
def as_trust() -> Iterator[None]:
    """Let whatever is wrong inside say that trust, not a document, cannot be read."""
    try:
        yield
    except (DocumentInvalid, IdentifierInvalid) as error:
        raise DocumentUnusable(Refusal.TRUST_MALFORMED, str(error)) from None


def configuration(data: bytes, root: str = "conf") -> XmlReader:
    """Return the root of a configuration file."""
    element = parse_xml(data)
    require_unique_ids(element)
    found = XmlReader(element, Refusal.TRUST_MALFORMED)
    if found.name != f"{{{XROAD}}}{root}":
        raise found.error("another root")
    return found


def read_client_id(element: XmlReader) -> ClientId:
    """Read the children that name a member or a subsystem."""
    return ClientId(
        element.one(f"{{{IDENTIFIERS}}}xRoadInstance").text,
        element.one(f"{{{IDENTIFIERS}}}memberClass").text,
        element.one(f"{{{IDENTIFIERS}}}memberCode").text,
        element.maybe_text(f"{{{IDENTIFIERS}}}subsystemCode"),
    )


def whole(text: str) -> int:
    """Read a whole number of at most nine digits."""
    if not re.fullmatch(rf"[0-9]{{1,{_LONGEST_NUMBER}}}", text):
        raise refused(Refusal.TRUST_MALFORMED, "number")
    return int(text)


def instant(text: str) -> datetime:
    """Read a point in time that says its zone (ISO 8601)."""
    try:
        found = datetime.fromisoformat(text)
        if found.tzinfo is None:
            raise refused(Refusal.TRUST_MALFORMED, "time without a zone")
        return found.astimezone(UTC)
    except (ValueError, OverflowError):
        raise refused(Refusal.TRUST_MALFORMED, "time") from None
