"""Draw the front of a Khmer identity card, clearly a specimen.

The layout follows what readers of the card describe (labels, order, three lines of
OCR-B at the bottom); it carries no emblem and no security feature, and it is not
meant to look like a valid document.
"""

from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

from tests.specimens.faces import Image, portrait
from tests.specimens.persons import KHMER_DIGITS, Person, check_digit, td1

SIZE = (1012, 638)  # 85.60 x 53.98 mm (ISO/IEC 7810 ID-1) at 300 dpi
PITCH = 30  # pixels: OCR-B, 10 characters an inch
FONTS = Path("/usr/share/fonts")
OCR_B = FONTS / "opentype/ocr-b/OCRB.otf"
KHMER = FONTS / "truetype/khmeros/KhmerOSsiemreap.ttf"
HEADING = FONTS / "truetype/khmeros/KhmerOSmuollight.ttf"
INK = (28, 32, 44)


@cache
def font(path: Path, size: int) -> ImageFont.FreeTypeFont:
    """Return the font shaped by Raqm: Khmer subscripts need it."""
    return ImageFont.truetype(path, size, layout_engine=ImageFont.Layout.RAQM)


def draw_card(
    person: Person, *, lines: tuple[str, ...] | None = None, marked: bool = True
) -> Image:
    """Return the card, 638 x 1012 x 3, with `lines` in place of its own zone."""
    card = Pillow.fromarray(_ground())
    pen = ImageDraw.Draw(card)
    _heading(pen, person)
    _fields(pen, person)
    card.paste(Pillow.fromarray(portrait(300)), (42, 112))
    _zone(pen, lines or td1(person))
    return np.asarray(_mark(card) if marked else card, dtype=np.uint8)


def khmer_date(value: object) -> str:
    """Return `DD.MM.YYYY` in Khmer digits, as the card prints it."""
    return f"{value:%d.%m.%Y}".translate(KHMER_DIGITS)


def _ground() -> Image:
    height, width = SIZE[1], SIZE[0]
    y, x = np.mgrid[0:height, 0:width]
    waves = 6 * np.sin(x / 21 + 3 * np.sin(y / 47)) + 4 * np.sin(y / 13 + x / 90)
    base = np.array([214.0, 226.0, 222.0])
    ground = base + waves[..., None] * np.array([1.0, 0.7, 0.9])
    ground[450:] = ground[450:] * 0.2 + np.array([240.0, 242.0, 240.0]) * 0.8
    return np.clip(ground, 0, 255).astype(np.uint8)


def _heading(pen: ImageDraw.ImageDraw, person: Person) -> None:
    pen.text((42, 22), "គំរូ · មិនមែនឯកសារពិត", font=font(HEADING, 26), fill=(30, 60, 140))
    pen.text((42, 74), "SPECIMEN · NOT A DOCUMENT", font=font(KHMER, 17), fill=INK)
    number = f"{person.number}({check_digit(person.number)})"
    pen.text((968, 62), number, anchor="rs", font=font(OCR_B, 32), fill=(150, 30, 30))


def _fields(pen: ImageDraw.ImageDraw, person: Person) -> None:
    sex = "ប្រុស" if person.sex == "M" else "ស្រី"
    birth = khmer_date(person.birth_date)
    issued, expires = khmer_date(person.issue_date), khmer_date(person.expiry_date)
    rows = (
        f"គោត្តនាមនិងនាម៖ {person.surname_khmer} {person.given_name_khmer}",
        f"{person.surname_latin} {person.given_name_latin}",
        f"ថ្ងៃខែឆ្នាំកំណើត៖ {birth}   ភេទ៖ {sex}   កម្ពស់៖ ១៦០ ស.ម",
        f"ទីកន្លែងកំណើត៖ {person.birth_place}",
        f"អាសយដ្ឋាន៖ {person.address}",
        f"សុពលភាព៖ {issued} ដល់ថ្ងៃ {expires}",
        "ភិនភាគ៖ គ្មាន (គំរូ)",
    )
    for row, text in enumerate(rows):
        pen.text((292, 96 + row * 48), text, font=font(KHMER, 23), fill=INK)


def _zone(pen: ImageDraw.ImageDraw, lines: tuple[str, ...]) -> None:
    face = font(OCR_B, 41)
    left = (SIZE[0] - PITCH * len(lines[0])) // 2
    for row, line in enumerate(lines):
        for column, character in enumerate(line):
            at = (left + column * PITCH + PITCH // 2, 516 + row * 50)
            pen.text(at, character, font=face, fill=INK, anchor="ms")


def _mark(card: Pillow.Image) -> Pillow.Image:
    """Write SPECIMEN across the portrait and the fields, thin enough to match."""
    layer = Pillow.new("RGBA", card.size, (0, 0, 0, 0))
    pen = ImageDraw.Draw(layer)
    pen.text((46, 176), "SPECIMEN", font=font(OCR_B, 36), fill=(190, 20, 40, 110))
    pen.text((46, 268), "SPECIMEN", font=font(OCR_B, 36), fill=(190, 20, 40, 110))
    pen.text((46, 360), "SPECIMEN", font=font(OCR_B, 36), fill=(190, 20, 40, 110))
    pen.text((420, 300), "SPECIMEN", font=font(OCR_B, 96), fill=(190, 20, 40, 34))
    return Pillow.alpha_composite(card.convert("RGBA"), layer).convert("RGB")
