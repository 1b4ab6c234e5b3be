"""A text as a QR picture: the path of an SVG, drawn on the server. Pure.

The page draws the later frames itself (static/qr.js) from the same rectangles, so the
first frame and the next ones do not differ.
"""

import re
from dataclasses import dataclass
from functools import cache
from typing import Final

from idp.web.qr_symbol import encode

RUN: Final = re.compile("0*1+")
QUIET = 4  # modules of white around the picture (ISO/IEC 18004, 5.3.8)


@dataclass(frozen=True, slots=True)
class Picture:
    """A square SVG: `size` is the side of its view box, `path` its dark modules."""

    size: int
    path: str


def draw(text: str) -> Picture:
    """Return the picture of a text: one rectangle for each run of dark modules."""
    symbol = encode(text)
    rows = (
        f"M{QUIET} {y}" + "".join(map(_stroke, RUN.findall(row)))
        for y, row in enumerate(symbol.rows(), QUIET)
    )
    return Picture(size=symbol.size + 2 * QUIET, path="".join(rows))


@cache
def _stroke(run: str) -> str:
    """Return the way over light modules and round the dark ones, to their end."""
    width = run.count("1")
    over = f"m{len(run) - width} 0" if len(run) > width else ""
    return f"{over}h{width}v1h-{width}zm{width} 0"
