"""Films of a living head and of attacks, by seed: what liveness is tried on.

    script --beats--> when each frame is taken, what is told then
    Actor --pose--> Head.draw --Lens--> JPEG --> the bytes of a clip

Every scene shows one public-domain portrait on a net (`living_head`), or a picture of
it, or the same net pulled to another shape. They say how the checks tell a thing in
space from a picture of it; they say little of people.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from camdigikey.demo.living_head import SIZE, Actor, Head, Image, Pose, head
from idp.domain.liveness_sessions import (
    HOLDS,
    NEUTRALS,
    Action,
    Script,
    Step,
    possible_orders,
)
from mobile_api.clips import Clip, Frame, write_clip
from mobile_api.engines.landmarks_mediapipe import create
from tests.specimens.strangers import stranger

BEAT_MS = 100
MESH = 468
FAR = 1100.0  # from the camera to a print, in pixels
TURNED, BENT = 1.9, 1.25  # how much further than a head a print is turned
Draw = Callable[[Pose], Image]


@dataclass(frozen=True, slots=True)
class Beat:
    """One frame to take: when, under which tag, and what is told then."""

    at: int
    step: int
    told: str


@dataclass(frozen=True, slots=True)
class Shot:
    """One frame taken, before it is JPEG."""

    at: int
    step: int
    image: Image


def scripted(seed: int) -> Script:
    """Return a script as the server makes them, but by seed."""
    chance = np.random.default_rng(seed)
    orders = possible_orders()
    order = orders[int(chance.integers(len(orders)))]
    steps = tuple(Step(one, int(chance.choice(HOLDS))) for one in order)
    return Script(steps, int(chance.choice(NEUTRALS)))


def script_of(*actions: str, hold_ms: int = 1800, neutral_ms: int = 1500) -> Script:
    """Return a script with these actions."""
    return Script(tuple(Step(Action(a), hold_ms) for a in actions), neutral_ms)


def beats(script: Script, *, seed: int = 0, every_ms: int = BEAT_MS) -> list[Beat]:
    """Return the frames that the app takes, the clock a little uneven."""
    chance = np.random.default_rng(seed + 1)
    plan = [(0, "", script.neutral_ms)]
    for number, step in enumerate(script.steps, start=1):
        plan.append((number, step.action.value, step.hold_ms))
        plan.append((number, "", script.neutral_ms))
    plan.append((len(script.steps) + 1, "", 300))
    found, at, end = [], 0, 0
    for step, told, lasts in plan:
        end += lasts
        while at < end:
            found.append(Beat(at, step, told))
            at += every_ms + int(chance.integers(-8, 9))
    return found


@dataclass(frozen=True, slots=True)
class Lens:
    """A phone's camera in some light: gradient, gamma, blur, noise."""

    seed: int = 0
    noise: float = 2.0
    gain: float = 1.0
    blur: float = 0.6
    quality: int = 80

    def shot(self, image: Image, number: int) -> Image:
        """Return the frame with light and noise; no two are alike."""
        fixed = np.random.default_rng(self.seed)
        left, right = fixed.uniform(0.75, 1.15, 2)
        warm = fixed.uniform(0.93, 1.07, 3)
        light = np.linspace(left, right, image.shape[1])[None, :, None]
        lit = image.astype(np.float32) * np.float32(self.gain) * (light * warm)
        soft = cv2.GaussianBlur(lit.astype(np.float32), (0, 0), self.blur)
        noise = _noise()
        y, x = np.random.default_rng((self.seed, number)).integers(0, 200, 2)
        grain = noise[y : y + image.shape[0], x : x + image.shape[1]]
        return np.clip(soft + self.noise * grain, 0, 255).astype(np.uint8)


@cache
def _noise() -> NDArray[np.float32]:
    chance = np.random.default_rng(7)
    return chance.standard_normal((SIZE[1] + 200, SIZE[0] + 200, 3), np.float32)


def lens_of(seed: int) -> Lens:
    """Return some camera in some light, from good to poor."""
    chance = np.random.default_rng(seed + 2)
    return Lens(
        seed,
        noise=float(chance.uniform(1.2, 5.0)),
        gain=float(chance.uniform(0.55, 1.1)),
        blur=float(chance.uniform(0.4, 1.2)),
        quality=int(chance.integers(65, 88)),
    )


