"""Bad files: mutated pictures of each format never stop a worker or leak.

`PICTURE_MUTATIONS` (200) says how many there are of each format.
"""

import io
import os
import resource
import struct
from random import Random

import numpy as np
import pytest
from PIL import Image

from mobile_api.engines.worker import resident_bytes
from mobile_api.images import MAX_SIDE, Advice, Picture, PictureRefused, open_picture
from tests.specimens import camera
from tests.specimens.card import draw_card
from tests.specimens.persons import SREYPOV

COUNT = int(os.environ.get("PICTURE_MUTATIONS", "200"))
MOST_GROWTH = 200 << 20
MOST_CPU = 5.0
CLEAR = {Advice.FORMAT, Advice.TOO_LARGE, Advice.BROKEN}


def heif() -> bytes:
    """The boxes of a HEIC file (ISO/IEC 23008-12) around a picture of noise."""

    def box(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body) + 8) + kind + body

    def full(kind: bytes, body: bytes) -> bytes:
        return box(kind, b"\0\0\0\0" + body)

    noise = Random(1).randbytes(4_000)
    head = box(b"ftyp", b"heic\0\0\0\0mif1heic")
    size = full(b"ispe", struct.pack(">II", 640, 480))
    item = box(b"infe", b"\2\0\0\0\0\1\0\0hvc1\0")
    listed = full(b"ipma", struct.pack(">IHBB", 1, 1, 1, 1))
    properties = box(b"iprp", box(b"ipco", size) + listed)
    place = struct.pack(">BBHHHHII", 0x44, 0, 1, 1, 0, 1, 400, 4_000)
    parts = (
        full(b"hdlr", b"\0\0\0\0pict" + b"\0" * 13),
        full(b"pitm", b"\0\1"),
        full(b"iloc", place),
        full(b"iinf", b"\0\1" + item),
        properties,
    )
    return (head + full(b"meta", b"".join(parts))).ljust(400, b"\0") + noise


def seeds() -> dict[str, bytes]:
    photo = camera.photograph(draw_card(SREYPOV), 3)[::4, ::4]
    image = Image.fromarray(np.ascontiguousarray(photo))
    found = {"HEIF": heif()}
    for kind in ("JPEG", "PNG", "WEBP"):
        out = io.BytesIO()
        image.save(out, kind)
        found[kind] = out.getvalue()
    return found


SEEDS = seeds()


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


def outcome(data: bytes) -> Picture | Advice:
    try:
        return open_picture(data)
    except PictureRefused as reason:
        return reason.advice


@pytest.mark.parametrize("kind", sorted(SEEDS))
def test_a_mutated_picture_is_opened_or_refused_for_a_clear_reason(kind: str) -> None:
    chance = Random(f"mutations of {kind}")
    before, refused = resident_bytes(), 0
    for number in range(COUNT):
        bad = mutated(SEEDS[kind], chance)
        start = resource.getrusage(resource.RUSAGE_SELF).ru_utime
        found = outcome(bad)
        if isinstance(found, Picture):
            assert max(found.width, found.height) <= MAX_SIDE
        else:
            assert found in CLEAR
            refused += 1
        spent = resource.getrusage(resource.RUSAGE_SELF).ru_utime - start
        assert spent < MOST_CPU, number
    assert refused > 0
    assert resident_bytes() - before < MOST_GROWTH


def test_the_unharmed_seeds_are_opened() -> None:
    for kind in ("JPEG", "PNG", "WEBP"):
        assert open_picture(SEEDS[kind]).width > 0


def test_a_heif_file_of_noise_is_refused_whatever_size_it_claims() -> None:
    size = struct.pack(">II", 640, 480)
    for claimed in (size, struct.pack(">II", 60_000, 60_000)):
        bad = SEEDS["HEIF"].replace(size, claimed)
        assert size in SEEDS["HEIF"]
        with pytest.raises(PictureRefused) as caught:
            open_picture(bad)
        assert caught.value.advice in CLEAR
