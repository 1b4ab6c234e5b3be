"""A head that moves as it is told: what stands before the camera of the demo.

    Actor --tell(action), pose(at)--> Pose --Head.draw--> a picture

One public-domain portrait on a net of triangles in space: it turns, nods, blinks and
smiles. It looks alive enough to be led through the capture without a person; it is
not a person, and no measure of how well liveness works on people.
"""

import json
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
Floats = NDArray[np.float64]

FOLDER: Final = Path(__file__).resolve().parents[1] / "specimens"
SIZE: Final = (480, 640)
ZOOM: Final = 2.2
MIDDLE: Final = (155.0, 128.0)  # of the face on the picture
PIVOT: Final = np.array([155.0, 165.0, 62.0])  # where the neck carries the head
CAMERA: Final = 900.0  # from the eye to the head, in pixels of the picture
# Points of the mesh, upper lid and lower lid in pairs, both eyes.
UPPER: Final = (246, 161, 160, 159, 158, 157, 173, 466, 388, 387, 386, 385, 384, 398)
LOWER: Final = (7, 163, 144, 145, 153, 154, 155, 249, 390, 373, 374, 380, 381, 382)
LASH: Final = (70, 46, 38)  # a dark brown
LASHES: Final = 2.5  # pixels of the picture
MOUTH: Final = (61, 291)
EDGE: Final = 1e-6
MOUTH_REACH: Final = 15.0
RESTING_MOUTH: Final = -0.5
WIDER: Final = 4.6  # pixels that each corner of the mouth goes outward


@dataclass(frozen=True, slots=True, kw_only=True)
class Pose:
    """Where the head is: degrees, shares of 1, and pixels of the picture.

    `yaw` is positive to the person's left, `pitch` when the chin goes down.
    """

    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0
    closed: float = 0.0
    smile: float = 0.0
    x: float = 0.0
    y: float = 0.0
    nearer: float = 1.0


@dataclass(frozen=True, slots=True)
class Head:
    """A net over a picture. `points` are N x 3, `moves` N, `triangles` M x 3."""

    texture: Image
    points: Floats
    moves: Floats
    triangles: NDArray[np.int32]

    def draw(self, pose: Pose, size: tuple[int, int] = SIZE) -> Image:
        """Return the picture that a camera takes, RGB, height x width x 3."""
        corners, depth = self._seen(pose, size)
        order = np.argsort(-depth[self.triangles].mean(1))
        # Which triangle each pixel shows: the nearest is drawn last.
        shown = np.zeros((size[1], size[0]), dtype=np.int32)
        sixteenth = np.round(corners[self.triangles] * 16).astype(np.int32)
        for index in order:
            cv2.fillConvexPoly(shown, sixteenth[index], int(index), shift=4)
        source = _with_lashes_away(self.points, pose.closed)[self.triangles]
        back = _affine(corners[self.triangles], source[..., :2])
        y, x = np.mgrid[0 : size[1], 0 : size[0]].astype(np.float32)
        turn = back.astype(np.float32)[shown]
        map_x = turn[..., 0, 0] * x + turn[..., 0, 1] * y + turn[..., 0, 2]
        map_y = turn[..., 1, 0] * x + turn[..., 1, 1] * y + turn[..., 1, 2]
        drawn = cv2.remap(
            self.texture, map_x, map_y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
        )
        return _with_lash_lines(np.asarray(drawn, dtype=np.uint8), corners, pose.closed)

    def _seen(self, pose: Pose, size: tuple[int, int]) -> tuple[Floats, Floats]:
        """Return where the points are on the picture taken, and how far away."""
        still = _with_mouth(_with_lids(self.points, pose.closed), pose.smile)
        moved = (still - PIVOT) @ _turned(pose).T + PIVOT + (pose.x, pose.y, 0)
        placed = still + (moved - still) * self.moves[:, None]
        far = CAMERA / (CAMERA + placed[:, 2]) * pose.nearer * ZOOM * size[1] / 640
        flat = (placed[:, :2] - MIDDLE) * far[:, None]
        return flat + np.array(size) / 2, placed[:, 2]


@cache
def head() -> Head:
    """Read the head that the package ships."""
    net: dict[str, Any] = json.loads((FOLDER / "head.json").read_text("ascii"))
    points = np.array(net["points"], dtype=np.float64)
    bgr = cv2.imread(str(FOLDER / "head.jpg"))
    assert bgr is not None
    return Head(
        texture=np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), dtype=np.uint8),
        points=points[:, :3],
        moves=points[:, 3],
        triangles=np.array(net["triangles"], dtype=np.int32),
    )


# What an action asks of the head once it is done.
ASKED: Final[dict[str, Pose]] = {
    "turn_left": Pose(yaw=27.0),
    "turn_right": Pose(yaw=-27.0),
    "smile": Pose(smile=1.0),
}
BLINK_MS: Final = (120, 320, 120)  # closing, shut, opening
NOD_MS: Final = 1300
NOD: Final = 17.0


