"""Make the head that the demo moves: `python -m tests.specimens.make_head`.

A picture (`head.jpg`) and a net of triangles over it (`head.json`): MediaPipe's mesh of
the public-domain portrait, and points around it for hair, neck and background. Each
point has x, y, z in pixels of the picture and how much it moves with the head (0 to 1).
"""

import json
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.spatial import Delaunay

from mobile_api.engines.landmarks_mediapipe import create
from tests.specimens.faces import astronaut

FOLDER = Path(__file__).resolve().parents[2] / "camdigikey" / "specimens"
LEFT, TOP, WIDTH, HEIGHT = 70, 0, 300, 400
MESH = 468
HAIR = ((155, 92), (79, 86))  # middle and half axes of hair and jaw
NECK = [(x, y) for y in (186, 204) for x in range(110, 205, 12)]


def main() -> None:
    """Write both files."""
    picture = np.ascontiguousarray(astronaut()[TOP : TOP + HEIGHT, LEFT : LEFT + WIDTH])
    face = mesh_of(picture)
    points = np.vstack([face, *around(face)])
    triangles = Delaunay(points[:, :2]).simplices
    net = {
        "points": [[round(float(v), 2) for v in point] for point in points],
        "triangles": [[int(v) for v in triangle] for triangle in triangles],
    }
    (FOLDER / "head.json").write_text(
        json.dumps(net, separators=(",", ":")), encoding="ascii"
    )
    bgr = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
    cv2.imwrite(str(FOLDER / "head.jpg"), bgr, [cv2.IMWRITE_JPEG_QUALITY, 93])


def mesh_of(picture: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return 468 x 4: the face in pixels, all of which moves with the head."""
    large = cv2.resize(picture, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
    mesh = create(environment="development").mesh
    found = mesh.process(large).multi_face_landmarks[0].landmark[:MESH]
    rows = [(p.x * WIDTH, p.y * HEIGHT, p.z * WIDTH, 1.0) for p in found]
    return np.array(rows)


def around(face: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    """Return points of hair and neck, of the air around them, and of the border."""
    hull = cv2.convexHull(face[:, :2].astype(np.float32))
    rings = []
    for size, z, moves in ((0.86, 52, 1.0), (1.0, 78, 1.0), (1.3, 95, 0.35)):
        ring = _ring(size, z=z, moves=moves)
        outside = [
            cv2.pointPolygonTest(hull, (float(p[0]), float(p[1])), True) < -5
            for p in ring
        ]
        above_collar = ring[:, 1] < (172 if moves == 1 else 150)
        rings.append(ring[np.array(outside) & above_collar])
    neck = np.array([(x, y, 55, 0.55 if y < 190 else 0.15) for x, y in NECK])
    border = [
        (x, y, 60, 0)
        for x in np.linspace(0, WIDTH, 9)
        for y in np.linspace(0, HEIGHT, 12)
        if min(x, WIDTH - x) < 30 or min(y, HEIGHT - y) < 2 or y > 215
    ]
    return [*rings, neck, np.array(border)]


def _ring(size: float, *, z: float, moves: float) -> NDArray[np.float64]:
    turn = np.linspace(0, 2 * np.pi, 36, endpoint=False)
    (x, y), (across, down) = HAIR
    return np.stack(
        [
            x + across * size * np.cos(turn),
            y + down * size * np.sin(turn),
            np.full(36, z),
            np.full(36, moves),
        ],
        axis=1,
    )


if __name__ == "__main__":
    main()
