"""What each step along a line of a zone shows: read by a small network of our own.

A line is laid level, 40 high and about 16 a character; a step is four pixels. The
network sees three characters at a time: it reads, and cannot guess from what is usual.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mobile_api.engines.text_levelling import level
from mobile_api.engines.text_lines import TextLine
from mobile_api.engines.text_recognition import Steps
from mobile_api.engines.zone_finding import TALL
from mobile_api.images import Pixels

HEIGHT, PITCH, STEP = 40, 16, 4
MARGIN = 1.5
NARROWEST, WIDEST = 24, 60


@dataclass(frozen=True, slots=True)
class ZoneLineReader:
    """A reader of lines: `session` is an ONNX session of N level lines."""

    session: Any

    def read(self, grey: Pixels, lines: Sequence[TextLine]) -> list[Steps]:
        """Return for each line its steps x 40: as text_recognition has them."""
        wide = max(line.length / line.height * TALL for line in lines) + 2 * MARGIN
        columns = int(np.clip(wide, NARROWEST, WIDEST))
        strips = np.stack([laid_level(grey, line, columns * PITCH) for line in lines])
        planes = strips[:, None].astype(np.float32) / np.float32(127.5) - 1
        logits = self.session.run(None, {"x": planes})[0]
        shares = np.exp(logits - logits.max(axis=2, keepdims=True))
        shares /= shares.sum(axis=2, keepdims=True)
        other = np.zeros((*shares.shape[:2], 1), dtype=np.float32)
        return list(np.concatenate([shares, other], axis=2))


def laid_level(grey: Pixels, line: TextLine, width: int) -> Pixels:
    """Return the line as 40 x `width`, grey, its contrast stretched."""
    return level(grey, line, width, height=HEIGHT, end=MARGIN / TALL)
