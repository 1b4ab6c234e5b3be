"""Opening what a stranger sent, and the advice on it."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from mobile_api.images import (
    Advice,
    PictureRefused,
    advise,
    open_picture,
)
from tests.specimens import camera, faces
from tests.specimens.card import draw_card
from tests.specimens.persons import SREYPOV


@pytest.fixture(scope="module")
def photo() -> faces.Image:
    return camera.photograph(draw_card(SREYPOV), 1)


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def refusal(data: bytes) -> Advice:
    with pytest.raises(PictureRefused) as caught:
        open_picture(data)
    return caught.value.advice


def bomb(width: int, height: int) -> bytes:
    """A small PNG file of many equal pixels."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        crc = zlib.crc32(kind + body)
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", crc)

    packer = zlib.compressobj(9)
    row = b"\0" * (width // 8 + 1)
    pixels = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_the_three_formats_are_opened_at_most_1600_pixels_wide(kind: str) -> None:
    picture = open_picture(encoded(Image.new("RGB", (2400, 1200)), kind))
    assert (picture.width, picture.height) == (1600, 800)


@pytest.mark.parametrize("kind", ["GIF", "BMP", "TIFF"])
def test_other_formats_are_refused(kind: str) -> None:
    assert refusal(encoded(Image.new("RGB", (9, 9)), kind)) is Advice.FORMAT


@pytest.mark.parametrize(
    "data", [b"", b"hello", b"%PDF-1.7", b"\xff\xd8\xff", b"<svg/>"]
)
def test_what_is_no_picture_is_refused(data: bytes) -> None:
    assert refusal(data) in (Advice.FORMAT, Advice.BROKEN)


def test_a_zip_bomb_is_refused_before_a_pixel_is_decoded() -> None:
    data = bomb(30_000, 30_000)
    assert len(data) < 200_000
    assert refusal(data) is Advice.TOO_LARGE


def test_a_picture_of_more_than_twenty_megapixels_is_refused() -> None:
    assert refusal(bomb(5_000, 4_001)) is Advice.TOO_LARGE
    assert open_picture(bomb(5_000, 4_000)).width == 1600


def test_half_a_picture_is_refused_even_after_face_recognition_was_imported(
    photo: faces.Image,
) -> None:
    import face_recognition  # noqa: F401, PLC0415 - switches truncated pictures on

    data = camera.jpeg(photo)
    assert refusal(data[: len(data) // 2]) is Advice.BROKEN


def test_a_picture_is_turned_as_its_exif_says() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held upright
    data = encoded(Image.new("RGB", (800, 600)), "JPEG", exif=exif)
    picture = open_picture(data)
    assert (picture.width, picture.height) == (600, 800)


def test_transparency_and_grey_become_rgb() -> None:
    for mode in ("L", "RGBA", "P", "I;16"):
        assert open_picture(encoded(Image.new(mode, (50, 40)), "PNG")).pixels.shape == (
            40,
            50,
            3,
        )


def test_a_good_photo_needs_no_advice(photo: faces.Image) -> None:
    assert advise(open_picture(camera.jpeg(photo))) == ()


@pytest.mark.parametrize(
    ("spoil", "advice"),
    [
        (camera.blurred, Advice.BLURRED),
        (camera.dark, Advice.TOO_DARK),
        (camera.glare, Advice.GLARE),
        (lambda image: np.ascontiguousarray(image[::4, ::4]), Advice.TOO_SMALL),
    ],
)
def test_a_spoilt_photo_gets_its_advice(
    photo: faces.Image, spoil: object, advice: Advice
) -> None:
    assert callable(spoil)
    assert advice in advise(open_picture(camera.jpeg(spoil(photo))))


@pytest.mark.parametrize("level", [0, 128, 255])
def test_one_flat_colour_is_judged_without_an_error(level: int) -> None:
    flat = np.full((600, 800, 3), level, dtype=np.uint8)
    assert advise(open_picture(camera.jpeg(flat)))
