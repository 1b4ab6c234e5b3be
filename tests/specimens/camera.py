"""Photograph a specimen: a table under it, mild perspective, light, noise, JPEG."""

import cv2
import numpy as np

from tests.specimens.faces import Image

FRAME = (1360, 960)


def photograph(card: Image, seed: int = 0, *, tilt: float = 0.02) -> Image:
    """Return the card on a table, upright, `tilt` of its width out of square."""
    chance = np.random.default_rng(seed)
    width, height = FRAME
    table = _table(chance)
    across = width * 0.9
    down = across * card.shape[0] / card.shape[1]
    left, top = (width - across) / 2, (height - down) / 2
    square = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], dtype=np.float32)
    target = square * [across, down] + [left, top]
    target += chance.uniform(-tilt, tilt, (4, 2)) * across / 2
    source = square * [card.shape[1], card.shape[0]]
    warp = cv2.getPerspectiveTransform(
        source.astype(np.float32), target.astype(np.float32)
    )
    placed = cv2.warpPerspective(card, warp, FRAME, flags=cv2.INTER_CUBIC)
    mask = cv2.warpPerspective(np.full(card.shape[:2], 255, np.uint8), warp, FRAME)
    shadow = cv2.GaussianBlur(np.roll(mask, (8, 10), (0, 1)), (0, 0), 12)[..., None]
    ground = table * (1 - 0.4 * shadow / 255.0)
    alpha = cv2.GaussianBlur(mask, (0, 0), 0.8)[..., None] / 255.0
    scene = placed * alpha + ground * (1 - alpha)
    light = np.linspace(0.94, 1.03, width)[None, :, None]
    scene = scene * light + chance.normal(0, 1.6, scene.shape)
    return np.clip(scene, 0, 255).astype(np.uint8)


def blurred(photo: Image) -> Image:
    """Return the photo as a shaking hand takes it."""
    return cv2.GaussianBlur(photo, (0, 0), 7)


def cut(photo: Image) -> Image:
    """Return the photo with the right third of the card out of the frame."""
    return np.ascontiguousarray(photo[:, : photo.shape[1] * 13 // 20])


def dark(photo: Image) -> Image:
    """Return the photo as taken at night."""
    return (photo * 0.13).astype(np.uint8)


def glare(photo: Image) -> Image:
    """Return the photo with a lamp mirrored on the zone."""
    height, width = photo.shape[:2]
    y, x = np.mgrid[0:height, 0:width]
    far = ((x - width * 0.5) / (width * 0.2)) ** 2 + (
        (y - height * 0.8) / (height * 0.14)
    ) ** 2
    lamp = 330 * np.exp(-(far**2))
    return np.clip(photo + lamp[..., None], 0, 255).astype(np.uint8)


def jpeg(image: Image, quality: int = 80) -> bytes:
    """Return the picture as a phone sends it."""
    bgr = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    done, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])
    assert done
    return data.tobytes()


def _table(chance: np.random.Generator) -> Image:
    """Return a wooden table: long soft streaks in brown."""
    width, height = FRAME
    streaks = cv2.GaussianBlur(chance.normal(0, 1, (height, width)), (0, 0), 60, 0, 3)
    streaks = streaks / np.abs(streaks).max()
    brown = np.array([132.0, 98.0, 70.0]) + streaks[..., None] * 22
    return np.clip(brown, 0, 255).astype(np.uint8)
