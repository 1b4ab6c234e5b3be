"""Pictures of each format, good ones and the many ways to break them.

Pillow writes all but HEIF; the one good HEIF file is fetched from the source
distribution of `pi-heif` (BSD-3-Clause), whose tests made it.
"""

import io
from collections.abc import Iterator
from random import Random

import numpy as np
from PIL import Image

from tests.specimens import camera
from tests.specimens.card import draw_card
from tests.specimens.packages import Source
from tests.specimens.persons import SREYPOV

FORMATS = ("HEIF", "JPEG", "PNG", "WEBP")
PI_HEIF = Source(
    "pi-heif",
    "1.4.0",
    "e1199d9d41d9ecc877cf3ae7322ff099f6404574f2e62da47590cd4ecb9ec554",
)
HEIF_MEMBER = "tests/images/heif/RGB_8__128x128.heif"
HEIF_HASH = "b1f3c0578b52525e95d1db617286879aee76779eb2e507fc57d3ce2a3ab527f9"


def good(kind: str) -> bytes:
    """Return a picture of this format that every reader opens."""
    if kind == "HEIF":
        return PI_HEIF.member(HEIF_MEMBER, digest=HEIF_HASH)
    photo = camera.photograph(draw_card(SREYPOV), 3)[::4, ::4]
    out = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(photo)).save(out, kind)
    return out.getvalue()


def mutations(kind: str, count: int) -> Iterator[bytes]:
    """Yield broken variants of the good picture, the same ones each time."""
    seed, chance = good(kind), Random(f"mutations of {kind}")
    for _ in range(count):
        yield mutated(seed, chance)


def mutated(data: bytes, chance: Random) -> bytes:
    """Flip, cut, repeat or overwrite parts; most changes are near the head."""
    bad = bytearray(data)
    for _ in range(chance.randint(1, 8)):
        at = chance.randrange(min(len(bad), chance.choice((64, 512, len(bad)))))
        match chance.randrange(5):
            case 0:
                bad[at] ^= 1 << chance.randrange(8)
            case 1:
                bad[at : at + 4] = chance.choice((b"\xff" * 4, b"\0" * 4, b"\x7f\xff"))
            case 2:
                del bad[at : at + chance.randint(1, 200)]
            case 3:
                bad[at:at] = bad[at : at + chance.randint(1, 200)]
            case _:
                del bad[max(at, 16) :]
        if not bad:
            return b"\0"
    return bytes(bad)
