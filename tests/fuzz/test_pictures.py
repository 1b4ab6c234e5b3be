"""Bad files: mutated pictures of each format never stop a worker or leak.

`PICTURE_MUTATIONS` (200) says how many there are of each format.
"""

import os
import resource
import struct
from random import Random

import pytest

from mobile_api.engines.worker import resident_bytes
from mobile_api.images import MAX_SIDE, Advice, Picture, PictureRefused, open_picture
from tests.specimens.bad_files import FORMATS, good, mutations

COUNT = int(os.environ.get("PICTURE_MUTATIONS", "200"))
MOST_GROWTH = 200 << 20
MOST_CPU = 5.0
CLEAR = {Advice.FORMAT, Advice.TOO_LARGE, Advice.BROKEN}


def heif() -> bytes:
    """Return the boxes of a HEIC file (ISO/IEC 23008-12) around noise."""

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


def outcome(data: bytes) -> Picture | Advice:
    try:
        return open_picture(data)
    except PictureRefused as reason:
        return reason.advice


@pytest.mark.parametrize("kind", FORMATS)
def test_a_mutated_picture_is_opened_or_refused_for_a_clear_reason(kind: str) -> None:
    before, refused, opened = resident_bytes(), 0, 0
    for number, bad in enumerate(mutations(kind, COUNT)):
        start = resource.getrusage(resource.RUSAGE_SELF).ru_utime
        found = outcome(bad)
        if isinstance(found, Picture):
            assert max(found.width, found.height) <= MAX_SIDE
            opened += 1
        else:
            assert found in CLEAR
            refused += 1
        spent = resource.getrusage(resource.RUSAGE_SELF).ru_utime - start
        assert spent < MOST_CPU, number
    assert refused > 0
    assert opened > 0 or kind == "PNG", "a PNG has a checksum for each part"
    assert resident_bytes() - before < MOST_GROWTH


@pytest.mark.parametrize("kind", FORMATS)
def test_the_unharmed_seeds_are_opened(kind: str) -> None:
    assert open_picture(good(kind)).width > 0


def test_a_heif_file_of_noise_is_refused_whatever_size_it_claims() -> None:
    size = struct.pack(">II", 640, 480)
    for claimed in (size, struct.pack(">II", 60_000, 60_000)):
        bad = heif().replace(size, claimed)
        assert size in heif()
        with pytest.raises(PictureRefused) as caught:
            open_picture(bad)
        assert caught.value.advice in CLEAR
