"""A text as the modules of a QR code, by whole numbers. Pure.

Each symbol is one integer: its rows one after the other, dark is 1. What does not
depend on the text (function patterns, masks, the order in which bits are laid down)
is drawn once for each version by `qrcode`; a text then costs one remainder for each
block, one permutation and eight masks weighed by shifts. ISO/IEC 18004, byte mode,
error correction M.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import chain, zip_longest
from operator import itemgetter

from qrcode.base import EXP_TABLE, LOG_TABLE, RSBlock, rs_blocks
from qrcode.constants import ERROR_CORRECT_M
from qrcode.main import QRCode

MASKS = range(8)
BYTE_MODE = 4
LONG_COUNT_FROM = 10  # the version from which a text's length has 16 bits
PADDING = bytes((0xEC, 0x11))
LAST_VERSION = 40


@dataclass(frozen=True, slots=True)
class Symbol:
    """A finished code: `size` modules a side."""

    size: int
    modules: int

    def rows(self) -> Iterator[str]:
        """Yield each row as a text of 0 and 1."""
        text = f"{self.modules:0{self.size**2}b}"
        return (text[y : y + self.size] for y in range(0, len(text), self.size))


@dataclass(frozen=True, slots=True)
class Version:
    """What every symbol of one version shares.

    `lay` picks from the bits of the codewords (and one 0 after them) what each
    module gets; a frame is a mask with the function patterns over it.
    """

    size: int
    count_bytes: int
    blocks: tuple[RSBlock, ...]
    lay: Callable[[str], tuple[str, ...]]
    frames: tuple[int, ...]

    @property
    def data_codewords(self) -> int:
        """How many codewords there are for the text."""
        return sum(block.data_count for block in self.blocks)

    @property
    def room(self) -> int:
        """How many bytes of text fit."""
        return self.data_codewords - self.count_bytes - 1  # mode and end share one


def encode(text: str) -> Symbol:
    """Return the smallest symbol of a text; raises ValueError for a longer one."""
    data = text.encode()
    version = fitting(len(data))
    bits = codewords(version, data)
    laid = int("".join(version.lay(f"{int.from_bytes(bits):0{len(bits) * 8}b}0")), 2)
    drawn = (laid ^ frame for frame in version.frames)
    return Symbol(version.size, min(drawn, key=lambda one: penalty(version.size, one)))


def fitting(octets: int) -> Version:
    """Return the smallest version with room; raises ValueError."""
    for number in range(1, LAST_VERSION + 1):
        blocks = rs_blocks(number, ERROR_CORRECT_M)
        count_bytes = 1 if number < LONG_COUNT_FROM else 2
        if octets < sum(block.data_count for block in blocks) - count_bytes:
            return version_of(number)
    raise ValueError("too long for a QR code")


@cache
def version_of(number: int) -> Version:
    """Return what the symbols of a version share."""
    blocks = tuple(rs_blocks(number, ERROR_CORRECT_M))
    codeword_count = sum(block.total_count for block in blocks)
    frames = tuple(_drawn(number, mask, b"") for mask in MASKS)
    taken = frames[0] ^ _drawn(number, 0, b"\xff" * codeword_count)
    size = 4 * number + 17
    return Version(
        size=size,
        count_bytes=1 if number < LONG_COUNT_FROM else 2,
        blocks=blocks,
        lay=itemgetter(*_order(size, taken, nothing=codeword_count * 8)),
        frames=frames,
    )


def codewords(version: Version, data: bytes) -> bytes:
    """Return data and error correction, interleaved (ISO/IEC 18004, 7.4 to 7.6)."""
    count = len(data).to_bytes(version.count_bytes)
    head = BYTE_MODE << 8 * (len(count) + len(data)) | int.from_bytes(count + data)
    text = (head << 4).to_bytes(len(count) + len(data) + 1)
    free = version.data_codewords - len(text)
    text += (PADDING * (free // 2 + 1))[:free]
    parts, start = [], 0
    for block in version.blocks:
        parts.append(text[start : start + block.data_count])
        start += block.data_count
    width = version.blocks[0].total_count - version.blocks[0].data_count
    return _woven(parts) + _woven([remainder(part, width) for part in parts])


def remainder(data: bytes, width: int) -> bytes:
    """Return the Reed-Solomon codewords of a block: `width` bytes (Annex A)."""
    multiples = _multiples(width)
    rest, shift, kept = 0, 8 * (width - 1), (1 << 8 * width) - 1
    for octet in data:
        rest = (rest << 8 & kept) ^ multiples[rest >> shift ^ octet]
    return rest.to_bytes(width)


def penalty(size: int, modules: int) -> int:
    """Return how hard a symbol is to read (ISO/IEC 18004, 7.8.3); less is better."""
    masks = _measures(size)
    light = modules ^ masks.everything
    beside = (modules ^ modules >> 1 ^ masks.everything) & masks.has_right
    below = (modules ^ modules >> size ^ masks.everything) & masks.has_below
    blocks = beside & beside >> size & below
    looks_alike = _finders(modules, light, 1) & masks.finder_right
    looks_alike_below = _finders(modules, light, size) & masks.finder_below
    darkness = modules.bit_count() / size**2
    return (
        _runs(beside, 1)
        + _runs(below, size)
        + 3 * blocks.bit_count()
        + 40 * looks_alike.bit_count()
        + 40 * looks_alike_below.bit_count()
        + 10 * int(abs(darkness * 100 - 50) / 5)
    )


def _drawn(number: int, mask: int, data: bytes) -> int:
    """Return the symbol that `qrcode` draws of codewords."""
    code = QRCode(version=number, error_correction=ERROR_CORRECT_M, border=0)
    code.data_cache = list(data)
    code.makeImpl(False, mask)
    modules = chain.from_iterable(code.modules)
    return int("".join("1" if dark else "0" for dark in modules), 2)


def _order(size: int, taken: int, *, nothing: int) -> list[int]:
    """Return which bit of the codewords each module gets (7.7.3: upward, downward)."""
    is_taken = [bit == "1" for bit in f"{taken:0{size**2}b}"]
    found, bit = [nothing] * size**2, 0
    for turn, pair in enumerate([*range(size - 1, 6, -2), 5, 3, 1]):
        rows = range(size) if turn % 2 else range(size - 1, -1, -1)
        for place in (y * size + x for y in rows for x in (pair, pair - 1)):
            if is_taken[place]:
                found[place], bit = bit, bit + 1
    return found


def _woven(parts: Iterable[bytes]) -> bytes:
    """Return the first byte of each part, then the second of each, and so on."""
    ranks = zip_longest(*parts)
    return bytes(octet for rank in ranks for octet in rank if octet is not None)


@cache
def _multiples(width: int) -> tuple[int, ...]:
    """Return each multiple of the generator polynomial, its leading term left out."""
    factors = [1]
    for power in range(width):
        root = EXP_TABLE[power]
        shifted = [*factors, 0]
        scaled = [0, *(_times(root, factor) for factor in factors)]
        factors = [one ^ other for one, other in zip(shifted, scaled, strict=True)]
    return tuple(
        int.from_bytes(bytes(_times(octet, factor) for factor in factors[1:]))
        for octet in range(256)
    )


def _times(one: int, other: int) -> int:
    """Multiply in GF(256)."""
    if not one or not other:
        return 0
    return int(EXP_TABLE[(LOG_TABLE[one] + LOG_TABLE[other]) % 255])


@dataclass(frozen=True, slots=True)
class _Measures:
    """Where a pattern that reaches to the right or down can begin."""

    everything: int
    has_right: int
    has_below: int
    finder_right: int
    finder_below: int


@cache
def _measures(size: int) -> _Measures:
    def leaving(columns: int) -> int:
        """Return every module whose column leaves room for so many more."""
        return int(("0" * columns + "1" * (size - columns)) * size, 2)

    def above(rows: int) -> int:
        return (1 << size * (size - rows)) - 1

    return _Measures(above(0), leaving(1), above(1), leaving(10), above(10))


def _runs(alike: int, step: int) -> int:
    """Return 3 points for five alike in a line, and 1 for each more."""
    pairs = alike & alike >> step
    fives = pairs & pairs >> 2 * step
    begun = fives & ~(fives << step)
    return fives.bit_count() + 2 * begun.bit_count()


def _finders(dark: int, light: int, step: int) -> int:
    """Return where 1:1:3:1:1 stands with four light modules at one side."""
    threes = dark >> 2 * step & dark >> 3 * step & dark >> 4 * step
    ends = dark & light >> step & light >> 5 * step & dark >> 6 * step
    core, pairs = threes & ends, light & light >> step
    fours = pairs & pairs >> 2 * step
    return core & fours >> 7 * step | fours & core >> 4 * step