def actor_of(taken: Sequence[Beat], *, seed: int) -> Actor:
    """Return somebody who was told all of it when it was told."""
    chance = np.random.default_rng(seed + 3)
    actor = Actor(
        seed,
        reaction_ms=float(chance.uniform(200, 600)),
        moving_ms=float(chance.uniform(350, 700)),
    )
    for beat in taken:
        actor.tell(beat.told, beat.at)
    return actor


def filmed(
    script: Script,
    seed: int,
    draw: Draw | None = None,
    *,
    lens: Lens | None = None,
    only: int | None = None,
) -> list[Shot]:
    """Film an actor who follows the script; `draw` makes a picture of a pose.

    `only` is the one step that is wanted.
    """
    drawn, lens = draw or head().draw, lens or lens_of(seed)
    taken = beats(script, seed=seed)
    actor = actor_of(taken, seed=seed)
    return [
        Shot(beat.at, beat.step, lens.shot(drawn(actor.pose(beat.at)), number))
        for number, beat in enumerate(taken)
        if only is None or beat.step == only
    ]


def clip(
    shots: Sequence[Shot],
    *,
    session: str = "session",
    mirrored: bool = False,
    quality: int = 80,
) -> bytes:
    """Return the bytes of a clip, turned as in a mirror where it says so."""
    frames = []
    for shot in shots:
        image = shot.image[:, ::-1] if mirrored else shot.image
        frames.append(Frame(at=shot.at, step=shot.step, picture=jpeg(image, quality)))
    return write_clip(Clip(session=session, mirrored=mirrored, frames=tuple(frames)))


def jpeg(image: Image, quality: int = 80) -> bytes:
    """Return one frame as the app sends it."""
    bgr = cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_RGB2BGR)
    done, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])
    assert done
    return data.tobytes()


# Who is alive.


@lru_cache(maxsize=1)
def live(script: Script, seed: int) -> list[Shot]:
    """A person who does what is told."""
    return filmed(script, seed)


# Pictures of a person.


def still(script: Script, seed: int) -> list[Shot]:
    """One photograph, held before the camera by a hand that trembles."""
    return filmed(script, seed, lambda pose: head().draw(_trembling(pose)))


def frozen(script: Script, seed: int) -> list[Shot]:
    """One frame, sent again and again."""
    one = live(script, seed)[0].image
    return [Shot(beat.at, beat.step, one) for beat in beats(script, seed=seed)]


def flat_print(script: Script, seed: int) -> list[Shot]:
    """A print that is turned and tilted as the person is told to."""
    paper = head().draw(Pose(nearer=0.9))
    return filmed(script, seed, lambda pose: plane(paper, pose))


def bent_print(script: Script, seed: int) -> list[Shot]:
    """A print bent round a bottle, turned and tilted."""
    paper = head().draw(Pose(nearer=0.9))
    return filmed(script, seed, lambda pose: cylinder(paper, pose))


def flat_mask(script: Script, seed: int) -> list[Shot]:
    """A print with holes for eyes and mouth: they move, the paper is turned."""
    return filmed(script, seed, lambda pose: plane(_face_only(pose), pose))


def bent_mask(script: Script, seed: int) -> list[Shot]:
    """The same, bent round the face."""
    return filmed(script, seed, lambda pose: cylinder(_face_only(pose), pose))


def screen(script: Script, seed: int) -> list[Shot]:
    """A screen that plays what was filmed for another script."""
    return _screened(filmed(_another(script, seed), seed), script, seed)


def screen_told(script: Script, seed: int) -> list[Shot]:
    """A screen on which an accomplice, or a puppet, does what is told just now."""
    return _screened(filmed(script, seed), script, seed)


# Edited films.


def replayed(script: Script, seed: int) -> list[Shot]:
    """The film of an earlier session, tagged for this one."""
    return _tagged(filmed(_another(script, seed), seed), script, seed)


def reordered(script: Script, seed: int) -> list[Shot]:
    """A film of the right steps whose first two were exchanged."""
    shots = live(script, seed)
    order = [0, 2, 1, 3, 4]
    parts = [[s for s in shots if s.step == step] for step in order]
    return _tagged([shot for part in parts for shot in part], script, seed)


