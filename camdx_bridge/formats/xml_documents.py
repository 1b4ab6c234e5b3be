"""XML from strangers: UTF-8, no DTD, no entities, bounded in size, depth and number.

Two parsers must agree that a document is one: expat counts and refuses the first sign
of a document type, before libxml2 builds a tree for canonicalization.
"""

from dataclasses import dataclass
from typing import Any
from xml.parsers import expat

from lxml import etree

from camdx_bridge.errors import refused
from camdx_bridge.refusals import Refusal

DS = "http://www.w3.org/2000/09/xmldsig#"
INCLUSIVE = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
_ID_NAMES = frozenset({"id", "{http://www.w3.org/XML/1998/namespace}id"})

Element = Any


@dataclass(frozen=True, slots=True, kw_only=True)
class XmlLimits:
    """The largest document that is read: bytes, nesting, elements with attributes."""

    size: int = 8 * 1024 * 1024
    depth: int = 48
    nodes: int = 200_000


DEFAULT_LIMITS = XmlLimits()


def parse_xml(data: bytes, limits: XmlLimits = DEFAULT_LIMITS) -> Element:
    """Return the root element; DocumentRefused with an `xml_…` code."""
    Scan(limits).run(data)
    parser = etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=False,
    )
    try:
        root = etree.fromstring(data, parser)
    except etree.LxmlError:
        raise refused(Refusal.XML_MALFORMED) from None
    if root.getroottree().docinfo.internalDTD is not None:
        raise refused(Refusal.XML_DOCTYPE)
    return root


@dataclass(slots=True)
class Scan:
    """One pass of expat that counts and refuses; a subclass may also look."""

    limits: XmlLimits
    depth: int = 0
    nodes: int = 0
    parser: Any = None

    def run(self, data: bytes) -> None:
        """Read a whole document; DocumentRefused at the first thing not allowed."""
        if len(data) > self.limits.size:
            raise refused(Refusal.XML_TOO_LARGE)
        try:
            data.decode()
        except UnicodeDecodeError:
            raise refused(Refusal.XML_ENCODING) from None
        self.parser = expat.ParserCreate("utf-8", namespace_separator="}")
        self.parser.XmlDeclHandler = self._declaration
        self.parser.StartDoctypeDeclHandler = self._doctype
        self.parser.EntityDeclHandler = self._doctype
        self.parser.StartElementHandler = self.start
        self.parser.EndElementHandler = self.end
        self.prepare()
        try:
            self.parser.Parse(data, True)
        except (expat.ExpatError, ValueError):
            raise refused(Refusal.XML_MALFORMED) from None
        finally:
            self.parser = None

    def prepare(self) -> None:
        """Set further handlers."""

    def start(self, _: str, attributes: dict[str, str]) -> None:
        """Meet the start of an element."""
        self.depth += 1
        self.nodes += 1 + len(attributes)
        if self.depth > self.limits.depth:
            raise refused(Refusal.XML_TOO_DEEP)
        if self.nodes > self.limits.nodes:
            raise refused(Refusal.XML_TOO_LARGE, "elements")

    def end(self, _: str) -> None:
        """Meet the end of an element."""
        self.depth -= 1

    def _declaration(self, version: str, encoding: str | None, _: int) -> None:
        if version != "1.0" or (encoding or "utf-8").lower() != "utf-8":
            raise refused(Refusal.XML_ENCODING)

    def _doctype(self, *_: object) -> None:
        raise refused(Refusal.XML_DOCTYPE)


def require_unique_ids(root: Element) -> None:
    """Refuse a document in which an Id stands twice: the base of signature wrapping."""
    found: set[str] = set()
    for element in root.iter(etree.Element):
        for name, value in element.attrib.items():
            if name.lower() not in _ID_NAMES:
                continue
            if value in found:
                raise refused(Refusal.DUPLICATE_ID)
            found.add(value)


def canonical(element: Element, algorithm: str) -> bytes:
    """Return the canonical bytes of an element in its place; comments are left out."""
    if algorithm not in {INCLUSIVE, EXCLUSIVE}:
        raise refused(Refusal.ALGORITHM_REFUSED, algorithm[:100])
    written: bytes = etree.tostring(
        element, method="c14n", exclusive=algorithm == EXCLUSIVE, with_comments=False
    )
    return written


class XmlReader:
    """Reads one element strictly; whatever is not as expected is refused by `code`.

    Children are asked for by their full name `{namespace}local`; text is what stands
    in an element without any child, comment or processing instruction.
    """

    __slots__ = ("_code", "element")

    def __init__(self, element: Element, code: Refusal) -> None:
        self.element = element
        self._code = code

    @property
    def name(self) -> str:
        """The full name of the element."""
        return str(self.element.tag)

    @property
    def text(self) -> str:
        """The text of a leaf, without white space around it."""
        if len(self.element):
            raise self.error("children in a value")
        return (self.element.text or "").strip()

    def error(self, detail: str) -> Exception:
        """Return what to raise about this element."""
        return refused(self._code, f"{detail} ({self._local[:40]})")

    @property
    def _local(self) -> str:
        return self.name.rpartition("}")[2]

    def children(self) -> "list[XmlReader]":
        """Return the child elements; comments between them are no elements."""
        found = [one for one in self.element if isinstance(one.tag, str)]
        return [XmlReader(one, self._code) for one in found]

    def all(self, name: str) -> "list[XmlReader]":
        """Return the children of this name."""
        return [one for one in self.children() if one.name == name]

    def one(self, name: str) -> "XmlReader":
        """Return the only child of this name."""
        found = self.all(name)
        if len(found) != 1:
            raise self.error(f"{len(found)} of {name.rpartition('}')[2]}")
        return found[0]

    def maybe(self, name: str) -> "XmlReader | None":
        """Return the child of this name, or None; two are refused."""
        return self.one(name) if self.all(name) else None

    def maybe_text(self, name: str) -> str | None:
        """Return the text of the child of this name, or None."""
        found = self.maybe(name)
        return None if found is None else found.text

    def attribute(self, name: str) -> str:
        """Return an attribute that must be there."""
        found = self.element.get(name)
        if found is None:
            raise self.error(f"no {name}")
        return str(found)
