"""The outline of a large XML document: its beginning is kept, its content is passed by.

A SOAP message may hold megabytes; only its header says who speaks. No tree of the rest
is built, so a message of any depth and size that X-Road carries can be read.
"""

from dataclasses import dataclass, field
from xml.etree.ElementTree import Element

from camdx_bridge.errors import refused
from camdx_bridge.formats.xml_documents import Scan, XmlLimits
from camdx_bridge.refusals import Refusal

LIMITS = XmlLimits(size=64 * 1024 * 1024, depth=200, nodes=2_000_000)
_MOST_KEPT, _MOST_TEXT = 4096, 64 * 1024
# The root, its children, and theirs: Envelope, Header or Body, and what stands in them.
_SHALLOW = 3


def outline_xml(data: bytes, whole: str, limits: XmlLimits = LIMITS) -> Element:
    """Return the root with its children and theirs; all of it only under `whole`.

    `whole` is the full name `{namespace}local` of a child of the root. Attributes are
    left out. DocumentRefused as parse_xml.
    """
    outline = _Outline(limits, whole=whole)
    outline.run(data)
    assert outline.root is not None  # a document has one
    return outline.root


@dataclass(slots=True)
class _Outline(Scan):
    whole: str = field(kw_only=True)
    root: Element | None = None
    path: list[Element | None] = field(default_factory=list)
    kept: int = 0
    written: int = 0

    def prepare(self) -> None:
        self.parser.CharacterDataHandler = self.text

    def start(self, name: str, attributes: dict[str, str]) -> None:
        Scan.start(self, name, attributes)
        is_kept = self.depth <= _SHALLOW or self._is_under_whole()
        element = Element(f"{{{name}" if "}" in name else name) if is_kept else None
        if element is not None:
            self._keep(element)
        self.path.append(element)

    def end(self, name: str) -> None:
        Scan.end(self, name)
        self.path.pop()

    def text(self, data: str) -> None:
        element = self.path[-1]
        # Only the header's text is read, and only where no element came before it.
        if element is None or len(element) or not self._is_under_whole():
            return
        self.written += len(data)
        if self.written > _MOST_TEXT:
            raise refused(Refusal.XML_TOO_LARGE, "header")
        element.text = (element.text or "") + data

    def _is_under_whole(self) -> bool:
        found = self.path[1] if len(self.path) > 1 else None
        return found is not None and found.tag == self.whole

    def _keep(self, element: Element) -> None:
        self.kept += 1
        if self.kept > _MOST_KEPT:
            raise refused(Refusal.XML_TOO_LARGE, "header")
        if not self.path:
            self.root = element
        elif self.path[-1] is not None:
            self.path[-1].append(element)
