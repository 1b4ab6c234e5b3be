"""Where lines of text are in a picture, at any angle.

    pixels --shrink--> detector --map--> outlines --> TextLine ...

A line is the smallest box around an outline, grown by what the detector was taught
to shrink (DB, arXiv 1911.08947, 3.3), in pixels of the picture.
"""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mobile_api.images import Pixels

MEAN = np.array([0.485, 0.456, 0.406], dtype=np.float32) * 255
SPREAD = np.array([0.229, 0.224, 0.225], dtype=np.float32) * 255
SURE = 0.3
GROWTH = 1.7
MULTIPLE = 32
MOST_LINES = 120
LEAST_SIDE = 3.0
ROOM = 1.2
STRIP = 704
Point = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class TextLine:
    """A box around a line: centre (x, y), unit vector along it, length and height.

    Pixels. The direction may be the one of reading or its opposite.
    """

    centre: Point
    along: Point
    length: float
    height: float

    @property
    def across(self) -> Point:
        """Return the unit vector from the top of the line to its foot."""
        return np.array([-self.along[1], self.along[0]])

    @property
    def corners(self) -> Point:
        """Return top left, top right, bottom right, bottom left: 4 x 2."""
        half, down = self.along * self.length / 2, self.across * self.height / 2
        around: Point = np.array([-half - down, half - down, half + down, down - half])
        return self.centre + around

    def turned(self) -> "TextLine":
        """Return the same line read from its other end."""
        return TextLine(self.centre, -self.along, self.length, self.height)


@dataclass(frozen=True, slots=True)
class LineFinder:
    """A text detector: `session` is an ONNX session of one picture, one map."""

    session: Any

    def find(
        self, pixels: Pixels, *, side: int, turn: float = 0.0
    ) -> tuple[TextLine, ...]:
        """Return the lines of an RGB picture shrunk to `side`, longest first.

        The detector sees level text best: `turn` in degrees is the angle of the text
        that is laid level for it. Corners that then leave the frame are not seen.
        """
        height, width = pixels.shape[:2]
        scale = min(1.0, side / max(height, width))
        size = (_multiple(width * scale), _multiple(height * scale))
        shrunk = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
        small: Pixels = np.asarray(shrunk, dtype=np.uint8)
        back = np.array([[width / size[0], 0, 0], [0, height / size[1], 0]])
        if turn:
            small, back = _turned(small, turn, back)
        return self._lines(small, back)

    def find_near(self, pixels: Pixels, strip: TextLine) -> tuple[TextLine, ...]:
        """Return the lines in a strip, which is laid level and enlarged for it."""
        size = (STRIP, _multiple(STRIP * strip.height / strip.length))
        top_left, top_right, _, bottom_left = strip.corners
        across, down = (top_right - top_left) / size[0], bottom_left - top_left
        back = np.stack([across, down / size[1], top_left], axis=1)
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        level = cv2.warpAffine(
            pixels, back, size, flags=flags, borderMode=cv2.BORDER_REPLICATE
        )
        return self._lines(np.asarray(level, dtype=np.uint8), back)

    def _lines(self, small: Pixels, back: Point) -> tuple[TextLine, ...]:
        planes = (small[..., ::-1].astype(np.float32) - MEAN) / SPREAD
        seen = self.session.run(None, {"x": planes.transpose(2, 0, 1)[None]})[0][0, 0]
        return _boxes(seen, back)


def _turned(small: Pixels, turn: float, back: Point) -> tuple[Pixels, Point]:
    height, width = small.shape[:2]
    side = _multiple(max(height, width) * ROOM)
    middle = (width / 2, height / 2)
    warp: Point = np.asarray(cv2.getRotationMatrix2D(middle, turn, 1.0), np.float64)
    warp[:, 2] += np.array([side - width, side - height], dtype=np.float64) / 2
    level = cv2.warpAffine(small, warp, (side, side), borderMode=cv2.BORDER_REPLICATE)
    undo = np.vstack([cv2.invertAffineTransform(warp), [0, 0, 1]])
    return np.asarray(level, dtype=np.uint8), back @ undo


def _multiple(length: float) -> int:
    return max(MULTIPLE, round(length / MULTIPLE) * MULTIPLE)


def _boxes(seen: NDArray[np.float32], back: Point) -> tuple[TextLine, ...]:
    found, _ = cv2.findContours(
        (seen > SURE).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE
    )
    outlines = sorted(found, key=len, reverse=True)[:MOST_LINES]
    read = (_line(np.asarray(one, dtype=np.int32), back) for one in outlines)
    lines = [line for line in read if line is not None]
    return tuple(sorted(lines, key=lambda line: -line.length))


def _line(outline: NDArray[np.int32], back: Point) -> TextLine | None:
    centre, size, _ = box = cv2.minAreaRect(outline)
    if min(size) < LEAST_SIDE:
        return None
    corners = np.asarray(cv2.boxPoints(box), dtype=np.float64) @ back[:, :2].T
    first, second = corners[1] - corners[0], corners[2] - corners[1]
    long, short = sorted((first, second), key=lambda edge: -float(np.hypot(*edge)))
    length, height = float(np.hypot(*long)), float(np.hypot(*short))
    grown = GROWTH * length * height / (length + height)
    along = long / length
    if along[0] < 0:
        along = -along
    middle = back[:, :2] @ np.asarray(centre, dtype=np.float64) + back[:, 2]
    return TextLine(middle, along, length + grown, height + grown)
