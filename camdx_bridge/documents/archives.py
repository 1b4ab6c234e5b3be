"""Archives of the message log: containers in a zip, linked by a chain of digests.

`linkinginfo` begins with `previous-digest previous-file algorithm`; then comes a line
`digest name` for each container, where digest i is H(hex(digest i-1) ‖ hex(H(file i))).
A container that is taken away, put in or changed breaks the chain from there on.
"""

import hashlib
import hmac
import re
from dataclasses import dataclass

from camdx_bridge.errors import refused
from camdx_bridge.formats.zip_files import ZipLimits, read_zip
from camdx_bridge.refusals import Refusal

LINKS = "linkinginfo"
LIMITS = ZipLimits(size=128 * 1024 * 1024, entries=20_000, inflated=384 * 1024 * 1024)
_ALGORITHMS = {"SHA-256": "sha256", "SHA-384": "sha384", "SHA-512": "sha512"}
_HEX = re.compile(r"[0-9a-f]{64,128}")
_FIRST_PARTS, _LINE_PARTS = 3, 2


@dataclass(frozen=True, slots=True)
class Link:
    """Where an archive hangs on another: the last digest of that one, and its name."""

    digest: str
    name: str


@dataclass(frozen=True, slots=True)
class Archive:
    """The containers of an archive whose chain holds, and what it continues."""

    containers: dict[str, bytes]
    previous: Link
    last_digest: str

    def without_contents(self) -> "Archive":
        """Return only how it is linked, to remember many of them."""
        return Archive({}, self.previous, self.last_digest)

    def require_after(self, link: Link) -> None:
        """Refuse this archive unless it continues the one that ended in `link`."""
        same = hmac.compare_digest(self.previous.digest, link.digest)
        if not same or self.previous.name != link.name:
            raise refused(Refusal.LINK_BROKEN, "another archive before it")


def read_archive(data: bytes, limits: ZipLimits = LIMITS) -> Archive:
    """Return the containers of an archive; DocumentRefused when its chain is broken."""
    files = read_zip(data, limits)
    if LINKS not in files:
        raise refused(Refusal.NOT_AN_ARCHIVE)
    links = files.pop(LINKS)
    previous, algorithm, lines = _lines(links)
    last = _follow(previous.digest, algorithm, lines, files)
    if set(files) - {name for _, name in lines}:
        raise refused(Refusal.LINK_MISSING)
    return Archive(files, previous, last)


def _follow(
    digest: str,
    algorithm: str,
    lines: list[tuple[str, str]],
    files: dict[str, bytes],
) -> str:
    for said, name in lines:
        if name not in files:
            raise refused(Refusal.LINK_BROKEN, f"no {name[:100]}")
        own = hashlib.new(algorithm, files[name]).hexdigest()
        digest = hashlib.new(algorithm, (digest + own).encode()).hexdigest()
        if not hmac.compare_digest(digest, said):
            raise refused(Refusal.LINK_BROKEN, name[:100])
    return digest


def _lines(data: bytes) -> tuple[Link, str, list[tuple[str, str]]]:
    try:
        first, *rest = data.decode().splitlines()
    except ValueError:
        raise refused(Refusal.NOT_AN_ARCHIVE, LINKS) from None
    link, algorithm = _first(first)
    lines = [_line(one) for one in rest if one]
    if not lines:
        raise refused(Refusal.NOT_AN_ARCHIVE, "empty")
    if len({name for _, name in lines}) != len(lines):
        raise refused(Refusal.LINK_BROKEN, "a name twice")
    return link, algorithm, lines


def _first(line: str) -> tuple[Link, str]:
    """Read the first line; X-Road writes `-` or nothing when nothing came before."""
    parts = line.split(" ")
    if len(parts) != _FIRST_PARTS or parts[2] not in _ALGORITHMS:
        raise refused(Refusal.NOT_AN_ARCHIVE, LINKS)
    digest, name, algorithm = parts
    if digest not in {"", "-"} and not _HEX.fullmatch(digest):
        raise refused(Refusal.NOT_AN_ARCHIVE, LINKS)
    return Link(digest, name), _ALGORITHMS[algorithm]


def _line(line: str) -> tuple[str, str]:
    parts = line.split(" ")
    if len(parts) != _LINE_PARTS or not _HEX.fullmatch(parts[0]):
        raise refused(Refusal.NOT_AN_ARCHIVE, LINKS)
    return parts[0], parts[1]
