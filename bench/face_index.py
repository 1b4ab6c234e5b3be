"""What the index of faces costs and what it finds, on generated unit vectors.

    python -m bench.face_index --vectors 1000000

Vectors are 128 numbers drawn evenly from the sphere, with near-duplicates planted:
the same vector moved until its cosine with the first is about `--alike`. Real faces
lie closer together than these; the figures are those of the index, not of faces.
"""

import argparse
import os
import time

import faiss
import numpy as np

from mobile_api.engines.worker import resident_bytes
from mobile_api.face_index import DIMENSIONS, LOOKED_AT, new_vectors

BATCH = 50_000
MIB = 1024 * 1024


def unit(chance: np.random.Generator, count: int) -> np.ndarray:
    made = chance.normal(size=(count, DIMENSIONS)).astype(np.float32)
    return made / np.linalg.norm(made, axis=1, keepdims=True)


def moved(chance: np.random.Generator, vectors: np.ndarray, alike: float) -> np.ndarray:
    """Return vectors whose cosine with the given ones is `alike`."""
    away = unit(chance, len(vectors))
    away -= (away * vectors).sum(axis=1, keepdims=True) * vectors
    away /= np.linalg.norm(away, axis=1, keepdims=True)
    return (alike * vectors + np.sqrt(1 - alike**2) * away).astype(np.float32)


def kinds(count: int) -> dict[str, object]:
    """Return the indexes that are compared; the first is the one that is used."""
    cells = max(64, int(4 * np.sqrt(count)))
    inner = faiss.METRIC_INNER_PRODUCT
    flat = faiss.IndexFlatIP(DIMENSIONS)
    ivf = faiss.IndexIVFScalarQuantizer(
        faiss.IndexFlatIP(DIMENSIONS),
        DIMENSIONS,
        cells,
        faiss.ScalarQuantizer.QT_8bit,
        inner,
    )
    ivf.nprobe = 64
    squeezed = faiss.IndexHNSWSQ(DIMENSIONS, faiss.ScalarQuantizer.QT_8bit, 24, inner)
    squeezed.hnsw.efConstruction, squeezed.hnsw.efSearch = 80, 96
    return {
        "scan, 16 bit": new_vectors(),
        "HNSW 8 bit": squeezed,
        "IVF 8 bit": ivf,
        "scan, 8 bit": faiss.IndexScalarQuantizer(
            DIMENSIONS, faiss.ScalarQuantizer.QT_8bit, inner
        ),
        "scan": flat,
    }


def measure(
    name: str, index: object, vectors: np.ndarray, planted: dict[float, np.ndarray]
) -> None:
    before, started = resident_bytes(), time.process_time()
    if not index.is_trained:
        index.train(vectors[: min(len(vectors), 100_000)])
    for start in range(0, len(vectors), BATCH):
        index.add(vectors[start : start + BATCH])
    built = time.process_time() - started
    held = (resident_bytes() - before) / MIB
    for alike, probes in planted.items():
        started = time.process_time()
        hits = 0
        for number, probe in enumerate(probes):
            _, found = index.search(probe[np.newaxis], LOOKED_AT)
            hits += number in found[0]
        cost = (time.process_time() - started) / len(probes) * 1000
        print(
            f"| {name} | {len(vectors):,} | {alike} | {hits}/{len(probes)}"
            f" | {cost:.2f} | {built:.0f} | {held:,.0f} |",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--vectors", type=int, default=1_000_000)
    parser.add_argument("--probes", type=int, default=1000)
    parser.add_argument("--alike", type=float, nargs="+", default=[0.75, 0.55])
    parser.add_argument("--kinds", nargs="+", default=[])
    asked = parser.parse_args()
    faiss.omp_set_num_threads(1)
    os.nice(5)
    chance = np.random.default_rng(2026)
    vectors = unit(chance, asked.vectors)
    planted = {
        alike: moved(chance, vectors[: asked.probes], alike) for alike in asked.alike
    }
    print("| index | vectors | cosine | found | search CPU ms | build CPU s | MiB |")
    print("|---|---|---|---|---|---|---|")
    for name, index in kinds(asked.vectors).items():
        if not asked.kinds or name in asked.kinds:
            measure(name, index, vectors, planted)


if __name__ == "__main__":
    main()
