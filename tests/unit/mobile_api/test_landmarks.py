"""Every tracker of faces keeps one contract, tried on a head that can be moved."""

from functools import cache

import cv2
import numpy as np
import pytest

from camdigikey.demo.living_head import SIZE, Pose, head
from mobile_api.engines import landmarks_dlib, landmarks_mediapipe
from mobile_api.engines.parallax import parallax
from mobile_api.images import Picture, Pixels
from mobile_api.interfaces import FaceShape, FaceTracker
from tests.specimens import liveness_scenes as scenes

SMALL = (360, 480)
ENGINES = {"mediapipe": landmarks_mediapipe.create, "dlib": landmarks_dlib.create}


@cache
def tracker_of(name: str) -> FaceTracker:
    return ENGINES[name](environment="production")


@pytest.fixture(params=ENGINES)
def tracker(request: pytest.FixtureRequest) -> FaceTracker:
    return tracker_of(request.param)


def small(image: Pixels) -> Picture:
    return Picture(np.asarray(cv2.resize(image, SMALL), dtype=np.uint8))


def shape_of(tracker: FaceTracker, pose: Pose) -> FaceShape:
    """Return the shape of the third frame of a film that stands still."""
    picture, found = small(head().draw(pose)), ()
    tracker.begin()
    for _ in range(3):
        found = tracker.measure(picture)
    (shape,) = found
    return shape


def test_it_is_a_tracker_that_names_its_models(tracker: FaceTracker) -> None:
    assert isinstance(tracker, FaceTracker)
    assert all(len(digest) == 64 for _, digest in tracker.engine.models)
    assert tracker.engine.models


def test_left_is_the_persons_own_left(tracker: FaceTracker) -> None:
    straight = shape_of(tracker, Pose())
    left, right = (shape_of(tracker, Pose(yaw=yaw)) for yaw in (22, -22))
    assert left.yaw - straight.yaw > 9
    assert right.yaw - straight.yaw < -9


def test_a_mirror_changes_the_sides(tracker: FaceTracker) -> None:
    mirrored = small(np.ascontiguousarray(head().draw(Pose(yaw=22))[:, ::-1]))
    tracker.begin()
    for _ in range(3):
        (shape,) = tracker.measure(mirrored)
    assert shape.yaw < -5


def test_shut_eyes_are_shut(tracker: FaceTracker) -> None:
    opened, shut = shape_of(tracker, Pose()), shape_of(tracker, Pose(closed=1.0))
    assert shut.left_eye < opened.left_eye * 0.75
    assert shut.right_eye < opened.right_eye * 0.75


def test_a_smile_is_wide(tracker: FaceTracker) -> None:
    resting, smiling = shape_of(tracker, Pose()), shape_of(tracker, Pose(smile=1.0))
    assert smiling.smile > resting.smile * 1.12


def test_points_are_on_the_face(tracker: FaceTracker) -> None:
    shape = shape_of(tracker, Pose())
    middle = shape.points.mean(0)
    assert np.abs(middle - np.array(SMALL) / 2).max() < 40
    assert 55 < shape.eye_distance < 90


def test_where_nobody_is_nobody_is_found(tracker: FaceTracker) -> None:
    noise = np.random.default_rng(3).integers(0, 255, (480, 360, 3), dtype=np.uint8)
    tracker.begin()
    assert tracker.measure(Picture(noise)) == ()


def test_a_new_clip_does_not_remember_the_last_one() -> None:
    tracker = tracker_of("mediapipe")
    shape_of(tracker, Pose())
    tracker.begin()
    grey = np.full((480, 360, 3), 120, dtype=np.uint8)
    assert tracker.measure(Picture(grey)) == ()


def test_two_people_are_two_faces(tracker: FaceTracker) -> None:
    half = head().draw(Pose(nearer=0.55), (SIZE[0] // 2, SIZE[1]))
    picture = small(np.hstack([half, half]))
    tracker.begin()
    assert max(len(tracker.measure(picture)) for _ in range(3)) == 2


def test_a_nod_lowers_the_chin() -> None:
    tracker = tracker_of("mediapipe")
    straight, nodding = (shape_of(tracker, Pose(pitch=pitch)) for pitch in (0, 16))
    assert nodding.pitch - straight.pitch > 10


def test_the_fallback_says_aloud_what_its_model_may_not_be_used_for(
    caplog: pytest.LogCaptureFixture,
) -> None:
    landmarks_dlib.create(environment="development")
    assert "excludes commercial use" in caplog.text


def turning(draw: scenes.Draw) -> list[Pixels]:
    lens = scenes.lens_of(11)
    frames = [lens.shot(draw(Pose(yaw=n * 3.0)), n) for n in range(9)]
    return [small(frame).grey for frame in frames]


def test_a_head_that_turns_has_relief_and_a_print_has_none() -> None:
    paper = head().draw(Pose())
    frontal = shape_of(tracker_of("mediapipe"), Pose())
    alive = parallax(turning(head().draw), frontal)
    flat = parallax(turning(lambda pose: scenes.plane(paper, pose)), frontal)
    assert alive is not None
    assert flat is not None
    assert alive > 0.045
    assert flat < 0.025


def test_pixels_that_cannot_be_followed_say_nothing() -> None:
    frontal = shape_of(tracker_of("mediapipe"), Pose())
    chance = np.random.default_rng(5)
    noise = [chance.integers(0, 255, (480, 360), dtype=np.uint8) for _ in range(3)]
    assert parallax(noise, frontal) is None
    assert parallax([np.full((480, 360), 90, np.uint8)] * 3, frontal) is None


def test_the_mesh_says_nothing_on_stderr(capfd: pytest.CaptureFixture[str]) -> None:
    fresh = landmarks_mediapipe.create(environment="production")
    shape_of(fresh, Pose())
    assert capfd.readouterr().err == ""
