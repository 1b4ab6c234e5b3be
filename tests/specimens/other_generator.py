"""A second, simpler generator, only to check with: nothing is shared with the first.

Pillow alone: the sharp cut of OCR-B drawn as whole strings, a plain page, Pillow's own
perspective, blur and brightness. It takes the lines of a zone and a seed.
"""

import io
from random import Random

from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageFont

FONT = "/usr/share/fonts/opentype/ocr-b/OCRBS.otf"
SIZE = (1300, 900)


def photograph(lines: tuple[str, ...], seed: int) -> bytes:
    """Return a JPEG of a page with these lines, always the same for the same seed."""
    chance = Random(f"other {seed}")
    shade = chance.randint(190, 240)
    page = Image.new("RGB", SIZE, (shade, shade - 6, shade - 14))
    pen = ImageDraw.Draw(page)
    pen.rectangle((70, 120, 370, 520), fill=(120, 130, 150))
    pen.text((430, 140), "SPECIMEN", fill=(60, 60, 90), font_size=60)
    wide = SIZE[0] * 0.9
    size = 20.0
    while ImageFont.truetype(FONT, size + 1).getlength(lines[0]) < wide and size < 56:
        size += 1
    font = ImageFont.truetype(FONT, size)
    for row, line in enumerate(lines):
        at = (SIZE[0] * 0.05, SIZE[1] - (len(lines) - row) * size * 1.75 - 20)
        pen.text(at, line, font=font, fill=(25, 25, 30))
    scene = Image.new("RGB", (1600, 1200), (chance.randint(40, 160),) * 3)
    scene.paste(page, (150, 150))
    bent = scene.transform(
        scene.size, Image.Transform.QUAD, _quad(chance), Image.Resampling.BICUBIC
    )
    turned = bent.rotate(
        chance.choice((0, 0, 180, chance.uniform(-20, 20))),
        Image.Resampling.BICUBIC,
        fillcolor=(90, 90, 90),
    )
    soft = turned.filter(ImageFilter.GaussianBlur(chance.uniform(0, 1.4)))
    lit = ImageEnhance.Brightness(soft).enhance(chance.uniform(0.4, 1.1))
    out = io.BytesIO()
    lit.save(out, "JPEG", quality=chance.randint(60, 90))
    return out.getvalue()


def _quad(chance: Random) -> tuple[float, ...]:
    corners = ((0, 0), (0, 1200), (1600, 1200), (1600, 0))
    return tuple(
        place + chance.uniform(-40, 40) for corner in corners for place in corner
    )
