"""Zip files from strangers, read so that no two readers can see different contents.

Only plain zip is read (stored or deflated, no encryption, no zip64). The entries must
stand one after the other from the first byte to the central directory, and both their
headers must agree: a reader that streams (X-Road's does) and one that uses the
directory then find the same. Nothing is ever written to a disk.
"""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from camdx_bridge.errors import refused
from camdx_bridge.refusals import Refusal

_END = struct.Struct("<4s4H2LH")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_LOCAL = struct.Struct("<4s5H3L2H")
_DESCRIPTOR = struct.Struct("<3L")
_END_MARK, _CENTRAL_MARK, _LOCAL_MARK = b"PK\x05\x06", b"PK\x01\x02", b"PK\x03\x04"
_DESCRIPTOR_MARK = b"PK\x07\x08"
_STORED, _DEFLATED = 0, 8
_ENCRYPTED, _HAS_DESCRIPTOR, _STRONG, _UTF8, _MASKED = 1, 8, 0x40, 0x800, 0x2000
_NEWEST = 63  # version 6.3 of the format
_LONGEST_COMMENT = 0xFFFF
_LONGEST_NAME = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class ZipLimits:
    """The largest zip that is read: bytes, entries, and what they inflate to."""

    size: int = 64 * 1024 * 1024
    entries: int = 1024
    inflated: int = 128 * 1024 * 1024


DEFAULT_LIMITS = ZipLimits()


@dataclass(frozen=True, slots=True)
class _Entry:
    name: str
    flags: int
    method: int
    crc: int
    packed: int
    size: int
    offset: int


def read_zip(data: bytes, limits: ZipLimits = DEFAULT_LIMITS) -> dict[str, bytes]:
    """Return the files of a zip by name, whole; DocumentRefused when it is none.

    Entries that only make a folder are left out.
    """
    return dict(iter_zip(data, limits))


def iter_zip(
    data: bytes, limits: ZipLimits = DEFAULT_LIMITS
) -> Iterator[tuple[str, bytes]]:
    """Yield the files of a zip one at a time; see read_zip."""
    if len(data) > limits.size:
        raise refused(Refusal.TOO_LARGE)
    entries = _entries(data, limits)
    for entry in entries:
        content = _content(data, entry)
        if not entry.name.endswith("/"):
            yield entry.name, content
        elif content:
            raise refused(Refusal.ENTRY_NAME, "a folder with content")


def _entries(data: bytes, limits: ZipLimits) -> list[_Entry]:
    start, end, count = _directory(data)
    if count > limits.entries:
        raise refused(Refusal.ZIP_BOMB, "entries")
    found, position = [], start
    for _ in range(count):
        entry, position = _central(data, position, end)
        found.append(entry)
    if position != end:
        raise refused(Refusal.ZIP_AMBIGUOUS, "directory")
    if sum(entry.size for entry in found) > limits.inflated:
        raise refused(Refusal.ZIP_BOMB)
    _require_distinct(found)
    _require_contiguous(data, found, start)
    return found


def _directory(data: bytes) -> tuple[int, int, int]:
    """Return where the central directory begins and ends, and how much it lists."""
    end = data.rfind(_END_MARK, max(0, len(data) - _LONGEST_COMMENT - _END.size))
    if end < 0 or len(data) < end + _END.size:
        raise refused(Refusal.NOT_A_ZIP)
    _, disk, first, here, count, size, offset, comment = _END.unpack_from(data, end)
    if end + _END.size + comment != len(data) or disk or first or here != count:
        raise refused(Refusal.ZIP_AMBIGUOUS, "end")
    if offset + size != end:
        raise refused(Refusal.ZIP_AMBIGUOUS, "directory")
    return offset, end, count


def _central(data: bytes, position: int, end: int) -> tuple[_Entry, int]:
    if position + _CENTRAL.size > end:
        raise refused(Refusal.NOT_A_ZIP)
    (mark, _, needed, flags, method, _, _, crc, packed, size, name_size, extra, comment,
     disk, _, _, offset) = _CENTRAL.unpack_from(data, position)  # fmt: skip
    if mark != _CENTRAL_MARK or disk:
        raise refused(Refusal.NOT_A_ZIP)
    name_at = position + _CENTRAL.size
    following = name_at + name_size + extra + comment
    if following > end:
        raise refused(Refusal.NOT_A_ZIP)
    if needed > _NEWEST:
        raise refused(Refusal.ENTRY_ENCODING, "version")
    name = _name(data[name_at : name_at + name_size], is_utf8=bool(flags & _UTF8))
    return _Entry(name, flags, method, crc, packed, size, offset), following


