"""How often attacks pass and people fail: `python -m bench.liveness [n] [kinds…]`.

Films are drawn from seeds that no test uses and no threshold was set on. APCER of a
kind is the share of its films that are accepted without a person looking (ISO 30107-3
has the words; this was not tested to it), BPCER the share of films of a living head
that are refused; review is counted by itself. CPU is of one process, one thread.
"""

import os
import resource
import statistics
import sys
import warnings
from collections import Counter

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "OMP_THREAD_LIMIT"):
    os.environ[name] = "1"  # noqa: TID251 - before anything starts threads
warnings.simplefilter("ignore")

from mobile_api.engines import EngineNames, worker  # noqa: E402
from mobile_api.engines.liveness_jobs import measure_clip  # noqa: E402
from mobile_api.engines.loading import DisabledEngine  # noqa: E402
from mobile_api.liveness import evaluate  # noqa: E402
from mobile_api.liveness_limits import LivenessLimits, Verdict  # noqa: E402
from mobile_api.settings import load_settings  # noqa: E402
from tests.specimens import liveness_scenes as scenes  # noqa: E402

FIRST_SEED = 70_000


def cpu_ms() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return (used.ru_utime + used.ru_stime) * 1000


def tried(kind: str, seed: int) -> tuple[Verdict, list[str], float]:
    """Return the verdict on one film, the checks that failed, and the CPU."""
    script = scenes.scripted(seed)
    film = scenes.live if kind == "live" else scenes.ATTACKS[kind]
    data = scenes.clip(film(script, seed), quality=scenes.lens_of(seed).quality)
    start = cpu_ms()
    reading = measure_clip(data, script)
    assert not isinstance(reading, DisabledEngine), reading
    judged = evaluate(reading, script, LivenessLimits())
    failed = [one.name for one in judged.checks if one.verdict is Verdict.FAIL]
    return judged.verdict, failed, cpu_ms() - start


def main(count: int, kinds: list[str]) -> None:
    settings = load_settings()
    worker.prepare(
        EngineNames(
            mrz_reader="",
            face_matcher=settings.face_matcher,
            landmarks=settings.landmarks,
        )
    )
    print(
        "| films | n | accepted | review | refused | what refused most | CPU, median |"
    )
    print("|---|---|---|---|---|---|---|")
    for kind in kinds or ["live", *scenes.ATTACKS]:
        said, why, spent = Counter[Verdict](), Counter[str](), []
        for seed in range(FIRST_SEED, FIRST_SEED + count):
            verdict, failed, cpu = tried(kind, seed)
            said[verdict] += 1
            why.update(failed)
            spent.append(cpu)
        most = ", ".join(f"{name} {n}" for name, n in why.most_common(3))
        shares = (said[one] for one in (Verdict.PASS, Verdict.REVIEW, Verdict.FAIL))
        numbers = " | ".join(str(share) for share in shares)
        cpu = f"{statistics.median(spent):.0f} ms"
        print(f"| {kind} | {count} | {numbers} | {most} | {cpu} |", flush=True)
    print(f"resident: {worker.resident_bytes() >> 20} MiB")


if __name__ == "__main__":
    numbers = [int(word) for word in sys.argv[1:] if word.isdigit()]
    main(numbers[0] if numbers else 20, [w for w in sys.argv[1:] if not w.isdigit()])
