"""What a worker does with a clip: measure each frame, then compare a few.

    clip --each frame--> FrameTrack --find--> neutral frame, a frame for each step
                                                |-- likeness of the faces
                                                |-- parallax of the turns

Only luminance is kept of all frames; the few that are compared are decoded again.
Chance chooses them, now: who makes a film and knows this code must not know at which
moments somebody else's face has to be put in.
The job is a module-level function, so that it can be named across processes.
"""

import io
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import cv2
import numpy as np
from PIL import Image, ImageFile, ImageOps

from idp.domain.liveness_sessions import TURNS, Script
from mobile_api.clips import Clip, read_clip
from mobile_api.engines.loading import DisabledEngine
from mobile_api.engines.parallax import parallax
from mobile_api.engines.worker import engines
from mobile_api.images import Picture, Pixels, brightness, sharpness
from mobile_api.interfaces import (
    Face,
    FaceMatcher,
    FaceShape,
    FaceTracker,
    FrameTrack,
    LivenessReading,
    PassiveCheck,
    ReliefMeter,
)
from mobile_api.liveness_tracks import (
    ActionLevels,
    Episode,
    Signals,
    episodes_of,
    is_neutral,
    neutral_of,
    signals_of,
)

MOST_SIDE: Final = 640
MEASURED_SIDE: Final = 480
COMPARED_AT: Final = 15.0  # degrees: turned, and still a face to a matcher
NEAREST: Final = 3  # frames of a turn
AT_REST, MOST_AT_REST = 4, 8  # frames compared, and looked at for a face
BEHIND: Final = 0.55  # of the size of the nearest face
STRAIGHT: Final = 4.0  # degrees
JPEG_QUALITY: Final = 95
EMPTY: Final = (480, 360, 3)
NO_POINTS: Final = np.zeros((0, 2), dtype=np.float32)
LEVELS: Final = ActionLevels()


class FrameRefused(ValueError):
    """Say that a frame is no picture that can be worked with."""


@dataclass(frozen=True, slots=True)
class _Film:
    """A clip while it is measured: luminance and shape of each frame."""

    clip: Clip
    tracker: FaceTracker
    greys: list[Pixels]
    shapes: list[FaceShape | None]
    tracks: list[FrameTrack]


def measure_clip(data: bytes, script: Script) -> LivenessReading | DisabledEngine:
    """Measure the clip that the bytes are; raises ClipInvalid."""
    clip = read_clip(data)
    loaded = engines()
    tracker, matcher, passive = loaded.landmarks, loaded.face_matcher, None
    if isinstance(tracker, DisabledEngine):
        return tracker
    if isinstance(matcher, DisabledEngine):
        return matcher
    if not isinstance(loaded.passive_check, DisabledEngine):
        passive = loaded.passive_check
    elif loaded.passive_check.entry:
        return loaded.passive_check  # named but broken: nothing passes without it
    film = _measured(clip, tracker)
    reading = LivenessReading(
        engine=tracker.engine,
        face_engine=matcher.engine,
        passive_engine=passive.engine if passive else None,
        frames=tuple(film.tracks),
    )
    return _compared(reading, film, script, matcher, passive)


def _measured(clip: Clip, tracker: FaceTracker) -> _Film:
    """Measure every frame once."""
    film = _Film(clip, tracker, [], [], [])
    known: set[bytes] = set()
    tracker.begin()
    for frame in clip.frames:
        picture = _measurable(frame.picture, mirrored=clip.mirrored)
        found = _near(tracker.measure(picture))
        grey = picture.grey
        shape = found[0] if len(found) == 1 else None
        track = FrameTrack(at=frame.at, step=frame.step, faces=len(found))
        if shape is not None:
            before = film.greys[-1] if film.greys else None
            track = _track(track, shape, grey, before)
            if frame.picture in known:
                track = replace(track, change=0.0)
        known.add(frame.picture)
        film.greys.append(grey)
        film.shapes.append(shape)
        film.tracks.append(track)
    return film