def _name(raw: bytes, *, is_utf8: bool) -> str:
    # Without the flag some readers take the letters for those of another code page.
    try:
        name = raw.decode("utf-8" if is_utf8 else "ascii")
    except UnicodeDecodeError:
        raise refused(Refusal.ENTRY_NAME) from None
    parts = name.removesuffix("/").split("/")
    if len(raw) > _LONGEST_NAME or not name.isprintable() or "\\" in name:
        raise refused(Refusal.ENTRY_NAME)
    if any(part in {"", ".", ".."} for part in parts) or ":" in parts[0]:
        raise refused(Refusal.ENTRY_NAME)
    return name


def _require_distinct(entries: list[_Entry]) -> None:
    names = {entry.name.removesuffix("/").casefold() for entry in entries}
    if len(names) != len(entries):
        raise refused(Refusal.DUPLICATE_ENTRY)


def _require_contiguous(data: bytes, entries: list[_Entry], directory: int) -> None:
    position = 0
    for entry in sorted(entries, key=lambda one: one.offset):
        if entry.offset != position:
            raise refused(Refusal.ZIP_AMBIGUOUS, "order")
        position = _end_of(data, entry, directory)
    if position != directory:
        raise refused(Refusal.ZIP_AMBIGUOUS, "gap")


def _body_at(data: bytes, entry: _Entry) -> int:
    """Return where the packed bytes begin, once both headers say the same."""
    if entry.offset + _LOCAL.size > len(data):
        raise refused(Refusal.NOT_A_ZIP)
    (mark, _, flags, method, _, _, crc, packed, size, name_size,
     extra) = _LOCAL.unpack_from(data, entry.offset)  # fmt: skip
    name_at = entry.offset + _LOCAL.size
    raw_name = data[name_at : name_at + name_size]
    if mark != _LOCAL_MARK or raw_name != entry.name.encode():
        raise refused(Refusal.ZIP_AMBIGUOUS, "headers")
    if flags != entry.flags or method != entry.method:
        raise refused(Refusal.ZIP_AMBIGUOUS, "headers")
    later = flags & _HAS_DESCRIPTOR and (crc, packed, size) == (0, 0, 0)
    if not later and (crc, packed, size) != (entry.crc, entry.packed, entry.size):
        raise refused(Refusal.ZIP_AMBIGUOUS, "headers")
    return int(name_at + name_size + extra)


def _end_of(data: bytes, entry: _Entry, directory: int) -> int:
    end = _body_at(data, entry) + entry.packed
    if entry.flags & _HAS_DESCRIPTOR:
        marked = data[end : end + 4] == _DESCRIPTOR_MARK
        at = end + 4 if marked else end
        said = data[at : at + _DESCRIPTOR.size]
        if said != _DESCRIPTOR.pack(entry.crc, entry.packed, entry.size):
            raise refused(Refusal.ZIP_AMBIGUOUS, "descriptor")
        end = at + _DESCRIPTOR.size
    if end > directory:
        raise refused(Refusal.ZIP_AMBIGUOUS, "overlap")
    return end


def _content(data: bytes, entry: _Entry) -> bytes:
    if entry.flags & (_ENCRYPTED | _STRONG | _MASKED):
        raise refused(Refusal.ENTRY_ENCODING, "encrypted")
    at = _body_at(data, entry)
    packed = data[at : at + entry.packed]
    content = _inflated(packed, entry) if entry.method == _DEFLATED else packed
    if entry.method not in {_STORED, _DEFLATED}:
        raise refused(Refusal.ENTRY_ENCODING, f"method {entry.method}")
    if len(content) != entry.size or zlib.crc32(content) != entry.crc:
        raise refused(Refusal.NOT_A_ZIP, "checksum")
    return content


def _inflated(packed: bytes, entry: _Entry) -> bytes:
    """Inflate, and stop as soon as more comes than the entry said."""
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        content = inflater.decompress(packed, entry.size + 1)
    except zlib.error:
        raise refused(Refusal.NOT_A_ZIP, "deflate") from None
    if len(content) > entry.size:
        raise refused(Refusal.ZIP_BOMB)
    if not inflater.eof or inflater.unused_data:
        raise refused(Refusal.NOT_A_ZIP, "deflate")
    return content
