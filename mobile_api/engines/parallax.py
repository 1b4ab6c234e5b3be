"""How much the pixels of a face shift beyond what a flat picture could do.

    corners on the face, frontal --followed frame by frame--> turned
    a homography explains all that a plane can do; what is left over is relief

A mesh of landmarks cannot say this: it draws depth into a photograph as well.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from mobile_api.images import Pixels
from mobile_api.interfaces import FaceShape

MOST_CORNERS: Final = 240
LEAST_CORNERS: Final = 24
QUALITY: Final = 0.004  # of the strongest corner
FOLLOWED_BACK: Final = 0.8  # pixels
KEPT: Final = 75  # percentile: what a quarter of lost corners say is not heard
WINDOW: Final = (15, 15)

Corners = NDArray[np.float32]


def parallax(frames: Sequence[Pixels], frontal: FaceShape) -> float | None:
    """Return what is left over, in eye distances; None when too few corners hold.

    `frames` are luminance, height x width, from the frontal one to the turned one;
    `frontal` is the shape of the face on the first.
    """
    start = _corners(frames[0], frontal)
    if start is None:
        return None
    at, held = start, np.ones(len(start), dtype=bool)
    for before, after in pairwise(frames):
        at, kept = _followed(before, after, at)
        held &= kept
    if int(held.sum()) < LEAST_CORNERS:
        return None
    return _left_over(start[held], at[held]) / frontal.eye_distance


def _corners(frame: Pixels, shape: FaceShape) -> Corners | None:
    """Return corners inside the outline of the face, N x 2, None when too few."""
    hull = cv2.convexHull(shape.points)[:, 0]
    middle = hull.mean(0)
    inner = (middle + (hull - middle) * 0.96).astype(np.int32)
    mask = np.zeros(frame.shape, dtype=np.uint8)
    cv2.fillConvexPoly(mask, inner, 255)
    apart = max(3.0, shape.eye_distance / 18)
    found = cv2.goodFeaturesToTrack(frame, MOST_CORNERS, QUALITY, apart, mask=mask)
    # OpenCV answers None when there is not one corner.
    if np.size(found) < 2 * LEAST_CORNERS:
        return None
    return np.asarray(found[:, 0], dtype=np.float32)


def _followed(
    before: Pixels, after: Pixels, at: Corners
) -> tuple[Corners, NDArray[np.bool_]]:
    """Return where the corners went, and which of them come back when asked."""
    there, seen = _flow(before, after, at)
    back, again = _flow(after, before, there)
    off = np.linalg.norm(back - at, axis=1)
    return there, seen & again & (off < FOLLOWED_BACK)


def _flow(one: Pixels, other: Pixels, at: Corners) -> tuple[Corners, NDArray[np.bool_]]:
    there, seen, _ = cv2.calcOpticalFlowPyrLK(
        one, other, at, np.empty_like(at), winSize=WINDOW
    )
    return np.asarray(there, dtype=np.float32), np.asarray(seen)[:, 0] == 1


def _left_over(start: Corners, end: Corners) -> float:
    """Return how far the corners are from the best homography, in pixels."""
    plane, _ = cv2.findHomography(start, end, 0)
    if plane is None:
        return 0.0
    told = cv2.perspectiveTransform(start[:, None], plane)[:, 0]
    return float(np.percentile(np.linalg.norm(told - end, axis=1), KEPT))
