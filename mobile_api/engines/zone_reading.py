"""What each step along a line of a zone shows: read by a small network of our own.

A line is laid level, 40 high and about 16 a character; a step is four pixels. The
network sees three characters at a time: it reads, and cannot guess from what is usual.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from mobile_api.engines.text_lines import TextLine
from mobile_api.engines.text_recognition import Steps
from mobile_api.engines.zone_finding import TALL
from mobile_api.images import Pixels

HEIGHT, PITCH, STEP = 40, 16, 4
MARGIN = 1.5
NARROWEST, WIDEST = 24, 60
CONTRAST = 24.0


@dataclass(frozen=True, slots=True)
class ZoneLineReader:
    """A reader of lines: `session` is an ONNX session of N level lines."""

    session: Any

    def read(self, grey: Pixels, lines: Sequence[TextLine]) -> list[Steps]:
        """Return for each line its steps x 40: as text_recognition has them."""
        wide = max(line.length / line.height * TALL for line in lines) + 2 * MARGIN
        columns = int(np.clip(wide, NARROWEST, WIDEST))
        level = np.stack([laid_level(grey, line, columns * PITCH) for line in lines])
        planes = level[:, None].astype(np.float32) / np.float32(127.5) - 1
        logits = self.session.run(None, {"x": planes})[0]
        shares = np.exp(logits - logits.max(axis=2, keepdims=True))
        shares /= shares.sum(axis=2, keepdims=True)
        other = np.zeros((*shares.shape[:2], 1), dtype=np.float32)
        return list(np.concatenate([shares, other], axis=2))


def laid_level(grey: Pixels, line: TextLine, width: int) -> Pixels:
    """Return the line as 40 x `width`, grey, its contrast stretched."""
    grown = line.length + 2 * MARGIN * line.height / TALL
    wider = TextLine(line.centre, line.along, grown, line.height)
    target = np.array(
        [[0, 0], [width, 0], [width, HEIGHT], [0, HEIGHT]], dtype=np.float32
    )
    warp = cv2.getPerspectiveTransform(wider.corners.astype(np.float32), target)
    cut = cv2.warpPerspective(
        grey,
        warp,
        (width, HEIGHT),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    low, high = np.percentile(cut, (1, 99))
    gain = 255.0 / max(float(high - low), CONTRAST)
    stretched = (cut.astype(np.float32) - np.float32(low)) * np.float32(gain)
    return np.asarray(np.clip(stretched, 0, 255), dtype=np.uint8)
