"""The clip that the demo's phone takes: the living head does what the server told.

    film(told) --> the bytes of a clip, after the time that it takes

Frame by frame as a camera would: light that is not even, noise, JPEG.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np

from camdigikey.demo.living_head import SIZE, Actor, Head, Image, head
from mobile_api.clips import Clip, Frame, write_clip

SEED: Final = 11
AFTER_MS: Final = 300
NOISE: Final = 2.0
QUALITY: Final = 80


@dataclass(frozen=True, slots=True)
class Beat:
    """One frame to take: when (ms), under which tag, and what is told then."""

    at: int
    step: int
    told: str


async def film(told: dict[str, Any]) -> bytes:
    """Return the clip of somebody who does what is told, and take the time."""
    taking = asyncio.get_running_loop().time()
    clip = await asyncio.to_thread(shoot, told)
    spent = asyncio.get_running_loop().time() - taking
    await asyncio.sleep(max(0.0, clip.lasts_ms / 1000 - spent))
    return write_clip(clip)


def shoot(told: dict[str, Any], person: Head | None = None) -> Clip:
    """Draw the frames of a clip; `told` is the answer to POST …/liveness."""
    beats = list(_beats(told))
    actor, drawn = Actor(SEED), person or head()
    for beat in beats:
        actor.tell(beat.told, beat.at)
    chance = np.random.default_rng(SEED)
    frames = tuple(
        Frame(
            at=beat.at,
            step=beat.step,
            picture=_jpeg(drawn.draw(actor.pose(beat.at)), chance),
        )
        for beat in beats
    )
    return Clip(session=str(told["session"]), mirrored=False, frames=frames)


def _beats(told: dict[str, Any]) -> Iterator[Beat]:
    """Yield the frames that an app takes: neutral, each step and neutral again."""
    neutral, every = int(told["neutral_ms"]), 1000 // int(told["frames_per_second"])
    plan = [(0, "", neutral)]
    for number, step in enumerate(told["steps"], start=1):
        plan += [(number, step["action"], step["hold_ms"]), (number, "", neutral)]
    plan.append((len(told["steps"]) + 1, "", AFTER_MS))
    at = end = 0
    for number, action, lasts in plan:
        end += int(lasts)
        while at < end:
            yield Beat(at, number, action)
            at += every


def _jpeg(image: Image, chance: np.random.Generator) -> bytes:
    light = np.linspace(0.85, 1.05, SIZE[0])[None, :, None]
    grain = chance.standard_normal(image.shape) * NOISE
    lit = np.clip(image * light + grain, 0, 255).astype(np.uint8)
    bgr = cv2.cvtColor(lit, cv2.COLOR_RGB2BGR)
    done, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    assert done
    return data.tobytes()
