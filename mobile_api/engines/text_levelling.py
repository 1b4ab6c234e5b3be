"""Cut a slanted line out of a picture and lay it level."""

import cv2
import numpy as np

from mobile_api.engines.text_lines import TextLine
from mobile_api.images import Pixels

HEIGHT = 48
END = 0.15
CONTRAST = 24.0


def level(
    pixels: Pixels,
    line: TextLine,
    width: int,
    *,
    height: int = HEIGHT,
    end: float = END,
) -> Pixels:
    """Return the line as `height` x `width`, its contrast stretched to the full range.

    The ends get `end` of the line's height more, so that no character is cut.
    """
    grown = line.length + 2 * end * line.height
    wider = TextLine(line.centre, line.along, grown, line.height)
    target = np.array(
        [[0, 0], [width, 0], [width, height], [0, height]], dtype=np.float32
    )
    warp = cv2.getPerspectiveTransform(wider.corners.astype(np.float32), target)
    cut = cv2.warpPerspective(
        pixels,
        warp,
        (width, height),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    low, high = np.percentile(cut, (1, 99))
    gain = 255.0 / max(float(high - low), CONTRAST)
    stretched = (cut.astype(np.float32) - np.float32(low)) * np.float32(gain)
    return np.asarray(np.clip(stretched, 0, 255), dtype=np.uint8)
