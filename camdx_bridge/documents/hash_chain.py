"""Hash chains: one signature or time-stamp for many files, and for many messages.

A step is the digest of a list of values: given ones, those of other steps, and those of
files. The list is the DER of `SEQUENCE OF SEQUENCE { OCTET STRING digest, UTF8String
method, SEQUENCE {} }`. A file that is not here counts with the digest that the chain
gives for it, and is reported as not verified.
"""

import hmac
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from camdx_bridge.errors import DocumentRefused, refused
from camdx_bridge.formats.algorithms import digest, is_digest
from camdx_bridge.formats.base64_text import read_base64
from camdx_bridge.formats.xml_documents import (
    DS,
    XmlReader,
    canonical,
    parse_xml,
    require_unique_ids,
)
from camdx_bridge.refusals import Refusal

HASH_CHAIN = "http://cyber.ee/hashchain"
DEEPEST = 32
MOST_STEPS = 4096
_CHAIN, _STEP, _RESULT, _DEFAULT, _METHOD, _VALUE, _STEP_REF, _DATA_REF = (
    f"{{{HASH_CHAIN}}}{name}"
    for name in (
        "HashChain",
        "HashStep",
        "HashChainResult",
        "DefaultDigestMethod",
        "HashMethod",
        "HashValue",
        "StepRef",
        "DataRef",
    )
)
_DIGEST_VALUE, _DIGEST_METHOD = f"{{{DS}}}DigestValue", f"{{{DS}}}DigestMethod"
_TRANSFORMS, _TRANSFORM = f"{{{DS}}}Transforms", f"{{{DS}}}Transform"
# DER tags: SEQUENCE, OCTET STRING, UTF8String; lengths from here on take two octets.
_SEQUENCE, _OCTETS, _UTF8, _LONG_FORM = 0x30, 0x04, 0x0C, 0x80

_SHAPE = frozenset(
    {
        Refusal.DUPLICATE_ID,
        Refusal.XML_DOCTYPE,
        Refusal.XML_ENCODING,
        Refusal.XML_MALFORMED,
    }
)

Resolve = Callable[[str], bytes | None]


@dataclass(frozen=True, slots=True)
class ChainOutcome:
    """Which files a chain covers: by their bytes, or only by a digest it gives."""

    verified: frozenset[str]
    unverified: frozenset[str]


def verify_hash_chain(
    result: bytes,
    *,
    resolve: Resolve,
    required: Collection[str],
    withheld: Collection[str] = (),
) -> ChainOutcome:
    """Check a chain from its result down; `required` names must all be referenced.

    `resolve` returns the bytes of a name, of chains and of files, or None. What is in
    `withheld` counts as not here. DocumentInvalid with a `hash_chain_…` code.
    """
    try:
        return _Walk(resolve, frozenset(withheld)).run(result, frozenset(required))
    except DocumentRefused as error:
        if error.code in _SHAPE:
            raise refused(Refusal.HASH_CHAIN_MALFORMED, error.code) from None
        raise


def hash_step(values: Collection[tuple[bytes, str]], method: str) -> bytes:
    """Return the digest of a step's values, each with its own digest method."""
    listed = b"".join(
        _der(
            _SEQUENCE,
            _der(_OCTETS, value) + _der(_UTF8, uri.encode()) + _der(_SEQUENCE, b""),
        )
        for value, uri in values
    )
    return digest(method, _der(_SEQUENCE, listed))


