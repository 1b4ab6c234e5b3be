"""A clip is read strictly, whatever bytes come."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mobile_api import clips
from mobile_api.clips import Clip, ClipInvalid, Frame, read_clip, write_clip

PICTURE = b"\xff\xd8\xff\xd9"


def clip_of(count: int = 10, **changes: object) -> Clip:
    frames = tuple(
        Frame(at=100 * n, step=n // 4, picture=PICTURE + bytes([n]))
        for n in range(count)
    )
    return replace(Clip(session="abc", mirrored=False, frames=frames), **changes)  # type: ignore[arg-type]


def packed(manifest: object, pictures: bytes) -> bytes:
    head = json.dumps(manifest).encode()
    return len(head).to_bytes(4) + head + pictures


def manifest_of(count: int = 10) -> dict[str, object]:
    frames = [{"at": 100 * n, "step": 0, "size": len(PICTURE)} for n in range(count)]
    return {"session": "abc", "mirrored": False, "frames": frames}


def test_what_is_written_is_read() -> None:
    clip = clip_of()
    assert read_clip(write_clip(clip)) == clip
    assert clip.lasts_ms == 900


@given(
    steps=st.lists(st.integers(0, 4), min_size=8, max_size=40).map(sorted),
    gaps=st.lists(st.integers(1, 400), min_size=40, max_size=40),
    pictures=st.lists(st.binary(max_size=60), min_size=40, max_size=40),
    mirrored=st.booleans(),
)
def test_every_clip_comes_back_as_it_was(
    steps: list[int], gaps: list[int], pictures: list[bytes], mirrored: bool
) -> None:
    at, frames = 0, []
    for step, gap, picture in zip(steps, gaps, pictures, strict=False):
        frames.append(Frame(at=at, step=step, picture=b"\xff\xd8" + picture))
        at += gap
    clip = Clip(session="s", mirrored=mirrored, frames=tuple(frames))
    assert read_clip(write_clip(clip)) == clip


@given(st.binary(max_size=400))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    with pytest.raises(ClipInvalid):
        read_clip(data)


@given(at=st.integers(0, 700), change=st.integers(1, 255), cut=st.integers(0, 40))
def test_a_spoilt_clip_is_read_or_refused(at: int, change: int, cut: int) -> None:
    data = bytearray(write_clip(clip_of()))
    data[at % len(data)] ^= change
    spoilt = bytes(data[: len(data) - cut])
    try:
        read = read_clip(spoilt)
    except ClipInvalid:
        return
    assert all(frame.picture.startswith(b"\xff\xd8") for frame in read.frames)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"session": ""}, "manifest"),
        ({"session": "a" * 65}, "manifest"),
        ({"session": 7}, "manifest"),
        ({"mirrored": "no"}, "manifest"),
        ({"also": 1}, "manifest"),
        ({"frames": manifest_of(7)["frames"]}, "manifest"),
    ],
)
def test_a_manifest_of_another_shape_is_refused(
    change: dict[str, object], why: str
) -> None:
    with pytest.raises(ClipInvalid, match=why):
        read_clip(packed(manifest_of() | change, PICTURE * 10))


@pytest.mark.parametrize(
    ("member", "values", "why"),
    [
        ("at", [1, *range(100, 1000, 100)], "times"),
        ("at", [0, 100, 100, *range(300, 1000, 100)], "times"),
        ("at", [0, 25_001, *range(25_002, 25_010)], "manifest"),
        ("step", [0, 1, 0, *[1] * 7], "steps"),
        ("step", [0] * 9 + [10], "manifest"),
        ("size", [3] * 10, "sizes"),
        ("size", [0] * 10, "manifest"),
        ("at", [0.5, *range(100, 1000, 100)], "manifest"),
        ("at", [True, *range(100, 1000, 100)], "manifest"),
    ],
)
def test_frames_out_of_order_or_bounds_are_refused(
    member: str, values: list[object], why: str
) -> None:
    manifest = manifest_of()
    frames = manifest["frames"]
    assert isinstance(frames, list)
    for frame, value in zip(frames, values, strict=True):
        frame[member] = value
    with pytest.raises(ClipInvalid, match=why):
        read_clip(packed(manifest, PICTURE * 10))


def test_too_many_frames_and_too_many_bytes_are_refused() -> None:
    with pytest.raises(ClipInvalid, match="manifest"):
        read_clip(packed(manifest_of(241), PICTURE * 241))
    with pytest.raises(ClipInvalid, match="too large"):
        read_clip(bytes(clips.CLIP_LIMIT + 1))
    with pytest.raises(ClipInvalid, match="no manifest"):
        read_clip((clips.MANIFEST_LIMIT + 1).to_bytes(4) + bytes(40_000))


def test_a_frame_that_is_no_jpeg_is_refused() -> None:
    with pytest.raises(ClipInvalid, match="JPEG"):
        read_clip(packed(manifest_of(), b"\x89PNG" * 10))


def test_bytes_after_the_last_frame_are_refused() -> None:
    with pytest.raises(ClipInvalid, match="sizes"):
        read_clip(write_clip(clip_of()) + b"\x00")