def _near(shapes: tuple[FaceShape, ...]) -> tuple[FaceShape, ...]:
    """Leave out what is far behind the person: passers-by, faces on posters."""
    return tuple(
        shape
        for shape in shapes
        if shape.eye_distance >= BEHIND * shapes[0].eye_distance
    )


def _track(
    track: FrameTrack, shape: FaceShape, grey: Pixels, before: Pixels | None
) -> FrameTrack:
    left, top, right, bottom = _box(shape, grey)
    area = grey[top:bottom, left:right]
    if area.size == 0:
        return replace(track, faces=0)
    x, y = shape.points.mean(0)
    change = 255.0
    if before is not None and before.shape == grey.shape:
        change = float(cv2.absdiff(area, before[top:bottom, left:right]).mean())
    return replace(
        track,
        shape=replace(shape, points=NO_POINTS),
        x=float(x),
        y=float(y),
        sharpness=sharpness(area),
        brightness=brightness(area),
        change=change,
    )


def _compared(
    reading: LivenessReading,
    film: _Film,
    script: Script,
    matcher: FaceMatcher,
    passive: PassiveCheck | None,
) -> LivenessReading:
    """Add what is measured of a few frames: the neutral one and one for each step."""
    neutral = neutral_of(film.tracks)
    if neutral is None:
        return reading
    signals = signals_of(film.tracks, neutral)
    best = _best_neutral(film, signals)
    if best is None:
        return reading
    done = _steps(episodes_of(signals, LEVELS), script)
    frontal = _frame(film, best)
    faces = matcher.find(frontal)
    one = faces[0] if len(faces) == 1 else None
    turns = [e for e, s in zip(done, script.steps, strict=True) if s.action in TURNS]
    likeness = (
        None if e is None or one is None else _likeness(film, signals, e, one, matcher)
        for e in done
    )
    resting = [] if one is None else _at_rest(film, signals, matcher)
    shown = [] if one is None else [one, *resting]
    return replace(
        reading,
        likeness=tuple(likeness),
        at_rest=tuple(
            matcher.compare(document=shown[0], selfie=face).value for face in resting
        ),
        parallax=tuple(_parallax(film, signals, e) for e in turns),
        passive=min(map(passive.score, shown), default=None) if passive else None,
        neutral=_jpeg(frontal),
        neutral_faces=tuple(face.size for face in faces),
    )


def _best_neutral(film: _Film, signals: Sequence[Signals]) -> int | None:
    """Return the sharpest frame that looks straight ahead with open eyes."""
    still = [s.index for s in signals if is_neutral(s, LEVELS)]
    return max(still, key=lambda i: film.tracks[i].sharpness, default=None)


def _steps(episodes: Sequence[Episode], script: Script) -> tuple[Episode | None, ...]:
    """Return the movement of each step, the largest in its window; None if none."""
    found: list[Episode | None] = []
    after = -1
    for number, step in enumerate(script.steps, start=1):
        fitting = [
            e
            for e in episodes
            if e.action is step.action
            and e.start > after
            and (not script.is_timed or e.peak_step == number)
        ]
        largest = max(fitting, key=lambda e: e.most, default=None)
        found.append(largest if script.is_timed or not fitting else fitting[0])
        last = found[-1]
        after = after if last is None else last.end
    return tuple(found)


def _likeness(
    film: _Film,
    signals: Sequence[Signals],
    episode: Episode,
    neutral: Face,
    matcher: FaceMatcher,
) -> float | None:
    """Compare the face during a step with the neutral one; None: no one face."""
    during = [s for s in signals if episode.start <= s.index <= episode.end]
    if episode.action in TURNS:
        during = sorted(during, key=lambda s: abs(abs(s.yaw) - COMPARED_AT))[:NEAREST]
    faces = matcher.find(_frame(film, secrets.choice(during).index))
    if len(faces) != 1:
        return None
    return matcher.compare(document=neutral, selfie=faces[0]).value


