"""Writing hash chains: one digest for several messages, and a chain for each of them.

    result ── STEP0 ─┬─ (left half)            a Merkle tree; each message gets only
                     └─ STEP1 ─┬─ …            its own path, the other sides as digests
                               └─ its files

A level with an odd end promotes its last child as it is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import quoteattr

from camdx_bridge.documents.hash_chain import HASH_CHAIN, hash_step
from camdx_bridge.formats.algorithms import SHA512_URI
from camdx_bridge.formats.base64_text import write_base64
from camdx_bridge.formats.xml_documents import DS

METHOD = SHA512_URI
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_NAMESPACES = f'xmlns="{DS}" xmlns:ns2="{HASH_CHAIN}"'


@dataclass(frozen=True, slots=True)
class HashChains:
    """The result that is signed or stamped, and one chain for each input in order."""

    result: bytes
    chains: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class _Node:
    digest: bytes
    children: "tuple[_Node, ...]" = ()
    name: str | None = None


def build_hash_chains(
    inputs: Sequence[Mapping[str, bytes]], *, chain_name: str
) -> HashChains:
    """Return the chains over inputs, each a mapping of file names to SHA-512 digests.

    `chain_name` is the file in which each input's chain will lie.
    """
    leaves = [_leaf(one) for one in inputs]
    root = _root(leaves)
    parents = _parents(root)
    chains = tuple(_chain(_path(leaf, parents), leaf) for leaf in leaves)
    return HashChains(_result(root, chain_name), chains)


def _leaf(files: Mapping[str, bytes]) -> _Node:
    parts = [_Node(digest, name=name) for name, digest in files.items()]
    return parts[0] if len(parts) == 1 else _step(*parts)


def _step(*children: _Node) -> _Node:
    values = [(child.digest, METHOD) for child in children]
    return _Node(hash_step(values, METHOD), children)


def _root(leaves: list[_Node]) -> _Node:
    level = leaves
    while len(level) > 1:
        pairs = [level[i : i + 2] for i in range(0, len(level), 2)]
        level = [_step(*pair) if len(pair) > 1 else pair[0] for pair in pairs]
    # A single file has no step yet, and the result must point to one.
    return level[0] if level[0].children else _step(level[0])


def _parents(root: _Node) -> dict[int, _Node]:
    """Return the step above each node, by the node's identity."""
    found: dict[int, _Node] = {}
    waiting = [root]
    while waiting:
        step = waiting.pop()
        found.update((id(child), step) for child in step.children)
        waiting.extend(child for child in step.children if child.children)
    return found


def _path(leaf: _Node, parents: dict[int, _Node]) -> tuple[_Node, ...]:
    """Return the steps from the root down to the one that holds the leaf's files."""
    climbed = [leaf] if leaf.children else [parents[id(leaf)]]
    while above := parents.get(id(climbed[-1])):
        climbed.append(above)
    return tuple(reversed(climbed))


def _chain(path: tuple[_Node, ...], leaf: _Node) -> bytes:
    steps = "".join(
        f'    <ns2:HashStep id="STEP{number}">\n'
        + "".join(_value(child, step, path, leaf) for child in step.children)
        + "    </ns2:HashStep>\n"
        for number, step in enumerate(path)
    )
    default = f'    <ns2:DefaultDigestMethod Algorithm="{METHOD}"/>\n'
    text = f"{_HEAD}<ns2:HashChain {_NAMESPACES}>\n{default}{steps}</ns2:HashChain>\n"
    return text.encode()


def _value(child: _Node, step: _Node, path: tuple[_Node, ...], leaf: _Node) -> str:
    for number, below in enumerate(path):
        if child is below:
            return f'        <ns2:StepRef URI="#STEP{number}"/>\n'
    value = f"<DigestValue>{write_base64(child.digest)}</DigestValue>"
    if child.name is not None and (child is leaf or step is leaf):
        uri = quoteattr(f"/{child.name}")
        return f"        <ns2:DataRef URI={uri}>{value}</ns2:DataRef>\n"
    return f"        <ns2:HashValue>{value}</ns2:HashValue>\n"


def _result(root: _Node, chain_name: str) -> bytes:
    text = (
        f'{_HEAD}<ns2:HashChainResult URI="/{chain_name}#STEP0" {_NAMESPACES}>\n'
        f'    <DigestMethod Algorithm="{METHOD}"/>\n'
        f"    <DigestValue>{write_base64(root.digest)}</DigestValue>\n"
        "</ns2:HashChainResult>\n"
    )
    return text.encode()
