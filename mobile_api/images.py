"""Open a picture that a stranger sent, and say what is wrong with it.

Only workers call this. The header is judged before a pixel is decoded, so a small
file that unpacks to gigabytes costs nothing. Advice codes are stable strings that
the app translates; they are listed in docs/proofing.md.
"""

import io
import warnings
from dataclasses import dataclass
from enum import StrEnum

import cv2
import numpy as np
import pi_heif
from numpy.typing import NDArray
from PIL import Image, ImageFile, ImageOps, UnidentifiedImageError

FORMATS = ("JPEG", "PNG", "WEBP", "HEIF")
MAX_PIXELS = 20_000_000
MAX_SIDE = 1600
Pixels = NDArray[np.uint8]

pi_heif.register_heif_opener(
    thumbnails=False, depth_images=False, aux_images=False, decode_threads=1
)


class Advice(StrEnum):
    """What a person can do for a better picture."""

    FORMAT = "picture-format"
    TOO_LARGE = "picture-too-large"
    BROKEN = "picture-broken"
    TOO_SMALL = "too-small"
    TOO_DARK = "too-dark"
    BLURRED = "blurred"
    GLARE = "glare"
    CUT_OFF = "cut-off"
    NOT_A_DOCUMENT = "not-a-document"
    LOOK_STRAIGHT = "look-straight"


class PictureRefused(ValueError):
    """Say that the bytes are no picture that can be worked with."""

    def __init__(self, advice: Advice) -> None:
        super().__init__(advice.value)
        self.advice = advice


@dataclass(frozen=True, slots=True)
class Picture:
    """An upright picture: `pixels` is height x width x 3, RGB, at most 1,600 px."""

    pixels: Pixels

    @property
    def width(self) -> int:
        """Return the width in pixels."""
        return int(self.pixels.shape[1])

    @property
    def height(self) -> int:
        """Return the height in pixels."""
        return int(self.pixels.shape[0])

    @property
    def grey(self) -> Pixels:
        """Return the luminance, height x width."""
        return np.asarray(cv2.cvtColor(self.pixels, cv2.COLOR_RGB2GRAY), dtype=np.uint8)


def open_picture(data: bytes) -> Picture:
    """Decode JPEG, PNG, WebP or HEIF bytes, upright by EXIF, at most 1,600 px.

    Raises PictureRefused with the advice to give. Only the first frame of an
    animation is looked at.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return _decode(data)
        except PictureRefused:
            raise
        except UnidentifiedImageError:
            raise PictureRefused(Advice.FORMAT) from None
        except Image.DecompressionBombError:
            raise PictureRefused(Advice.TOO_LARGE) from None
        except Exception:  # noqa: BLE001 - a decoder may fail in any way on bad bytes
            raise PictureRefused(Advice.BROKEN) from None


def _decode(data: bytes) -> Picture:
    # face_recognition switches this on for the whole process when it is imported;
    # half a picture would then be grey below and still be judged.
    ImageFile.LOAD_TRUNCATED_IMAGES = False
    with Image.open(io.BytesIO(data), formats=FORMATS) as image:
        if image.width * image.height > MAX_PIXELS:
            raise PictureRefused(Advice.TOO_LARGE)
        image.draft("RGB", (MAX_SIDE, MAX_SIDE))
        upright = ImageOps.exif_transpose(image).convert("RGB")
    upright.thumbnail((MAX_SIDE, MAX_SIDE), Image.Resampling.LANCZOS)
    return Picture(np.ascontiguousarray(upright, dtype=np.uint8))


MIN_SIDE = 480
DARK = 45.0
SHARP = 12.0
SHARP_FACE = 2.5
GLARE_SHARE = 0.012
BURNT = 253
JUDGED_WIDTH = 960


def advise(picture: Picture, *, sharp: float = SHARP) -> tuple[Advice, ...]:
    """Return what would make the picture better, the most useful first.

    Brightness is the 90th percentile of the luminance (0-255): a card is pale, so
    a picture whose brightest tenth is dark is a dark picture. Sharpness is the
    variance of the Laplacian at a width of 960 px, on luminance stretched to the
    full range. Glare is the share of burnt-out pixels in solid patches.
    """
    grey = _judged(picture)
    found: list[Advice] = []
    if min(picture.width, picture.height) < MIN_SIDE:
        found.append(Advice.TOO_SMALL)
    if brightness(grey) < DARK:
        found.append(Advice.TOO_DARK)
    elif sharpness(grey) < sharp:
        found.append(Advice.BLURRED)
    if glare_share(grey) > GLARE_SHARE:
        found.append(Advice.GLARE)
    return tuple(found)


def brightness(grey: Pixels) -> float:
    """Return the 90th percentile of the luminance."""
    return float(np.percentile(grey, 90))


def sharpness(grey: Pixels) -> float:
    """Return the variance of the Laplacian after a stretch to the full range."""
    low, high = np.percentile(grey, (1, 99))
    gain = 255.0 / max(float(high - low), 32.0)
    stretched = (grey.astype(np.float32) - np.float32(low)) * np.float32(gain)
    smooth = cv2.GaussianBlur(stretched, (0, 0), 0.8)
    return float(cv2.Laplacian(smooth, cv2.CV_32F).var())


def glare_share(grey: Pixels) -> float:
    """Return the share of pixels in solid patches of 253 and more."""
    burnt = (grey >= BURNT).astype(np.uint8)
    solid = cv2.morphologyEx(burnt, cv2.MORPH_OPEN, np.ones((9, 9), np.uint8))
    return float(solid.mean())


def _judged(picture: Picture) -> Pixels:
    grey = picture.grey
    if picture.width <= JUDGED_WIDTH:
        return grey
    size = (JUDGED_WIDTH, picture.height * JUDGED_WIDTH // picture.width)
    return np.asarray(
        cv2.resize(grey, size, interpolation=cv2.INTER_AREA), dtype=np.uint8
    )