def _at_rest(
    film: _Film, signals: Sequence[Signals], matcher: FaceMatcher
) -> list[Face]:
    """Return the one face of some frames in which nothing is done, of each stretch."""
    still = [s for s in signals if is_neutral(s, LEVELS)]
    secrets.SystemRandom().shuffle(still)
    of_stretch = {s.step: s for s in reversed(still)}
    chosen = [*of_stretch.values(), *(s for s in still if of_stretch[s.step] is not s)]
    found: list[Face] = []
    for one in chosen[:MOST_AT_REST]:
        faces = matcher.find(_frame(film, one.index))
        if len(faces) == 1:
            found.append(faces[0])
        if len(found) == AT_REST:
            break
    return found


def _parallax(
    film: _Film, signals: Sequence[Signals], episode: Episode | None
) -> float | None:
    """Follow the pixels from the last straight frame before a turn to its peak."""
    if episode is None:
        return None
    earlier = (s for s in signals if s.index < episode.start)
    before = [s.index for s in earlier if abs(s.yaw) < STRAIGHT]
    start = before[-1] if before else episode.start
    shape = film.shapes[start]
    assert shape is not None
    frames = film.greys[start : episode.peak + 1]
    if isinstance(film.tracker, ReliefMeter):
        return film.tracker.relief(frames)
    return parallax(frames, shape)


def _frame(film: _Film, index: int) -> Picture:
    clip = film.clip
    return _opened(clip.frames[index].picture, mirrored=clip.mirrored)


def _opened(data: bytes, *, mirrored: bool) -> Picture:
    """Decode one frame of at most 640 px; raises FrameRefused.

    The header is judged before a pixel is decoded.
    """
    ImageFile.LOAD_TRUNCATED_IMAGES = False
    try:
        with Image.open(io.BytesIO(data), formats=("JPEG",)) as image:
            upright = None
            if max(image.size) <= MOST_SIDE:
                upright = ImageOps.exif_transpose(image).convert("RGB")
    except Exception as error:
        raise FrameRefused("no JPEG") from error
    if upright is None:
        raise FrameRefused("too large")
    pixels = np.ascontiguousarray(upright, dtype=np.uint8)
    return Picture(np.ascontiguousarray(pixels[:, ::-1]) if mirrored else pixels)


def _measurable(data: bytes, *, mirrored: bool) -> Picture:
    """Return the frame at 480 px; what cannot be opened shows nobody."""
    try:
        return _shrunk(_opened(data, mirrored=mirrored))
    except FrameRefused:
        return Picture(np.zeros(EMPTY, dtype=np.uint8))


def _shrunk(picture: Picture) -> Picture:
    scale = MEASURED_SIDE / max(picture.width, picture.height)
    if scale >= 1:
        return picture
    size = (round(picture.width * scale), round(picture.height * scale))
    small = cv2.resize(picture.pixels, size, interpolation=cv2.INTER_AREA)
    return Picture(np.asarray(small, dtype=np.uint8))


def _box(shape: FaceShape, grey: Pixels) -> tuple[int, int, int, int]:
    """Return left, top, right, bottom of the face inside the frame."""
    height, width = grey.shape
    (left, top), (right, bottom) = shape.points.min(0), shape.points.max(0)
    return (
        max(int(left), 0),
        max(int(top), 0),
        min(int(right) + 1, width),
        min(int(bottom) + 1, height),
    )


def _jpeg(picture: Picture) -> bytes:
    """Return the frame as a JPEG of our own making.

    The sender's bytes go no further: another reader (the register's, a reviewer's
    browser) might see something else in them, or nothing.
    """
    out = io.BytesIO()
    Image.fromarray(picture.pixels).save(out, "JPEG", quality=JPEG_QUALITY)
    return out.getvalue()
