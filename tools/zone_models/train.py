"""Train the small models: `python -m tools.zone_models.train reader --steps 4000`.

Needs torch and onnx, which the product does not. Everything is drawn from the seed;
the file goes where `--out` says, its SHA-256 is printed and belongs into
mobile_api/engines/zone_models.py.
"""

import argparse
import hashlib
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from tools.zone_models.lines import line
from tools.zone_models.networks import LineFinder, LineReader
from tools.zone_models.scenes import scene

Batch = tuple[Tensor, ...]
SMOOTH = 0.02
WARM = 0.05
MOST = 3e-3


def planes(pictures: list[np.ndarray]) -> Tensor:
    """Return pictures of 0 to 255 as N x 1 x H x W of -1 to 1."""
    return torch.from_numpy(np.stack(pictures)[:, None]).float() / 127.5 - 1


def lines(count: int, chance: np.random.Generator) -> Batch:
    """Return lines and what their steps show."""
    drawn = [line(320, chance) for _ in range(count)]
    labels = torch.from_numpy(np.stack([labels for _, labels in drawn]))
    return planes([picture for picture, _ in drawn]), labels


def reader_loss(model: nn.Module, batch: Batch) -> Tensor:
    """Return how wrong the steps are; blanks, which are most, count less."""
    picture, labels = batch
    weights = torch.ones(39)
    weights[37] = 0.5
    said = model(picture).flatten(0, 1)
    return nn.functional.cross_entropy(
        said, labels.flatten(), weight=weights, label_smoothing=SMOOTH
    )


def scenes(count: int, chance: np.random.Generator) -> Batch:
    """Return pictures, and the maps of the lines in them."""
    drawn = [scene(chance) for _ in range(count)]
    maps = torch.from_numpy(np.stack([maps for _, maps in drawn]))
    return planes([picture for picture, _ in drawn]), maps


def finder_loss(model: nn.Module, batch: Batch) -> Tensor:
    """Return how wrong the maps are: overlap and entropy, then direction and pitch."""
    picture, maps = batch
    said = model(picture)
    there = maps[:, 0]
    seen = torch.sigmoid(said[:, 0])
    overlap = 1 - (2 * (seen * there).sum() + 1) / (seen.sum() + there.sum() + 1)
    entropy = nn.functional.binary_cross_entropy_with_logits(
        said[:, 0], there, pos_weight=torch.tensor(3.0)
    )
    off = ((said[:, 1:] - maps[:, 1:]).abs() * there[:, None]).sum((0, 2, 3))
    return overlap + 2 * entropy + off.sum() / (there.sum() + 1)


def train(
    model: nn.Module,
    batch: Callable[[int, np.random.Generator], Batch],
    loss: Callable[[nn.Module, Batch], Tensor],
    arguments: argparse.Namespace,
) -> None:
    """Train by Adam, one cycle; the model is saved as it goes."""
    chance = np.random.default_rng(arguments.seed)
    model.to(memory_format=torch.channels_last)
    optimiser = torch.optim.AdamW(model.parameters(), lr=MOST, weight_decay=1e-4)
    cycle = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, MOST, arguments.steps, pct_start=WARM
    )
    mean, start = 0.0, time.monotonic()
    for step in range(1, arguments.steps + 1):
        cost = loss(model, batch(arguments.batch, chance))
        optimiser.zero_grad()
        cost.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        optimiser.step()
        cycle.step()
        mean = float(cost) if step == 1 else 0.98 * mean + 0.02 * float(cost)
        if step % 50 == 0 or step == arguments.steps:
            print(f"{step} {mean:.4f} {time.monotonic() - start:.0f} s", flush=True)
        if step % 250 == 0 or step == arguments.steps:
            export(model, arguments)


def export(model: nn.Module, arguments: argparse.Namespace) -> None:
    """Write the model as ONNX of any width and height, and print its hash."""
    model.eval()
    sample = torch.zeros(
        1, 1, *((40, 320) if arguments.model == "reader" else (320,) * 2)
    )
    axes = (
        {"x": {0: "n", 2: "h", 3: "w"}}
        if arguments.model == "finder"
        else {"x": {0: "n", 3: "w"}}
    )
    torch.onnx.export(
        model,
        (sample,),
        str(arguments.out),
        input_names=["x"],
        output_names=["y"],
        dynamic_axes=axes,
        opset_version=17,
        dynamo=False,
    )
    model.train()
    print(hashlib.sha256(arguments.out.read_bytes()).hexdigest(), flush=True)


def main() -> None:
    """Train one of the two."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", choices=("reader", "finder"))
    parser.add_argument("--steps", type=int, default=4000)
    parser.add_argument("--batch", type=int, default=24)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    torch.manual_seed(arguments.seed)
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    if arguments.model == "reader":
        train(LineReader(), lines, reader_loss, arguments)
    else:
        train(LineFinder(), scenes, finder_loss, arguments)


if __name__ == "__main__":
    main()
