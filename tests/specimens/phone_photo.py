"""Photograph a document as a hurried person does: any angle, any light.

Background with printed text, any rotation, perspective, gradient, low light, glare,
motion blur, noise, JPEG: all from one seed. `photograph` gives the JPEG.
"""

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import ImageDraw

from tests.specimens.card import KHMER, font
from tests.specimens.faces import Image

Floats = NDArray[np.float32]
WORDS = str.split(
    "INVOICE 2024 TOTAL 125.00 USD · វិក្កយបត្រ ថ្ងៃទី ០៤ · Received with thanks "
    "MARKET ROAD 271 PHNOM PENH · TEL 000 000 000 · សូមអរគុណ <<<>>> ORDER 99887766"
)
FRAMES = ((1600, 1200), (1200, 1600), (1440, 1080))
SQUARE = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]], dtype=np.float64) / 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """How bad a picture is; `of` draws one by chance."""

    turn: float
    tilt: float
    size: float
    gain: float
    gradient: float
    glare: float
    motion: int
    noise: float
    quality: int


def trouble_of(chance: np.random.Generator) -> Trouble:
    """Draw the troubles of one picture."""
    upright = chance.random() < 0.5
    turn = chance.normal(0, 4) if upright else chance.uniform(0, 360)
    return Trouble(
        turn=float(turn),
        tilt=float(chance.uniform(0, 0.05)),
        size=float(chance.uniform(0.78, 0.97)),
        gain=float(chance.uniform(0.3, 0.6) if chance.random() < 0.25 else 1.0),
        gradient=float(chance.uniform(0, 0.35)),
        glare=float(chance.uniform(0.3, 0.8) if chance.random() < 0.25 else 0.0),
        motion=int(chance.integers(3, 7)) if chance.random() < 0.35 else 0,
        noise=float(chance.uniform(1, 5)),
        quality=int(chance.integers(55, 92)),
    )


def photograph(document: Image, seed: int) -> bytes:
    """Return a JPEG of the document, always the same for the same seed."""
    chance = np.random.default_rng([seed, 7])
    trouble = trouble_of(chance)
    frame = FRAMES[int(chance.integers(len(FRAMES)))]
    scene = _place(document, trouble, frame, chance)
    scene = _light(scene, trouble, chance)
    if trouble.motion:
        scene = _shaken(scene, trouble.motion, float(chance.uniform(0, np.pi)))
    noise = chance.standard_normal(scene.shape[:2], dtype=np.float32)
    scene = np.clip(scene + noise[..., None] * trouble.noise, 0, 255)
    bgr = cv2.cvtColor(scene.astype(np.uint8), cv2.COLOR_RGB2BGR)
    options = [cv2.IMWRITE_JPEG_QUALITY, trouble.quality]
    return cv2.imencode(".jpg", bgr, options)[1].tobytes()


def _place(
    document: Image,
    trouble: Trouble,
    frame: tuple[int, int],
    chance: np.random.Generator,
) -> Floats:
    width, height = frame
    ratio = document.shape[0] / document.shape[1]
    turn = np.deg2rad(trouble.turn)
    cos, sin = np.cos(turn), np.sin(turn)
    span = (abs(cos) + ratio * abs(sin), abs(sin) + ratio * abs(cos))
    across = trouble.size * min(width / span[0], height / span[1])
    corners = SQUARE * [across, across * ratio]
    corners = corners + chance.uniform(-1, 1, (4, 2)) * trouble.tilt * across / 2
    corners = corners @ np.array([[cos, sin], [-sin, cos]]) + [width / 2, height / 2]
    source = (SQUARE + 0.5) * [document.shape[1], document.shape[0]]
    warp = cv2.getPerspectiveTransform(
        source.astype(np.float32), corners.astype(np.float32)
    )
    ground = _printed(frame, int(chance.integers(4)))
    scene = ground.astype(np.float32)
    small = cv2.warpPerspective(document, warp, frame, flags=cv2.INTER_AREA)
    mask = cv2.warpPerspective(np.full(document.shape[:2], 255, np.uint8), warp, frame)
    alpha = (mask / np.float32(255))[..., None]
    mixed = small * alpha + scene * (1 - alpha)
    return np.asarray(mixed, dtype=np.float32)


@cache
def _printed(frame: tuple[int, int], which: int) -> Image:
    """Return a sheet or a table with print on it, one of a few."""
    chance = np.random.default_rng([which, frame[0]])
    tone = np.array([[236, 234, 228], [120, 92, 66], [70, 74, 82], [205, 214, 222]])
    grain = cv2.GaussianBlur(chance.normal(0, 1, frame[::-1]), (0, 0), 9)
    ground = tone[which] + grain[..., None] * 60
    sheet = Pillow.fromarray(np.clip(ground, 0, 255).astype(np.uint8))
    pen = ImageDraw.Draw(sheet)
    ink = (40, 40, 50) if which in (0, 3) else (200, 196, 186)
    for y in range(20, frame[1], 64):
        words = " ".join(chance.choice(WORDS, 14))
        pen.text((10, y), words, font=font(KHMER, 26), fill=ink)
    return np.asarray(sheet, dtype=np.uint8)


def _light(scene: Floats, trouble: Trouble, chance: np.random.Generator) -> Floats:
    height, width = scene.shape[:2]
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    angle = chance.uniform(0, 2 * np.pi)
    slope = (x / width - 0.5) * np.cos(angle) + (y / height - 0.5) * np.sin(angle)
    scene = scene * (trouble.gain * (1 - trouble.gradient * (slope + 0.5)))[..., None]
    if trouble.glare:
        centre = chance.uniform(0.2, 0.8, 2)
        wide = chance.uniform(0.06, 0.14)
        far = ((x / width - centre[0]) / wide) ** 2 + (
            (y / height - centre[1]) / wide
        ) ** 2
        spot = (trouble.glare * np.exp(-far))[..., None]
        scene = scene * (1 - spot) + 255 * spot
    return np.asarray(scene, dtype=np.float32)


def _shaken(scene: Floats, length: int, angle: float) -> Floats:
    kernel = np.zeros((length + 2, length + 2), np.float32)
    middle = (length + 1) / 2
    along = np.array([np.cos(angle), np.sin(angle)]) * (length - 1) / 2
    for step in np.linspace(-1, 1, length * 4):
        column, row = np.round(middle + along * step).astype(int)
        kernel[row, column] += 1
    moved = cv2.filter2D(scene, -1, kernel / kernel.sum())
    return np.asarray(moved, dtype=np.float32)
