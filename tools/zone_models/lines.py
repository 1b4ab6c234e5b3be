"""Level lines of a zone with what each step shows, for the recogniser to learn from.

A step is four pixels of a line that is 40 high and has about 16 a character. What a
step shows is the character whose middle it is near, the blank between two, or `TURNED`
for any character that stands on its head.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from tools.zone_models.drawing import (
    OTHERS,
    PITCH,
    TALL,
    Chance,
    Floats,
    font,
    ink,
    lit,
    taken,
    uneven,
    weighed,
    words,
)

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ<"
BLANK, TURNED = 37, 38
HEIGHT, STEP, NORMAL = 40, 4, 16
NEAR = 0.3
Labels = NDArray[np.int64]


def line(width: int, chance: Chance) -> tuple[NDArray[np.uint8], Labels]:
    """Return a line, 40 x `width`, and what each of its width / 4 steps shows."""
    sheet, text = _sheet(int(chance.integers(8, width // 14)), chance)
    native = float(np.exp(chance.uniform(np.log(8.5), np.log(26))))
    size = (round(width * native / NORMAL), round(HEIGHT * native / NORMAL))
    warp = _warp(sheet.shape, len(text), size, native, chance)
    drawn = cv2.warpPerspective(sheet, warp, size, flags=cv2.INTER_AREA)
    if native < PITCH / 2:
        soft = cv2.GaussianBlur(sheet, (0, 0), 0.3 * PITCH / native)
        drawn = cv2.warpPerspective(soft, warp, size)
    paper, print_ = chance.uniform(110, 255), chance.uniform(0.05, 0.55)
    ground = paper + uneven(size[::-1], chance) * chance.uniform(0, 14)
    scene = lit(ground * (1 - drawn * (1 - print_)), chance)
    picture = cv2.resize(
        taken(scene, 0.09 * native, chance), (width, HEIGHT), interpolation=1
    )
    labels = _labels(text, warp, width, native)
    if chance.random() < 0.12:
        picture = np.ascontiguousarray(picture[::-1, ::-1])
        labels = np.where(labels[::-1] == BLANK, BLANK, TURNED)
    return stretched(picture), labels


def stretched(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the picture with its contrast stretched, as the reader does it."""
    low, high = np.percentile(picture, (1, 99))
    gain = 255.0 / max(float(high - low), 24.0)
    return np.clip((picture - low) * gain, 0, 255).astype(np.uint8)


def _sheet(count: int, chance: Chance) -> tuple[Floats, str]:
    """Return the ink of a line with its neighbours, and its text in the middle."""
    sheet = np.zeros((TALL * 4, PITCH * (count + 1)), np.float32)
    gap = round(PITCH * chance.uniform(1.5, 2.7))
    for at in (-gap, gap):
        if chance.random() < 0.8:
            _put(sheet, weighed(ink(words(count, chance), chance), chance), at)
    if chance.random() < 0.07:
        _put(sheet, _foreign(sheet.shape[1], chance), 0)
        return sheet, " " * count
    text = words(count, chance)
    _put(sheet, weighed(ink(text, chance), chance), 0)
    return sheet, text


def _put(sheet: Floats, row: Floats, at: int) -> None:
    top = sheet.shape[0] // 2 - TALL // 2 + at
    part = sheet[top : top + TALL]
    np.maximum(part, row, out=part)


def _foreign(width: int, chance: Chance) -> Floats:
    """Return a line of text that is none of a zone."""
    from PIL import Image, ImageDraw  # noqa: PLC0415

    row = Image.new("L", (width, TALL))
    pen = ImageDraw.Draw(row)
    size = int(chance.integers(26, 46))
    path = OTHERS[int(chance.integers(len(OTHERS)))]
    text = "".join(chance.choice(list("abcdeghnorstuy mi,.VKRS ក ខ គ"), 40))
    pen.text((0, 6), text, font=font(path, size), fill=255)
    return np.asarray(row, dtype=np.float32) / 255


def _warp(
    shape: tuple[int, int],
    count: int,
    size: tuple[int, int],
    native: float,
    chance: Chance,
) -> Floats:
    """Return how the sheet comes into the picture: a bit slanted, a bit too large."""
    scale = native / PITCH * float(np.exp(chance.normal(0, 0.09)))
    tall = scale * chance.uniform(0.85, 1.15)
    free = size[0] - (count + 1) * PITCH * scale
    left = chance.uniform(min(free, 0) - 8, max(free, 0) + 8)
    middle = size[1] / 2 + native * float(np.clip(chance.normal(0, 0.14), -0.4, 0.4))
    slant = np.deg2rad(np.clip(chance.normal(0, 0.8), -2.5, 2.5))
    shear = chance.normal(0, 0.06)
    move = np.array([[1, 0, 0], [0, 1, -shape[0] / 2], [0, 0, 1]])
    grow = np.array([[scale, shear * scale, left], [0, tall, 0], [0, 0, 1]])
    half = size[0] / 2
    centre = np.array([[1, 0, -half], [0, 1, 0], [0, 0, 1]])
    turn = np.array([[1, -slant, half], [slant, 1, middle], [0, 0, 1]])
    far = np.eye(3)
    far[2, 0] = chance.normal(0, 0.04) / size[0]
    return (turn @ far @ centre @ grow @ move).astype(np.float32)


def _labels(text: str, warp: Floats, width: int, native: float) -> Labels:
    labels = np.full(width // STEP, BLANK, np.int64)
    middle = np.array([(np.arange(len(text)) + 1) * PITCH, np.full(len(text), 128.0)])
    placed = warp @ np.vstack([middle, np.ones(len(text))])
    across = placed[0] / placed[2] * NORMAL / native
    pitch = np.gradient(across) if len(text) > 1 else np.array([NORMAL])
    steps = np.arange(width // STEP) * STEP + (STEP - 1) / 2
    for character, at, wide in zip(text, across, pitch, strict=True):
        if character != " ":
            labels[np.abs(steps - at) < NEAR * wide] = ALPHABET.index(character)
    return labels
