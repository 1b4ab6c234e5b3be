"""Cut a slanted line out of a picture and lay it level."""

import cv2
import numpy as np

from mobile_api.engines.text_lines import TextLine
from mobile_api.images import Pixels

HEIGHT = 48
END = 0.15


def level(pixels: Pixels, line: TextLine, width: int) -> Pixels:
    """Return the line as 48 x `width` RGB, its contrast stretched to the full range.

    The ends get `END` of the height more, so that no character is cut.
    """
    wider = TextLine(
        line.centre, line.along, line.length + 2 * END * line.height, line.height
    )
    target = np.array(
        [[0, 0], [width, 0], [width, HEIGHT], [0, HEIGHT]], dtype=np.float32
    )
    warp = cv2.getPerspectiveTransform(wider.corners.astype(np.float32), target)
    cut = cv2.warpPerspective(
        pixels,
        warp,
        (width, HEIGHT),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    low, high = np.percentile(cut, (1, 99))
    gain = 255.0 / max(float(high - low), 24.0)
    stretched = (cut.astype(np.float32) - np.float32(low)) * np.float32(gain)
    return np.asarray(np.clip(stretched, 0, 255), dtype=np.uint8)