def spliced(script: Script, seed: int) -> list[Shot]:
    """Steps filmed on different days, put together in the order that is told."""
    found = []
    for step in range(len(script.steps) + 2):
        chance = np.random.default_rng((seed, step))
        x, y = chance.uniform(-18, 18, 2)
        nearer = float(chance.uniform(0.92, 1.08))
        found += filmed(
            script,
            seed,
            lambda pose, x=x, y=y, n=nearer: head().draw(
                replace(pose, x=pose.x + x, y=pose.y + y, nearer=pose.nearer * n)
            ),
            lens=lens_of(seed + step),
            only=step,
        )
    return found


def other_person(script: Script, seed: int) -> list[Shot]:
    """Somebody else takes the place during one step."""
    swapped = 1 + seed % len(script.steps)
    others = iter(filmed(script, seed, another_head().draw, only=swapped))
    return [
        next(others) if shot.step == swapped else shot for shot in live(script, seed)
    ]


def slowed(script: Script, seed: int) -> list[Shot]:
    """The right film, slower: frames are shown twice to fill the time."""
    return _paced(live(script, seed), 1.5)


def sped_up(script: Script, seed: int) -> list[Shot]:
    """The right film, faster."""
    return _paced(live(script, seed), 0.55)


def two_faces(script: Script, seed: int) -> list[Shot]:
    """Two people side by side, both of whom do what is told."""
    small = (SIZE[0] // 2, SIZE[1])

    def draw(pose: Pose) -> Image:
        near = replace(pose, nearer=pose.nearer * 0.55)
        return np.hstack([head().draw(near, small), another_head().draw(near, small)])

    return filmed(script, seed, draw)


ATTACKS: dict[str, Callable[[Script, int], list[Shot]]] = {
    each.__name__: each
    for each in (
        still,
        frozen,
        flat_print,
        bent_print,
        flat_mask,
        bent_mask,
        screen,
        screen_told,
        replayed,
        reordered,
        spliced,
        other_person,
        slowed,
        sped_up,
        two_faces,
    )
}


@cache
def another_head() -> Head:
    """Return the head with the face of somebody else (`strangers`), shape and skin."""
    one, bgr = head(), cv2.imdecode(np.frombuffer(stranger(), np.uint8), 1)
    picture = cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)
    mesh = _mesh_of(picture)
    flat, own = mesh[:, :2].astype(np.float32), one.points[:MESH, :2].astype(np.float32)
    turn, _ = cv2.estimateAffinePartial2D(flat, own)
    size = (one.texture.shape[1], one.texture.shape[0])
    moved = cv2.warpAffine(picture, turn, size, flags=cv2.INTER_AREA)
    there = cv2.transform(flat[None], turn)[0]
    mask = np.zeros(size[::-1], np.uint8)
    cv2.fillConvexPoly(mask, cv2.convexHull(there).astype(np.int32), 255)
    soft = (
        cv2.GaussianBlur(cv2.erode(mask, np.ones((7, 7))), (0, 0), 3)[..., None] / 255
    )
    points = one.points.copy()
    points[:MESH, :2] = there
    points[:MESH, 2] = mesh[:, 2] * np.linalg.norm(turn[0, :2])
    texture = (moved * soft + one.texture * (1 - soft)).astype(np.uint8)
    return replace(one, points=points, texture=texture)


def _mesh_of(picture: Image) -> NDArray[np.float64]:
    """Return 468 x 3 points of the face on a picture, in pixels."""
    tracker = create(environment="development")
    found = tracker.mesh.process(np.ascontiguousarray(picture)).multi_face_landmarks[0]
    scale = (picture.shape[1], picture.shape[0], picture.shape[1])
    return np.array([(p.x, p.y, p.z) for p in found.landmark[:MESH]]) * scale


def _trembling(pose: Pose) -> Pose:
    return Pose(roll=pose.roll % 2 - 1, x=pose.x, y=pose.y, nearer=pose.nearer)


def _face_only(pose: Pose) -> Image:
    return head().draw(Pose(closed=pose.closed, smile=pose.smile, nearer=0.9))


def _another(script: Script, seed: int) -> Script:
    """Return a script whose actions come in another order, with the same times."""
    orders = [
        o for o in possible_orders() if o != tuple(s.action for s in script.steps)
    ]
    order = orders[seed % len(orders)]
    steps = (
        Step(action, step.hold_ms)
        for action, step in zip(order, script.steps, strict=True)
    )
    return Script(tuple(steps), script.neutral_ms)


