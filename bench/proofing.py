"""CPU of reading a card and of comparing a face: `python -m bench.proofing [n]`.

Cards and photos are invented from seeds that no test uses. CPU counts this process
and the tesseract processes it starts, one thread each; wall time is not reported,
because it depends on who else is on the machine.
"""

import os
import resource
import statistics
import sys
import warnings
from datetime import date

os.environ["OMP_THREAD_LIMIT"] = "1"  # noqa: TID251 - before anything starts threads
warnings.simplefilter("ignore")

from mobile_api.engines import EngineNames, worker  # noqa: E402
from mobile_api.engines.document_jobs import read_document  # noqa: E402
from mobile_api.engines.face_jobs import compare_faces  # noqa: E402
from mobile_api.engines.loading import DisabledEngine  # noqa: E402
from mobile_api.images import open_picture  # noqa: E402
from tests.specimens import camera, faces  # noqa: E402
from tests.specimens.card import draw_card  # noqa: E402
from tests.specimens.persons import invent  # noqa: E402

FIRST_SEED = 9_000
TODAY = date(2026, 11, 23)


def cpu_ms() -> float:
    spent = 0.0
    for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN):
        used = resource.getrusage(who)
        spent += used.ru_utime + used.ru_stime
    return spent * 1000


def main(count: int) -> None:
    before = cpu_ms()
    worker.prepare(EngineNames())
    print(f"loading both engines: {cpu_ms() - before:.0f} ms CPU, once a worker")
    spent: dict[str, list[float]] = {"zone": [], "document": [], "compare": []}
    right = wrong = alike = 0
    for seed in range(FIRST_SEED, FIRST_SEED + count):
        person = invent(seed)
        photo = camera.jpeg(camera.photograph(draw_card(person), seed))
        selfie = camera.jpeg(faces.selfie(seed))
        start = cpu_ms()
        reader = worker.engines().mrz_reader
        assert not isinstance(reader, DisabledEngine), reader
        reader.read(open_picture(photo), today=TODAY)
        spent["zone"].append(cpu_ms() - start)
        start = cpu_ms()
        reading = read_document(photo, TODAY)
        spent["document"].append(cpu_ms() - start)
        assert not isinstance(reading, DisabledEngine)
        mrz = reading.zone.mrz
        if mrz is not None:
            key = (mrz.number, mrz.birth_date.exact, mrz.expiry_date)
            same = key == (person.number, person.birth_date, person.expiry_date)
            right, wrong = right + same, wrong + (not same)
        start = cpu_ms()
        seen = compare_faces(reading.portrait or photo, selfie)
        spent["compare"].append(cpu_ms() - start)
        assert not isinstance(seen, DisabledEngine)
        match = seen.similarity
        alike += match is not None and match.value >= match.threshold
    print(
        f"{count} photos: {right} read right, {wrong} read wrong, {alike} faces alike"
    )
    for name, values in spent.items():
        middle, most = statistics.median(values), max(values)
        print(f"{name}: median {middle:.0f} ms CPU, most {most:.0f} ms")
    print(f"resident: {worker.resident_bytes() >> 20} MiB")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 12)
