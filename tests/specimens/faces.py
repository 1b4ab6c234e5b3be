"""Faces for specimens: one public-domain picture, re-lit, warped and moved.

scikit-image ships NASA's portrait of Eileen Collins (public domain). It is a test
picture here and says nothing of the persons on the specimen cards.
"""

from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage import data

Image = NDArray[np.uint8]


@cache
def astronaut() -> Image:
    """Return the whole picture, 512 x 512 RGB."""
    return np.asarray(data.astronaut(), dtype=np.uint8)


def portrait(height: int) -> Image:
    """Return head and shoulders, 3:4, for a card."""
    crop = astronaut()[8:288, 115:325]
    return cv2.resize(crop, (height * 3 // 4, height), interpolation=cv2.INTER_CUBIC)


def selfie(seed: int = 0, *, size: tuple[int, int] = (600, 800)) -> Image:
    """Return the same face as a phone would take it: other light, angle and place."""
    chance = np.random.default_rng(seed)
    width, height = size
    crop = astronaut()[0:330, 80:350]
    scale = width / crop.shape[1] * chance.uniform(1.08, 1.22)
    turn = cv2.getRotationMatrix2D(
        (crop.shape[1] / 2, crop.shape[0] / 2), chance.uniform(-6, 6), scale
    )
    turn[:, 2] += (
        np.array([width, height]) / 2
        - np.array(crop.shape[1::-1]) / 2
        + chance.uniform(-25, 25, 2)
    )
    turn[0, 1] += chance.uniform(-0.05, 0.05)  # a slight shear: another lens
    out = cv2.warpAffine(
        crop,
        turn,
        (width, height),
        flags=cv2.INTER_CUBIC,
        borderMode=cv2.BORDER_REFLECT,
    )
    return _relight(out, chance)


def two_faces() -> Image:
    """Return two persons in one picture."""
    return np.hstack([selfie(3, size=(450, 600)), selfie(4, size=(450, 600))])


def no_face() -> Image:
    """Return a room in which nobody is."""
    coffee = np.asarray(data.coffee(), dtype=np.uint8)
    return cv2.resize(coffee, (800, 533))


def _relight(image: Image, chance: np.random.Generator) -> Image:
    light = np.linspace(0.82, 1.12, image.shape[1])[None, :, None]
    warm = np.array([1.05, 1.0, 0.92])
    gamma = chance.uniform(0.85, 1.0)
    lit = 255 * (image / 255.0) ** gamma * light * warm
    noise = chance.normal(0, 2.0, image.shape)
    return np.clip(cv2.GaussianBlur(lit, (0, 0), 0.6) + noise, 0, 255).astype(np.uint8)