def _tagged(shots: Sequence[Shot], script: Script, seed: int) -> list[Shot]:
    """Tag the frames in their order as this script would have them."""
    return [
        Shot(beat.at, beat.step, shot.image)
        for beat, shot in zip(beats(script, seed=seed), shots, strict=False)
    ]


def _paced(shots: Sequence[Shot], factor: float) -> list[Shot]:
    """Return the film `factor` times as long, at ten frames a second again."""
    ends = shots[-1].at * factor
    found = []
    for at in range(0, int(ends), BEAT_MS):
        shot = min(shots, key=lambda one, at=at: abs(one.at * factor - at))
        found.append(Shot(at, shot.step, shot.image))
    return found


def _screened(shots: Sequence[Shot], script: Script, seed: int) -> list[Shot]:
    """Film the film from a screen: its grid, its gamma, its frame rate."""
    chance = np.random.default_rng(seed + 5)
    turn = chance.uniform(0.02, 0.15)
    y, x = np.mgrid[0 : SIZE[1], 0 : SIZE[0]].astype(np.float32)
    lens = lens_of(seed + 9)
    found = []
    for number, shot in enumerate(_tagged(shots, script, seed)):
        along, across = x + turn * y + number, y - turn * x + 0.6 * number
        grid = 1 + 0.05 * np.sin(along / 1.9) * np.sin(across / 2.1)
        shown = 255 * (shot.image / 255.0) ** 1.15 * grid[..., None]
        blue = shown * (0.94, 0.98, 1.06)
        image = lens.shot(np.clip(blue, 0, 255).astype(np.uint8), number)
        found.append(replace(shot, image=image))
    return found


def plane(paper: Image, pose: Pose) -> Image:
    """Turn a sheet of paper in space, by a hand that turns it as far as a head."""
    width, height = SIZE
    yaw, pitch = np.radians(pose.yaw * TURNED), np.radians(pose.pitch * TURNED)
    corners = [
        (x, y) for y in (-height / 2, height / 2) for x in (-width / 2, width / 2)
    ]
    placed = []
    for x, y in corners:
        far = FAR + x * np.sin(yaw) + y * np.sin(pitch)
        placed.append((x * np.cos(yaw) * FAR / far, y * np.cos(pitch) * FAR / far))
    middle = np.array(SIZE) / 2 + (pose.x * 2, pose.y * 2)
    warp = cv2.getPerspectiveTransform(
        (np.array(corners) + np.array(SIZE) / 2).astype(np.float32),
        (np.array(placed) * pose.nearer + middle).astype(np.float32),
    )
    return np.asarray(
        cv2.warpPerspective(paper, warp, SIZE, borderValue=(120, 116, 110)), np.uint8
    )


def cylinder(paper: Image, pose: Pose, radius: float = 330.0) -> Image:
    """Bend the paper round an upright cylinder and turn that."""
    width, height = SIZE
    turn = np.radians(pose.yaw * BENT)
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    x, y = x - width / 2 - pose.x * 2, y - height / 2 - pose.y * 2
    x = x + radius * np.sin(turn)  # the hand keeps the face in the middle
    angle = np.arcsin(np.clip(x / radius, -0.999, 0.999))
    depth = radius * (1 - np.cos(angle))
    back_x = radius * (angle - turn) + width / 2
    back_y = y * (FAR + depth) / FAR / np.cos(np.radians(pose.pitch)) + height / 2
    return np.asarray(
        cv2.remap(
            paper,
            back_x.astype(np.float32),
            back_y.astype(np.float32),
            cv2.INTER_LINEAR,
            borderValue=(120, 116, 110),
        ),
        np.uint8,
    )


def camera(
    told: Callable[[], str], *, seed: int = 0, every_ms: int = BEAT_MS
) -> Iterator[Image]:
    """Yield frames of a person who follows what `told()` says at each frame.

    For the fake camera of a browser: `told` reads the instruction on the screen ("" is
    to look straight ahead), and each frame stands for `every_ms`.
    """
    actor, lens, at = Actor(seed), lens_of(seed), 0
    while True:
        actor.tell(told(), at)
        yield lens.shot(head().draw(actor.pose(at)), at // every_ms)
        at += every_ms
