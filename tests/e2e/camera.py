"""A camera that tests hold: a film of one frame, written again in place.

Chromium plays the file as its only camera and sees a new frame about 100 ms after
it was written; the file keeps its size, and must not be replaced.
"""

import io
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

Pixels = NDArray[np.uint8]
SIZE = (1280, 720)
RATE = 15
HEADER = b"YUV4MPEG2 W1280 H720 F15:1 Ip A1:1 C420jpeg\n"
FRAME = b"FRAME\n"
TABLE = (150, 150, 150)


@dataclass(frozen=True, slots=True)
class Camera:
    """What stands before it is what `show` was given last; a grey table at first."""

    path: Path

    @classmethod
    def at(cls, path: Path) -> "Camera":
        camera = cls(path)
        path.write_bytes(HEADER + FRAME + frame(None))
        return camera

    @property
    def arguments(self) -> list[str]:
        """Return what makes Chromium use it and ask nobody."""
        return [
            "--use-fake-device-for-media-stream",
            "--use-fake-ui-for-media-stream",
            f"--use-file-for-fake-video-capture={self.path}",
        ]

    def show(self, picture: bytes | None, *, fill: float = 1.0) -> None:
        """Hold a picture (JPEG, PNG) before it, `fill` of its height large."""
        with self.path.open("r+b") as film:
            film.seek(len(HEADER) + len(FRAME))
            film.write(frame(picture, fill=fill))

    def film(self, picture: Pixels, *, grain: Pixels) -> None:
        """Take one picture of a person (`yuv`, upright) in the middle, with noise."""
        height = SIZE[1]
        width = height * picture.shape[1] // picture.shape[0]
        left = (SIZE[0] - width) // 2
        large = cv2.resize(picture, (width, height), interpolation=cv2.INTER_LINEAR)
        luma = np.full((height, SIZE[0]), TABLE[0], dtype=np.uint8)
        luma[:, left : left + width] = cv2.add(large[..., 0], grain[:, :width])
        chroma = np.full((2, height // 2, SIZE[0] // 2), 128, dtype=np.uint8)
        half = slice(left // 2, (left + width) // 2)
        for plane, channel in zip(chroma, (2, 1), strict=True):
            plane[:, half] = large[::2, ::2, channel]
        with self.path.open("r+b") as film:
            film.seek(len(HEADER) + len(FRAME))
            film.write(luma.tobytes() + chroma.tobytes())


def yuv(image: Pixels) -> Pixels:
    """Return an RGB picture as luminance and chrominance."""
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2YCrCb), dtype=np.uint8)


def frame(picture: bytes | None, *, fill: float = 1.0) -> bytes:
    """Return one I420 frame: the picture in the middle of a grey table."""
    canvas = Image.new("RGB", SIZE, TABLE)
    if picture is not None:
        with Image.open(io.BytesIO(picture)) as opened:
            size = (SIZE[0], round(SIZE[1] * fill))
            held = ImageOps.contain(opened.convert("RGB"), size)
        canvas.paste(held, ((SIZE[0] - held.width) // 2, (SIZE[1] - held.height) // 2))
    return bytes(cv2.cvtColor(np.asarray(canvas), cv2.COLOR_RGB2YUV_I420).tobytes())
