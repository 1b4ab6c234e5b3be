"""A camera that tests hold: a film of one frame, written again in place.

Chromium plays the file as its only camera and sees a new frame about 100 ms after
it was written; the file keeps its size, and must not be replaced.
"""

import io
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageOps

SIZE = (1280, 720)
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


def frame(picture: bytes | None, *, fill: float = 1.0) -> bytes:
    """Return one I420 frame: the picture in the middle of a grey table."""
    canvas = Image.new("RGB", SIZE, TABLE)
    if picture is not None:
        with Image.open(io.BytesIO(picture)) as opened:
            size = (SIZE[0], round(SIZE[1] * fill))
            held = ImageOps.contain(opened.convert("RGB"), size)
        canvas.paste(held, ((SIZE[0] - held.width) // 2, (SIZE[1] - held.height) // 2))
    return bytes(cv2.cvtColor(np.asarray(canvas), cv2.COLOR_RGB2YUV_I420).tobytes())
