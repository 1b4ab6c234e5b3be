"""Small pictures of documents with where their zones are, for the finder to learn from.

Each is a part of a photo, 256 x 256: a document at any angle on a table with print on
it, with text of its own that is no zone. The maps have a cell for 4 x 4 pixels.
"""

from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import ImageDraw

from tools.zone_models.drawing import (
    OTHERS,
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

SIDE, CELL = 256, 4
PITCH = 16
SHAPES = ((30, 3), (30, 3), (36, 2), (44, 2), (44, 2))
NEVER = 0.06
HALF_THICK = 0.5
STRIPS = 160
SAID = list(
    "ABCDEFGHIKLMNOPRSTUVabcdefghiklmnoprstuv0123456789 ,.:<>«ក ខ គ ង ច ន ម រ ស"
)


def scene(chance: Chance) -> tuple[NDArray[np.uint8], Floats]:
    """Return a picture, and its maps: there, direction x and y, log(pitch / 8)."""
    page, tone, zone, pitch_of = _document(chance)
    warp = _warp(page.shape, pitch_of, chance)
    ground = _table(chance)
    size = (SIDE, SIDE)
    placed = cv2.warpPerspective(page, warp, size)
    alpha = cv2.warpPerspective(np.ones(page.shape, np.float32), warp, size)
    print_ = cv2.warpPerspective(tone, warp, size)
    picture = lit((placed * print_) * alpha + ground * (1 - alpha), chance)
    return taken(picture, 0.55, chance), _maps(zone, warp)


def _document(chance: Chance) -> tuple[Floats, Floats, list[Floats], float]:
    """Return how bright its print and its paper are, and the ends of its lines."""
    columns, rows = SHAPES[int(chance.integers(len(SHAPES)))]
    margin = round(PITCH * chance.uniform(0.6, 4))
    width = columns * PITCH + 2 * margin
    height = round(width * chance.uniform(0.56, 0.78))
    gap = round(
        PITCH * (chance.uniform(1.5, 2) if rows > 2 else chance.uniform(2, 2.7))
    )
    foot = round(PITCH * chance.uniform(1, 2.6))
    drawn = np.zeros((height, width), np.float32)
    top = height - foot - gap * rows - PITCH
    _own_text(drawn[:top], chance)
    ends: list[Floats] = []
    has_zone = chance.random() > NEVER
    for row in range(rows if has_zone else 0):
        line = weighed(ink(words(columns, chance), chance), chance)
        half = cv2.resize(line, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
        y = height - foot - gap * (rows - 1 - row)
        left = margin - PITCH // 2
        place = drawn[y - TALL // 4 : y + TALL // 4, left : left + half.shape[1]]
        np.maximum(place, half, out=place)
        ends.append(np.array([[margin, y], [width - margin, y]], np.float32))
    dark = chance.uniform(0.05, 0.5)
    paper = chance.uniform(140, 255) + uneven(drawn.shape, chance) * chance.uniform(
        2, 16
    )
    page = 1 - drawn * (1 - dark)
    _pictures(page[:top], chance)
    return page, paper.astype(np.float32), ends, PITCH


def _own_text(part: Floats, chance: Chance) -> None:
    """Write what a document says besides its zone, short lines of OCR-B too."""
    for _ in range(int(chance.integers(2, 9))):
        if chance.random() < 0.35:
            line = ink(words(int(chance.integers(3, 13)), chance), chance)
            scale = chance.uniform(0.3, 0.6)
            _paste(
                part,
                cv2.resize(line, None, fx=scale, fy=scale, interpolation=3),
                chance,
            )
        else:
            _paste(
                part, _strip(int(chance.integers(STRIPS)))[:, : part.shape[1]], chance
            )


def _pictures(page: Floats, chance: Chance) -> None:
    """Draw a portrait, frames and stripes."""
    height, width = page.shape
    if min(height, width) < PITCH:
        return
    x, y = int(chance.uniform(0, width * 0.7)), int(chance.uniform(0, height * 0.4))
    wide, tall = int(width * chance.uniform(0.15, 0.3)), int(height * 0.6)
    part = page[y : y + tall, x : x + wide]
    part[:] = 0.55 + 0.4 * uneven(part.shape, chance)
    for _ in range(int(chance.integers(0, 4))):
        at = [int(v) for v in chance.uniform(0, 1, 4) * [width, height, width, height]]
        shade, thick = float(chance.uniform(0.2, 1)), int(chance.integers(1, 5))
        cv2.line(page, (at[0], at[1]), (at[2], at[3]), shade, thick)


def _table(chance: Chance) -> Floats:
    """Return what lies under the document: plain, grained, or printed on."""
    ground = chance.uniform(30, 250) + uneven((SIDE, SIDE), chance) * chance.uniform(
        2, 40
    )
    if chance.random() < 0.65:
        sheet = np.zeros((SIDE, SIDE), np.float32)
        gap = int(chance.integers(12, 40))
        for y in range(0, SIDE - 24, gap):
            row = _strip(int(chance.integers(STRIPS)))
            part = sheet[y : y + row.shape[0], : row.shape[1]]
            np.maximum(part, row[: part.shape[0], : part.shape[1]], out=part)
        if chance.random() < 0.4:
            turn = cv2.getRotationMatrix2D(
                (SIDE / 2, SIDE / 2), chance.uniform(0, 360), 1.3
            )
            sheet = cv2.warpAffine(sheet, turn, (SIDE, SIDE))
        ink_tone = chance.uniform(0, 255)
        ground = ground * (1 - sheet) + ink_tone * sheet
    return np.clip(ground, 0, 255).astype(np.float32)


@cache
def _strip(number: int) -> Floats:
    """Return a line of text that is none of a zone, one of a few."""
    chance = np.random.default_rng([number, 5])
    size = int(chance.integers(7, 26))
    row = Pillow.new("L", (int(chance.integers(60, 700)), round(size * 1.6)))
    text = "".join(chance.choice(SAID, 120))
    if number % 4 == 0:
        text = "".join(
            chance.choice(("<<<>>>", "TOTAL ", "125.00 ", "ROAD<< ", "ID "), 40)
        )
    face = font(OTHERS[number % len(OTHERS)], size)
    ImageDraw.Draw(row).text((0, 0), text, font=face, fill=255)
    return np.asarray(row, dtype=np.float32) / 255


def _paste(part: Floats, row: Floats, chance: Chance) -> None:
    height, width = part.shape
    y = int(chance.uniform(0, max(1, height - row.shape[0])))
    x = int(chance.uniform(0, max(1, width - row.shape[1] / 2)))
    place = part[y : y + row.shape[0], x : x + row.shape[1]]
    np.maximum(place, row[: place.shape[0], : place.shape[1]], out=place)


def _warp(shape: tuple[int, int], pitch_of: float, chance: Chance) -> Floats:
    """Return how the document comes into the picture: any angle, some perspective."""
    height, width = shape
    level = chance.random() < 0.35
    turn = np.deg2rad(chance.normal(0, 5) if level else chance.uniform(0, 360))
    if level and chance.random() < 0.3:
        turn += np.pi
    scale = float(np.exp(chance.uniform(np.log(5.0), np.log(15)))) / pitch_of
    cos, sin = np.cos(turn) * scale, np.sin(turn) * scale
    target = chance.uniform([width * 0.2, height * 0.6], [width * 0.8, height])
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]])
    placed = (corners - target) @ np.array([[cos, sin], [-sin, cos]])
    placed += chance.uniform(-1, 1, (4, 2)) * width * scale * chance.uniform(0, 0.04)
    placed += SIDE / 2 + chance.uniform(-75, 75, 2)
    return np.asarray(
        cv2.getPerspectiveTransform(
            corners.astype(np.float32), placed.astype(np.float32)
        ),
        dtype=np.float32,
    )


def _maps(zone: list[Floats], warp: Floats) -> Floats:
    maps = np.zeros((4, SIDE // CELL, SIDE // CELL), np.float32)
    for ends in zone:
        start, end = cv2.perspectiveTransform(ends[None], warp)[0]
        length = float(np.hypot(*(end - start)))
        along = (end - start) / length
        columns = (ends[1, 0] - ends[0, 0]) / PITCH
        pitch = length / columns
        down = np.array([-along[1], along[0]]) * pitch * HALF_THICK
        box = np.array([start - down, end - down, end + down, start + down])
        fine = np.zeros((SIDE, SIDE), np.uint8)
        cv2.fillConvexPoly(
            fine, np.round(box * 16).astype(np.int32), 255, cv2.LINE_AA, 4
        )
        there = cv2.resize(fine, (SIDE // CELL,) * 2, interpolation=cv2.INTER_AREA)
        there = there.astype(np.float32) / 255
        maps[0] = np.maximum(maps[0], there)
        maps[1:, there > 0] = np.array(
            [[along[0]], [along[1]], [np.log(pitch / 8)]], np.float32
        )
    return maps
