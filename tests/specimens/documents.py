"""Invented documents of every format: Khmer card, other cards, TD2, passports.

Nothing real is meant: persons, numbers and layouts come from a seed. Each document
says in OCR-B what its `lines` say, and SPECIMEN stands across its face.
"""

from dataclasses import dataclass
from datetime import date
from random import Random

import numpy as np
from PIL import Image as Pillow
from PIL import ImageDraw

from tests.specimens.card import INK, OCR_B, draw_card, font
from tests.specimens.faces import Image, portrait
from tests.specimens.persons import check_digit, invent, td1

KINDS = ("khmer", "khmer", "td3", "td3", "td2", "td1")
STATES = ("KHM", "VNM", "THA", "LAO", "FRA", "D<<", "USA", "CHN", "KOR", "JPN", "GBR")
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
SURNAMES = ("NGUYEN", "MUELLER", "SMITH JONES", "KIM", "PHOMMASAN", "DUBOIS", "ZHOU")
GIVEN = ("VAN ANH", "KARL OTTO", "QUINTUS", "XIU YING", "BJOERN", "IZZY", "SUWANNEE")
PAGES = {"td1": (1012, 638), "td2": (1240, 874), "td3": (1476, 1039)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One document: its picture, its zone, and the fields that must be read of it."""

    kind: str
    image: Image
    lines: tuple[str, ...]
    number: str
    birth_date: date
    expiry_date: date

    @property
    def key(self) -> tuple[str, date, date]:
        """Return what check digits prove."""
        return self.number, self.birth_date, self.expiry_date


def invent_document(seed: int, kind: str = "") -> Document:
    """Return an invented document, always the same for the same seed."""
    chance = Random(f"document {seed}")
    kind = kind or KINDS[seed % len(KINDS)]
    if kind == "khmer":
        return _khmer(seed, composite=chance.random() < 0.7)
    return _foreign(chance, kind)


def _khmer(seed: int, *, composite: bool) -> Document:
    person = invent(seed)
    lines = td1(person, composite=composite)
    return Document(
        kind="khmer",
        image=draw_card(person, lines=lines),
        lines=lines,
        number=person.number,
        birth_date=person.birth_date,
        expiry_date=person.expiry_date,
    )


def _foreign(chance: Random, kind: str) -> Document:
    state = chance.choice([s for s in STATES if s != "KHM" or kind == "td3"])
    birth = date(
        chance.randint(1940, 2008), chance.randint(1, 12), chance.randint(1, 28)
    )
    expiry = date(
        chance.randint(2027, 2035), chance.randint(1, 12), chance.randint(1, 28)
    )
    number = "".join(
        chance.choice(LETTERS if chance.random() < 0.25 else "0123456789")
        for _ in range(chance.choice((8, 9, 9)))
    )
    names = f"{chance.choice(SURNAMES)}<<{chance.choice(GIVEN)}".replace(" ", "<")
    lines = zone(
        kind,
        state=state,
        number=number,
        birth=birth,
        expiry=expiry,
        sex=chance.choice("MF<"),
        names=names,
    )
    return Document(
        kind=kind,
        image=_page(kind, lines, state),
        lines=lines,
        number=number,
        birth_date=birth,
        expiry_date=expiry,
    )


def zone(
    kind: str,
    *,
    state: str,
    number: str,
    birth: date,
    expiry: date,
    sex: str,
    names: str,
) -> tuple[str, ...]:
    """Return the lines of ICAO 9303 part 4, 5 or 6."""
    left, right = f"{birth:%y%m%d}", f"{expiry:%y%m%d}"
    left, right = left + check_digit(left), right + check_digit(right)
    number = number.ljust(9, "<")
    number += check_digit(number)
    if kind == "td1":
        first = f"ID{state}{number}".ljust(30, "<")
        rest = "<" * 11
        last = check_digit(first[5:] + left + right + rest)
        return first, f"{left}{sex}{right}{state}{rest}{last}", names.ljust(30, "<")
    width, code = (36, "I<") if kind == "td2" else (44, "P<")
    rest = "<" * 7 if kind == "td2" else "<" * 14 + "0"
    last = check_digit(number + left + right + rest)
    second = f"{number}{state}{left}{sex}{right}{rest}{last}"
    return f"{code}{state}{names}".ljust(width, "<"), second


def _page(kind: str, lines: tuple[str, ...], state: str) -> Image:
    width, height = PAGES[kind]
    y, x = np.mgrid[0:height, 0:width]
    waves = 7 * np.sin(x / 27 + 2 * np.sin(y / 51)) + 5 * np.sin(y / 17 - x / 80)
    ground = np.array([226.0, 220.0, 208.0]) + waves[..., None]
    page = Pillow.fromarray(np.clip(ground, 0, 255).astype(np.uint8))
    pen = ImageDraw.Draw(page)
    page.paste(Pillow.fromarray(portrait(height * 2 // 5)), (60, height // 6))
    pen.text((60, 30), f"SPECIMEN {state}", font=font(OCR_B, 44), fill=(40, 60, 120))
    for row, label in enumerate(("Name / Nom", "Sex / Sexe", "Date of birth", "Place")):
        at = (width // 3, height // 6 + row * height // 9)
        pen.text(at, label, font=font(OCR_B, 20), fill=(90, 90, 110))
        pen.text((at[0], at[1] + 24), f"SPECIMEN {row}", font=font(OCR_B, 30), fill=INK)
    pitch = 30
    left = (width - pitch * len(lines[0])) // 2
    top = height - 122 if kind == "td1" else height - 130
    gap = 50 if kind == "td1" else 72
    for row, line in enumerate(lines):
        for column, character in enumerate(line):
            at = (left + column * pitch + pitch // 2, top + row * gap)
            pen.text(at, character, font=font(OCR_B, 41), fill=INK, anchor="ms")
    return np.asarray(page, dtype=np.uint8)
