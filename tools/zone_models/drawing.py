"""Draw text in OCR-B, and spoil it as light, hands and phones do.

Nothing here is shared with the generators of tests/specimens but the font: what the
models learn is measured on pictures that other code draws.
"""

from functools import cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

Floats = NDArray[np.float32]
Chance = np.random.Generator
FONTS = Path("/usr/share/fonts")
OCR_B = ("OCRB.otf", "OCRB.otf", "OCRBS.otf")
OTHERS = (
    "truetype/khmeros/KhmerOSsiemreap.ttf",
    "truetype/dejavu/DejaVuSans.ttf",
    "truetype/dejavu/DejaVuSansMono.ttf",
)
PITCH = 32
TALL = 64
DIGITS = "0123456789"
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
FILLER = "<"


@cache
def font(path: str, size: int) -> ImageFont.FreeTypeFont:
    """Return a font of Debian's packages."""
    place = FONTS / ("opentype/ocr-b" if path.startswith("OCRB") else "") / path
    return ImageFont.truetype(place, size)


@cache
def glyph(character: str, path: str, size: int) -> Floats:
    """Return the ink of one character, 0 to 1, its cell in the middle of 64 x 64."""
    cell = Pillow.new("L", (TALL, TALL))
    pen = ImageDraw.Draw(cell)
    at = (TALL // 2, TALL // 2 + round(size * 0.35))
    pen.text(at, character, font=font(path, size), fill=255, anchor="ms")
    return np.asarray(cell, dtype=np.float32) / 255


def ink(text: str, chance: Chance) -> Floats:
    """Return a line of OCR-B, 64 high, 32 a character, and half a cell at each end."""
    path = OCR_B[int(chance.integers(len(OCR_B)))]
    size = int(chance.integers(41, 49))
    line = np.zeros((TALL, PITCH * (len(text) + 1)), np.float32)
    for at, character in enumerate(text):
        cell = line[:, at * PITCH : at * PITCH + TALL]
        np.maximum(cell, glyph(character, path, size), out=cell)
    return line


def weighed(line: Floats, chance: Chance) -> Floats:
    """Return the line printed fatter or thinner."""
    soft = cv2.GaussianBlur(line, (0, 0), float(chance.uniform(0.6, 1.7)))
    at = float(chance.uniform(0.25, 0.62))
    return np.clip((soft - at) * 4 + 0.5, 0, 1).astype(np.float32)


def words(count: int, chance: Chance) -> str:
    """Return text of a zone: runs of letters, digits, fillers, or anything."""
    text = ""
    while len(text) < count:
        kind = chance.random()
        if kind < 0.3:
            run = FILLER * int(chance.integers(1, 14))
        elif kind < 0.6:
            run = _run(DIGITS, int(chance.integers(1, 12)), chance)
        elif kind < 0.8:
            run = _run(LETTERS, int(chance.integers(1, 12)), chance)
        else:
            run = _run(DIGITS + LETTERS + FILLER, int(chance.integers(1, 16)), chance)
        text += run
    return text[:count]


def _run(alphabet: str, count: int, chance: Chance) -> str:
    return "".join(alphabet[at] for at in chance.integers(len(alphabet), size=count))


def uneven(shape: tuple[int, int], chance: Chance) -> Floats:
    """Return a soft pattern between about -1 and 1, as a printed ground has."""
    height, width = shape
    coarse = max(2, int(chance.integers(3, 12)))
    small = chance.normal(0, 0.5, (coarse, max(2, coarse * width // height)))
    size = (width, height)
    return cv2.resize(small.astype(np.float32), size, interpolation=cv2.INTER_CUBIC)


def lit(scene: Floats, chance: Chance) -> Floats:
    """Return the scene (0 to 255) under a slanted, dim or mirrored light."""
    height, width = scene.shape
    y, x = np.mgrid[-0.5 : 0.5 : height * 1j, -0.5 : 0.5 : width * 1j]
    angle = chance.uniform(0, 2 * np.pi)
    slope = x * np.cos(angle) + y * np.sin(angle)
    gain = chance.uniform(0.22, 1.0) if chance.random() < 0.5 else 1.0
    scene = scene * (gain * (1 - chance.uniform(0, 0.5) * (slope + 0.5)))
    if chance.random() < 0.2:
        far = ((x - chance.uniform(-0.5, 0.5)) / chance.uniform(0.05, 0.3)) ** 2
        far = far + ((y - chance.uniform(-0.6, 0.6)) / chance.uniform(0.1, 0.8)) ** 2
        spot = chance.uniform(0.3, 0.9) * np.exp(-far)
        scene = scene * (1 - spot) + 255 * spot
    return np.asarray(scene, dtype=np.float32)


def taken(scene: Floats, sharp: float, chance: Chance) -> NDArray[np.uint8]:
    """Return what a camera makes of it: blur (in units of `sharp`), noise, JPEG."""
    if chance.random() < 0.6:
        scene = cv2.GaussianBlur(scene, (0, 0), float(chance.uniform(0.05, sharp)))
    if chance.random() < 0.35:
        scene = _shaken(scene, chance.uniform(1.5, 4.5) * sharp, chance)
    noise = chance.standard_normal(scene.shape, dtype=np.float32)
    scene = np.clip(scene + noise * chance.uniform(0.5, 7), 0, 255).astype(np.uint8)
    if chance.random() < 0.7:
        options = [cv2.IMWRITE_JPEG_QUALITY, int(chance.integers(45, 95))]
        scene = cv2.imdecode(cv2.imencode(".jpg", scene, options)[1], 0)
    return np.asarray(scene, dtype=np.uint8)


def _shaken(scene: Floats, length: float, chance: Chance) -> Floats:
    side = int(np.ceil(length)) // 2 * 2 + 3
    kernel = np.zeros((side, side), np.float32)
    turn = chance.uniform(0, np.pi)
    along = np.array([np.cos(turn), np.sin(turn)]) * length / 2
    for step in np.linspace(-1, 1, 4 * side):
        column, row = np.round(side // 2 + along * step).astype(int)
        kernel[row, column] += 1
    return np.asarray(cv2.filter2D(scene, -1, kernel / kernel.sum()), np.float32)