@dataclass(slots=True)
class Actor:
    """Somebody who does what is told, after a moment, as fast as people are.

    Times are milliseconds on any clock. Without a seed everybody is the same person.
    """

    seed: int = 0
    reaction_ms: float = 320.0
    moving_ms: float = 450.0
    _told: list[tuple[float, str]] = field(default_factory=list)

    def tell(self, action: str, at: float) -> None:
        """Say what to do from now on; "" is to look straight ahead."""
        if not self._told or self._told[-1][1] != action:
            self._told.append((at, action))

    def pose(self, at: float) -> Pose:
        """Return where the head is at this time; it is never quite still."""
        pose = self._asked(at)
        chance = np.random.default_rng(self.seed)
        phases, speeds = chance.uniform(0, 6.3, 6), chance.uniform(0.25, 0.7, 6)
        sway = np.sin(phases + speeds * at / 1000 * 6.3)
        return replace(
            pose,
            yaw=pose.yaw + 1.3 * sway[0],
            pitch=pose.pitch + 0.9 * sway[1],
            roll=pose.roll + 1.0 * sway[2],
            x=pose.x + 1.2 * sway[3],
            y=pose.y + 0.9 * sway[4],
            nearer=pose.nearer * (1 + 0.012 * sway[5]),
        )

    def _asked(self, at: float) -> Pose:
        """Ease from what was asked before to what is asked now."""
        told = [one for one in self._told if one[0] + self.reaction_ms <= at]
        if not told:
            return Pose()
        since, action = at - told[-1][0] - self.reaction_ms, told[-1][1]
        if action == "blink":
            return Pose(closed=_blinked(since))
        if action == "nod":
            part = min(since / NOD_MS, 1.0)
            return Pose(pitch=NOD * (1 - np.cos(2 * np.pi * part)) / 2)
        before = ASKED.get(told[-2][1], Pose()) if len(told) > 1 else Pose()
        share = _eased(since / self.moving_ms)
        after = ASKED.get(action, Pose())
        return Pose(
            yaw=before.yaw + (after.yaw - before.yaw) * share,
            smile=before.smile + (after.smile - before.smile) * share,
        )


def _blinked(since: float) -> float:
    closing, closed, opening = BLINK_MS
    if since < closing + closed:
        return _eased(since / closing)
    return 1 - _eased((since - closing - closed) / opening)


def _eased(share: float) -> float:
    """Return 0 to 1, slowly at both ends."""
    part = min(max(share, 0.0), 1.0)
    return part * part * (3 - 2 * part)


def _turned(pose: Pose) -> Floats:
    """Return the rotation of a pose; x to the right, y down, z away."""
    yaw, pitch, roll = (np.radians(a) for a in (pose.yaw, pose.pitch, pose.roll))
    about_y = np.array(
        [[np.cos(yaw), 0, -np.sin(yaw)], [0, 1, 0], [np.sin(yaw), 0, np.cos(yaw)]]
    )
    about_x = np.array(
        [
            [1, 0, 0],
            [0, np.cos(pitch), -np.sin(pitch)],
            [0, np.sin(pitch), np.cos(pitch)],
        ]
    )
    about_z = np.array(
        [[np.cos(roll), -np.sin(roll), 0], [np.sin(roll), np.cos(roll), 0], [0, 0, 1]]
    )
    return np.asarray(about_z @ about_x @ about_y, dtype=np.float64)


def _with_lids(points: Floats, closed: float) -> Floats:
    """Return the points with the upper lids drawn over the eyes."""
    moved = points.copy()
    upper, lower = list(UPPER), list(LOWER)
    meeting = points[lower] + (points[upper] - points[lower]) * 0.12
    moved[upper] += (meeting - points[upper]) * closed
    moved[lower] += (meeting - points[lower]) * closed
    return moved


def _with_lashes_away(points: Floats, closed: float) -> Floats:
    """Return where lids take their skin from: from above the lashes."""
    moved = points.copy()
    moved[list(UPPER), 1] -= LASHES * closed
    return moved


def _with_lash_lines(drawn: Image, corners: Floats, closed: float) -> Image:
    """Return the picture with a dark line where shut lids meet."""
    lids = np.array(LOWER).reshape(2, -1)
    lines = [np.round(corners[eye] * 16).astype(np.int32) for eye in lids]
    inked = drawn.copy()
    cv2.polylines(inked, lines, False, LASH, 2, cv2.LINE_AA, shift=4)
    share = max(0.0, 2 * closed - 1)
    return np.asarray(cv2.addWeighted(inked, share, drawn, 1 - share, 0), np.uint8)


def _with_mouth(points: Floats, smile: float) -> Floats:
    """Return the points with the corners of the mouth drawn outward."""
    right, left = points[MOUTH[0]], points[MOUTH[1]]
    out = (left - right) / np.linalg.norm(left - right)
    amount = (RESTING_MOUTH + smile * (1 - RESTING_MOUTH)) * WIDER
    moved = points.copy()
    for corner, way in ((right, -out), (left, out)):
        far = np.linalg.norm(points[:, :2] - corner[:2], axis=1)
        share = np.exp(-((far / MOUTH_REACH) ** 2))[:, None]
        moved += share * amount * (way - np.array([0, 0.25, 0]))
    return moved


def _affine(drawn: Floats, source: Floats) -> Floats:
    """Return M x 2 x 3: for each triangle, from the picture drawn to its source."""
    ones = np.ones((*drawn.shape[:2], 1))
    corners = np.concatenate([drawn, ones], axis=2)
    flat = np.abs(np.linalg.det(corners)) < EDGE  # seen from the edge: shows nothing
    corners[flat] = np.eye(3)
    return np.asarray(
        np.linalg.solve(corners, source).transpose(0, 2, 1), dtype=np.float64
    )
