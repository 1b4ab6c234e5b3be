"""A clip: the frames that the app took while the person did what was told.

    4 bytes n (big-endian) | n bytes JSON manifest | JPEG | JPEG | ...

Read strictly and never looked into: pictures are opened by workers only. Pure.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

CLIP_TYPE: Final = "application/vnd.camdigikey.clip"
CLIP_LIMIT: Final = 8 * 1024 * 1024
MANIFEST_LIMIT: Final = 32 * 1024
MOST_FRAMES: Final = 240
FEWEST_FRAMES: Final = 8
LONGEST_MS: Final = 25_000
MOST_STEPS: Final = 8
LENGTH: Final = 4
JPEG_START: Final = b"\xff\xd8"


class ClipInvalid(ValueError):
    """Say what is wrong with the bytes of a clip."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One picture (JPEG): when it was taken and what the person was told then.

    `at` is in milliseconds since the first frame. `step` is 0 before the first
    instruction, k from instruction k until the next one ("look straight ahead" after
    it included), and one more than there are steps after the last.
    """

    at: int
    step: int
    picture: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """All frames in order. `mirrored`: the frames are as the person sees herself."""

    session: str
    mirrored: bool
    frames: tuple[Frame, ...]

    @property
    def lasts_ms(self) -> int:
        """Return the time from the first frame to the last."""
        return self.frames[-1].at


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    at: Annotated[int, Field(ge=0, le=LONGEST_MS)]
    step: Annotated[int, Field(ge=0, le=MOST_STEPS + 1)]
    size: Annotated[int, Field(ge=len(JPEG_START), le=CLIP_LIMIT)]


class _Manifest(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    session: Annotated[str, Field(min_length=1, max_length=64)]
    mirrored: bool
    frames: Annotated[
        list[_Entry], Field(min_length=FEWEST_FRAMES, max_length=MOST_FRAMES)
    ]


def read_clip(data: bytes) -> Clip:
    """Return the clip that the bytes are; raises ClipInvalid, whatever they are."""
    if len(data) > CLIP_LIMIT:
        raise ClipInvalid("too large")
    manifest, start = _manifest(data)
    entries = manifest.frames
    if sum(entry.size for entry in entries) != len(data) - start:
        raise ClipInvalid("sizes do not add up")
    if entries[0].at != 0 or any(a.at >= b.at for a, b in pairwise(entries)):
        raise ClipInvalid("times do not run")
    if any(a.step > b.step for a, b in pairwise(entries)):
        raise ClipInvalid("steps run back")
    frames = []
    for entry in entries:
        picture = data[start : start + entry.size]
        if not picture.startswith(JPEG_START):
            raise ClipInvalid("not a JPEG")
        frames.append(Frame(at=entry.at, step=entry.step, picture=picture))
        start += entry.size
    return Clip(
        session=manifest.session, mirrored=manifest.mirrored, frames=tuple(frames)
    )


def write_clip(clip: Clip) -> bytes:
    """Return the bytes of a clip."""
    manifest = _Manifest(
        session=clip.session,
        mirrored=clip.mirrored,
        frames=[
            _Entry(at=frame.at, step=frame.step, size=len(frame.picture))
            for frame in clip.frames
        ],
    )
    head = manifest.model_dump_json().encode()
    pictures = (frame.picture for frame in clip.frames)
    return b"".join((len(head).to_bytes(LENGTH), head, *pictures))


def _manifest(data: bytes) -> tuple[_Manifest, int]:
    length = int.from_bytes(data[:LENGTH])
    start = LENGTH + length
    if len(data) < start or not 0 < length <= MANIFEST_LIMIT:
        raise ClipInvalid("no manifest")
    try:
        return _Manifest.model_validate_json(data[LENGTH:start]), start
    except ValidationError as error:
        raise ClipInvalid("manifest") from error