def _der(tag: int, content: bytes) -> bytes:
    size = len(content)
    if size < _LONG_FORM:
        return bytes((tag, size)) + content
    octets = size.to_bytes((size.bit_length() + 7) // 8)
    return bytes((tag, _LONG_FORM | len(octets))) + octets + content


@dataclass(slots=True)
class _Walk:
    """One check of one chain; it remembers what it met."""

    resolve: Resolve
    withheld: frozenset[str]
    chains: dict[str, "_Chain"] = field(default_factory=dict)
    verified: set[str] = field(default_factory=set)
    unverified: set[str] = field(default_factory=set)
    steps: int = 0

    def run(self, result: bytes, required: frozenset[str]) -> ChainOutcome:
        root = _root(result, _RESULT)
        method = root.one(_DIGEST_METHOD).attribute("Algorithm")
        said = _digest_value(root)
        name, step = _pointer(root.attribute("URI"), "")
        found = self._step(name, step, 0)
        if required - self.verified - (self.unverified & self.withheld):
            raise refused(Refusal.HASH_CHAIN_UNUSED_INPUT)
        if found[1] != method or not hmac.compare_digest(found[0], said):
            raise refused(Refusal.HASH_CHAIN_RESULT)
        return ChainOutcome(frozenset(self.verified), frozenset(self.unverified))

    def _chain(self, name: str) -> "_Chain":
        if name not in self.chains:
            data = self.resolve(name)
            if data is None:
                raise refused(Refusal.HASH_CHAIN_REFERENCE, f"no {name[:100]}")
            self.chains[name] = _Chain.read(data)
        return self.chains[name]

    def _step(self, name: str, step: str, depth: int) -> tuple[bytes, str]:
        self.steps += 1
        if depth > DEEPEST or self.steps > MOST_STEPS:
            raise refused(Refusal.HASH_CHAIN_MALFORMED, "too deep")
        chain = self._chain(name)
        found = chain.steps.get(step)
        if found is None:
            raise refused(Refusal.HASH_CHAIN_REFERENCE, "step")
        method = _method(found, chain.default_method)
        children = [one for one in found.children() if one.name != _METHOD]
        if not children:
            raise found.error("an empty step")
        values = [self._value(one, name, method, depth) for one in children]
        return hash_step(values, method), method

    def _value(
        self, value: XmlReader, chain: str, method: str, depth: int
    ) -> tuple[bytes, str]:
        if value.name == _VALUE:
            _only(value, {_METHOD, _DIGEST_VALUE})
            return _digest_value(value), _method(value, method)
        if value.name == _STEP_REF:
            _only(value, set())
            return self._step(*_pointer(value.attribute("URI"), chain), depth + 1)
        if value.name == _DATA_REF:
            _only(value, {_METHOD, _DIGEST_VALUE, _TRANSFORMS})
            return self._data(value, _method(value, method))
        raise value.error("unknown")

    def _data(self, value: XmlReader, method: str) -> tuple[bytes, str]:
        uri, said = value.attribute("URI"), _digest_value(value)
        name = _file_name(uri)
        if name in self.verified | self.unverified:
            # Once is enough, and keeps the work within the size of the files.
            raise value.error("a file named twice")
        data = None if name in self.withheld else self.resolve(name)
        if data is None:
            self.unverified.add(name)
            return said, method
        if not is_digest(method, _transformed(value, data), said):
            raise refused(Refusal.HASH_CHAIN_REFERENCE, name[:100])
        self.verified.add(name)
        return said, method


@dataclass(frozen=True, slots=True)
class _Chain:
    """The steps of one chain by their id."""

    default_method: str
    steps: dict[str, XmlReader]

    @classmethod
    def read(cls, data: bytes) -> "_Chain":
        root = _root(data, _CHAIN)
        steps = {one.attribute("id"): one for one in root.all(_STEP)}
        return cls(root.one(_DEFAULT).attribute("Algorithm"), steps)


def _root(data: bytes, name: str) -> XmlReader:
    element = parse_xml(data)
    require_unique_ids(element)
    found = XmlReader(element, Refusal.HASH_CHAIN_MALFORMED)
    if found.name != name:
        raise found.error("another root")
    allowed = {
        _CHAIN: {_DEFAULT, _STEP},
        _RESULT: {_DIGEST_METHOD, _DIGEST_VALUE},
    }
    _only(found, allowed[name])
    return found


def _only(element: XmlReader, names: set[str]) -> None:
    if any(child.name not in names for child in element.children()):
        raise element.error("unknown children")


def _method(element: XmlReader, default: str) -> str:
    found = element.maybe(_METHOD)
    return default if found is None else found.attribute("Algorithm")


def _digest_value(element: XmlReader) -> bytes:
    text = element.one(_DIGEST_VALUE).text
    return read_base64(text, Refusal.HASH_CHAIN_MALFORMED)


def _pointer(uri: str, here: str) -> tuple[str, str]:
    """Split `/file#STEP` or `#STEP`."""
    name, mark, step = uri.partition("#")
    if not mark or not step or (not name and not here):
        raise refused(Refusal.HASH_CHAIN_REFERENCE, "step")
    return (_file_name(name) if name else here), step


def _file_name(uri: str) -> str:
    if not uri.startswith("/") or "#" in uri or not uri[1:]:
        raise refused(Refusal.HASH_CHAIN_REFERENCE, "name")
    return uri[1:]


def _transformed(value: XmlReader, data: bytes) -> bytes:
    """Apply at most one canonicalization, the only transform that X-Road knows."""
    found = value.maybe(_TRANSFORMS)
    if found is None:
        return data
    _only(found, {_TRANSFORM})
    algorithm = found.one(_TRANSFORM).attribute("Algorithm")
    return canonical(parse_xml(data), algorithm)
