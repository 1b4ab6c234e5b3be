"""How well readers read zones: `python -m bench.proofing_report --n 200`.

For each reader and generator: key fields right, whole zone right, wrong accepted, CPU
and wall, for one picture and for up to three. `--seed-from` must not lie in the range
that the reader was tuned on (TUNED). The table goes into docs/proofing.md between its
marks with `--write`.
"""

import argparse
import os
import resource
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from importlib import import_module
from pathlib import Path
from statistics import median

for name in ("OMP_THREAD_LIMIT", "OMP_NUM_THREADS"):
    os.environ[name] = "1"  # noqa: TID251 - before anything starts threads
warnings.simplefilter("ignore")

import cv2  # noqa: E402

from mobile_api.images import open_picture  # noqa: E402
from mobile_api.interfaces import MrzReader  # noqa: E402
from mobile_api.mrz import Mrz  # noqa: E402
from mobile_api.mrz_fusion import Shown, fuse  # noqa: E402
from tests.specimens import other_generator, phone_photo  # noqa: E402
from tests.specimens.documents import Document, invent_document  # noqa: E402

TODAY = date(2026, 11, 23)
TUNED = range(1_000)
FIRST_SEED = 50_000
READERS = ("mrz_fixed_pitch", "mrz_passporteye")
PICTURES = 3
DOCS = Path(__file__).parent.parent / "docs" / "proofing.md"
START, END = "<!-- report: zones -->", "<!-- end of report -->"
Photograph = Callable[[Document, int], bytes]


@dataclass(slots=True)
class Tally:
    """What came of one reader on one number of pictures."""

    count: int = 0
    key: int = 0
    whole: int = 0
    wrong: int = 0
    cpu: list[float] = field(default_factory=list)
    wall: list[float] = field(default_factory=list)

    def note(self, document: Document, mrz: Mrz | None) -> None:
        self.count += 1
        if mrz is None:
            return
        found = (mrz.number, mrz.birth_date.exact, mrz.expiry_date)
        self.key += found == document.key
        self.wrong += found != document.key
        self.whole += mrz.lines == document.lines

    def row(self, name: str) -> str:
        shares = (f"{100 * part / self.count:.1f} %" for part in (self.key, self.whole))
        times = (
            f"{median(values):.0f} / {_p95(values):.0f} ms"
            for values in (self.cpu, self.wall)
        )
        cells = (name, str(self.count), *shares, str(self.wrong), *times)
        return f"| {' | '.join(cells)} |"


def _p95(values: list[float]) -> float:
    return sorted(values)[int(len(values) * 0.95)]


def cpu_ms() -> float:
    """Return the CPU of this process and of tesseract, in milliseconds."""
    used = [
        resource.getrusage(who)
        for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    ]
    return sum(one.ru_utime + one.ru_stime for one in used) * 1000


def measure(
    reader: MrzReader, photograph: Photograph, seeds: range, until: float
) -> tuple[Tally, Tally]:
    """Return one picture each, and up to three of the same document."""
    single, several = Tally(), Tally()
    for seed in seeds:
        if time.monotonic() > until:
            break
        document = invent_document(seed)
        seen: list[Shown] = []
        cpu = wall = 0.0
        for shot in range(PICTURES):
            data = photograph(document, seed * 10 + shot)
            start, clock = cpu_ms(), time.perf_counter()
            reading = reader.read(open_picture(data), today=TODAY)
            lines = reading.lines if reading.mrz is None else reading.mrz.lines
            seen[:0] = [Shown(lines, reading.mrz is not None)] if lines else []
            fused = fuse(seen, today=TODAY)
            cpu += cpu_ms() - start
            wall += (time.perf_counter() - clock) * 1000
            if shot == 0:
                single.note(document, reading.mrz)
                single.cpu.append(cpu)
                single.wall.append(wall)
            if fused.mrz is not None:
                break
        several.note(document, fused.mrz)
        several.cpu.append(cpu)
        several.wall.append(wall)
    return single, several


def rows(arguments: argparse.Namespace) -> Iterator[str]:
    yield (
        "| reader, generator, pictures | n | key fields right | whole zone right"
        " | wrong accepted | CPU median / p95 | wall median / p95 |"
    )
    yield "|---|---|---|---|---|---|---|"
    for name in arguments.readers:
        module = import_module(f"mobile_api.engines.{name}")
        reader = module.create(environment="production")
        few = name != READERS[0]
        for label, photograph in GENERATORS.items():
            count = arguments.few if few or label != "main" else arguments.n
            if not count:
                continue
            seeds = range(arguments.seed_from, arguments.seed_from + count)
            until = time.monotonic() + arguments.minutes * 60
            single, several = measure(reader, photograph, seeds, until)
            yield single.row(f"{reader.engine.name}, {label}, one")
            yield several.row(f"{reader.engine.name}, {label}, up to three")


GENERATORS: dict[str, Photograph] = {
    "main": lambda document, seed: phone_photo.photograph(document.image, seed),
    "other": lambda document, seed: other_generator.photograph(document.lines, seed),
}


def main() -> None:
    """Print the table; with `--write`, put it into docs/proofing.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=200)
    parser.add_argument("--few", type=int, default=30)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--seed-from", type=int, default=FIRST_SEED)
    parser.add_argument("--readers", nargs="+", default=READERS)
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    if arguments.seed_from in TUNED:
        parser.error(f"seeds under {TUNED.stop} were used for tuning")
    cv2.setNumThreads(1)
    table: list[str] = []
    for row in rows(arguments):
        print(row, flush=True)
        table.append(row)
    if arguments.write:
        before, _, rest = DOCS.read_text(encoding="utf-8").partition(START)
        after = rest.partition(END)[2]
        text = f"{before}{START}\n" + "\n".join(table) + f"\n{END}{after}"
        DOCS.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
