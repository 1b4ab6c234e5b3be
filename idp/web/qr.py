"""A text as a QR picture: the path of an SVG, drawn on the server. Pure.

The page draws the later frames itself (static/login.js) with the same shape, so the
first frame and the next ones do not differ.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

from qrcode.constants import ERROR_CORRECT_M
from qrcode.main import QRCode

QUIET = 4  # modules of white around the picture (ISO/IEC 18004, 5.3.8)


@dataclass(frozen=True, slots=True)
class Picture:
    """A square SVG: `size` is the side of its view box, `path` its dark modules."""

    size: int
    path: str


def draw(text: str) -> Picture:
    """Return the picture of a text."""
    code = QRCode(error_correction=ERROR_CORRECT_M, border=0)
    code.add_data(text, optimize=0)
    code.make(fit=True)
    modules = code.get_matrix()
    strokes = (_strokes(y, row) for y, row in enumerate(modules))
    path = "".join(stroke for row in strokes for stroke in row)
    return Picture(size=len(modules) + 2 * QUIET, path=path)


def _strokes(y: int, row: Iterable[bool]) -> Iterator[str]:
    """Yield one rectangle for each run of dark modules."""
    x = QUIET
    for dark, run in groupby(row):
        width = len(list(run))
        if dark:
            yield f"M{x} {y + QUIET}h{width}v1h-{width}z"
        x += width
